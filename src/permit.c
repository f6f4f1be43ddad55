#include "permit.h"

#include "args.h"
#include "context.h"
#include "exchange.h"
#include "fail.h"

#define MOST_CERTIFICATES 1048576 /* bytes of a chain: ten thousand names fit */

static const char suites[] = "ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0";

static context_Context *check_fresh (lua_State *L, int is_server) {
  context_Context *c = context_check(L, 1);
  luaL_argcheck(L, !c->is_sealed && c->is_server == is_server, 1,
                "a fresh context of the other kind expected");
  return c;
}

/* permit.looking(client) -> true | nil, err: every version, suite and key of this
** build, for engines that diagnose and can do nothing else */
static int permit_looking (lua_State *L) {
  context_Context *c = check_fresh(L, 0);
  c->only_looks = 1;
  queue_clear();
  SSL_CTX_set_security_level(c->ctx, 0);
  SSL_CTX_set_max_cert_list(c->ctx, MOST_CERTIFICATES);
  SSL_CTX_set_options(c->ctx, SSL_OP_LEGACY_SERVER_CONNECT);
  return fail_result(L, "config",
                     SSL_CTX_set_min_proto_version(c->ctx, TLS1_VERSION) &&
                         SSL_CTX_set_max_proto_version(c->ctx, 0) &&
                         SSL_CTX_set_cipher_list(c->ctx, suites));
}

/* permit.weak(server) -> true | nil, err: the same for a server that shows a fault */
static int permit_weak (lua_State *L) {
  context_Context *c = check_fresh(L, 1);
  queue_clear();
  SSL_CTX_set_security_level(c->ctx, 0);
  SSL_CTX_clear_options(c->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  return fail_result(L, "config",
                     SSL_CTX_set_cipher_list(c->ctx, suites) &&
                         SSL_CTX_set_min_proto_version(c->ctx, TLS1_VERSION));
}

/* permit.prime(server, bytes) -> true | nil, err: Diffie-Hellman with this prime */
static int permit_prime (lua_State *L) {
  context_Context *c = check_fresh(L, 1);
  int len;
  const char *bytes = args_bytes(L, 2, &len);
  queue_clear();
  return fail_result(L, "config",
                     exchange_use_prime(c->ctx, (const unsigned char *)bytes, len));
}

static const luaL_Reg functions[] = {
  { "looking", permit_looking },
  { "weak", permit_weak },
  { "prime", permit_prime },
  { NULL, NULL },
};

int permit_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
