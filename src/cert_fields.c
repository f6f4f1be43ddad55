#include "cert_fields.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "args.h"
#include "cert.h"
#include "der.h"
#include "fail.h"
#include "field.h"
#include "glance.h"
#include "key.h"
#include "light.h"
#include "name.h"
#include "pem.h"
#include "pin.h"
#include "strength.h"
#include "verify.h"

static void release_bytes (void *obj) {
  OPENSSL_free(obj);
}

/* cert.parse(pem or der [, from]) -> cert, next | nil, err (no_certificate, bad_pem,
** bad_der, trailing_data). `next` is where the next PEM block may be sought */
static int cert_parse (lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  return cert_push_text(L, text, len, args_position(L, 2, len));
}

/* cert:version() -> integer: 3 */
static int cert_version (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)X509_get_version(cert_check_light(L, 1)) + 1);
  return 1;
}

/* cert:serial() -> lower-case hex, "-" before a negative one */
static int cert_serial (lua_State *L) {
  return field_push_serial(L, X509_get0_serialNumber(cert_check_light(L, 1)));
}

/* cert:names_issuer(cert) -> boolean: whether its issuer has the name of that one's
** subject, RFC 5280 7.1; the signature is not checked */
static int cert_names_issuer (lua_State *L) {
  X509 *x = cert_check_light(L, 1), *issuer = cert_check_light(L, 2);
  lua_pushboolean(
      L, X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)) == 0);
  return 1;
}

/* cert:subject_der() -> DER | nil, err */
static int cert_subject_der (lua_State *L) {
  return field_push_name(L, X509_get_subject_name(cert_check_light(L, 1)));
}

/* cert:issuer_der() -> DER | nil, err */
static int cert_issuer_der (lua_State *L) {
  return field_push_name(L, X509_get_issuer_name(cert_check_light(L, 1)));
}

static void release_time (void *obj) {
  ASN1_TIME_free(obj);
}

/* a date of a certificate that nobody has read */
static int push_glanced_time (lua_State *L, const light_Cert *c, glance_Date which) {
  own_Box *box = own_temp(L, release_time);
  queue_clear();
  box->obj = glance_time(c, which);
  if (box->obj == NULL) fail_if_memory(L);
  return field_push_time(L, box->obj);
}

/* cert:not_before() -> seconds since 1970 | nil, where it cannot be read */
static int cert_not_before (lua_State *L) {
  light_Cert *c = own_check(L, 1, &cert_type);
  if (!light_is_read(c)) return push_glanced_time(L, c, GLANCE_NOT_BEFORE);
  return field_push_time(L, X509_get0_notBefore(cert_check_light(L, 1)));
}

/* cert:not_after() -> seconds since 1970 | nil, where it cannot be read */
static int cert_not_after (lua_State *L) {
  light_Cert *c = own_check(L, 1, &cert_type);
  if (!light_is_read(c)) return push_glanced_time(L, c, GLANCE_NOT_AFTER);
  return field_push_time(L, X509_get0_notAfter(cert_check_light(L, 1)));
}

/* lends the SubjectPublicKeyInfo, or NULL with a reason in the queue; pushes something
 */
static const unsigned char *check_spki (lua_State *L, size_t *len) {
  light_Cert *c = own_check(L, 1, &cert_type);
  own_Box *box;
  der_Item item;
  unsigned char *out = NULL;
  int n;
  if (c->der != NULL && glance_element(c, 6, &item) && item.tag == DER_SEQUENCE) {
    *len = (size_t)(der_end(&item) - item.start);
    return item.start;
  }
  box = own_temp(L, release_bytes); /* not DER, which OpenSSL took all the same, or only
                                    ** its fields are there */
  queue_clear();
  n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert_check_light(L, 1)), &out);
  box->obj = out;
  *len = n < 0 ? 0 : (size_t)n;
  return out;
}

/* cert:spki() -> DER of the SubjectPublicKeyInfo | nil, err */
static int cert_spki (lua_State *L) {
  size_t len;
  const unsigned char *spki = check_spki(L, &len);
  if (spki == NULL) return fail(L, "parse");
  lua_pushlstring(L, (const char *)spki, len);
  return 1;
}

/* cert:spki_pin() -> SHA-256, and the text of that pin (RFC 7469) | nil, err */
static int cert_spki_pin (lua_State *L) {
  size_t len;
  const unsigned char *spki = check_spki(L, &len);
  if (spki == NULL) return fail(L, "parse");
  pin_push(L, spki, len);
  return 2;
}

/* cert:key_strength() -> "rsa" "rsa-pss" "ec" "dsa" or "other", bits */
static int cert_key_strength (lua_State *L) {
  strength_Key key = strength_read(X509_get_X509_PUBKEY(cert_check_light(L, 1)));
  lua_pushstring(L, key.kind);
  lua_pushinteger(L, key.bits);
  return 2;
}

/* cert:public_key() -> key | nil, err (unsupported_key_type, bad_der) */
static int cert_public_key (lua_State *L) {
  int results = cert_spki(L);
  size_t len;
  const char *spki = lua_tolstring(L, -1, &len);
  if (results != 1) return results;
  return key_push_spki(L, (const unsigned char *)spki, len);
}

/* cert:signature_algorithm() -> OpenSSL's long name or dotted identifier */
static int cert_signature_algorithm (lua_State *L) {
  const X509_ALGOR *algorithm;
  X509_get0_signature(NULL, &algorithm, cert_check_light(L, 1));
  return field_push_algorithm(L, algorithm);
}

/* cert:signature() -> bytes */
static int cert_signature (lua_State *L) {
  const ASN1_BIT_STRING *bits;
  X509_get0_signature(&bits, NULL, cert_check_light(L, 1));
  lua_pushlstring(L, (const char *)ASN1_STRING_get0_data(bits),
                  (size_t)ASN1_STRING_length(bits));
  return 1;
}

/* cert:to_der() -> DER */
static int cert_to_der (lua_State *L) {
  size_t len;
  const unsigned char *der = cert_check_der(L, 1, &len);
  lua_pushlstring(L, (const char *)der, len);
  return 1;
}

/* cert:to_pem() -> PEM */
static int cert_to_pem (lua_State *L) {
  size_t len;
  const unsigned char *der = cert_check_der(L, 1, &len);
  pem_push(L, "CERTIFICATE", der, len);
  return 1;
}

/* cert:tbs() -> DER of what is signed */
static int cert_tbs (lua_State *L) {
  size_t len;
  const unsigned char *der = cert_check_der(L, 1, &len), *p = der;
  der_Item whole, tbs;
  if (der_next(&p, der + len, &whole) != 1) return 0;
  p = whole.content;
  if (der_next(&p, der_end(&whole), &tbs) != 1) return 0;
  lua_pushlstring(L, (const char *)tbs.start, (size_t)(der_end(&tbs) - tbs.start));
  return 1;
}

/* -- extensions -- */

/* of one that nobody has read, off its encoding */
static const STACK_OF(X509_EXTENSION) * check_extensions(lua_State *L) {
  light_Cert *c = own_check(L, 1, &cert_type);
  const STACK_OF(X509_EXTENSION) *list = NULL;
  if (!light_is_read(c)) list = glance_extensions(c);
  return list != NULL ? list : X509_get0_extensions(cert_check_light(L, 1));
}

/* cert:raw_extensions() -> { { oid =, critical =, der = }, ... } in their order */
static int cert_raw_extensions (lua_State *L) {
  const STACK_OF(X509_EXTENSION) *list = check_extensions(L);
  int i, n = X509v3_get_ext_count(list);
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    field_push_extension(L, X509v3_get_ext(list, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* cert:raw_extension(content of its identifier) -> { oid =, critical =, der = } | nil
 */
static int cert_raw_extension (lua_State *L) {
  const STACK_OF(X509_EXTENSION) *list = check_extensions(L);
  size_t len;
  const char *content = luaL_checklstring(L, 2, &len);
  int i, n = X509v3_get_ext_count(list);
  for (i = 0; i < n; i++) {
    const ASN1_OBJECT *oid = X509_EXTENSION_get_object(X509v3_get_ext(list, i));
    if (OBJ_length(oid) != len || memcmp(OBJ_get0_data(oid), content, len) != 0)
      continue;
    field_push_extension(L, X509v3_get_ext(list, i));
    return 1;
  }
  return 0;
}

/* cert:raw_alt_names() -> list | nil, where there are none or they are malformed */
static int cert_raw_alt_names (lua_State *L) {
  const STACK_OF(X509_EXTENSION) *list = check_extensions(L);
  int i = X509v3_get_ext_by_NID(list, NID_subject_alt_name, -1);
  const ASN1_OCTET_STRING *value;
  if (i < 0) return 0;
  value = X509_EXTENSION_get_data(X509v3_get_ext(list, i));
  return name_push_general(L, ASN1_STRING_get0_data(value),
                           (size_t)ASN1_STRING_length(value));
}

/* -- questions -- */

/* cert:has_dns_name(name) -> boolean; of its alternative names only, RFC 9525 */
static int cert_has_dns_name (lua_State *L) {
  X509 *x = cert_check_light(L, 1);
  const char *name = args_text(L, 2);
  int found = name[0] != '\0' && name[0] != '.' &&
              X509_check_host(x, name, 0, VERIFY_HOST_FLAGS, NULL) == 1;
  queue_clear();
  lua_pushboolean(L, found);
  return 1;
}

/* cert:has_address(raw) -> boolean */
static int cert_has_address (lua_State *L) {
  X509 *x = cert_check_light(L, 1);
  size_t len;
  const char *raw = luaL_checklstring(L, 2, &len);
  int found = X509_check_ip(x, (const unsigned char *)raw, len, 0) == 1;
  queue_clear();
  lua_pushboolean(L, found);
  return 1;
}

/* cert:is_signed_by(key) -> boolean */
static int cert_is_signed_by (lua_State *L) {
  X509 *x = cert_check(L, 1);
  int good = X509_verify(x, key_check(L, 2)) == 1;
  queue_clear();
  lua_pushboolean(L, good);
  return 1;
}

static void ensure_der (lua_State *L, light_Cert *c) {
  if (!light_ensure_der(c)) fail_memory(L);
}

/* cert == cert: the same bytes */
static int cert_equal (lua_State *L) {
  light_Cert *a = own_test(L, 1, &cert_type), *b = own_test(L, 2, &cert_type);
  int are_open = a != NULL && b != NULL;
  if (are_open) {
    ensure_der(L, a);
    ensure_der(L, b);
  }
  lua_pushboolean(L,
                  are_open && a->len == b->len && memcmp(a->der, b->der, a->len) == 0);
  return 1;
}

static const luaL_Reg methods[] = {
  { "version", cert_version },
  { "serial", cert_serial },
  { "subject_der", cert_subject_der },
  { "issuer_der", cert_issuer_der },
  { "names_issuer", cert_names_issuer },
  { "not_before", cert_not_before },
  { "not_after", cert_not_after },
  { "spki", cert_spki },
  { "spki_pin", cert_spki_pin },
  { "key_strength", cert_key_strength },
  { "public_key", cert_public_key },
  { "signature_algorithm", cert_signature_algorithm },
  { "signature", cert_signature },
  { "tbs", cert_tbs },
  { "to_der", cert_to_der },
  { "to_pem", cert_to_pem },
  { "raw_extensions", cert_raw_extensions },
  { "raw_extension", cert_raw_extension },
  { "raw_alt_names", cert_raw_alt_names },
  { "has_dns_name", cert_has_dns_name },
  { "has_address", cert_has_address },
  { "is_signed_by", cert_is_signed_by },
  { NULL, NULL },
};

static const luaL_Reg metamethods[] = { { "__eq", cert_equal }, { NULL, NULL } };

static const luaL_Reg functions[] = { { "parse", cert_parse }, { NULL, NULL } };

int cert_fields_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type_in(L, &cert_type, metamethods, methods);
  return 1;
}
