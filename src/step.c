#include "step.h"

#include <string.h>

#include <openssl/err.h>

#include "fail.h"
#include "table.h"

int step_done (lua_State *L) {
  queue_clear();
  lua_pushboolean(L, 1);
  return 1;
}

int step_wants (lua_State *L, const char *what) {
  lua_pushnil(L);
  lua_pushstring(L, what);
  return 2;
}

static int ended (lua_State *L, machine_Machine *m, const char *stage) {
  int was_open = m->state == MACHINE_OPEN;
  m->state = MACHINE_FAILED;
  return fail_code(L, stage, "unexpected_eof",
                   was_open ? "the connection ended without close_notify"
                            : "the peer hung up during the handshake");
}

static int closed (lua_State *L, machine_Machine *m, const char *stage) {
  m->got_close = 1;
  return fail_code(L, stage, "closed", "the peer closed the connection");
}

/* the first bytes go with an error of the handshake: Lua tells from them what
** else the peer may speak */
static int failed (lua_State *L, machine_Machine *m, const char *stage) {
  int results;
  m->state = MACHINE_FAILED;
  results = fail_tls(L, stage, m->context->is_server);
  if (m->wire.opening_len == 0 || SSL_is_init_finished(m->ssl)) return results;
  table_set_bytes(L, "opening", m->wire.opening, m->wire.opening_len);
  return results;
}

/* what reading would come to, with nothing read */
static ssl_Outcome look (machine_Machine *m) {
  char byte;
  size_t n;
  int result;
  queue_clear();
  result = SSL_peek_ex(m->ssl, &byte, 1, &n);
  return result == 1 ? SSL_OUTCOME_DONE : ssl_outcome(m->ssl, result);
}

/* OpenSSL 4 reads nothing any more after a write that failed, and says no why */
static int is_told (ssl_Outcome outcome) {
  return outcome == SSL_OUTCOME_FAILED && ERR_peek_error() != 0;
}

static int broke (lua_State *L, machine_Machine *m, const char *stage, int error) {
  if (error == 0) return ended(L, m, stage);
  m->state = MACHINE_FAILED;
  return fail_errno(L, stage, error, "the connection was lost");
}

static int error_of (const machine_Machine *m) {
  return m->wire.socket == NULL ? 0 : m->wire.socket->error;
}

int step_look (lua_State *L, machine_Machine *m) {
  ssl_Outcome outcome = look(m);
  if (is_told(outcome)) return failed(L, m, "write");
  if (outcome == SSL_OUTCOME_CUT) return ended(L, m, "write");
  return outcome == SSL_OUTCOME_SYSTEM ? broke(L, m, "write", error_of(m)) : 0;
}

/* a write that finds the connection cut may have been told why: the alert is
** still to be read */
int step_broke (lua_State *L, machine_Machine *m, const char *stage, int is_write) {
  int error = error_of(m);
  if (error != 0 && is_write && is_told(look(m))) return failed(L, m, stage);
  return broke(L, m, stage, error);
}

/* nil and what is wanted, or nil and an error */
int step_tell (lua_State *L, machine_Machine *m, ssl_Outcome outcome,
               const char *stage) {
  switch (outcome) {
  case SSL_OUTCOME_WANT_READ:
    return m->fed_eof ? ended(L, m, stage) : step_wants(L, "want_read");
  case SSL_OUTCOME_WANT_WRITE: return step_wants(L, "want_write");
  case SSL_OUTCOME_WANT_VERIFY: return step_wants(L, "want_verify");
  case SSL_OUTCOME_WANT_HELLO: return step_wants(L, "want_hello");
  case SSL_OUTCOME_CLOSED: return closed(L, m, stage);
  case SSL_OUTCOME_CUT: return ended(L, m, stage);
  case SSL_OUTCOME_SYSTEM: return step_broke(L, m, stage, strcmp(stage, "write") == 0);
  default: return failed(L, m, stage);
  }
}

/* nil, err where no step can be taken; 0 where one can, which then begins */
int step_refuse (lua_State *L, machine_Machine *m, const char *stage) {
  m->wire.allowance = SOCKET_BIO_ALLOWANCE;
  if (m->state == MACHINE_FAILED)
    return fail_code(L, stage, "closed", "the connection has already failed");
  if (m->wire.socket != NULL && m->wire.socket->fd < 0)
    return fail_code(L, stage, "closed", "the connection is closed");
  if (m->state == MACHINE_HANDSHAKING && strcmp(stage, "handshake") != 0)
    return fail_code(L, stage, "handshake_incomplete", "the handshake is not finished");
  return 0;
}
