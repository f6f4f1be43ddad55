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
#include "ssl_outcome.h"
#include "verdict.h"

#define FEED_LIMIT 262144 /* bytes fed and not digested, before it says "enough" */
#define RECORD 16384      /* RFC 8446 section 5.1 */
#define WEIGHT 24         /* KiB behind one engine, for Lua's collector to know */

enum { HANDSHAKING, OPEN, FAILED };

typedef struct Engine {
  SSL *ssl;
  context_Context *context;
  socket_bio_Wire wire;
  judge_Check check;
  unsigned char state;
  unsigned char fed_eof;
  unsigned char sent_close, got_close;
  unsigned char awaits_hook; /* a server that is done but for on_verify */
  int64_t received, sent;    /* plaintext, for info() */
  char *owed;                /* bytes accepted whose record is not on its way yet */
  size_t owed_len;
} Engine;

static void release_engine (void *obj) {
  Engine *e = obj;
  SSL_free(e->ssl);
  judge_end(&e->check);
  if (e->wire.socket != NULL) net_release(e->wire.socket);
  if (e->context != NULL) context_release(e->context);
  OPENSSL_clear_free(e->owed, e->owed_len);
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
  BIO *bio = socket_bio_new(&e->wire);
  if (bio == NULL) return 0;
  e->wire.socket = net_retain(socket);
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

/* one that only looks is not to show who it is */
static int prepare (Engine *e, net_Socket *socket) {
  e->ssl = context_new_ssl(e->context, &e->check);
  if (e->ssl == NULL) return 0;
  if (!(socket == NULL ? use_memory(e) : use_socket(e, socket))) return 0;
  if (e->context->is_server) SSL_set_accept_state(e->ssl);
  else SSL_set_connect_state(e->ssl);
  if (e->check.diagnose) SSL_certs_clear(e->ssl);
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
  if (e == NULL) return fail_memory(L);
  box->obj = e;
  e->context = context_retain(context);
  e->check.match_name = (unsigned char)lua_toboolean(L, 5);
  e->check.diagnose = (unsigned char)lua_toboolean(L, 6);
  fail_clear();
  if (!prepare(e, socket)) return fail(L, "config");
  if (name != NULL && !use_name(e->ssl, name)) return fail(L, "config");
  if (sni != NULL && !SSL_set_tlsext_host_name(e->ssl, sni)) return fail(L, "config");
  fail_clear();
  compat_gc_weight(L, WEIGHT);
  return 1;
}

static Engine *check_fresh (lua_State *L) {
  Engine *e = check_engine(L);
  luaL_argcheck(L, SSL_in_before(e->ssl), 1, "the handshake has begun");
  return e;
}

/* engine:abandon(): nothing is sent or read any more */
static int engine_abandon (lua_State *L) {
  check_engine(L)->state = FAILED;
  return 0;
}

/* engine:pins(digests, scope, is_expired, is_report): digests are 32 bytes each, end
** to end; before the handshake */
static int engine_pins (lua_State *L) {
  static const char *const scopes[] = { "chain", "leaf", "issuer", NULL };
  Engine *e = check_fresh(L);
  int len, scope = args_enum(L, 3, scopes);
  const char *digests = args_bytes(L, 2, &len);
  luaL_argcheck(L, len > 0 && len % PINSET_DIGEST == 0, 2,
                "digests of 32 bytes expected");
  e->check.pins_expired = (unsigned char)lua_toboolean(L, 4);
  e->check.pins_report = (unsigned char)lua_toboolean(L, 5);
  if (!pinset_set(&e->check.pins, digests, len / PINSET_DIGEST, scope))
    return fail_memory(L);
  return 0;
}

/* engine:time(seconds): at which certificates are judged; before the handshake */
static int engine_time (lua_State *L) {
  Engine *e = check_fresh(L);
  X509_VERIFY_PARAM_set_time(SSL_get0_param(e->ssl), (time_t)args_time(L, 2));
  return 0;
}

/* ---- what came of a step ---- */

static int wants (lua_State *L, const char *what) {
  lua_pushnil(L);
  lua_pushstring(L, what);
  return 2;
}

static int ended (lua_State *L, Engine *e, const char *stage) {
  e->state = FAILED;
  return fail_code(L, stage, "unexpected_eof",
                   "the connection ended without close_notify");
}

static int closed (lua_State *L, Engine *e, const char *stage) {
  e->got_close = 1;
  return fail_code(L, stage, "closed", "the peer closed the connection");
}

/* the first bytes go with an error of the handshake: Lua tells from them what
** else the peer may speak */
static int failed (lua_State *L, Engine *e, const char *stage) {
  int results;
  e->state = FAILED;
  results = fail_tls(L, stage, e->context->is_server);
  if (e->wire.opening_len == 0 || SSL_is_init_finished(e->ssl)) return results;
  lua_pushlstring(L, e->wire.opening, e->wire.opening_len);
  lua_setfield(L, -2, "opening");
  return results;
}

/* a write that finds the connection cut may have been told why: the alert is
** still to be read */
static int has_alert (Engine *e) {
  char byte;
  size_t n;
  int result;
  fail_clear();
  result = SSL_peek_ex(e->ssl, &byte, 1, &n);
  return result != 1 && ssl_outcome(e->ssl, result) == SSL_OUTCOME_FAILED;
}

static int broke (lua_State *L, Engine *e, const char *stage, int is_write) {
  int error = e->wire.socket == NULL ? 0 : e->wire.socket->error;
  if (error == 0) return ended(L, e, stage);
  if (is_write && has_alert(e)) return failed(L, e, stage);
  e->state = FAILED;
  return fail_errno(L, stage, error, "the connection broke");
}

/* nil and what is wanted, or nil and an error */
static int tell (lua_State *L, Engine *e, ssl_Outcome outcome, const char *stage) {
  switch (outcome) {
  case SSL_OUTCOME_WANT_READ:
    return e->fed_eof ? ended(L, e, stage) : wants(L, "want_read");
  case SSL_OUTCOME_WANT_WRITE: return wants(L, "want_write");
  case SSL_OUTCOME_WANT_VERIFY: return wants(L, "want_verify");
  case SSL_OUTCOME_WANT_HELLO: return wants(L, "want_hello");
  case SSL_OUTCOME_CLOSED: return closed(L, e, stage);
  case SSL_OUTCOME_CUT: return ended(L, e, stage);
  case SSL_OUTCOME_SYSTEM: return broke(L, e, stage, *stage == 'w');
  default: return failed(L, e, stage);
  }
}

/* nil, err where no step can be taken; 0 where one can */
static int refuse (lua_State *L, Engine *e, const char *stage) {
  if (e->state == FAILED)
    return fail_code(L, stage, "closed", "the connection failed before");
  if (e->wire.socket != NULL && e->wire.socket->fd < 0)
    return fail_code(L, stage, "closed", "the connection is closed");
  if (e->state == HANDSHAKING && *stage != 'h')
    return fail_code(L, stage, "handshake_incomplete", "the handshake is not done");
  return 0;
}

static int yes (lua_State *L) {
  fail_clear();
  lua_pushboolean(L, 1);
  return 1;
}

/* ---- the wire of an engine over memory ---- */

/* engine:feed(bytes) -> count accepted, less than all when it holds enough */
static int engine_feed (lua_State *L) {
  Engine *e = check_engine(L);
  int len;
  const char *bytes = args_bytes(L, 2, &len);
  size_t held, room;
  luaL_argcheck(L, e->wire.socket == NULL, 1, "an engine over a socket is not fed");
  held = BIO_ctrl_pending(SSL_get_rbio(e->ssl));
  room = held < FEED_LIMIT && !e->fed_eof ? FEED_LIMIT - held : 0;
  if ((size_t)len > room) len = (int)room;
  if (len > 0 && BIO_write(SSL_get_rbio(e->ssl), bytes, len) != len)
    return fail_memory(L);
  socket_bio_note(&e->wire, bytes, (size_t)len);
  lua_pushinteger(L, len);
  return 1;
}

/* engine:feed_eof() -> true: nothing more will come */
static int engine_feed_eof (lua_State *L) {
  check_engine(L)->fed_eof = 1;
  return yes(L);
}

/* engine:drain(max) -> bytes to send, "" when there are none; after a failure too:
** the alert is in them */
static int engine_drain (lua_State *L) {
  Engine *e = check_engine(L);
  int max = args_int(L, 2, 1, 0x7fffffff);
  char *data = NULL, *copy;
  long len;
  luaL_argcheck(L, e->wire.socket == NULL, 1, "an engine over a socket is not drained");
  len = BIO_get_mem_data(SSL_get_wbio(e->ssl), &data);
  if (len <= max) {
    lua_pushlstring(L, len > 0 ? data : "", len > 0 ? (size_t)len : 0);
    (void)BIO_reset(SSL_get_wbio(e->ssl));
    return 1;
  }
  copy = lua_newuserdata(L, (size_t)max);
  BIO_read(SSL_get_wbio(e->ssl), copy, max);
  lua_pushlstring(L, copy, (size_t)max);
  return 1;
}

/* ---- steps ---- */

/* a server asks its hook when the handshake is done and nothing was read yet */
static int opened (lua_State *L, Engine *e) {
  const judge_Check *check = &e->check;
  int asks = e->context->is_server && check->policy->has_hook &&
             SSL_get0_peer_certificate(e->ssl) != NULL;
  e->awaits_hook = asks && check->decision == JUDGE_UNDECIDED;
  if (e->awaits_hook) return wants(L, "want_verify");
  e->state = OPEN;
  return yes(L);
}

/* engine:handshake() -> true | nil, "want_read" | "want_write" | "want_verify" |
** nil, err */
static int engine_handshake (lua_State *L) {
  Engine *e = check_engine(L);
  int result;
  if (e->state == OPEN) return yes(L);
  if ((result = refuse(L, e, "handshake")) != 0) return result;
  if (e->awaits_hook) return opened(L, e);
  fail_clear();
  result = SSL_do_handshake(e->ssl);
  if (result != 1) return tell(L, e, ssl_outcome(e->ssl, result), "handshake");
  return opened(L, e);
}

/* engine:decide(is_accepted): what on_verify said, after "want_verify" */
static int engine_decide (lua_State *L) {
  Engine *e = check_engine(L);
  int accepts = lua_toboolean(L, 2);
  if (e->state != HANDSHAKING) return 0;
  e->check.decision = accepts ? JUDGE_ACCEPTED : JUDGE_VETOED;
  if (!accepts && e->awaits_hook) e->state = FAILED;
  return 0;
}

/* engine:read(max) -> bytes | nil, "want_read" | "want_write" | nil, err. The
** buffer is an upvalue: one a state, not one a connection */
static int engine_read (lua_State *L) {
  Engine *e = check_engine(L);
  size_t max = (size_t)args_int(L, 2, 1, RECORD), n;
  char *buffer = lua_touserdata(L, lua_upvalueindex(1));
  int result = refuse(L, e, "read");
  if (result != 0) return result;
  ERR_clear_error();
  result = SSL_read_ex(e->ssl, buffer, max, &n);
  if (result != 1) return tell(L, e, ssl_outcome(e->ssl, result), "read");
  e->received += (int64_t)n;
  lua_pushlstring(L, buffer, n);
  return 1;
}

/* writes as much as goes; the result of the last call, 1 when all went */
static int put (Engine *e, const char *bytes, size_t len, size_t *done) {
  int result = 1;
  size_t n;
  for (*done = 0; *done < len && result == 1; *done += n) {
    n = 0;
    ERR_clear_error();
    result = SSL_write_ex(e->ssl, bytes + *done, len - *done, &n);
  }
  return result;
}

/* a record that was begun has to be ended with the same bytes, whatever the caller
** does next: they are taken over. 0 when memory ran out */
static int take_over (Engine *e, const char *bytes, size_t len) {
  e->owed = OPENSSL_memdup(bytes, len);
  e->owed_len = e->owed == NULL ? 0 : len;
  if (e->owed == NULL) e->state = FAILED;
  return e->owed != NULL;
}

static int put_owed (Engine *e) {
  size_t done;
  int result = put(e, e->owed, e->owed_len, &done);
  if (result == 1) {
    OPENSSL_clear_free(e->owed, e->owed_len);
    e->owed = NULL;
    e->owed_len = 0;
  }
  if (result != 1 && done > 0) {
    memmove(e->owed, e->owed + done, e->owed_len - done);
    e->owed_len -= done;
  }
  return result;
}

/* count, and why not all of it */
static int wrote (lua_State *L, Engine *e, ssl_Outcome outcome, size_t count) {
  e->sent += (int64_t)count;
  lua_pushinteger(L, (lua_Integer)count);
  if (outcome == SSL_OUTCOME_DONE) return 1;
  tell(L, e, outcome, "write");
  lua_remove(L, -2);
  return 2;
}

static int is_suspended (ssl_Outcome outcome) {
  return outcome == SSL_OUTCOME_WANT_READ || outcome == SSL_OUTCOME_WANT_WRITE;
}

/* engine:write(bytes, from) -> count taken from `from` on (counted from 1), and
** nothing else when all of it is on its way | count, "want_read" | "want_write" |
** err: call again, with what was not taken or with nothing | nil, err */
static int engine_write (lua_State *L) {
  Engine *e = check_engine(L);
  int len, result;
  const char *bytes = args_bytes(L, 2, &len);
  size_t from = (size_t)args_int(L, 3, 1, len + 1) - 1, left = (size_t)len - from, done;
  ssl_Outcome outcome;
  if ((result = refuse(L, e, "write")) != 0) return result;
  if (e->sent_close || e->check.diagnose)
    return fail_code(L, "write", "closed", "the connection is closed for writing");
  if (e->owed != NULL && (result = put_owed(e)) != 1)
    return wrote(L, e, ssl_outcome(e->ssl, result), 0);
  result = put(e, bytes + from, left, &done);
  outcome = result == 1 ? SSL_OUTCOME_DONE : ssl_outcome(e->ssl, result);
  if (is_suspended(outcome)) {
    size_t chunk = left - done < RECORD ? left - done : RECORD;
    if (!take_over(e, bytes + from + done, chunk)) return fail_memory(L);
    done += chunk;
  }
  return wrote(L, e, outcome, done);
}

/* engine:shutdown() -> true: close_notify is on its way | nil, "want_write" | nil,
** err. Never waits for the peer's */
static int engine_shutdown (lua_State *L) {
  Engine *e = check_engine(L);
  int result;
  if (e->sent_close || e->state == FAILED) return yes(L);
  if ((result = refuse(L, e, "shutdown")) != 0) return result;
  if (e->owed != NULL && (result = put_owed(e)) != 1)
    return tell(L, e, ssl_outcome(e->ssl, result), "shutdown");
  fail_clear();
  result = SSL_shutdown(e->ssl);
  if (result < 0) return tell(L, e, ssl_outcome(e->ssl, result), "shutdown");
  e->sent_close = 1;
  return yes(L);
}

/* ---- what it knows ---- */

/* engine:state() -> "handshaking" "open" "closing" "closed" "failed" */
static int engine_state (lua_State *L) {
  static const char *const names[] = { "handshaking", "open", "failed" };
  const Engine *e = check_engine(L);
  const char *name = names[e->state];
  if (e->state == OPEN && (e->sent_close || e->got_close))
    name = e->sent_close && e->got_close ? "closed" : "closing";
  lua_pushstring(L, name);
  return 1;
}

/* engine:pending() -> decrypted bytes that wait, bytes fed and not digested,
** bytes to drain or owed */
static int engine_pending (lua_State *L) {
  Engine *e = check_engine(L);
  int is_memory = e->wire.socket == NULL;
  lua_pushinteger(L, SSL_pending(e->ssl));
  lua_pushinteger(L,
                  is_memory ? (lua_Integer)BIO_ctrl_pending(SSL_get_rbio(e->ssl)) : 0);
  lua_pushinteger(L, (lua_Integer)(is_memory ? BIO_ctrl_pending(SSL_get_wbio(e->ssl))
                                             : e->owed_len));
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

/* engine:pin_state() -> "match", place of the pin | "mismatch" | "expired" | nil */
static int engine_pin_state (lua_State *L) {
  static const char *const names[] = { NULL, "match", "mismatch", "expired" };
  const judge_Check *check = &check_engine(L)->check;
  if (check->pin_state == JUDGE_NO_PINS) return 0;
  lua_pushstring(L, names[check->pin_state]);
  if (check->pin_state != JUDGE_PIN_MATCH) return 1;
  lua_pushinteger(L, check->pin + 1);
  return 2;
}

/* engine:info() -> { version =, cipher =, group =, sigalg =, alpn =, sni =,
** resumed =, bytes_read =, bytes_written = }, as far as the handshake got */
static int engine_info (lua_State *L) {
  const Engine *e = check_engine(L);
  facts_push_info(L, e->ssl);
  compat_pushint64(L, e->received);
  lua_setfield(L, -2, "bytes_read");
  compat_pushint64(L, e->sent);
  lua_setfield(L, -2, "bytes_written");
  return 1;
}

/* engine:peer_chain() -> what the peer sent, leaf first | nil */
static int engine_peer_chain (lua_State *L) {
  return facts_push_peer_chain(L, check_engine(L)->ssl);
}

/* engine:verified_chain() -> leaf to anchor | nil */
static int engine_verified_chain (lua_State *L) {
  Engine *e = check_engine(L);
  if (e->check.chain == NULL) return 0;
  cert_push_chain(L, e->check.chain);
  return 1;
}

/* engine:was_asked() -> whether a server of TLS 1.2 asked for a certificate */
static int engine_was_asked (lua_State *L) {
  const unsigned char *types;
  lua_pushboolean(L, SSL_get0_certificate_types(check_engine(L)->ssl, &types) > 0);
  return 1;
}

/* engine:local_cert() -> cert | nil */
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
  int result = refuse(L, e, "read");
  if (result != 0) return result;
  out = lua_newuserdata(L, n);
  fail_clear();
  result = SSL_export_keying_material(e->ssl, out, n, label, label_len,
                                      (const unsigned char *)context, context_len,
                                      context != NULL);
  if (result != 1) return fail(L, "read");
  lua_pushlstring(L, (const char *)out, n);
  OPENSSL_cleanse(out, n);
  return 1;
}

static const luaL_Reg methods[] = {
  { "feed", engine_feed },
  { "feed_eof", engine_feed_eof },
  { "drain", engine_drain },
  { "handshake", engine_handshake },
  { "decide", engine_decide },
  { "abandon", engine_abandon },
  { "pins", engine_pins },
  { "time", engine_time },
  { "write", engine_write },
  { "shutdown", engine_shutdown },
  { "state", engine_state },
  { "pending", engine_pending },
  { "has_pending", engine_has_pending },
  { "verdict", engine_verdict },
  { "pin_state", engine_pin_state },
  { "info", engine_info },
  { "peer_chain", engine_peer_chain },
  { "verified_chain", engine_verified_chain },
  { "was_asked", engine_was_asked },
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
  lua_newuserdata(L, RECORD);
  lua_pushcclosure(L, engine_read, 1);
  lua_setfield(L, -2, "read");
  lua_setfield(L, -2, "methods");
  return 1;
}
