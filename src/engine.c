#include "engine.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "args.h"
#include "cert.h"
#include "context.h"
#include "facts.h"
#include "fail.h"
#include "socket_bio.h"
#include "verdict.h"

#define FEED_LIMIT                                                                     \
  262144              /* undigested bytes an engine takes before it says "enough"      \
                       */
#define SCRATCH 16384 /* one record; one buffer a state, not one a connection */
#define OPENING 16    /* first bytes of the peer, to tell what is no TLS */

enum { HANDSHAKING, OPEN, CLOSING, CLOSED, FAILED };
static const char *const states[] = { "handshaking", "open", "closing", "closed",
                                      "failed" };

typedef struct Engine {
  SSL *ssl;
  context_Context *context;
  net_Socket *socket; /* NULL over memory */
  judge_Check check;
  int state;
  int fed_eof;
  size_t opening_len;
  char opening[OPENING];
} Engine;

static void release_engine (void *obj) {
  Engine *e = obj;
  SSL_free(e->ssl);
  judge_clear(&e->check);
  if (e->socket != NULL) net_release(e->socket);
  if (e->context != NULL) context_release(e->context);
  OPENSSL_free(e);
}

static const own_Type engine_type = { "lacre.core.engine", release_engine };

static Engine *check_engine (lua_State *L) {
  return own_check(L, 1, &engine_type);
}

/* ---- making one ---- */

static int use_memory (Engine *e) {
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  if (in == NULL || out == NULL) {
    BIO_free(in);
    BIO_free(out);
    return 0;
  }
  BIO_set_mem_eof_return(in, -1);
  SSL_set_bio(e->ssl, in, out);
  return 1;
}

static int use_socket (Engine *e, net_Socket *socket) {
  BIO *bio = socket_bio_new(socket);
  if (bio == NULL) return 0;
  e->socket = net_retain(socket);
  SSL_set_bio(e->ssl, bio, bio);
  return 1;
}

/* RFC 9525 section 6: an IP address is an iPAddress, anything else a DNS name */
static int use_name (SSL *ssl, const char *name) {
  X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, name)) return 1;
  ERR_clear_error();
  return X509_VERIFY_PARAM_set1_host(param, name, 0);
}

static int prepare (Engine *e, net_Socket *socket) {
  e->ssl = context_new_ssl(e->context, &e->check);
  if (e->ssl == NULL) return 0;
  if (!(socket == NULL ? use_memory(e) : use_socket(e, socket))) return 0;
  if (e->context->is_server) SSL_set_accept_state(e->ssl);
  else SSL_set_connect_state(e->ssl);
  return 1;
}

/* new(context, socket or nil, name or nil, sni or nil, match_name, diagnose) ->
** engine | nil, err */
static int engine_new (lua_State *L) {
  context_Context *context = context_check(L, 1);
  net_Socket *socket = lua_isnoneornil(L, 2) ? NULL : net_check(L, 2);
  const char *name = args_opt_text(L, 3, NULL), *sni = args_opt_text(L, 4, NULL);
  own_Box *box = own_new(L, &engine_type);
  Engine *e = OPENSSL_zalloc(sizeof *e);
  if (e == NULL) return luaL_error(L, "not enough memory");
  box->obj = e;
  e->context = context_retain(context);
  e->check.match_name = lua_toboolean(L, 5);
  e->check.diagnose = lua_toboolean(L, 6);
  fail_clear();
  if (!prepare(e, socket)) return fail(L, "config");
  if (name != NULL && !use_name(e->ssl, name)) return fail(L, "config");
  if (sni != NULL && !SSL_set_tlsext_host_name(e->ssl, sni)) return fail(L, "config");
  return 1;
}

/* ---- one step and its outcome ---- */

static int would_block (lua_State *L, int is_write) {
  lua_pushnil(L);
  if (is_write) lua_pushliteral(L, "want_write");
  else lua_pushliteral(L, "want_read");
  return 2;
}

static void note_opening (Engine *e, const char *bytes, size_t len) {
  size_t room = OPENING - e->opening_len, n = len < room ? len : room;
  memcpy(e->opening + e->opening_len, bytes, n);
  e->opening_len += n;
}

static int ended (lua_State *L, Engine *e, const char *stage) {
  e->state = FAILED;
  return fail_code(L, stage, "unexpected_eof",
                   "the connection ended without close_notify");
}

static int broke (lua_State *L, Engine *e, const char *stage) {
  int error = e->socket == NULL ? 0 : e->socket->error;
  if (error == 0) return ended(L, e, stage);
  e->state = FAILED;
  return fail_errno(L, stage, error, "the connection broke");
}

/* the first bytes go with an error of the handshake: they may tell an HTTP or
** SSH server from a TLS one */
static int failed (lua_State *L, Engine *e, const char *stage) {
  int results;
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return ended(L, e, stage);
  e->state = FAILED;
  results = fail_tls(L, stage, e->context->is_server);
  if (e->opening_len > 0) {
    lua_pushlstring(L, e->opening, e->opening_len);
    lua_setfield(L, -2, "opening");
  }
  return results;
}

/* what SSL_get_error says of a call that did not succeed; in one place */
static int outcome (lua_State *L, Engine *e, int result, const char *stage) {
  switch (SSL_get_error(e->ssl, result)) {
  case SSL_ERROR_WANT_READ: return e->fed_eof ? ended(L, e, stage) : would_block(L, 0);
  case SSL_ERROR_WANT_WRITE: return would_block(L, 1);
  case SSL_ERROR_ZERO_RETURN:
    e->state = e->state == CLOSING ? CLOSED : e->state;
    return fail_code(L, stage, "closed", "the peer closed the connection");
  case SSL_ERROR_SYSCALL: return broke(L, e, stage);
  default: return failed(L, e, stage);
  }
}

static int dead (lua_State *L, Engine *e, const char *stage) {
  if (e->state == FAILED)
    return fail_code(L, stage, "closed", "the connection failed before");
  if (e->socket != NULL && e->socket->fd < 0)
    return fail_code(L, stage, "closed", "the connection is closed");
  return 0;
}

/* ---- methods ---- */

/* engine:feed(bytes) -> count accepted, less than all when it holds enough */
static int engine_feed (lua_State *L) {
  Engine *e = check_engine(L);
  int len;
  const char *bytes = args_bytes(L, 2, &len);
  size_t held, room;
  luaL_argcheck(L, e->socket == NULL, 1, "an engine over a socket is not fed");
  held = BIO_ctrl_pending(SSL_get_rbio(e->ssl));
  room = held < FEED_LIMIT ? FEED_LIMIT - held : 0;
  if ((size_t)len > room) len = (int)room;
  if (len > 0 && BIO_write(SSL_get_rbio(e->ssl), bytes, len) != len)
    return luaL_error(L, "not enough memory");
  if (e->opening_len < OPENING) note_opening(e, bytes, (size_t)len);
  lua_pushinteger(L, len);
  return 1;
}

/* engine:feed_eof() -> true: nothing more will come */
static int engine_feed_eof (lua_State *L) {
  check_engine(L)->fed_eof = 1;
  lua_pushboolean(L, 1);
  return 1;
}

/* engine:drain() -> bytes to send, "" when there are none; after a failure too:
** the alert is in them */
static int engine_drain (lua_State *L) {
  Engine *e = check_engine(L);
  char *data = NULL;
  long len;
  luaL_argcheck(L, e->socket == NULL, 1, "an engine over a socket is not drained");
  len = BIO_get_mem_data(SSL_get_wbio(e->ssl), &data);
  lua_pushlstring(L, len > 0 ? data : "", len > 0 ? (size_t)len : 0);
  (void)BIO_reset(SSL_get_wbio(e->ssl));
  return 1;
}

/* engine:handshake() -> true | nil, "want_read" | "want_write" | nil, err */
static int engine_handshake (lua_State *L) {
  Engine *e = check_engine(L);
  int result;
  if (e->state == OPEN || e->state == CLOSING) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if ((result = dead(L, e, "handshake")) != 0) return result;
  fail_clear();
  result = SSL_do_handshake(e->ssl);
  if (result != 1) return outcome(L, e, result, "handshake");
  e->state = OPEN;
  lua_pushboolean(L, 1);
  return 1;
}

static int too_early (lua_State *L, const char *stage) {
  return fail_code(L, stage, "handshake_incomplete", "the handshake is not done");
}

/* engine:read(max) -> bytes | nil, "want_read" | "want_write" | nil, err */
static int engine_read (lua_State *L) {
  Engine *e = check_engine(L);
  size_t max = (size_t)args_int(L, 2, 1, SCRATCH), n;
  char *buffer = lua_touserdata(L, lua_upvalueindex(1));
  int result;
  if (e->state == HANDSHAKING) return too_early(L, "read");
  if ((result = dead(L, e, "read")) != 0) return result;
  fail_clear();
  result = SSL_read_ex(e->ssl, buffer, max, &n);
  if (result != 1) return outcome(L, e, result, "read");
  lua_pushlstring(L, buffer, n);
  return 1;
}

/* engine:write(bytes, from) -> count taken from `from` on (counted from 1) | count,
** "want_read" | "want_write" | err: why not all of it */
static int engine_write (lua_State *L) {
  Engine *e = check_engine(L);
  int len, result = 1;
  const char *bytes = args_bytes(L, 2, &len);
  size_t from = (size_t)args_int(L, 3, 1, len + 1) - 1, start = from, n;
  if (e->state == HANDSHAKING || e->check.diagnose) return too_early(L, "write");
  if (e->state != OPEN)
    return fail_code(L, "write", "closed", "the connection is closed for writing");
  if ((result = dead(L, e, "write")) != 0) return result;
  fail_clear();
  for (result = 1; from < (size_t)len; from += n) {
    result = SSL_write_ex(e->ssl, bytes + from, (size_t)len - from, &n);
    if (result != 1) break;
  }
  if (result != 1) {
    outcome(L, e, result, "write");
    lua_remove(L, -2); /* the count stands where the nil was */
  }
  lua_pushinteger(L, (lua_Integer)(from - start));
  if (result == 1) return 1;
  lua_insert(L, -2);
  return 2;
}

/* engine:shutdown() -> true: close_notify is on its way | nil, "want_write" | nil,
** err. Never waits for the peer's */
static int engine_shutdown (lua_State *L) {
  Engine *e = check_engine(L);
  int result;
  if (e->state == OPEN) {
    fail_clear();
    result = SSL_shutdown(e->ssl);
    if (result < 0) return outcome(L, e, result, "shutdown");
    e->state = result == 1 ? CLOSED : CLOSING;
  }
  fail_clear();
  lua_pushboolean(L, 1);
  return 1;
}

/* engine:state() -> "handshaking" "open" "closing" "closed" "failed" */
static int engine_state (lua_State *L) {
  lua_pushstring(L, states[check_engine(L)->state]);
  return 1;
}

/* engine:pending() -> decrypted bytes that wait, bytes fed and not digested,
** bytes to drain */
static int engine_pending (lua_State *L) {
  Engine *e = check_engine(L);
  lua_pushinteger(L, SSL_pending(e->ssl));
  lua_pushinteger(L, (lua_Integer)BIO_ctrl_pending(SSL_get_rbio(e->ssl)));
  lua_pushinteger(L, (lua_Integer)BIO_ctrl_wpending(SSL_get_wbio(e->ssl)));
  return 3;
}

/* engine:has_pending() -> whether a read may succeed without the wire */
static int engine_has_pending (lua_State *L) {
  lua_pushboolean(L, SSL_has_pending(check_engine(L)->ssl));
  return 1;
}

/* engine:verdict() -> findings of the peer's certificate, and the chain as it was
** presented | nil when nothing was wrong */
static int engine_verdict (lua_State *L) {
  Engine *e = check_engine(L);
  if (e->check.verdict == NULL) return 0;
  verdict_push(L, e->check.verdict);
  cert_push_chain(L, e->check.presented);
  return 2;
}

/* ---- facts about the connection ---- */

/* engine:info() -> { version =, cipher =, group =, sigalg =, alpn =, sni =,
** resumed = }, as far as the handshake got */
static int engine_info (lua_State *L) {
  facts_push_info(L, check_engine(L)->ssl);
  return 1;
}

/* engine:peer_cert() -> cert | nil */
static int engine_peer_cert (lua_State *L) {
  X509 *cert = SSL_get0_peer_certificate(check_engine(L)->ssl);
  if (cert == NULL) return 0;
  cert_push(L, cert);
  return 1;
}

/* engine:peer_chain() -> what the peer sent, leaf first | nil */
static int engine_peer_chain (lua_State *L) {
  return facts_push_peer_chain(L, check_engine(L)->ssl);
}

/* engine:verified_chain() -> leaf to anchor | nil */
static int engine_verified_chain (lua_State *L) {
  Engine *e = check_engine(L);
  STACK_OF(X509) *chain = SSL_get0_verified_chain(e->ssl);
  if (chain == NULL || e->check.verdict != NULL) return 0;
  if (e->context->policy.pins_only || e->context->policy.accept_any) return 0;
  cert_push_chain(L, chain);
  return 1;
}

/* engine:local_cert() -> cert | nil; counted, as everything that is pushed */
static int engine_local_cert (lua_State *L) {
  X509 *cert = SSL_get_certificate(check_engine(L)->ssl);
  if (cert == NULL) return 0;
  cert_push(L, cert);
  return 1;
}

/* engine:export(label, length, context or nil) -> bytes | nil, err; RFC 5705 and
** RFC 8446 section 7.5 */
static int engine_export (lua_State *L) {
  Engine *e = check_engine(L);
  size_t label_len, context_len = 0, n = (size_t)args_int(L, 3, 1, 4096);
  const char *label = luaL_checklstring(L, 2, &label_len);
  const char *context = luaL_optlstring(L, 4, NULL, &context_len);
  unsigned char *out;
  if (e->state == HANDSHAKING) return too_early(L, "read");
  out = lua_newuserdata(L, n);
  fail_clear();
  if (SSL_export_keying_material(e->ssl, out, n, label, label_len,
                                 (const unsigned char *)context, context_len,
                                 context != NULL) != 1)
    return fail(L, "read");
  lua_pushlstring(L, (const char *)out, n);
  OPENSSL_cleanse(out, n);
  return 1;
}

static const luaL_Reg methods[] = {
  { "feed", engine_feed },
  { "feed_eof", engine_feed_eof },
  { "drain", engine_drain },
  { "handshake", engine_handshake },
  { "write", engine_write },
  { "shutdown", engine_shutdown },
  { "state", engine_state },
  { "pending", engine_pending },
  { "has_pending", engine_has_pending },
  { "verdict", engine_verdict },
  { "info", engine_info },
  { "peer_cert", engine_peer_cert },
  { "peer_chain", engine_peer_chain },
  { "verified_chain", engine_verified_chain },
  { "local_cert", engine_local_cert },
  { "export", engine_export },
  { "close", own_method_close },
  { NULL, NULL },
};

int engine_open (lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, engine_new);
  lua_setfield(L, -2, "new");
  own_type(L, &engine_type, NULL, methods);
  lua_newuserdata(L, SCRATCH);
  lua_pushcclosure(L, engine_read, 1);
  lua_setfield(L, -2, "read");
  lua_setfield(L, -2, "methods");
  return 1;
}
