#include "context.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "args.h"
#include "cert.h"
#include "fail.h"
#include "key.h"
#include "store.h"
#include "table.h"

context_Context *context_retain (context_Context *c) {
  c->references++;
  return c;
}

void context_release (context_Context *c) {
  if (--c->references > 0) return;
  SSL_CTX_free(c->ctx);
  hello_clear(&c->hello);
  session_clear(&c->sessions);
  OPENSSL_cleanse(&c->tickets, sizeof c->tickets);
  OPENSSL_free(c->alpn);
  OPENSSL_free(c);
}

static void release_context (void *obj) {
  context_release(obj);
}

const own_Type context_type = { "lacre.core.context", release_context };

context_Context *context_check (lua_State *L, int arg) {
  return own_check(L, arg, &context_type);
}

context_Context *context_check_open (lua_State *L) {
  context_Context *c = context_check(L, 1);
  luaL_argcheck(L, !c->is_sealed, 1, "the context is in use");
  return c;
}

#define OPTIONS                                                                        \
  (SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |                \
   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA)

/* what OpenSSL, or an openssl.cnf, switches on and nobody should have */
#define UNWANTED                                                                       \
  (SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |           \
   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_EXTENDED_MASTER_SECRET |                   \
   SSL_OP_NO_ENCRYPT_THEN_MAC | SSL_OP_ALLOW_NO_DHE_KEX)

#define MODES                                                                          \
  (SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |               \
   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN)

static void set_defaults (context_Context *c) {
  SSL_CTX_set_options(c->ctx, OPTIONS);
  SSL_CTX_clear_options(c->ctx, UNWANTED);
  SSL_CTX_set_mode(c->ctx, MODES);
  SSL_CTX_clear_mode(c->ctx, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(c->ctx, 1);
  SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c->ctx, 0);
  if (SSL_CTX_get_security_level(c->ctx) < 2) SSL_CTX_set_security_level(c->ctx, 2);
  SSL_CTX_set_verify(c->ctx, c->is_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_cert_verify_callback(c->ctx, judge_callback, NULL);
  X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(c->ctx), VERIFY_HOST_FLAGS);
}

static const char *const roles[] = { "client", "server", NULL };

#define WEIGHT 32 /* KiB behind a context, for Lua's collector to know */

/* context.new("client" | "server") -> context | nil, err */
static int context_new (lua_State *L) {
  int is_server = args_enum(L, 1, roles);
  own_Box *box;
  context_Context *c;
  own_weigh(L, WEIGHT);
  box = own_new(L, &context_type);
  c = OPENSSL_zalloc(sizeof *c);
  if (c == NULL) return fail_memory(L);
  c->references = 1;
  c->is_server = is_server;
  c->policy.rules.strict = VERIFY_STRICT;
  box->obj = c;
  queue_clear();
  c->ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
  if (c->ctx == NULL) return fail(L, "config");
  set_defaults(c);
  return 1;
}

SSL *context_new_ssl (context_Context *c, judge_Check *check, link_Link *link) {
  SSL *ssl = SSL_new(c->ctx);
  c->is_sealed = 1;
  check->policy = &c->policy;
  if (ssl != NULL && judge_attach(ssl, check) && link_attach(ssl, link)) return ssl;
  SSL_free(ssl);
  return NULL;
}

/* context:identity(cert, key, { intermediate ... }) -> true | nil, err */
static int context_identity (lua_State *L) {
  context_Context *c = context_check_open(L);
  X509 *cert = cert_check(L, 2);
  EVP_PKEY *pkey = key_check_private(L, 3);
  STACK_OF(X509) *chain = cert_check_stack(L, 4);
  queue_clear();
  return fail_result(L, "config",
                     SSL_CTX_use_cert_and_key(c->ctx, cert, pkey, chain, 1) == 1);
}

/* context:named(cert, key, { intermediate ... }, is_default) -> true: one of several
** identities, chosen by the name a client asks for */
static int context_named (lua_State *L) {
  context_Context *c = context_check_open(L);
  X509 *cert = cert_check(L, 2);
  EVP_PKEY *pkey = key_check_private(L, 3);
  STACK_OF(X509) *chain = cert_check_stack(L, 4);
  if (!hello_add(&c->hello, cert, pkey, chain, lua_toboolean(L, 5)))
    return fail_memory(L);
  return fail_result(L, "config", 1);
}

/* context:greet(has_hook, rejects_unknown) -> true | nil, err: of servers */
static int context_greet (lua_State *L) {
  context_Context *c = context_check_open(L);
  c->hello.has_hook = lua_toboolean(L, 2);
  c->hello.rejects_unknown = lua_toboolean(L, 3);
  queue_clear();
  return fail_result(L, "config", hello_use(c->ctx, &c->hello));
}

/* context:sessions(limit) -> true | nil, err: a client resumes */
static int context_sessions (lua_State *L) {
  context_Context *c = context_check_open(L);
  int limit = args_int(L, 2, 1, 65536);
  queue_clear();
  return fail_result(L, "config", session_keep(c->ctx, &c->sessions, limit));
}

/* context:tickets(count, lifetime, keys or nil, name) -> true | nil, err: a server lets
** resume; keys are 80 bytes each, end to end, newest first, and shared with contexts
** of this name, 16 bytes or more: sessions are theirs too */
static int context_tickets (lua_State *L) {
  context_Context *c = context_check_open(L);
  int count = args_int(L, 2, 1, 16), lifetime = args_int(L, 3, 1, 7 * 86400), len = 0;
  const char *keys = lua_isnoneornil(L, 4) ? NULL : args_bytes(L, 4, &len);
  luaL_argcheck(L,
                len % SESSION_TICKET_KEY == 0 &&
                    len <= SESSION_TICKET_KEY * SESSION_TICKET_KEYS,
                4, "one to four keys of 80 bytes expected");
  if (keys != NULL) {
    int name_len;
    const char *name = args_bytes(L, 5, &name_len);
    luaL_argcheck(L, name_len >= (int)sizeof c->hello.id, 5, "too short");
    memcpy(c->hello.id, name, sizeof c->hello.id);
    c->hello.has_last = 0;
  }
  queue_clear();
  SSL_CTX_set_timeout(c->ctx, lifetime);
  return fail_result(L, "config",
                     SSL_CTX_set_num_tickets(c->ctx, (size_t)count) &&
                         session_issue(c->ctx, &c->tickets, (const unsigned char *)keys,
                                       len / SESSION_TICKET_KEY, lifetime));
}

/* context:flush() -> true | nil, err: forgets sessions, and makes new ticket keys */
static int context_flush (lua_State *L) {
  context_Context *c = context_check(L, 1);
  session_flush(&c->sessions);
  queue_clear();
  return fail_result(L, "config",
                     c->tickets.count == 0 || session_replace(&c->tickets));
}

/* context:ocsp("check" | "require" | "send"): clients judge staples, servers send */
static int context_ocsp (lua_State *L) {
  static const char *const names[] = { "check", "require", "send", NULL };
  context_Context *c = context_check_open(L);
  int which = args_enum(L, 2, names);
  c->staple_mode = which == 0 ? STAPLE_CHECK : STAPLE_REQUIRE;
  if (which == 2) staple_send(c->ctx);
  else staple_ask(c->ctx, &c->staple_mode);
  return 0;
}

/* context:keylog(): engines keep the lines of SSLKEYLOGFILE for Lua */
static int context_keylog (lua_State *L) {
  SSL_CTX_set_keylog_callback(context_check_open(L)->ctx, link_on_keylog);
  return 0;
}

/* context:revocation("leaf" | "chain"): every certificate, or the leaf, needs a CRL */
static int context_revocation (lua_State *L) {
  static const char *const names[] = { "leaf", "chain", NULL };
  static const unsigned long flags[] = { VERIFY_CRL_FLAGS,
                                         VERIFY_CRL_FLAGS | X509_V_FLAG_CRL_CHECK_ALL };
  X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context_check_open(L)->ctx);
  X509_VERIFY_PARAM_set_flags(param, flags[args_enum(L, 2, names)]);
  return 0;
}

/* context:trust(store) -> true: the store is counted, and never changed after */
static int context_trust (lua_State *L) {
  context_Context *c = context_check_open(L);
  SSL_CTX_set1_cert_store(c->ctx, store_check(L, 2));
  return fail_result(L, "config", 1);
}

/* context:client_auth("none" | "optional" | "required", names of CAs or nil) */
static int context_client_auth (lua_State *L) {
  static const char *const names[] = { "none", "optional", "required", NULL };
  static const int modes[] = { SSL_VERIFY_NONE, SSL_VERIFY_PEER,
                               SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT };
  context_Context *c = context_check_open(L);
  SSL_CTX_set_verify(c->ctx, modes[args_enum(L, 2, names)], NULL);
  return fail_result(L, "config", 1);
}

/* context:advertise(cert) -> true | nil, err: a CA whose clients are welcome */
static int context_advertise (lua_State *L) {
  context_Context *c = context_check_open(L);
  X509 *cert = cert_check(L, 2);
  queue_clear();
  return fail_result(L, "config", SSL_CTX_add_client_CA(c->ctx, cert));
}

/* context:rules{ lax =, strict_anchors =, all_errors =, accept_expired =,
** accept_name =, accept_any =, pins_only =, hook = },
** depth, time or nil */
static int context_rules (lua_State *L) {
  context_Context *c = context_check_open(L);
  X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->ctx);
  luaL_checktype(L, 2, LUA_TTABLE);
  SSL_CTX_set_verify_depth(c->ctx, args_int(L, 3, 0, 100));
  if (!lua_isnoneornil(L, 4)) X509_VERIFY_PARAM_set_time(param, args_time_t(L, 4));
  if (table_is_true(L, 2, "lax")) c->policy.rules.strict = VERIFY_LAX;
  if (table_is_true(L, 2, "strict_anchors"))
    c->policy.rules.strict = VERIFY_STRICT_ANCHORS;
  c->policy.rules.all_errors = table_is_true(L, 2, "all_errors");
  c->policy.rules.accept_expired = table_is_true(L, 2, "accept_expired");
  c->policy.rules.accept_name = table_is_true(L, 2, "accept_name");
  c->policy.accept_any = table_is_true(L, 2, "accept_any");
  c->policy.pins_only = table_is_true(L, 2, "pins_only");
  c->policy.has_hook = table_is_true(L, 2, "hook");
  return 0;
}

/* context:unsafe_renegotiation(): an insecure option that was asked for by name */
static int context_unsafe_renegotiation (lua_State *L) {
  SSL_CTX_set_options(context_check_open(L)->ctx, SSL_OP_LEGACY_SERVER_CONNECT);
  return 0;
}

/* context:kernel(): connections over sockets offer their keys to the kernel */
static int context_kernel (lua_State *L) {
  SSL_CTX_set_options(context_check_open(L)->ctx, SSL_OP_ENABLE_KTLS);
  return 0;
}

static const luaL_Reg methods[] = {
  { "identity", context_identity },
  { "named", context_named },
  { "greet", context_greet },
  { "sessions", context_sessions },
  { "tickets", context_tickets },
  { "flush", context_flush },
  { "ocsp", context_ocsp },
  { "keylog", context_keylog },
  { "revocation", context_revocation },
  { "trust", context_trust },
  { "client_auth", context_client_auth },
  { "advertise", context_advertise },
  { "rules", context_rules },
  { "unsafe_renegotiation", context_unsafe_renegotiation },
  { "kernel", context_kernel },
  { NULL, NULL },
};

static const luaL_Reg functions[] = { { "new", context_new }, { NULL, NULL } };

int context_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type(L, &context_type, NULL, methods);
  lua_pop(L, 1);
  return 1;
}
