#include "cert.h"

#include <openssl/x509v3.h>

#include "args.h"
#include "asn1_time.h"
#include "bytes.h"
#include "der.h"
#include "fail.h"
#include "key.h"
#include "light.h"
#include "name.h"
#include "oid.h"
#include "pem.h"

static void release_cert (void *obj) {
  light_free(obj);
}

const own_Type cert_type = { "lacre.cert", release_cert };

static light_Cert *check_cert (lua_State *L, int arg) {
  return own_check(L, arg, &cert_type);
}

/* what fields are read from */
static X509 *check_light (lua_State *L, int arg) {
  X509 *x = light_fields(check_cert(L, arg));
  if (x == NULL) fail_memory(L);
  return x;
}

static const unsigned char *check_der (lua_State *L, int arg, size_t *len) {
  light_Cert *c = check_cert(L, arg);
  if (!light_ensure_der(c)) fail_memory(L);
  *len = c->len;
  return c->der;
}

X509 *cert_check (lua_State *L, int arg) {
  light_Cert *c = check_cert(L, arg);
  if (!light_ensure_full(c)) fail_memory(L);
  return c->full;
}

X509 *cert_test (lua_State *L, int index) {
  light_Cert *c = own_test(L, index, &cert_type);
  if (c == NULL) return NULL;
  if (!light_ensure_full(c)) fail_memory(L);
  return c->full;
}

void cert_push (lua_State *L, X509 *x) {
  own_Box *box = own_new(L, &cert_type);
  box->obj = light_wrap(x);
  if (box->obj == NULL) fail_memory(L);
}

void cert_push_made (lua_State *L, const unsigned char *der, size_t len) {
  own_Box *box = own_new(L, &cert_type);
  box->obj = light_keep(der, len);
  if (box->obj == NULL) fail_memory(L);
}

void cert_push_chain (lua_State *L, const STACK_OF(X509) * chain) {
  int i, n = chain == NULL ? 0 : sk_X509_num(chain);
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    cert_push(L, sk_X509_value(chain, i));
    lua_rawseti(L, -2, i + 1);
  }
}

/* -- parsing -- */

int cert_push_der (lua_State *L, const unsigned char *der, size_t len) {
  const unsigned char *p = der;
  der_Item whole;
  own_Box *box = own_new(L, &cert_type);
  if (der_expect(&p, der + len, 0x30, &whole) != 1)
    return fail_code(L, "parse", "bad_der", "the bytes are no certificate");
  if (p != der + len)
    return fail_code(L, "parse", "trailing_data", "%lu bytes follow the certificate",
                     (unsigned long)(der + len - p));
  fail_clear();
  box->obj = light_decode(der, len);
  if (box->obj == NULL) return fail(L, "parse");
  fail_clear();
  return 1;
}

static int is_cert_label (const pem_Block *b) {
  return pem_is(b, "CERTIFICATE") || pem_is(b, "X509 CERTIFICATE") ||
         pem_is(b, "TRUSTED CERTIFICATE");
}

/* OpenSSL's trusted form has its own settings behind the certificate */
static size_t cut_settings (const pem_Block *b, const unsigned char *der, size_t len) {
  const unsigned char *p = der;
  der_Item whole;
  if (pem_is(b, "TRUSTED CERTIFICATE") && der_expect(&p, der + len, 0x30, &whole) == 1)
    return (size_t)(p - der);
  return len;
}

static int push_block (lua_State *L, const pem_Block *b) {
  size_t len;
  const unsigned char *der = pem_decode(L, b, &len);
  if (der == NULL)
    return fail_code(L, "parse", "bad_pem", "a certificate's PEM is no base64");
  return cert_push_der(L, der, cut_settings(b, der, len));
}

/* cert.parse(pem or der [, from]) -> cert, next | nil, err (no_certificate, bad_pem,
** bad_der, trailing_data). `next` is where the next PEM block may be sought */
static int cert_parse (lua_State *L) {
  size_t len, pos = (size_t)args_int(L, 2, 1, INT32_MAX) - 1;
  const char *text = luaL_checklstring(L, 1, &len);
  pem_Block b;
  int found;
  if (pos == 0 && len > 0 && text[0] == 0x30) {
    if (cert_push_der(L, (const unsigned char *)text, len) != 1) return 2;
    lua_pushinteger(L, (lua_Integer)len + 1);
    return 2;
  }
  while ((found = pem_next(text, len, &pos, &b)) == PEM_FOUND) {
    if (!is_cert_label(&b)) continue;
    if (push_block(L, &b) != 1) return 2;
    lua_pushinteger(L, (lua_Integer)pos + 1);
    return 2;
  }
  if (found == PEM_BROKEN)
    return fail_code(L, "parse", "bad_pem", "a PEM block begins and does not end");
  return fail_code(L, "parse", "no_certificate", "no certificate among the bytes");
}

/* -- fields -- */

/* cert:version() -> integer: 3 */
static int cert_version (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)X509_get_version(check_light(L, 1)) + 1);
  return 1;
}

/* cert:serial() -> lower-case hex, "-" before a negative one */
static int cert_serial (lua_State *L) {
  const ASN1_INTEGER *serial = X509_get0_serialNumber(check_light(L, 1));
  int len = ASN1_STRING_length(serial);
  int is_negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
  lua_pushstring(L, is_negative ? "-" : "");
  bytes_push_hex(L, ASN1_STRING_get0_data(serial), len > 0 ? (size_t)len : 0);
  if (len == 0) {
    lua_pop(L, 1);
    lua_pushliteral(L, "00");
  }
  lua_concat(L, 2);
  return 1;
}

static int push_name (lua_State *L, const X509_NAME *name) {
  const unsigned char *der;
  size_t len;
  if (X509_NAME_get0_der(name, &der, &len) != 1) return fail(L, "parse");
  lua_pushlstring(L, (const char *)der, len);
  return 1;
}

/* cert:subject_der() -> DER | nil, err */
static int cert_subject_der (lua_State *L) {
  return push_name(L, X509_get_subject_name(check_light(L, 1)));
}

/* cert:issuer_der() -> DER | nil, err */
static int cert_issuer_der (lua_State *L) {
  return push_name(L, X509_get_issuer_name(check_light(L, 1)));
}

static int push_time (lua_State *L, const ASN1_TIME *time) {
  int64_t seconds;
  if (!asn1_time_read(time, &seconds)) {
    fail_clear();
    lua_pushnil(L);
    return 1;
  }
  compat_pushint64(L, seconds);
  return 1;
}

/* cert:not_before() -> seconds since 1970 | nil, where it cannot be read */
static int cert_not_before (lua_State *L) {
  return push_time(L, X509_get0_notBefore(check_light(L, 1)));
}

/* cert:not_after() -> seconds since 1970 | nil, where it cannot be read */
static int cert_not_after (lua_State *L) {
  return push_time(L, X509_get0_notAfter(check_light(L, 1)));
}

/* cert:spki() -> DER of the SubjectPublicKeyInfo | nil, err */
static int cert_spki (lua_State *L) {
  X509_PUBKEY *key = X509_get_X509_PUBKEY(check_light(L, 1));
  int n = i2d_X509_PUBKEY(key, NULL);
  unsigned char *out, *p;
  if (n <= 0) return fail(L, "parse");
  p = out = lua_newuserdata(L, (size_t)n);
  n = i2d_X509_PUBKEY(key, &p);
  lua_pushlstring(L, (char *)out, (size_t)n);
  return 1;
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
  const ASN1_OBJECT *object;
  oid_Text text;
  X509_get0_signature(NULL, &algorithm, check_light(L, 1));
  X509_ALGOR_get0(&object, NULL, NULL, algorithm);
  if (!oid_read(object, &text)) return 0;
  lua_pushstring(L, text.name == NULL ? text.dotted : OBJ_nid2ln(OBJ_obj2nid(object)));
  return 1;
}

/* cert:signature() -> bytes */
static int cert_signature (lua_State *L) {
  const ASN1_BIT_STRING *bits;
  X509_get0_signature(&bits, NULL, check_light(L, 1));
  lua_pushlstring(L, (const char *)ASN1_STRING_get0_data(bits),
                  (size_t)ASN1_STRING_length(bits));
  return 1;
}

/* cert:to_der() -> DER */
static int cert_to_der (lua_State *L) {
  size_t len;
  const unsigned char *der = check_der(L, 1, &len);
  lua_pushlstring(L, (const char *)der, len);
  return 1;
}

/* cert:to_pem() -> PEM */
static int cert_to_pem (lua_State *L) {
  size_t len;
  const unsigned char *der = check_der(L, 1, &len);
  pem_push(L, "CERTIFICATE", der, len);
  return 1;
}

/* cert:tbs() -> DER of what is signed */
static int cert_tbs (lua_State *L) {
  size_t len;
  const unsigned char *der = check_der(L, 1, &len), *p = der;
  der_Item whole, tbs;
  if (der_next(&p, der + len, &whole) != 1) return 0;
  p = whole.content;
  if (der_next(&p, der_end(&whole), &tbs) != 1) return 0;
  lua_pushlstring(L, (const char *)tbs.start, (size_t)(der_end(&tbs) - tbs.start));
  return 1;
}

/* -- extensions -- */

/* the extension is fetched anew each time: it is const from OpenSSL 4 on, and
** must not be before */
static void push_extension (lua_State *L, const X509 *x, int i) {
  const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(x, i));
  oid_Text oid;
  lua_createtable(L, 0, 3);
  if (oid_read(X509_EXTENSION_get_object(X509_get_ext(x, i)), &oid)) {
    lua_pushstring(L, oid.dotted);
    lua_setfield(L, -2, "oid");
  }
  lua_pushboolean(L, X509_EXTENSION_get_critical(X509_get_ext(x, i)));
  lua_setfield(L, -2, "critical");
  lua_pushlstring(L, (const char *)ASN1_STRING_get0_data(value),
                  (size_t)ASN1_STRING_length(value));
  lua_setfield(L, -2, "der");
}

/* cert:raw_extensions() -> { { oid =, critical =, der = }, ... } in their order */
static int cert_raw_extensions (lua_State *L) {
  X509 *x = check_light(L, 1);
  int i, n = X509_get_ext_count(x);
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    push_extension(L, x, i);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* cert:raw_alt_names() -> list | nil, where there are none or they are malformed */
static int cert_raw_alt_names (lua_State *L) {
  X509 *x = check_light(L, 1);
  int i = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
  const ASN1_OCTET_STRING *value;
  if (i < 0) return 0;
  value = X509_EXTENSION_get_data(X509_get_ext(x, i));
  return name_push_general(L, ASN1_STRING_get0_data(value),
                           (size_t)ASN1_STRING_length(value));
}

/* -- questions -- */

#define HOST_FLAGS                                                                     \
  (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

/* cert:has_dns_name(name) -> boolean; of its alternative names only, RFC 9525 */
static int cert_has_dns_name (lua_State *L) {
  X509 *x = check_light(L, 1);
  const char *name = args_text(L, 2);
  int found = name[0] != '\0' && name[0] != '.' &&
              X509_check_host(x, name, 0, HOST_FLAGS, NULL) == 1;
  fail_clear();
  lua_pushboolean(L, found);
  return 1;
}

/* cert:has_address(raw) -> boolean */
static int cert_has_address (lua_State *L) {
  X509 *x = check_light(L, 1);
  size_t len;
  const char *raw = luaL_checklstring(L, 2, &len);
  int found = X509_check_ip(x, (const unsigned char *)raw, len, 0) == 1;
  fail_clear();
  lua_pushboolean(L, found);
  return 1;
}

/* cert:is_signed_by(key) -> boolean */
static int cert_is_signed_by (lua_State *L) {
  X509 *x = cert_check(L, 1);
  int good = X509_verify(x, key_check(L, 2)) == 1;
  fail_clear();
  lua_pushboolean(L, good);
  return 1;
}

/* cert == cert: the same bytes */
static int cert_equal (lua_State *L) {
  light_Cert *a = own_test(L, 1, &cert_type), *b = own_test(L, 2, &cert_type);
  lua_pushboolean(L, a != NULL && b != NULL && light_ensure_der(a) &&
                         light_ensure_der(b) && a->len == b->len &&
                         memcmp(a->der, b->der, a->len) == 0);
  return 1;
}

static const luaL_Reg methods[] = {
  { "version", cert_version },
  { "serial", cert_serial },
  { "subject_der", cert_subject_der },
  { "issuer_der", cert_issuer_der },
  { "not_before", cert_not_before },
  { "not_after", cert_not_after },
  { "spki", cert_spki },
  { "public_key", cert_public_key },
  { "signature_algorithm", cert_signature_algorithm },
  { "signature", cert_signature },
  { "tbs", cert_tbs },
  { "to_der", cert_to_der },
  { "to_pem", cert_to_pem },
  { "raw_extensions", cert_raw_extensions },
  { "raw_alt_names", cert_raw_alt_names },
  { "has_dns_name", cert_has_dns_name },
  { "has_address", cert_has_address },
  { "is_signed_by", cert_is_signed_by },
  { NULL, NULL },
};

static const luaL_Reg metamethods[] = { { "__eq", cert_equal }, { NULL, NULL } };

int cert_open (lua_State *L) {
  lua_newtable(L);
  own_type(L, &cert_type, metamethods, methods);
  lua_setfield(L, -2, "methods");
  luaL_getmetatable(L, cert_type.name);
  lua_setfield(L, -2, "metatable");
  lua_pushcfunction(L, cert_parse);
  lua_setfield(L, -2, "parse");
  return 1;
}
