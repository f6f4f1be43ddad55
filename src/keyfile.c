#include "keyfile.h"

#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "args.h"
#include "der.h"
#include "fail.h"
#include "key.h"
#include "own.h"
#include "pem.h"
#include "usual_key.h"
#include "work.h"

/* how keys are locked, and how long it takes to try a password: RFC 8018 */
#define PBKDF2_ROUNDS 600000
#define SALT 16

typedef struct Password {
  const char *bytes; /* NULL: none was given */
  size_t len;
  int was_asked;
} Password;

static int give_password (char *out, size_t size, size_t *len,
                          const OSSL_PARAM params[], void *data) {
  Password *password = data;
  (void)params;
  password->was_asked = 1;
  if (password->bytes == NULL || password->len > size) return 0;
  memcpy(out, password->bytes, password->len);
  *len = password->len;
  return 1;
}

/* -- what an encoding is -- */

typedef struct Form {
  const char *structure; /* OpenSSL's name; NULL: any of the traditional ones */
  int is_private;
} Form;

static const Form public_form = { "SubjectPublicKeyInfo", 0 };
static const Form encrypted_form = { "EncryptedPrivateKeyInfo", 1 };
static const Form pkcs8_form = { "PrivateKeyInfo", 1 };
static const Form traditional_form = { "type-specific", 1 };
static const Form traditional_public_form = { "type-specific", 0 };

static const Form *find_form (const der_Item *whole) {
  const unsigned char *p = whole->content, *end = der_end(whole);
  der_Item first, second;
  if (der_next(&p, end, &first) != 1) return NULL;
  if (first.tag == DER_INTEGER && first.len > 1) return &traditional_public_form;
  if (der_next(&p, end, &second) != 1) return NULL;
  if (first.tag == DER_INTEGER)
    return second.tag == DER_SEQUENCE ? &pkcs8_form : &traditional_form;
  if (first.tag != DER_SEQUENCE) return NULL;
  if (second.tag == DER_OCTET_STRING) return &encrypted_form;
  return second.tag == DER_BIT_STRING ? &public_form : NULL;
}

/* -- decoding, without L -- */

static void release_pkey (void *obj) {
  EVP_PKEY_free(obj);
}

static EVP_PKEY *decode (const char *input, const Form *form,
                         const unsigned char *bytes, size_t len, Password *password) {
  EVP_PKEY *pkey = NULL;
  int selection = form->is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  OSSL_DECODER_CTX *context = OSSL_DECODER_CTX_new_for_pkey(
      &pkey, input, form->structure, NULL, selection, NULL, NULL);
  if (context != NULL &&
      OSSL_DECODER_CTX_set_passphrase_cb(context, give_password, password) == 1)
    OSSL_DECODER_from_data(context, &bytes, &len);
  OSSL_DECODER_CTX_free(context);
  return pkey;
}

static int is_cipher_missing (void) {
  unsigned long first = ERR_peek_error();
  return ERR_GET_LIB(first) == ERR_LIB_EVP &&
         ERR_GET_REASON(first) == ERR_R_UNSUPPORTED;
}

static int explain (lua_State *L, const Password *password) {
  int is_missing = is_cipher_missing();
  if (!password->was_asked) return fail(L, "parse");
  fail_if_memory(L);
  if (password->bytes == NULL)
    return fail_code(L, "parse", "password_required", "the key is encrypted");
  if (is_missing)
    return fail_code(L, "parse", "unsupported",
                     "the key is encrypted with an obsolete cipher");
  return fail_code(L, "parse", "bad_password", "the password is wrong");
}

static int push_decoded (lua_State *L, const char *input, const Form *form,
                         const unsigned char *bytes, size_t len, Password *password) {
  own_Box *box = own_temp(L, release_pkey);
  queue_clear();
  box->obj = decode(input, form, bytes, len, password);
  if (box->obj == NULL) return explain(L, password);
  queue_clear();
  key_push(L, box->obj, form->is_private);
  return 1;
}

/* 1, with the key pushed, where OpenSSL need not be asked */
static int push_usual (lua_State *L, const unsigned char *der, size_t len) {
  own_Box *box = own_temp(L, release_pkey);
  box->obj = usual_key_read(der, len);
  if (box->obj == NULL) return 0;
  key_push(L, box->obj, 1);
  return 1;
}

static int push_der (lua_State *L, const unsigned char *der, size_t len,
                     Password *password) {
  const unsigned char *p = der;
  der_Item whole;
  const Form *form =
      der_expect(&p, der + len, DER_SEQUENCE, &whole) == 1 ? find_form(&whole) : NULL;
  if (form == NULL) return fail_code(L, "parse", "bad_der", "not a key");
  if (p != der + len)
    return fail_code(L, "parse", "trailing_data", "there is data after the key");
  if (form == &public_form) return key_push_spki(L, der, len);
  if (form == &encrypted_form && password->bytes != NULL && work_is_endless(der, len))
    return fail_code(L, "parse", "too_large",
                     "the key asks for too many rounds of hashing");
  if (form != &encrypted_form && push_usual(L, der, len)) return 1;
  return push_decoded(L, "DER", form, der, len, password);
}

/* -- PEM -- */

static int is_key_label (const pem_Block *b) {
  static const char suffix[] = "KEY";
  size_t n = sizeof suffix - 1;
  return b->label_len >= n && memcmp(b->label + b->label_len - n, suffix, n) == 0;
}

static int push_block (lua_State *L, const pem_Block *b, Password *password) {
  size_t len;
  unsigned char *der;
  int results;
  if (pem_is(b, "OPENSSH PRIVATE KEY"))
    return fail_code(L, "parse", "unsupported_key_type",
                     "the key is in OpenSSH's own format");
  if (b->headers_len > 0) /* RFC 1421 encryption is OpenSSL's own matter */
    return push_decoded(L, "PEM", &traditional_form, (const unsigned char *)b->text,
                        b->text_len, password);
  der = pem_decode(L, b, &len);
  if (der == NULL)
    return fail_code(L, "parse", "bad_pem", "the PEM of the key is not base64");
  results = push_der(L, der, len, password);
  OPENSSL_cleanse(der, len);
  return results;
}

static int push_pem (lua_State *L, const char *text, size_t len, Password *password) {
  size_t pos = 0;
  pem_Block b;
  int found;
  while ((found = pem_next(text, len, &pos, &b)) == PEM_FOUND)
    if (is_key_label(&b)) return push_block(L, &b, password);
  if (found == PEM_BROKEN)
    return fail_code(L, "parse", "bad_pem", "a PEM block has no END line");
  return fail_code(L, "parse", "no_key", "no key found");
}

static Password read_password (lua_State *L, int arg) {
  Password password = { NULL, 0, 0 };
  if (!lua_isnoneornil(L, arg))
    password.bytes = luaL_checklstring(L, arg, &password.len);
  return password;
}

/* keyfile.parse(pem or der, password or nil) -> key | nil, err (bad_pem, bad_der,
** no_key, trailing_data, password_required, bad_password, unsupported_key_type) */
static int keyfile_parse (lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  Password password = read_password(L, 2);
  if (len > 0 && bytes[0] == DER_SEQUENCE)
    return push_der(L, (const unsigned char *)bytes, len, &password);
  return push_pem(L, bytes, len, &password);
}

/* -- encoding -- */

static void release_pkcs8 (void *obj) {
  PKCS8_PRIV_KEY_INFO_free(obj);
}

static void release_encrypted (void *obj) {
  X509_SIG_free(obj);
}

/* an encoding that OpenSSL allocates, pushed as a string and cleansed. The box
** it sits in cleanses it too, should pushing raise */
typedef struct Encoded {
  unsigned char *bytes;
  int len;
} Encoded;

static void release_encoded (void *obj) {
  Encoded *e = obj;
  OPENSSL_clear_free(e->bytes, e->len > 0 ? (size_t)e->len : 0);
  OPENSSL_free(e);
}

static Encoded *push_encoded (lua_State *L) {
  own_Box *box = own_temp(L, release_encoded);
  box->obj = OPENSSL_zalloc(sizeof(Encoded));
  if (box->obj == NULL) fail_memory(L);
  return box->obj;
}

static int push_result (lua_State *L, const Encoded *e) {
  if (e->len <= 0) return key_fail_encoding(L);
  lua_pushlstring(L, (char *)e->bytes, (size_t)e->len);
  return 1;
}

/* without L */
static int encode_usual (EVP_PKEY *pkey, Encoded *e) {
  der_Out out = { NULL, 0, 0, 0 };
  if (!usual_key_write(pkey, &out)) {
    der_out_release(&out);
    return 0;
  }
  e->bytes = out.bytes;
  e->len = (int)out.len;
  return 1;
}

/* keyfile.pkcs8(key) -> DER | nil, err */
static int keyfile_pkcs8 (lua_State *L) {
  EVP_PKEY *pkey = key_check_private(L, 1);
  own_Box *box = own_temp(L, release_pkcs8);
  Encoded *e = push_encoded(L);
  if (encode_usual(pkey, e)) return push_result(L, e);
  queue_clear();
  box->obj = EVP_PKEY2PKCS8(pkey);
  if (box->obj == NULL) return key_fail_encoding(L);
  e->len = i2d_PKCS8_PRIV_KEY_INFO(box->obj, &e->bytes);
  return push_result(L, e);
}

/* PBES2 with PBKDF2: scrypt that takes 32 MB, OpenSSL neither makes nor opens, and
** others open none at all; without L */
static X509_ALGOR *make_scheme (const EVP_CIPHER *cipher) {
  return PKCS5_pbe2_set_iv(cipher, PBKDF2_ROUNDS, NULL, SALT, NULL, NID_hmacWithSHA256);
}

static X509_SIG *encrypt (PKCS8_PRIV_KEY_INFO *info, const EVP_CIPHER *cipher,
                          const char *password, int len) {
  X509_ALGOR *scheme = make_scheme(cipher);
  X509_SIG *sealed =
      scheme == NULL ? NULL : PKCS8_set0_pbe(password, len, info, scheme);
  if (sealed == NULL) X509_ALGOR_free(scheme);
  return sealed;
}

/* keyfile.encrypted(key, password, cipher) -> DER | nil, err (unsupported) */
static int keyfile_encrypted (lua_State *L) {
  EVP_PKEY *pkey = key_check_private(L, 1);
  int len;
  const char *password = args_bytes(L, 2, &len), *name = args_text(L, 3);
  const EVP_CIPHER *cipher = EVP_get_cipherbyname(name);
  own_Box *info = own_temp(L, release_pkcs8), *sealed = own_temp(L, release_encrypted);
  Encoded *e = push_encoded(L);
  if (cipher == NULL)
    return fail_code(L, "save", "unsupported",
                     "this OpenSSL does not support the cipher %s", name);
  queue_clear();
  info->obj = EVP_PKEY2PKCS8(pkey);
  if (info->obj == NULL) return key_fail_encoding(L);
  sealed->obj = encrypt(info->obj, cipher, password, len);
  if (sealed->obj == NULL) return fail(L, "save");
  e->len = i2d_X509_SIG(sealed->obj, &e->bytes);
  queue_clear();
  return push_result(L, e);
}

/* keyfile.traditional(key) -> DER | nil, err: PKCS#1 for RSA, SEC1 for EC */
static int keyfile_traditional (lua_State *L) {
  EVP_PKEY *pkey = key_check_private(L, 1);
  Encoded *e = push_encoded(L);
  queue_clear();
  e->len = i2d_PrivateKey(pkey, &e->bytes);
  if (e->len <= 0) fail_if_memory(L); /* of what it cannot write it says too much */
  return push_result(L, e);
}

static const luaL_Reg functions[] = {
  { "parse", keyfile_parse },
  { "pkcs8", keyfile_pkcs8 },
  { "encrypted", keyfile_encrypted },
  { "traditional", keyfile_traditional },
  { NULL, NULL },
};

int keyfile_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
