#include "key.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "args.h"
#include "fail.h"
#include "signature.h"
#include "spki.h"

#define MAX_BITS 16384 /* beyond it an RSA key takes hours */
#define WEIGHT 1       /* KiB of a key, at least */

typedef struct Key {
  EVP_PKEY *pkey;      /* owned */
  unsigned char *spki; /* owned; NULL until asked for */
  size_t spki_len;
  int is_private;
} Key;

static void release_key (void *obj) {
  Key *key = obj;
  EVP_PKEY_free(key->pkey);
  OPENSSL_free(key->spki);
  OPENSSL_free(key);
}

const own_Type key_type = { "lacre.key", release_key };

static void release_generator (void *obj) {
  EVP_PKEY_CTX_free(obj);
}

/* contexts of key generation, kept by type in an upvalue of key.generate */
static const own_Type generator_type = { "lacre.key_generator", release_generator };

static void release_context (void *obj) {
  EVP_MD_CTX_free(obj);
}

static void release_bytes (void *obj) {
  OPENSSL_free(obj);
}

EVP_PKEY *key_check (lua_State *L, int arg) {
  Key *key = own_check(L, arg, &key_type);
  return key->pkey;
}

EVP_PKEY *key_check_private (lua_State *L, int arg) {
  Key *key = own_check(L, arg, &key_type);
  luaL_argcheck(L, key->is_private, arg, "private key expected, got a public one");
  return key->pkey;
}

/* an empty key in its box */
static Key *push_key (lua_State *L, int is_private) {
  own_Box *box = own_new(L, &key_type);
  Key *key = OPENSSL_zalloc(sizeof *key);
  if (key == NULL) fail_memory(L);
  key->is_private = is_private;
  box->obj = key;
  return key;
}

void key_push (lua_State *L, EVP_PKEY *pkey, int is_private) {
  Key *key = push_key(L, is_private);
  if (!EVP_PKEY_up_ref(pkey)) fail_memory(L);
  key->pkey = pkey;
}

static int explain_spki (lua_State *L, const unsigned char *spki, size_t len) {
  fail_if_memory(L);
  if (spki_is_known(spki, len))
    return fail_code(L, "parse", "bad_der", "the public key is malformed");
  return fail_code(L, "parse", "unsupported_key_type",
                   "no OpenSSL provider supports this kind of key");
}

int key_push_spki (lua_State *L, const unsigned char *spki, size_t len) {
  Key *key = push_key(L, 0);
  queue_clear();
  key->pkey = spki_decode(spki, len);
  if (key->pkey == NULL) return explain_spki(L, spki, len);
  queue_clear();
  key->spki = OPENSSL_memdup(spki, len);
  key->spki_len = len;
  if (key->spki == NULL) fail_memory(L);
  return 1;
}

/* -- SubjectPublicKeyInfo -- */

static int ensure_spki (Key *key) {
  int n;
  if (key->spki != NULL) return 1;
  queue_clear();
  n = spki_encode(key->pkey, &key->spki, &key->spki_len);
  queue_clear(); /* of what OpenSSL overcame, too */
  if (n == 1) return 1;
  n = i2d_PUBKEY(key->pkey, &key->spki);
  key->spki_len = n < 0 ? 0 : (size_t)n;
  return n > 0;
}

/* key:spki() -> DER | nil, err */
static int key_spki (lua_State *L) {
  Key *key = own_check(L, 1, &key_type);
  if (!ensure_spki(key)) return fail(L, "parse");
  lua_pushlstring(L, (char *)key->spki, key->spki_len);
  return 1;
}

int key_fail_encoding (lua_State *L) {
  if (ERR_peek_error() != 0) return fail(L, "save");
  return fail_code(L, "save", "unsupported",
                   "the key cannot be exported from its provider");
}

/* key.from_spki(der) -> key | nil, err (bad_der, unsupported_key_type) */
static int key_from_spki (lua_State *L) {
  int len;
  const char *der = args_bytes(L, 1, &len);
  return key_push_spki(L, (const unsigned char *)der, (size_t)len);
}

/* -- generation -- */

typedef struct Kind {
  const char *name, *type, *group;
} Kind;

static const Kind kinds[] = {
  { "p256", "EC", "P-256" },          { "p384", "EC", "P-384" },
  { "p521", "EC", "P-521" },          { "rsa", "RSA", NULL },
  { "ed25519", "ED25519", NULL },     { "ed448", "ED448", NULL },
  { "ml-dsa-44", "ML-DSA-44", NULL }, { "ml-dsa-65", "ML-DSA-65", NULL },
  { "ml-dsa-87", "ML-DSA-87", NULL },
};

static const Kind *find_kind (lua_State *L, int arg) {
  const char *name = args_text(L, arg);
  size_t i;
  for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
  luaL_argerror(L, arg, lua_pushfstring(L, "unknown key type '%s'", name));
  return NULL;
}

/* a context ready to generate, without L; NULL where this build cannot */
static EVP_PKEY_CTX *make_generator (const Kind *kind, int bits, int primes) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind->type, NULL);
  if (context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
      (kind->group == NULL || EVP_PKEY_CTX_set_group_name(context, kind->group) == 1) &&
      (bits == 0 || (EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1 &&
                     EVP_PKEY_CTX_set_rsa_keygen_primes(context, primes) == 1)))
    return context;
  EVP_PKEY_CTX_free(context);
  return NULL;
}

/* the context that is kept under the name at the top of the stack, or is made */
static EVP_PKEY_CTX *find_generator (lua_State *L, const Kind *kind, int bits,
                                     int primes) {
  own_Box *box;
  lua_pushvalue(L, -1);
  lua_rawget(L, lua_upvalueindex(1));
  box = lua_touserdata(L, -1);
  if (box != NULL) return box->obj;
  lua_pop(L, 1);
  box = own_new(L, &generator_type);
  queue_clear();
  box->obj = make_generator(kind, bits, primes);
  queue_clear();
  if (box->obj == NULL) return NULL;
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_rawset(L, lua_upvalueindex(1));
  return box->obj;
}

/* key.generate(kind [, bits [, primes]]) -> key | nil, err (unsupported) */
static int key_generate (lua_State *L) {
  const Kind *kind = find_kind(L, 1);
  int is_rsa = strcmp(kind->name, "rsa") == 0;
  int bits = is_rsa ? args_int(L, 2, 512, MAX_BITS) : 0;
  int primes = is_rsa && !lua_isnoneornil(L, 3) ? args_int(L, 3, 2, 4) : 2;
  EVP_PKEY_CTX *context;
  Key *key;
  if (is_rsa) lua_pushfstring(L, "rsa:%d:%d", bits, primes);
  else lua_pushvalue(L, 1);
  context = find_generator(L, kind, bits, primes);
  if (context == NULL)
    return fail_code(L, "config", "unsupported",
                     "this OpenSSL does not support %s keys", kind->name);
  own_weigh(L, WEIGHT);
  key = push_key(L, 1);
  queue_clear();
  if (EVP_PKEY_generate(context, &key->pkey) != 1) return fail(L, "config");
  queue_clear(); /* of what OpenSSL overcame */
  return 1;
}

/* -- fields -- */

static int push_lower (lua_State *L, const char *text) {
  char lower[64];
  size_t i;
  for (i = 0; text != NULL && text[i] != '\0' && i < sizeof lower - 1; i++)
    lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
  lua_pushlstring(L, lower, i);
  return 1;
}

/* key:type() -> "ec" | "rsa" | "rsa-pss" | "ed25519" | "ml-dsa-65" | ... */
static int key_kind (lua_State *L) {
  return push_lower(L, EVP_PKEY_get0_type_name(key_check(L, 1)));
}

/* key:bits() -> integer */
static int key_bits (lua_State *L) {
  lua_pushinteger(L, EVP_PKEY_get_bits(key_check(L, 1)));
  return 1;
}

/* an exponent of 1 signs for everybody, and an even one for nobody */
static int is_useless (EVP_PKEY *pkey) {
  BIGNUM *e = NULL;
  int useless = 0;
  if (!EVP_PKEY_is_a(pkey, "RSA") && !EVP_PKEY_is_a(pkey, "RSA-PSS")) return 0;
  ERR_set_mark();
  if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1)
    useless = !BN_is_odd(e) || BN_is_one(e);
  BN_free(e);
  ERR_pop_to_mark();
  return useless;
}

/* key:security_bits() -> integer, 0 of an RSA key whose exponent is 1 or even */
static int key_security_bits (lua_State *L) {
  EVP_PKEY *pkey = key_check(L, 1);
  lua_pushinteger(L, is_useless(pkey) ? 0 : EVP_PKEY_get_security_bits(pkey));
  return 1;
}

/* key:curve() -> "P-256" | OpenSSL's name of another curve | nil: it is none, or its
** parameters are explicit */
static int key_curve (lua_State *L) {
  EVP_PKEY *pkey = key_check(L, 1);
  char name[64];
  const char *nist;
  int nid, found;
  queue_clear();
  found = EVP_PKEY_is_a(pkey, "EC") &&
          EVP_PKEY_get_group_name(pkey, name, sizeof name, NULL) == 1;
  queue_clear();
  nid = found ? OBJ_txt2nid(name) : NID_undef;
  nist = nid == NID_undef ? NULL : EC_curve_nid2nist(nid);
  lua_pushstring(L, nist != NULL ? nist : found ? name : NULL);
  return 1;
}

/* key:is_private() -> boolean */
static int key_is_private (lua_State *L) {
  Key *key = own_check(L, 1, &key_type);
  lua_pushboolean(L, key->is_private);
  return 1;
}

/* key == key: the same public key, and both private or both public */
static int key_equal (lua_State *L) {
  Key *a = own_test(L, 1, &key_type), *b = own_test(L, 2, &key_type);
  int equal = a != NULL && b != NULL && a->is_private == b->is_private &&
              EVP_PKEY_eq(a->pkey, b->pkey) == 1;
  queue_clear();
  lua_pushboolean(L, equal);
  return 1;
}

/* key:is_pair(key) -> boolean: whether the public halves are one */
static int key_is_pair (lua_State *L) {
  int equal = EVP_PKEY_eq(key_check(L, 1), key_check(L, 2)) == 1;
  queue_clear();
  lua_pushboolean(L, equal);
  return 1;
}

/* -- signatures -- */

/* key:sign(data, hash or nil, padding or nil) -> signature | nil, err */
static int key_sign (lua_State *L) {
  EVP_PKEY *pkey = key_check_private(L, 1);
  size_t len, size;
  const char *data = luaL_checklstring(L, 2, &len);
  const char *hash = args_opt_text(L, 3, NULL), *padding = args_opt_text(L, 4, NULL);
  own_Box *box = own_temp(L, release_bytes);
  unsigned char *signature;
  int good;
  queue_clear();
  good = signature_make(pkey, hash, padding, data, len, &signature, &size);
  box->obj = signature;
  if (!good) return fail(L, "sign");
  queue_clear();
  lua_pushlstring(L, (char *)signature, size);
  return 1;
}

/* key:verify(data, signature, hash or nil, padding or nil) -> boolean */
static int key_verify (lua_State *L) {
  EVP_PKEY *pkey = key_check(L, 1);
  size_t len, n;
  const char *data = luaL_checklstring(L, 2, &len);
  const char *signature = luaL_checklstring(L, 3, &n);
  const char *hash = args_opt_text(L, 4, NULL), *padding = args_opt_text(L, 5, NULL);
  own_Box *box = own_temp(L, release_context);
  EVP_PKEY_CTX *context;
  int good;
  queue_clear();
  box->obj = EVP_MD_CTX_new();
  if (box->obj == NULL) return fail(L, "verify");
  good =
      EVP_DigestVerifyInit_ex(box->obj, &context, hash, NULL, NULL, pkey, NULL) == 1 &&
      signature_set_padding(context, padding) &&
      EVP_DigestVerify(box->obj, (const unsigned char *)signature, n,
                       (const unsigned char *)data, len) == 1;
  queue_clear();
  lua_pushboolean(L, good);
  return 1;
}

static const luaL_Reg methods[] = {
  { "spki", key_spki },       { "type", key_kind },
  { "bits", key_bits },       { "security_bits", key_security_bits },
  { "curve", key_curve },     { "is_private", key_is_private },
  { "is_pair", key_is_pair }, { "sign", key_sign },
  { "verify", key_verify },   { NULL, NULL },
};

static const luaL_Reg metamethods[] = { { "__eq", key_equal }, { NULL, NULL } };

static const luaL_Reg functions[] = { { "from_spki", key_from_spki }, { NULL, NULL } };

int key_open (lua_State *L) {
  own_type(L, &generator_type, NULL, NULL);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  own_type_in(L, &key_type, metamethods, methods);
  lua_newtable(L);
  lua_pushcclosure(L, key_generate, 1);
  lua_setfield(L, -2, "generate");
  return 1;
}
