#include "algorithms.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "args.h"
#include "context.h"
#include "fail.h"
#include "table.h"

/* "1.2" -> its number; other texts raise */
static int version_of (lua_State *L, int arg) {
  static const char *const names[] = { "1.0", "1.1", "1.2", "1.3", NULL };
  return TLS1_VERSION + args_enum(L, arg, names);
}

/* context:versions(min, max or nil) -> true | nil, err; the system's own policy
** may narrow the range, and never widens it */
static int algorithms_versions (lua_State *L) {
  context_Context *c = context_check_open(L);
  int min = version_of(L, 2), max = lua_isnoneornil(L, 3) ? 0 : version_of(L, 3);
  int least = (int)SSL_CTX_get_min_proto_version(c->ctx);
  int most = (int)SSL_CTX_get_max_proto_version(c->ctx);
  if (least > min) min = least;
  if (most != 0 && (max == 0 || max > most)) max = most;
  if (max != 0 && min > max)
    return fail_code(L, "config", "protocol_version",
                     "the system's policy allows none of the requested TLS versions");
  queue_clear();
  return fail_result(L, "config",
                     SSL_CTX_set_min_proto_version(c->ctx, min) &&
                         SSL_CTX_set_max_proto_version(c->ctx, max));
}

/* context:ciphers(tls12, tls13) -> true | nil, err; OpenSSL names joined by ":",
** already checked one by one; "" leaves that version's default */
static int algorithms_ciphers (lua_State *L) {
  context_Context *c = context_check_open(L);
  const char *tls12 = args_text(L, 2), *tls13 = args_text(L, 3);
  queue_clear();
  return fail_result(L, "config",
                     (*tls12 == '\0' || SSL_CTX_set_cipher_list(c->ctx, tls12)) &&
                         (*tls13 == '\0' || SSL_CTX_set_ciphersuites(c->ctx, tls13)));
}

/* context:groups(list) -> true | nil, err; names joined by ":" */
static int algorithms_groups (lua_State *L) {
  context_Context *c = context_check_open(L);
  const char *list = args_text(L, 2);
  queue_clear();
  return fail_result(L, "config", (int)SSL_CTX_set1_groups_list(c->ctx, list));
}

/* context:sigalgs(list) -> true | nil, err; names joined by ":" */
static int algorithms_sigalgs (lua_State *L) {
  context_Context *c = context_check_open(L);
  const char *list = args_text(L, 2);
  queue_clear();
  return fail_result(L, "config", (int)SSL_CTX_set1_sigalgs_list(c->ctx, list));
}

/* context:security_level(n or nil) -> the level it had, of which the system's policy
** may have made more than 2 */
static int algorithms_security_level (lua_State *L) {
  context_Context *c = context_check_open(L);
  lua_pushinteger(L, SSL_CTX_get_security_level(c->ctx));
  if (!lua_isnoneornil(L, 2)) SSL_CTX_set_security_level(c->ctx, args_int(L, 2, 0, 5));
  return 1;
}

/* RFC 7301 section 3.2: the server's preference; nothing in common is fatal */
static int on_alpn (SSL *ssl, const unsigned char **out, unsigned char *out_len,
                    const unsigned char *offered, unsigned offered_len, void *arg) {
  context_Context *c = arg;
  unsigned char *chosen;
  (void)ssl;
  if (SSL_select_next_proto(&chosen, out_len, c->alpn, c->alpn_len, offered,
                            offered_len) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/* context:alpn(wire) -> true | nil, err; RFC 7301 section 3.1 */
static int algorithms_alpn (lua_State *L) {
  context_Context *c = context_check_open(L);
  int len;
  const unsigned char *wire = (const unsigned char *)args_bytes(L, 2, &len);
  queue_clear();
  if (!c->is_server)
    return fail_result(L, "config",
                       SSL_CTX_set_alpn_protos(c->ctx, wire, (unsigned)len) == 0);
  OPENSSL_free(c->alpn);
  c->alpn = OPENSSL_memdup(wire, (size_t)len);
  c->alpn_len = (unsigned)len;
  if (c->alpn == NULL) return fail_memory(L);
  SSL_CTX_set_alpn_select_cb(c->ctx, on_alpn, c);
  return fail_result(L, "config", 1);
}

static void push_version (lua_State *L, int version) {
  if (version == 0) lua_pushnil(L);
  else lua_pushfstring(L, "1.%d", version - TLS1_VERSION);
}

static void push_cipher (lua_State *L, const SSL_CIPHER *cipher) {
  lua_createtable(L, 0, 4);
  table_set_text(L, "name", SSL_CIPHER_standard_name(cipher));
  table_set_text(L, "openssl_name", SSL_CIPHER_get_name(cipher));
  table_set_integer(L, "id", SSL_CIPHER_get_protocol_id(cipher));
  table_set_integer(L, "bits", SSL_CIPHER_get_bits(cipher, NULL));
  table_set_text(L, "version",
                 strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0 ? "1.3"
                                                                        : "1.2");
}

/* context:effective() -> what OpenSSL really has: versions, level, ciphers */
static int algorithms_effective (lua_State *L) {
  context_Context *c = context_check(L, 1);
  const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(c->ctx);
  int i, n = sk_SSL_CIPHER_num(ciphers);
  lua_createtable(L, 0, 4);
  push_version(L, (int)SSL_CTX_get_min_proto_version(c->ctx));
  lua_setfield(L, -2, "min_version");
  push_version(L, (int)SSL_CTX_get_max_proto_version(c->ctx));
  lua_setfield(L, -2, "max_version");
  table_set_integer(L, "security_level", SSL_CTX_get_security_level(c->ctx));
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    push_cipher(L, sk_SSL_CIPHER_value(ciphers, i));
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "ciphers");
  return 1;
}

/* context:client_prefers(): of both sides' ciphers, the client's order counts */
static int algorithms_client_prefers (lua_State *L) {
  SSL_CTX_clear_options(context_check_open(L)->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  return 0;
}

/* algorithms.defaults() -> OpenSSL's own ciphers for TLS 1.2, and its own for TLS 1.3
 */
static int algorithms_defaults (lua_State *L) {
  lua_pushstring(L, OSSL_default_cipher_list());
  lua_pushstring(L, OSSL_default_ciphersuites());
  return 2;
}

static const luaL_Reg methods[] = {
  { "versions", algorithms_versions },
  { "ciphers", algorithms_ciphers },
  { "groups", algorithms_groups },
  { "sigalgs", algorithms_sigalgs },
  { "security_level", algorithms_security_level },
  { "alpn", algorithms_alpn },
  { "client_prefers", algorithms_client_prefers },
  { "effective", algorithms_effective },
  { NULL, NULL },
};

static const luaL_Reg functions[] = { { "defaults", algorithms_defaults },
                                      { NULL, NULL } };

int algorithms_open (lua_State *L) {
  luaL_getmetatable(L, context_type.name);
  lua_getfield(L, -1, "__index");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 2);
  luaL_newlib(L, functions);
  return 1;
}
