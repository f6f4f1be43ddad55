#include "strength.h"

#include <openssl/objects.h>

#include "der.h"

#define UNCOMPRESSED 4 /* the first octet of a point, SEC 1 section 2.3.3 */

/* of an INTEGER that is not negative */
static int bits_of_number (const unsigned char *p, const unsigned char *end) {
  der_Item number;
  int bits, top;
  if (der_expect(&p, end, DER_INTEGER, &number) != 1) return 0;
  for (p = number.content, end = der_end(&number); p < end && *p == 0; p++) {
  }
  if (p == end || end - p > INT32_MAX / 8) return 0;
  for (bits = 8 * (int)(end - p - 1), top = *p; top > 0; top >>= 1) bits++;
  return bits;
}

/* RSAPublicKey, RFC 8017 A.1.1: the modulus comes first */
static int bits_of_rsa (const unsigned char *p, const unsigned char *end) {
  der_Item key;
  if (der_expect(&p, end, DER_SEQUENCE, &key) != 1) return 0;
  return bits_of_number(key.content, der_end(&key));
}

static int bits_of_point (const unsigned char *p, const unsigned char *end) {
  return p == end ? 0 : (int)(end - p - 1) * (*p == UNCOMPRESSED ? 4 : 8);
}

static const struct {
  int nid;
  const char *kind;
  int (*bits)(const unsigned char *p, const unsigned char *end);
} kinds[] = {
  { NID_rsaEncryption, "rsa", bits_of_rsa },
  { NID_rsassaPss, "rsa-pss", bits_of_rsa },
  { NID_X9_62_id_ecPublicKey, "ec", bits_of_point },
  { NID_dsa, "dsa", bits_of_number },
};

strength_Key strength_read (const X509_PUBKEY *key) {
  strength_Key other = { "other", 0 };
  ASN1_OBJECT *algorithm;
  const unsigned char *raw;
  size_t i;
  int len, nid;
  if (X509_PUBKEY_get0_param(&algorithm, &raw, &len, NULL, key) != 1) return other;
  nid = OBJ_obj2nid(algorithm);
  for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].nid == nid)
      return (strength_Key){ kinds[i].kind, kinds[i].bits(raw, raw + len) };
  return other;
}
