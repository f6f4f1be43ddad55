#include "fail.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "queue.h"
#include "table.h"

#define ENTRIES 16 /* OpenSSL keeps no more */

/* the queue, copied out before Lua (which may raise) is called */
typedef struct Queue {
  int n;
  struct {
    unsigned long code;
    char data[128];
  } entry[ENTRIES];
} Queue;

static void drain (Queue *q) {
  const char *data;
  int flags;
  unsigned long code;
  q->n = 0;
  while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
    if (q->n == ENTRIES) continue;
    q->entry[q->n].code = code;
    snprintf(q->entry[q->n].data, sizeof q->entry[q->n].data, "%s",
             (flags & ERR_TXT_STRING) && data != NULL ? data : "");
    q->n++;
  }
}

static const char *reason_text (unsigned long code) {
  const char *text = ERR_reason_error_string(code);
  return text == NULL ? "unknown error" : text;
}

void fail_push (lua_State *L, const char *stage, const char *library,
                const codes_Row *row, int number, const char *message) {
  lua_createtable(L, 0, 8);
  table_set_text(L, "code", row->code);
  table_set_text(L, "message", message);
  table_set_text(L, "stage", stage);
  table_set_text(L, "library", library);
  table_set_text(L, "reason", row->reason);
  if (number != 0) {
    table_set_integer(L, "number", number);
  }
  luaL_getmetatable(L, FAIL_ERROR);
  lua_setmetatable(L, -2);
}

/* nil goes below the error that was pushed */
static int results (lua_State *L) {
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

int fail_code (lua_State *L, const char *stage, const char *code, const char *fmt,
               ...) {
  char message[512];
  codes_Row row = { 0, NULL, code };
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  queue_clear();
  fail_push(L, stage, "lacre", &row, 0, message);
  return results(L);
}

int fail_errno (lua_State *L, const char *stage, int number, const char *what) {
  char message[512];
  snprintf(message, sizeof message, "%s: %s", what, strerror(number));
  queue_clear();
  fail_push(L, stage, "os", codes_errno(number), number, message);
  return results(L);
}

/* the reason's symbol, from its text where no row has it: OpenSSL's texts are
** their symbols in lower case */
static const char *symbol (char *buffer, size_t size, unsigned long code,
                           const codes_Row *row) {
  const char *prefix = ERR_GET_LIB(code) == ERR_LIB_SSL ? "SSL_R_" : "";
  char *p;
  if (row != NULL && row->reason != NULL) return row->reason;
  snprintf(buffer, size, "%s%s", prefix, reason_text(code));
  for (p = buffer; *p != '\0'; p++)
    *p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
  return buffer;
}

static const char *library_name (unsigned long code) {
  switch (ERR_GET_LIB(code)) {
  case ERR_LIB_SSL: return "tls";
  case ERR_LIB_X509: return "x509";
  case ERR_LIB_SYS: return "os";
  default: return "openssl";
  }
}

/* "library: reason (data)", for the list of everything OpenSSL said */
static void push_entry (lua_State *L, const Queue *q, int i) {
  const char *library = ERR_lib_error_string(q->entry[i].code);
  const char *data = q->entry[i].data;
  lua_pushfstring(L, "%s: %s%s%s%s", library == NULL ? "unknown library" : library,
                  reason_text(q->entry[i].code), *data ? " (" : "", data,
                  *data ? ")" : "");
}

static void set_entries (lua_State *L, const Queue *q) {
  int i;
  lua_createtable(L, q->n, 0);
  for (i = 0; i < q->n; i++) {
    push_entry(L, q, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "openssl");
}

int fail_memory (lua_State *L) {
  queue_clear();
  luaL_error(L, "not enough memory");
  abort(); /* never reached: luaL_error does not return */
}

static void refuse_out_of_memory (lua_State *L, const Queue *q) {
  int i;
  for (i = 0; i < q->n; i++)
    if (ERR_GET_REASON(q->entry[i].code) == ERR_R_MALLOC_FAILURE) fail_memory(L);
}

/* the oldest entry that some row rules: the root of the matter is said first */
static int find_entry (const Queue *q, const codes_Row **row) {
  int i;
  for (i = 0; i < q->n; i++) {
    unsigned long code = q->entry[i].code;
    *row = ERR_SYSTEM_ERROR(code)
               ? codes_errno(ERR_GET_REASON(code))
               : codes_openssl(ERR_GET_LIB(code), ERR_GET_REASON(code));
    if (*row != NULL) return i;
  }
  return 0;
}

static void push_queue (lua_State *L, const char *stage, const Queue *q) {
  static const codes_Row unexplained = { 0, NULL, "internal_error" };
  const codes_Row *row = NULL;
  codes_Row found;
  char reason[128];
  int i = find_entry(q, &row);
  if (q->n == 0) {
    fail_push(L, stage, "openssl", &unexplained, 0, "OpenSSL failed without a reason");
    return;
  }
  found.number = ERR_GET_REASON(q->entry[i].code);
  found.code = row == NULL ? unexplained.code : row->code;
  found.reason = symbol(reason, sizeof reason, q->entry[i].code, row);
  fail_push(L, stage, library_name(q->entry[i].code), &found, found.number,
            reason_text(q->entry[i].code));
  set_entries(L, q);
}

void fail_if_memory (lua_State *L) {
  Queue q;
  drain(&q);
  refuse_out_of_memory(L, &q);
}

int fail (lua_State *L, const char *stage) {
  Queue q;
  drain(&q);
  refuse_out_of_memory(L, &q);
  push_queue(L, stage, &q);
  return results(L);
}

int fail_result (lua_State *L, const char *stage, int is_done) {
  if (!is_done) return fail(L, stage);
  queue_clear();
  lua_pushboolean(L, 1);
  return 1;
}

/* OpenSSL reports an alert of the peer as a reason of 1000 and the alert, with its
** number; some of these reasons it also gives itself, without */
static const codes_Alert *find_alert (const Queue *q) {
  static const char received[] = "SSL alert number";
  int i;
  for (i = 0; i < q->n; i++) {
    int reason = ERR_GET_REASON(q->entry[i].code);
    if (ERR_GET_LIB(q->entry[i].code) == ERR_LIB_SSL &&
        strncmp(q->entry[i].data, received, sizeof received - 1) == 0 &&
        reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
      return codes_alert(reason - SSL_AD_REASON_OFFSET);
  }
  return NULL;
}

int fail_tls (lua_State *L, const char *stage, int is_server) {
  Queue q;
  const codes_Alert *alert;
  drain(&q);
  refuse_out_of_memory(L, &q);
  push_queue(L, stage, &q);
  alert = find_alert(&q);
  if (alert != NULL) {
    table_set_text(L, "code", is_server ? alert->at_server : alert->at_client);
    table_set_text(L, "alert", alert->name);
    table_set_text(L, "alert_from", "peer");
    lua_pushfstring(L, "the peer ended the connection with the alert %s", alert->name);
    lua_setfield(L, -2, "message");
  }
  return results(L);
}

int fail_open (lua_State *L) {
  luaL_newmetatable(L, FAIL_ERROR);
  return 1;
}
