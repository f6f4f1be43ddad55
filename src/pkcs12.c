#include "pkcs12.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "args.h"
#include "cert.h"
#include "fail.h"
#include "key.h"
#include "own.h"
#include "work.h"

typedef struct Bundle {
  OSSL_LIB_CTX *context; /* owned; NULL: the default one */
  OSSL_PROVIDER *provider, *legacy;
  PKCS12 *file;
  EVP_PKEY *pkey;
  X509 *leaf;
  STACK_OF(X509) * chain;
} Bundle;

static void release_bundle (void *obj) {
  Bundle *b = obj;
  PKCS12_free(b->file);
  EVP_PKEY_free(b->pkey);
  X509_free(b->leaf);
  sk_X509_pop_free(b->chain, X509_free);
  OSSL_PROVIDER_unload(b->legacy);
  OSSL_PROVIDER_unload(b->provider);
  OSSL_LIB_CTX_free(b->context);
  OPENSSL_free(b);
}

static void release_file (void *obj) {
  PKCS12_free(obj);
}

static void release_pkcs8 (void *obj) {
  PKCS8_PRIV_KEY_INFO_free(obj);
}

static void release_pkey (void *obj) {
  EVP_PKEY_free(obj);
}

static Bundle *push_bundle (lua_State *L) {
  own_Box *box = own_temp(L, release_bundle);
  box->obj = OPENSSL_zalloc(sizeof(Bundle));
  if (box->obj == NULL) fail_memory(L);
  return box->obj;
}

/* -- reading, without L -- */

static int load_legacy (Bundle *b) {
  b->context = OSSL_LIB_CTX_new();
  if (b->context == NULL) return 0;
  b->provider = OSSL_PROVIDER_load(b->context, "default");
  b->legacy = OSSL_PROVIDER_load(b->context, "legacy");
  return b->provider != NULL && b->legacy != NULL;
}

static int decode (Bundle *b, const unsigned char *der, int len) {
  const unsigned char *p = der;
  b->file = PKCS12_init_ex(NID_pkcs7_data, b->context, NULL);
  return b->file != NULL && d2i_PKCS12(&b->file, &p, len) != NULL && p == der + len;
}

static long rounds_of (const PKCS12 *file) {
  const ASN1_INTEGER *rounds = NULL;
  PKCS12_get0_mac(NULL, NULL, NULL, &rounds, file);
  return rounds == NULL ? 1 : ASN1_INTEGER_get(rounds);
}

static int is_endless (const Bundle *b, const unsigned char *der, size_t len) {
  long rounds = rounds_of(b->file);
  return rounds > WORK_MOST || rounds < 0 || work_is_endless(der, len);
}

/* no password is spelled in two ways by those who write these files */
static int is_password (const Bundle *b, const char **password) {
  if (*password != NULL) return PKCS12_verify_mac(b->file, *password, -1);
  if (PKCS12_verify_mac(b->file, NULL, 0)) return 1;
  *password = "";
  return PKCS12_verify_mac(b->file, "", 0);
}

/* -- reading -- */

/* the same key, of the default library context */
static int push_key (lua_State *L, EVP_PKEY *foreign) {
  own_Box *info = own_temp(L, release_pkcs8), *pkey = own_temp(L, release_pkey);
  queue_clear();
  info->obj = EVP_PKEY2PKCS8(foreign);
  if (info->obj != NULL) pkey->obj = EVP_PKCS82PKEY(info->obj);
  if (pkey->obj == NULL) return fail(L, "parse");
  key_push(L, pkey->obj, 1);
  return 1;
}

static int push_cert (lua_State *L, X509 *x) {
  int n = i2d_X509(x, NULL);
  unsigned char *der, *p;
  if (n <= 0) return fail(L, "parse");
  p = der = lua_newuserdata(L, (size_t)n);
  n = i2d_X509(x, &p);
  return cert_push_der(L, der, (size_t)n);
}

static int set_chain (lua_State *L, const Bundle *b) {
  int i, n = b->chain == NULL ? 0 : sk_X509_num(b->chain);
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    if (push_cert(L, sk_X509_value(b->chain, i)) != 1) return 0;
    lua_rawseti(L, -3, i + 1); /* above the table: scratch bytes */
    lua_pop(L, 1);
  }
  return 1;
}

static void set_name (lua_State *L, int at, X509 *leaf) {
  int len;
  const unsigned char *name = X509_alias_get0(leaf, &len);
  if (name == NULL || len <= 0) return;
  lua_pushlstring(L, (const char *)name, (size_t)len);
  lua_setfield(L, at, "name");
}

static int push_bundle_table (lua_State *L, const Bundle *b) {
  int at;
  lua_createtable(L, 0, 4);
  at = lua_gettop(L);
  if (b->pkey != NULL) {
    if (push_key(L, b->pkey) != 1) return 2;
    lua_setfield(L, at, "key");
    lua_settop(L, at);
  }
  if (b->leaf != NULL) {
    if (push_cert(L, b->leaf) != 1) return 2;
    lua_setfield(L, at, "cert");
    lua_settop(L, at);
    set_name(L, at, b->leaf);
  }
  if (!set_chain(L, b)) return 2;
  lua_setfield(L, at, "chain");
  lua_settop(L, at);
  return 1;
}

static int is_unsupported (void) {
  unsigned long e = ERR_peek_error();
  return ERR_GET_REASON(e) == ERR_R_UNSUPPORTED ||
         ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_UNSUPPORTED ||
         (ERR_GET_LIB(e) == ERR_LIB_EVP &&
          ERR_GET_REASON(e) == EVP_R_UNSUPPORTED_ALGORITHM);
}

static int explain (lua_State *L, int legacy) {
  if (!is_unsupported()) return fail(L, "parse");
  fail_if_memory(L);
  return fail_code(L, "parse", "unsupported",
                   legacy
                       ? "the file is encrypted in a way this OpenSSL does not support"
                       : "the file is encrypted with an obsolete cipher");
}

/* a file that nobody signed with its password gets a MAC for the occasion: OpenSSL 3.0
** opens none without */
static int complete (const Bundle *b, const char *password) {
  return password == NULL || PKCS12_mac_present(b->file) ||
         PKCS12_set_mac(b->file, password, -1, NULL, 0, 1, EVP_sha256()) == 1;
}

static int fail_password (lua_State *L, int is_given) {
  fail_if_memory(L);
  return is_given ? fail_code(L, "parse", "bad_password", "the password is wrong")
                  : fail_code(L, "parse", "password_required", "the file is encrypted");
}

/* pkcs12.parse(der, password or nil, legacy) -> { key =, cert =, chain =, name = } |
** nil, err (bad_der, password_required, bad_password, unsupported) */
static int pkcs12_parse (lua_State *L) {
  int len, legacy = lua_toboolean(L, 3);
  const char *der = args_bytes(L, 1, &len), *password = args_opt_text(L, 2, NULL);
  int is_given = password != NULL;
  Bundle *b = push_bundle(L);
  queue_clear();
  if (legacy && !load_legacy(b)) {
    fail_if_memory(L);
    return fail_code(L, "parse", "unsupported", "this OpenSSL has no legacy provider");
  }
  if (!decode(b, (const unsigned char *)der, len)) return fail(L, "parse");
  if (is_endless(b, (const unsigned char *)der, (size_t)len))
    return fail_code(L, "parse", "too_large",
                     "the file asks for too many rounds of hashing");
  if (PKCS12_mac_present(b->file) && !is_password(b, &password))
    return is_unsupported() ? explain(L, legacy) : fail_password(L, is_given);
  queue_clear();
  if (!complete(b, password)) return fail(L, "parse");
  if (PKCS12_parse(b->file, password, &b->pkey, &b->leaf, &b->chain) != 1) {
    int is_opened = is_given || PKCS12_mac_present(b->file) || is_unsupported();
    return is_opened ? explain(L, legacy) : fail_password(L, 0);
  }
  queue_clear();
  return push_bundle_table(L, b);
}

/* -- writing -- */

typedef struct Seal {
  int cipher, rounds;
  const EVP_MD *mac;
} Seal;

/* what is made, without L */
static PKCS12 *make (const char *password, const char *name, EVP_PKEY *pkey, X509 *leaf,
                     STACK_OF(X509) * chain, const Seal *seal) {
  PKCS12 *file = PKCS12_create_ex(password, name, pkey, leaf, chain, seal->cipher,
                                  seal->cipher, seal->rounds, -1, 0, NULL, NULL);
  if (file != NULL &&
      PKCS12_set_mac(file, password, -1, NULL, 0, seal->rounds, seal->mac) == 1)
    return file;
  PKCS12_free(file);
  return NULL;
}

/* pkcs12.create(key, cert, chain, password, name or nil, rounds, legacy) -> DER |
** nil, err */
static int pkcs12_create (lua_State *L) {
  EVP_PKEY *pkey = key_check_private(L, 1);
  X509 *leaf = cert_check(L, 2);
  STACK_OF(X509) *chain = cert_check_stack(L, 3);
  const char *password = args_text(L, 4), *name = args_opt_text(L, 5, NULL);
  Seal seal = { NID_aes_256_cbc, 0, EVP_sha256() };
  own_Box *file = own_temp(L, release_file);
  unsigned char *out, *p;
  int n;
  seal.rounds = args_int(L, 6, 1, WORK_MOST);
  if (lua_toboolean(L, 7)) {
    seal.cipher = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
    seal.mac = EVP_sha1();
  }
  queue_clear();
  file->obj = make(password, name, pkey, leaf, chain, &seal);
  n = file->obj == NULL ? 0 : i2d_PKCS12(file->obj, NULL);
  if (n <= 0) return key_fail_encoding(L);
  queue_clear();
  p = out = lua_newuserdata(L, (size_t)n);
  n = i2d_PKCS12(file->obj, &p);
  lua_pushlstring(L, (char *)out, (size_t)n);
  return 1;
}

static const luaL_Reg functions[] = {
  { "parse", pkcs12_parse },
  { "create", pkcs12_create },
  { NULL, NULL },
};

int pkcs12_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
