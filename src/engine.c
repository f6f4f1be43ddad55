#include "engine.h"

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "args.h"
#include "engine_data.h"
#include "engine_facts.h"
#include "engine_hooks.h"
#include "fail.h"
#include "step.h"

#define FEED_LIMIT 262144 /* bytes fed and not digested, before it says "enough" */
#define WEIGHT 24         /* KiB behind one engine, for Lua's collector to know */
#define LEAST_MARK 64     /* engines that may be alive before it is told */

/* -- making one -- */

/* whoever closes what it opens never comes to the mark, and pays nothing */
static void weigh (lua_State *L) {
  static int mark = LEAST_MARK;
  int alive = machine_alive();
  if (alive <= mark || !compat_gc_weight(L, WEIGHT)) return;
  alive = machine_alive();
  mark = alive < LEAST_MARK / 2 ? LEAST_MARK : 2 * alive;
}

/* engine.new(context, socket or nil, name or nil, sni or nil, match_name, diagnose) ->
** engine | nil, err */
static int engine_new (lua_State *L) {
  context_Context *context = context_check(L, 1);
  net_Socket *socket = lua_isnoneornil(L, 2) ? NULL : net_check(L, 2);
  const char *name = args_opt_text(L, 3, NULL), *sni = args_opt_text(L, 4, NULL);
  own_Box *box;
  machine_Machine *m;
  lua_settop(L, 6);
  box = own_new(L, &machine_type);
  m = box->obj = machine_new();
  if (m == NULL) return fail_memory(L);
  m->context = context_retain(context);
  m->check.match_name = (unsigned char)lua_toboolean(L, 5);
  m->check.diagnose = (unsigned char)(lua_toboolean(L, 6) || context->only_looks);
  queue_clear();
  if (!machine_start(m, socket)) return fail(L, "config");
  if (name != NULL && !machine_name(m, name)) return fail(L, "config");
  if (sni != NULL && !SSL_set_tlsext_host_name(m->ssl, sni)) return fail(L, "config");
  queue_clear();
  weigh(L);
  return 1;
}

static machine_Machine *check_fresh (lua_State *L) {
  machine_Machine *m = machine_check(L);
  luaL_argcheck(L, SSL_in_before(m->ssl), 1, "the handshake has already begun");
  return m;
}

/* engine:abandon(): nothing is sent or read any more */
static int engine_abandon (lua_State *L) {
  machine_check(L)->state = MACHINE_FAILED;
  return 0;
}

/* engine:pins(digests, scope, is_expired, is_report): digests are 32 bytes each, end
** to end; before the handshake */
static int engine_pins (lua_State *L) {
  static const char *const scopes[] = { "chain", "leaf", "issuer", NULL };
  machine_Machine *m = check_fresh(L);
  int len, scope = args_enum(L, 3, scopes);
  const char *digests = args_bytes(L, 2, &len);
  luaL_argcheck(L, len > 0 && len % PINSET_DIGEST == 0, 2,
                "digests of 32 bytes expected");
  m->check.pins_expired = (unsigned char)lua_toboolean(L, 4);
  m->check.pins_report = (unsigned char)lua_toboolean(L, 5);
  if (!pinset_set(&m->check.pins, digests, len / PINSET_DIGEST, scope))
    return fail_memory(L);
  return 0;
}

/* engine:session(key): resumes a session of this key, if there is one that would be
** accepted, and keeps new ones under it; before the handshake */
static int engine_session (lua_State *L) {
  machine_Machine *m = check_fresh(L);
  const char *key = args_text(L, 2);
  if (m->context->sessions.limit == 0 || m->check.diagnose) return 0;
  OPENSSL_free(m->link.session_key);
  m->link.session_key = OPENSSL_strdup(key);
  if (m->link.session_key == NULL) return fail_memory(L);
  session_offer(m->ssl, &m->context->sessions, &m->link, &m->check);
  queue_clear();
  return 0;
}

/* engine:time(seconds): at which certificates are judged; before the handshake */
static int engine_time (lua_State *L) {
  machine_Machine *m = check_fresh(L);
  X509_VERIFY_PARAM_set_time(SSL_get0_param(m->ssl), args_time_t(L, 2));
  return 0;
}

/* -- the wire of an engine over memory -- */

/* engine:feed(bytes) -> count accepted, less than all when it holds enough */
static int engine_feed (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int len;
  const char *bytes = args_bytes(L, 2, &len);
  size_t held, room;
  luaL_argcheck(L, m->wire.socket == NULL, 1, "an engine over a socket is not fed");
  held = BIO_ctrl_pending(SSL_get_rbio(m->ssl));
  room = held < FEED_LIMIT && !m->fed_eof ? FEED_LIMIT - held : 0;
  if ((size_t)len > room) len = (int)room;
  if (len > 0 && BIO_write(SSL_get_rbio(m->ssl), bytes, len) != len)
    return fail_memory(L);
  socket_bio_note(&m->wire, bytes, (size_t)len);
  lua_pushinteger(L, len);
  return 1;
}

/* engine:feed_eof() -> true: nothing more will come */
static int engine_feed_eof (lua_State *L) {
  machine_check(L)->fed_eof = 1;
  return step_done(L);
}

/* engine:drain(max) -> bytes to send, "" when there are none; after a failure too:
** the alert is in them */
static int engine_drain (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int max = args_int(L, 2, 1, 0x7fffffff);
  char *data = NULL, *copy;
  long len;
  luaL_argcheck(L, m->wire.socket == NULL, 1, "an engine over a socket is not drained");
  len = BIO_get_mem_data(SSL_get_wbio(m->ssl), &data);
  if (len <= max) {
    lua_pushlstring(L, len > 0 ? data : "", len > 0 ? (size_t)len : 0);
    (void)BIO_reset(SSL_get_wbio(m->ssl));
    return 1;
  }
  copy = lua_newuserdata(L, (size_t)max);
  BIO_read(SSL_get_wbio(m->ssl), copy, max);
  lua_pushlstring(L, copy, (size_t)max);
  return 1;
}

/* -- the handshake -- */

/* what is left when OpenSSL has done its part. A resumed session shows no
** certificate: a server judges the one it was shown when the session began, and the
** hooks are asked again */
static int opened (lua_State *L, machine_Machine *m) {
  const judge_Check *check = &m->check;
  int is_server = m->context->is_server, resumed = SSL_session_reused(m->ssl);
  int has_cert = SSL_get0_peer_certificate(m->ssl) != NULL;
  if (is_server && resumed && has_cert && check->decision == JUDGE_UNDECIDED &&
      !session_judge(m->ssl, SSL_get_session(m->ssl), &m->check)) {
    m->state = MACHINE_FAILED;
    return fail_code(L, "verify", "cert_invalid",
                     "the certificate of the resumed session was rejected");
  }
  if (!is_server && !has_cert && !check->diagnose) {
    m->state = MACHINE_FAILED;
    return fail_code(L, "verify", "cert_invalid", "the server sent no certificate");
  }
  m->awaits_hook = check->policy->has_hook && (is_server ? has_cert : resumed) &&
                   check->decision == JUDGE_UNDECIDED;
  if (m->awaits_hook) return step_wants(L, "want_verify");
  if (!is_server && resumed) session_renew(m->ssl);
  m->state = MACHINE_OPEN;
  link_drop_hello(&m->link);
  OPENSSL_free(m->link.staple); /* it was sent */
  m->link.staple = NULL;
  return step_done(L);
}

/* engine:handshake() -> true | nil, "want_read" | "want_write" | "want_verify" |
** nil, err */
static int engine_handshake (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int result;
  if (m->state == MACHINE_OPEN) return step_done(L);
  if ((result = step_refuse(L, m, "handshake")) != 0) return result;
  if (m->awaits_hook) return opened(L, m);
  queue_clear();
  result = SSL_do_handshake(m->ssl);
  if (result != 1) return step_tell(L, m, ssl_outcome(m->ssl, result), "handshake");
  return opened(L, m);
}

static const luaL_Reg methods[] = {
  { "feed", engine_feed },       { "feed_eof", engine_feed_eof },
  { "drain", engine_drain },     { "handshake", engine_handshake },
  { "abandon", engine_abandon }, { "pins", engine_pins },
  { "time", engine_time },       { "session", engine_session },
  { "close", own_method_close }, { NULL, NULL },
};

static const luaL_Reg functions[] = { { "new", engine_new }, { NULL, NULL } };

int engine_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type(L, &machine_type, NULL, methods);
  luaL_setfuncs(L, engine_facts, 0);
  luaL_setfuncs(L, engine_hooks, 0);
  lua_newuserdata(L, ENGINE_DATA_BUFFER);
  luaL_setfuncs(L, engine_data, 1);
  lua_setfield(L, -2, "methods");
  return 1;
}
