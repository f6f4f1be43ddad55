#include "usual_key.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "der.h"
#include "ec_key.h"
#include "queue.h"

typedef struct Curve {
  const char *group;
  size_t field;
  unsigned char oid[8];
  size_t oid_len;
} Curve;

static const Curve curves[] = {
  { "prime256v1", 32, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }, 8 },
  { "secp384r1", 48, { 0x2b, 0x81, 0x04, 0x00, 0x22 }, 5 },
  { "secp521r1", 66, { 0x2b, 0x81, 0x04, 0x00, 0x23 }, 5 },
};

static const unsigned char ec_oid[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };

static int is (const der_Item *item, const void *content, size_t len) {
  return item->len == len && memcmp(item->content, content, len) == 0;
}

static const Curve *find_curve (const der_Item *oid) {
  size_t i;
  for (i = 0; i < sizeof curves / sizeof *curves; i++)
    if (is(oid, curves[i].oid, curves[i].oid_len)) return &curves[i];
  return NULL;
}

/* -- reading -- */

/* the parts of a key, lent by its encoding */
typedef struct Parts {
  const Curve *curve;
  der_Item secret, point;
} Parts;

/* the one element that an explicit tag holds */
static int unwrap (const der_Item *outer, int tag, der_Item *inner) {
  const unsigned char *p = outer->content;
  return der_expect(&p, der_end(outer), tag, inner) == 1 && p == der_end(outer);
}

/* ECPrivateKey, whose curve may stand outside; the public half must be there */
static int read_sec1 (const unsigned char *der, size_t len, Parts *parts) {
  const unsigned char *p = der, *end;
  der_Item whole, version, item, oid, bits;
  if (der_expect(&p, der + len, DER_SEQUENCE, &whole) != 1 || p != der + len) return 0;
  p = whole.content;
  end = der_end(&whole);
  if (der_expect(&p, end, DER_INTEGER, &version) != 1 || !is(&version, "\1", 1) ||
      der_expect(&p, end, DER_OCTET_STRING, &parts->secret) != 1 ||
      der_next(&p, end, &item) != 1)
    return 0;
  if (item.tag == DER_EXPLICIT(0)) {
    const Curve *curve = unwrap(&item, DER_OBJECT, &oid) ? find_curve(&oid) : NULL;
    if (curve == NULL || (parts->curve != NULL && parts->curve != curve)) return 0;
    parts->curve = curve;
    if (der_next(&p, end, &item) != 1) return 0;
  }
  if (parts->curve == NULL || item.tag != DER_EXPLICIT(1) || p != end) return 0;
  if (!unwrap(&item, DER_BIT_STRING, &bits) || bits.len == 0 || bits.content[0] != 0)
    return 0;
  parts->point.content = bits.content + 1;
  parts->point.len = bits.len - 1;
  return parts->secret.len == parts->curve->field &&
         parts->point.len == 1 + 2 * parts->curve->field &&
         parts->point.content[0] == 4;
}

static int read_pkcs8 (const unsigned char *der, size_t len, Parts *parts) {
  const unsigned char *p = der, *end, *q;
  der_Item whole, version, algorithm, key, type, curve;
  if (der_expect(&p, der + len, DER_SEQUENCE, &whole) != 1 || p != der + len) return 0;
  p = whole.content;
  end = der_end(&whole);
  if (der_expect(&p, end, DER_INTEGER, &version) != 1 || !is(&version, "\0", 1) ||
      der_expect(&p, end, DER_SEQUENCE, &algorithm) != 1 ||
      der_expect(&p, end, DER_OCTET_STRING, &key) != 1 || p != end)
    return 0;
  q = algorithm.content;
  if (der_expect(&q, der_end(&algorithm), DER_OBJECT, &type) != 1 ||
      !is(&type, ec_oid, sizeof ec_oid) ||
      der_expect(&q, der_end(&algorithm), DER_OBJECT, &curve) != 1 ||
      q != der_end(&algorithm))
    return 0;
  parts->curve = find_curve(&curve);
  return parts->curve != NULL && read_sec1(key.content, key.len, parts);
}

static EVP_PKEY *make (const Parts *parts) {
  return ec_key_make(parts->curve->group, parts->point.content, parts->point.len,
                     parts->secret.content, parts->secret.len);
}

EVP_PKEY *usual_key_read (const unsigned char *der, size_t len) {
  Parts parts = { NULL, { 0, NULL, NULL, 0 }, { 0, NULL, NULL, 0 } };
  EVP_PKEY *pkey = NULL;
  if (read_pkcs8(der, len, &parts)) pkey = make(&parts);
  else {
    parts.curve = NULL;
    if (read_sec1(der, len, &parts)) pkey = make(&parts);
  }
  queue_clear();
  return pkey;
}

/* -- writing -- */

static const Curve *curve_of (EVP_PKEY *pkey) {
  char group[64];
  size_t i;
  if (!EVP_PKEY_is_a(pkey, "EC") ||
      EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1)
    return NULL;
  for (i = 0; i < sizeof curves / sizeof *curves; i++)
    if (strcmp(curves[i].group, group) == 0) return &curves[i];
  return NULL;
}

static int get_secret (EVP_PKEY *pkey, unsigned char *secret, size_t field) {
  BIGNUM *n = NULL;
  int good = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &n) == 1 &&
             BN_bn2binpad(n, secret, (int)field) > 0;
  BN_clear_free(n);
  return good;
}

static void put_sec1 (der_Out *out, const Curve *curve, const unsigned char *secret,
                      const unsigned char *point) {
  size_t whole = der_out_open(out, DER_SEQUENCE), tagged, bits;
  der_out_small(out, DER_INTEGER, 1);
  der_out_element(out, DER_OCTET_STRING, secret, curve->field);
  tagged = der_out_open(out, DER_EXPLICIT(1));
  bits = der_out_open(out, DER_BIT_STRING);
  der_out_put(out, "", 1);
  der_out_put(out, point, 1 + 2 * curve->field);
  der_out_close(out, bits);
  der_out_close(out, tagged);
  der_out_close(out, whole);
}

static void put_pkcs8 (der_Out *out, const Curve *curve, const unsigned char *secret,
                       const unsigned char *point) {
  size_t whole = der_out_open(out, DER_SEQUENCE), part;
  der_out_small(out, DER_INTEGER, 0);
  part = der_out_open(out, DER_SEQUENCE);
  der_out_element(out, DER_OBJECT, ec_oid, sizeof ec_oid);
  der_out_element(out, DER_OBJECT, curve->oid, curve->oid_len);
  der_out_close(out, part);
  part = der_out_open(out, DER_OCTET_STRING);
  put_sec1(out, curve, secret, point);
  der_out_close(out, part);
  der_out_close(out, whole);
}

int usual_key_write (EVP_PKEY *pkey, der_Out *out) {
  const Curve *curve = curve_of(pkey);
  unsigned char secret[EC_KEY_FIELD], point[EC_KEY_POINT];
  size_t len = 0;
  int good = curve != NULL &&
             EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
                                             sizeof point, &len) == 1 &&
             len == 1 + 2 * curve->field && get_secret(pkey, secret, curve->field);
  if (good) put_pkcs8(out, curve, secret, point);
  OPENSSL_cleanse(secret, sizeof secret);
  queue_clear();
  return good && !out->failed;
}
