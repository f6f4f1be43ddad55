#include "signed.h"

#include <openssl/asn1t.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "args.h"
#include "fail.h"
#include "key.h"
#include "own.h"

typedef struct Signed {
  ASN1_STRING *tbs;           /* owned */
  X509_ALGOR *algorithm;      /* owned */
  ASN1_BIT_STRING *signature; /* owned */
} Signed;

static void release_signed (void *obj) {
  Signed *s = obj;
  ASN1_STRING_free(s->tbs);
  X509_ALGOR_free(s->algorithm);
  ASN1_BIT_STRING_free(s->signature);
  OPENSSL_free(s);
}

typedef struct Bytes {
  const char *bytes;
  int len;
} Bytes;

/* a SEQUENCE of OpenSSL's is its whole encoding, so that nothing is made anew */
static int fill (Signed *s, const Bytes *tbs, const Bytes *algorithm,
                 const Bytes *signature) {
  const unsigned char *p = (const unsigned char *)algorithm->bytes;
  s->tbs = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
  s->signature = ASN1_BIT_STRING_new();
  s->algorithm = d2i_X509_ALGOR(NULL, &p, algorithm->len);
  return s->tbs != NULL && s->signature != NULL && s->algorithm != NULL &&
         ASN1_STRING_set(s->tbs, tbs->bytes, tbs->len) == 1 &&
         ASN1_STRING_set(s->signature, signature->bytes, signature->len) == 1;
}

static Bytes check_bytes (lua_State *L, int arg) {
  Bytes b;
  b.bytes = args_bytes(L, arg, &b.len);
  return b;
}

/* signed.verify(tbs, algorithm, signature, key) -> boolean; the first two are DER */
static int signed_verify (lua_State *L) {
  Bytes tbs = check_bytes(L, 1), algorithm = check_bytes(L, 2),
        signature = check_bytes(L, 3);
  EVP_PKEY *pkey = key_check(L, 4);
  own_Box *box = own_temp(L, release_signed);
  int good;
  box->obj = OPENSSL_zalloc(sizeof(Signed));
  if (box->obj == NULL) return fail_memory(L);
  queue_clear();
  good = fill(box->obj, &tbs, &algorithm, &signature);
  if (good) {
    Signed *s = box->obj;
    good = ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), s->algorithm, s->signature,
                            s->tbs, pkey) == 1;
  }
  fail_if_memory(L);
  lua_pushboolean(L, good);
  return 1;
}

static const luaL_Reg functions[] = { { "verify", signed_verify }, { NULL, NULL } };

int signed_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
