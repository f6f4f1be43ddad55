#include "exchange.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "queue.h"
#include "table.h"

static OSSL_PARAM *params_of (const BIGNUM *p, const BIGNUM *g) {
  OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
  OSSL_PARAM *params = NULL;
  if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, p) &&
      OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, g))
    params = OSSL_PARAM_BLD_to_param(build);
  OSSL_PARAM_BLD_free(build);
  return params;
}

static EVP_PKEY *group_of (const BIGNUM *p, const BIGNUM *g) {
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
  OSSL_PARAM *params = params_of(p, g);
  EVP_PKEY *group = NULL;
  if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
    EVP_PKEY_fromdata(ctx, &group, EVP_PKEY_KEY_PARAMETERS, params);
  OSSL_PARAM_free(params);
  EVP_PKEY_CTX_free(ctx);
  return group;
}

int exchange_use_prime (SSL_CTX *ctx, const unsigned char *prime, int len) {
  BIGNUM *p = BN_bin2bn(prime, len, NULL), *g = BN_new();
  EVP_PKEY *group = NULL;
  int done = 0;
  if (p == NULL || g == NULL || !BN_set_word(g, 2)) goto end;
  group = group_of(p, g);
  if (group == NULL || SSL_CTX_set0_tmp_dh_pkey(ctx, group) != 1) goto end;
  group = NULL; /* the context's now */
  done = 1;
end:
  EVP_PKEY_free(group);
  BN_free(p);
  BN_free(g);
  return done;
}

typedef struct Quality {
  int bits, is_prime, is_safe;
} Quality;

/* of Miller and Rabin, with random bases: one composite in 65,536 passes them. The 128
** that OpenSSL would do take ten seconds of 8192 bits, and whoever checks many servers
** waits for them */
#define ROUNDS 8

/* is told of each round that was passed: enough of them end the test */
static int on_round (int event, int round, BN_GENCB *callback) {
  int *passed = BN_GENCB_get_arg(callback);
  *passed += event == 1 && round >= 0;
  return *passed < ROUNDS;
}

/* 1 or 0; below 0 where memory ran out */
static int is_prime (const BIGNUM *n, BN_CTX *work, BN_GENCB *callback) {
  int passed = 0, result;
  BN_GENCB_set(callback, on_round, &passed);
  result = BN_check_prime(n, work, callback);
  return passed == ROUNDS ? 1 : result;
}

/* a prime p is safe where (p - 1) / 2 is prime too: RFC 7919 section 3 */
static int judge (const EVP_PKEY *key, Quality *q) {
  BIGNUM *p = NULL;
  BN_CTX *work = BN_CTX_new();
  BN_GENCB *callback = BN_GENCB_new();
  int done = 0;
  if (work == NULL || callback == NULL) goto end;
  if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &p)) goto end;
  q->bits = BN_num_bits(p);
  q->is_prime = is_prime(p, work, callback);
  q->is_safe = q->is_prime;
  if (q->is_prime == 1)
    q->is_safe = BN_rshift1(p, p) ? is_prime(p, work, callback) : -1;
  done = q->is_prime >= 0 && q->is_safe >= 0;
end:
  BN_free(p);
  BN_GENCB_free(callback);
  BN_CTX_free(work);
  return done;
}

void exchange_set_field (lua_State *L, SSL *ssl) {
  Quality q;
  EVP_PKEY *key = NULL;
  int found;
  if (!SSL_get_peer_tmp_key(ssl, &key)) return;
  found = EVP_PKEY_is_a(key, "DH") && judge(key, &q);
  EVP_PKEY_free(key);
  queue_clear();
  if (!found) return;
  lua_createtable(L, 0, 3);
  table_set_integer(L, "bits", q.bits);
  table_set_boolean(L, "prime", q.is_prime);
  table_set_boolean(L, "safe", q.is_safe);
  lua_setfield(L, -2, "dh");
}
