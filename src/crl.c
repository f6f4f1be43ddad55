#include "crl.h"

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "args.h"
#include "der.h"
#include "fail.h"
#include "field.h"
#include "key.h"
#include "pem.h"

static void release_crl (void *obj) {
  X509_CRL_free(obj);
}

const own_Type crl_type = { "lacre.crl", release_crl };

X509_CRL *crl_check (lua_State *L, int arg) {
  return own_check(L, arg, &crl_type);
}

/* -- parsing -- */

int crl_push_der (lua_State *L, const unsigned char *der, size_t len) {
  const unsigned char *p = der;
  der_Item whole;
  own_Box *box = own_new(L, &crl_type);
  if (der_expect(&p, der + len, DER_SEQUENCE, &whole) != 1)
    return fail_code(L, "parse", "bad_der", "not a revocation list (CRL)");
  if (p != der + len)
    return fail_code(L, "parse", "trailing_data", "%lu bytes follow the list",
                     (unsigned long)(der + len - p));
  p = der;
  queue_clear();
  box->obj = d2i_X509_CRL(NULL, &p, (long)len);
  if (box->obj == NULL) return fail(L, "parse");
  queue_clear();
  return 1;
}

/* crl.parse(pem or der) -> crl | nil, err (no_crl, bad_pem, bad_der, trailing_data) */
static int crl_parse (lua_State *L) {
  size_t len, size, pos = 0;
  const char *text = luaL_checklstring(L, 1, &len);
  pem_Block b;
  int found;
  if (len > 0 && text[0] == DER_SEQUENCE)
    return crl_push_der(L, (const unsigned char *)text, len);
  while ((found = pem_next(text, len, &pos, &b)) == PEM_FOUND) {
    const unsigned char *der;
    if (!pem_is(&b, "X509 CRL")) continue;
    der = pem_decode(L, &b, &size);
    if (der != NULL) return crl_push_der(L, der, size);
    return fail_code(L, "parse", "bad_pem", "the PEM of a CRL is not base64");
  }
  if (found == PEM_BROKEN)
    return fail_code(L, "parse", "bad_pem", "a PEM block has no END line");
  return fail_code(L, "parse", "no_crl", "no revocation list (CRL) found");
}

/* -- fields -- */

/* crl:to_der() -> DER */
static int crl_to_der (lua_State *L) {
  X509_CRL *crl = crl_check(L, 1);
  int n = i2d_X509_CRL(crl, NULL);
  unsigned char *out, *p;
  if (n <= 0) return fail(L, "save");
  p = out = lua_newuserdata(L, (size_t)n);
  n = i2d_X509_CRL(crl, &p);
  lua_pushlstring(L, (char *)out, (size_t)n);
  return 1;
}

/* crl:issuer_der() -> DER | nil, err */
static int crl_issuer_der (lua_State *L) {
  return field_push_name(L, X509_CRL_get_issuer(crl_check(L, 1)));
}

/* crl:this_update() -> seconds | nil */
static int crl_this_update (lua_State *L) {
  return field_push_time(L, X509_CRL_get0_lastUpdate(crl_check(L, 1)));
}

/* crl:next_update() -> seconds | nil */
static int crl_next_update (lua_State *L) {
  return field_push_time(L, X509_CRL_get0_nextUpdate(crl_check(L, 1)));
}

/* crl:version() -> 2 */
static int crl_version (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)X509_CRL_get_version(crl_check(L, 1)) + 1);
  return 1;
}

/* crl:signature_algorithm() -> long name or dotted identifier */
static int crl_signature_algorithm (lua_State *L) {
  const X509_ALGOR *algorithm;
  X509_CRL_get0_signature(crl_check(L, 1), NULL, &algorithm);
  return field_push_algorithm(L, algorithm);
}

/* crl:raw_extensions() -> { { oid =, critical =, der = }, ... } */
static int crl_raw_extensions (lua_State *L) {
  X509_CRL *crl = crl_check(L, 1);
  int i, n = X509_CRL_get_ext_count(crl);
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    field_push_extension(L, X509_CRL_get_ext(crl, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* -- entries -- */

static void push_entry (lua_State *L, X509_REVOKED *entry) {
  int i, n = X509_REVOKED_get_ext_count(entry);
  lua_createtable(L, 0, 3);
  field_push_serial(L, X509_REVOKED_get0_serialNumber(entry));
  lua_setfield(L, -2, "serial");
  field_push_time(L, X509_REVOKED_get0_revocationDate(entry));
  lua_setfield(L, -2, "time");
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    field_push_extension(L, X509_REVOKED_get_ext(entry, i));
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "extensions");
}

/* look-ups sort the entries: done first, so that places do not change later */
static STACK_OF(X509_REVOKED) * check_entries(lua_State *L) {
  STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl_check(L, 1));
  if (list != NULL && !sk_X509_REVOKED_is_sorted(list)) sk_X509_REVOKED_sort(list);
  return list;
}

/* crl:raw_count() -> number of entries */
static int crl_raw_count (lua_State *L) {
  STACK_OF(X509_REVOKED) *list = check_entries(L);
  lua_pushinteger(L, list == NULL ? 0 : sk_X509_REVOKED_num(list));
  return 1;
}

/* crl:raw_entry(i) -> { serial =, time =, extensions = } | nil */
static int crl_raw_entry (lua_State *L) {
  STACK_OF(X509_REVOKED) *list = check_entries(L);
  int i = args_int(L, 2, 1, INT32_MAX);
  if (list == NULL || i > sk_X509_REVOKED_num(list)) return 0;
  push_entry(L, sk_X509_REVOKED_value(list, i - 1));
  return 1;
}

static void release_integer (void *obj) {
  ASN1_INTEGER_free(obj);
}

/* crl:raw_find(content of the serial's INTEGER) -> entry | nil */
static int crl_raw_find (lua_State *L) {
  X509_CRL *crl = crl_check(L, 1);
  size_t len;
  const char *content = luaL_checklstring(L, 2, &len);
  own_Box *serial = own_temp(L, release_integer);
  X509_REVOKED *entry = NULL;
  unsigned char der[64], *q = der;
  const unsigned char *p = der;
  luaL_argcheck(L, len > 0 && len < 60, 2, "serial number out of range");
  ASN1_put_object(&q, 0, (int)len, V_ASN1_INTEGER, V_ASN1_UNIVERSAL);
  memcpy(q, content, len);
  serial->obj = d2i_ASN1_INTEGER(NULL, &p, (long)(q - der) + (long)len);
  if (serial->obj != NULL) X509_CRL_get0_by_serial(crl, &entry, serial->obj);
  queue_clear();
  if (entry == NULL) return 0;
  push_entry(L, entry);
  return 1;
}

/* crl:is_signed_by(key) -> boolean */
static int crl_is_signed_by (lua_State *L) {
  X509_CRL *crl = crl_check(L, 1);
  int good = X509_CRL_verify(crl, key_check(L, 2)) == 1;
  queue_clear();
  lua_pushboolean(L, good);
  return 1;
}

/* crl == crl: the same list */
static int crl_equal (lua_State *L) {
  X509_CRL *a = own_test(L, 1, &crl_type), *b = own_test(L, 2, &crl_type);
  lua_pushboolean(L, a != NULL && b != NULL && X509_CRL_match(a, b) == 0);
  queue_clear();
  return 1;
}

static const luaL_Reg methods[] = {
  { "to_der", crl_to_der },
  { "issuer_der", crl_issuer_der },
  { "this_update", crl_this_update },
  { "next_update", crl_next_update },
  { "version", crl_version },
  { "signature_algorithm", crl_signature_algorithm },
  { "raw_extensions", crl_raw_extensions },
  { "raw_count", crl_raw_count },
  { "raw_entry", crl_raw_entry },
  { "raw_find", crl_raw_find },
  { "is_signed_by", crl_is_signed_by },
  { NULL, NULL },
};

static const luaL_Reg metamethods[] = { { "__eq", crl_equal }, { NULL, NULL } };

static const luaL_Reg functions[] = { { "parse", crl_parse }, { NULL, NULL } };

int crl_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type_in(L, &crl_type, metamethods, methods);
  return 1;
}
