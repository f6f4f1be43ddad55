#include "spki.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "der.h"
#include "ec_key.h"
#include "oid.h"
#include "queue.h"

typedef struct Prefix {
  const char *group; /* or the type's name, for raw keys */
  unsigned char bytes[32];
  size_t len, key_len;
} Prefix;

/* everything of the encoding but the key: without them OpenSSL loads its
** encoders, which is a third of a short program's time */
static const Prefix prefixes[] = {
  { "prime256v1",
    { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
      0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 },
    26,
    65 },
  { "secp384r1",
    { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
      0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 },
    23,
    97 },
  { "ED25519",
    { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 },
    12,
    32 },
};

#define MAX_RAW 128

/* the public key as it stands in a prefix's BIT STRING */
static size_t read_public (EVP_PKEY *pkey, char *group, size_t size,
                           unsigned char *raw) {
  size_t n = MAX_RAW;
  if (EVP_PKEY_is_a(pkey, "EC")) {
    if (EVP_PKEY_get_group_name(pkey, group, size, NULL) != 1 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, raw, MAX_RAW,
                                        &n) != 1)
      return 0;
    return n;
  }
  if (!EVP_PKEY_is_a(pkey, "ED25519") ||
      EVP_PKEY_get_raw_public_key(pkey, raw, &n) != 1)
    return 0;
  memcpy(group, "ED25519", sizeof "ED25519");
  return n;
}

int spki_encode (EVP_PKEY *pkey, unsigned char **spki, size_t *len) {
  unsigned char raw[MAX_RAW];
  char group[64];
  size_t i, n = read_public(pkey, group, sizeof group, raw);
  for (i = 0; n > 0 && i < sizeof prefixes / sizeof *prefixes; i++) {
    const Prefix *p = &prefixes[i];
    if (p->key_len != n || strcmp(p->group, group) != 0) continue;
    *spki = OPENSSL_malloc(p->len + n);
    if (*spki == NULL) return 0;
    memcpy(*spki, p->bytes, p->len);
    memcpy(*spki + p->len, raw, n);
    *len = p->len + n;
    return 1;
  }
  return 0;
}

/* a public key in a provider's own form, or NULL */
static EVP_PKEY *make (const Prefix *prefix, const unsigned char *raw) {
  if (strcmp(prefix->group, "ED25519") == 0)
    return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw, prefix->key_len);
  return ec_key_make(prefix->group, raw, prefix->key_len, NULL, 0);
}

EVP_PKEY *spki_decode (const unsigned char *spki, size_t len) {
  EVP_PKEY *pkey = NULL;
  size_t i;
  for (i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    const Prefix *p = &prefixes[i];
    if (len != p->len + p->key_len || memcmp(spki, p->bytes, p->len) != 0) continue;
    pkey = make(p, spki + p->len);
  }
  queue_clear();
  if (pkey != NULL) return pkey;
  return d2i_PUBKEY(NULL, &spki, (long)len);
}

int spki_is_known (const unsigned char *spki, size_t len) {
  const unsigned char *p = spki;
  der_Item whole, algorithm, oid;
  oid_Text text;
  EVP_KEYMGMT *type;
  if (der_expect(&p, spki + len, DER_SEQUENCE, &whole) != 1) return 1;
  p = whole.content;
  if (der_expect(&p, der_end(&whole), DER_SEQUENCE, &algorithm) != 1) return 1;
  p = algorithm.content;
  if (der_expect(&p, der_end(&algorithm), DER_OBJECT, &oid) != 1) return 1;
  if (!oid_read_content(oid.content, oid.len, &text)) return 1;
  type = EVP_KEYMGMT_fetch(NULL, text.dotted, NULL);
  queue_clear();
  EVP_KEYMGMT_free(type);
  return type != NULL;
}
