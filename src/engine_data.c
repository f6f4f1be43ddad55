#include "engine_data.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "fail.h"
#include "step.h"

/* engine:read(max) -> bytes | nil, "want_read" | "want_write" | nil, err */
static int engine_read (lua_State *L) {
  machine_Machine *m = machine_check(L);
  size_t max = (size_t)args_int(L, 2, 1, MACHINE_RECORD), n;
  char *buffer = lua_touserdata(L, lua_upvalueindex(1));
  int result = step_refuse(L, m, "read");
  if (result != 0) return result;
  queue_clear();
  result = SSL_read_ex(m->ssl, buffer, max, &n);
  if (result != 1) return step_tell(L, m, ssl_outcome(m->ssl, result), "read");
  m->received += (int64_t)n;
  lua_pushlstring(L, buffer, n);
  return 1;
}

/* -- writing -- */

/* count, and why not all of it */
static int wrote (lua_State *L, machine_Machine *m, ssl_Outcome outcome, size_t count) {
  m->sent += (int64_t)count;
  lua_pushinteger(L, (lua_Integer)count);
  if (outcome == SSL_OUTCOME_DONE) return 1;
  step_tell(L, m, outcome, "write");
  lua_remove(L, -2);
  return 2;
}

static int is_suspended (ssl_Outcome outcome) {
  return outcome == SSL_OUTCOME_WANT_READ || outcome == SSL_OUTCOME_WANT_WRITE;
}

/* nil, err where nothing can be written; 0 where it can. What was taken over before
** goes first: results of `wrote` where it does not all go */
static int refuse_write (lua_State *L, machine_Machine *m) {
  int result = step_refuse(L, m, "write");
  if (result != 0) return result;
  if (m->sent_close || m->check.diagnose)
    return fail_code(L, "write", "closed", "the connection is closed for writing");
  if (COMPAT_FAILED_WRITE_ENDS_READING && m->sent == 0 && !m->context->is_server &&
      (result = step_look(L, m)) != 0)
    return result;
  if (m->owed != NULL && (result = machine_put_owed(m)) != 1)
    return wrote(L, m, ssl_outcome(m->ssl, result), 0);
  return 0;
}

/* as much as goes, and a record more when it goes no further: that is taken over */
static ssl_Outcome put (lua_State *L, machine_Machine *m, const char *bytes, size_t len,
                        size_t *done) {
  int result = machine_put(m, bytes, len, done);
  ssl_Outcome outcome = result == 1 ? SSL_OUTCOME_DONE : ssl_outcome(m->ssl, result);
  size_t left = len - *done, chunk = left < MACHINE_RECORD ? left : MACHINE_RECORD;
  if (!is_suspended(outcome)) return outcome;
  if (!machine_take_over(m, bytes + *done, chunk)) fail_memory(L);
  *done += chunk;
  return outcome;
}

/* engine:write(bytes, from) -> count taken from `from` on (counted from 1), and
** nothing else when all of it is on its way | count, "want_read" | "want_write" |
** err: call again, with what was not taken or with nothing | nil, err */
static int engine_write (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int len, result;
  const char *bytes = args_bytes(L, 2, &len);
  size_t from = args_position(L, 3, (size_t)len), done;
  ssl_Outcome outcome;
  if ((result = refuse_write(L, m)) != 0) return result;
  outcome = put(L, m, bytes + from, (size_t)len - from, &done);
  return wrote(L, m, outcome, done);
}

/* -- a file -- */

/* as `wrote`, of bytes that a kernel which encrypts was to send after others */
static int wrote_by_kernel (lua_State *L, machine_Machine *m, size_t before, long n) {
  long total = (long)before + (n > 0 ? n : 0);
  queue_clear();
  m->sent += total;
  lua_pushinteger(L, (lua_Integer)total);
  if (n >= 0) return 1;
  if (net_would_block(m->wire.socket->error)) {
    lua_pushliteral(L, "want_write");
    return 2;
  }
  step_broke(L, m, "write", 1);
  lua_remove(L, -2);
  return 2;
}

typedef struct Sending {
  int file;
  off_t at, end; /* what is still to go of the file by way of the buffer */
  char *buffer;
  size_t held;  /* bytes of a head in the buffer */
  size_t taken; /* bytes on their way, of both */
} Sending;

/* the next piece, its head with it. 1; 0 where there is nothing more; -1 with errno */
static int put_piece (lua_State *L, machine_Machine *m, Sending *s,
                      ssl_Outcome *outcome) {
  size_t room = ENGINE_DATA_BUFFER - s->held, left = (size_t)(s->end - s->at), done;
  ssize_t got;
  if (s->held == 0 && left == 0) return 0;
  got = pread(s->file, s->buffer + s->held, left < room ? left : room, s->at);
  if (got <= 0 && s->held == 0) return (int)got;
  *outcome = put(L, m, s->buffer, s->held + (size_t)(got > 0 ? got : 0), &done);
  s->taken += done;
  s->at += (off_t)done - (off_t)s->held;
  s->held = 0;
  return 1;
}

/* count, and why the file could not be read */
static int unreadable (lua_State *L, machine_Machine *m, size_t count) {
  int error = errno;
  m->sent += (int64_t)count;
  lua_pushinteger(L, (lua_Integer)count);
  fail_errno(L, "load", error, "the file");
  lua_remove(L, -2);
  return 2;
}

/* engine:send_file(file, from, count, head) -> count taken of the head and then of the
** file, less than all only where it ends | count, "want_write" | err, as `write` says.
** `from` counts from 0; a head, of a record at most, goes into the first piece */
static int engine_send_file (lua_State *L) {
  machine_Machine *m = machine_check(L);
  FILE *file = compat_file(L, 2);
  off_t from = (off_t)args_time(L, 3), end = from + args_int(L, 4, 0, 0x7fffffff);
  int head_len, result, by_kernel = socket_bio_kernel_sends(&m->wire);
  const char *head = args_bytes(L, 5, &head_len);
  ssl_Outcome outcome = SSL_OUTCOME_DONE;
  Sending s = { -1, from, by_kernel ? from : end, NULL, (size_t)head_len, 0 };
  luaL_argcheck(L, file != NULL, 2, "a closed file");
  luaL_argcheck(L, head_len <= MACHINE_RECORD, 5, "too long");
  if ((result = refuse_write(L, m)) != 0) return result;
  s.file = fileno(file);
  s.buffer = memcpy(lua_touserdata(L, lua_upvalueindex(1)), head, s.held);
  do result = put_piece(L, m, &s, &outcome);
  while (result == 1 && outcome == SSL_OUTCOME_DONE);
  if (result < 0) return unreadable(L, m, s.taken);
  if (outcome != SSL_OUTCOME_DONE || !by_kernel) return wrote(L, m, outcome, s.taken);
  return wrote_by_kernel(
      L, m, s.taken,
      socket_bio_send_file(&m->wire, m->ssl, s.file, from, (size_t)(end - from)));
}

/* -- the end -- */

/* engine:shutdown() -> true: close_notify is on its way | nil, "want_write" | nil,
** err. Never waits for the peer's */
static int engine_shutdown (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int result;
  if (m->sent_close || m->state == MACHINE_FAILED) return step_done(L);
  if ((result = step_refuse(L, m, "shutdown")) != 0) return result;
  if (m->owed != NULL && (result = machine_put_owed(m)) != 1)
    return step_tell(L, m, ssl_outcome(m->ssl, result), "shutdown");
  queue_clear();
  result = SSL_shutdown(m->ssl);
  if (result < 0) return step_tell(L, m, ssl_outcome(m->ssl, result), "shutdown");
  m->sent_close = 1;
  return step_done(L);
}

const luaL_Reg engine_data[] = {
  { "read", engine_read },
  { "write", engine_write },
  { "send_file", engine_send_file },
  { "shutdown", engine_shutdown },
  { NULL, NULL },
};
