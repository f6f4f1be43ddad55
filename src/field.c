#include "field.h"

#include "asn1_time.h"
#include "bytes.h"
#include "fail.h"
#include "oid.h"
#include "table.h"

int field_push_time (lua_State *L, const ASN1_TIME *time) {
  int64_t seconds;
  if (asn1_time_read(time, &seconds)) compat_pushint64(L, seconds);
  else lua_pushnil(L);
  queue_clear();
  return 1;
}

int field_push_serial (lua_State *L, const ASN1_INTEGER *serial) {
  static const unsigned char zero[] = { 0 };
  int len = ASN1_STRING_length(serial);
  const unsigned char *octets = len > 0 ? ASN1_STRING_get0_data(serial) : zero;
  lua_pushstring(L, ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : "");
  bytes_push_hex(L, octets, len > 0 ? (size_t)len : sizeof zero);
  lua_concat(L, 2);
  return 1;
}

int field_push_name (lua_State *L, const X509_NAME *name) {
  const unsigned char *der;
  size_t len;
  if (X509_NAME_get0_der(name, &der, &len) != 1) return fail(L, "parse");
  lua_pushlstring(L, (const char *)der, len);
  return 1;
}

int field_push_algorithm (lua_State *L, const X509_ALGOR *algorithm) {
  const ASN1_OBJECT *object;
  X509_ALGOR_get0(&object, NULL, NULL, algorithm);
  oid_push_long_name(L, object);
  return 1;
}

int field_push_extension (lua_State *L, compat_Extension *extension) {
  const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
  int len = ASN1_STRING_length(value);
  lua_createtable(L, 0, 3);
  oid_push(L, X509_EXTENSION_get_object(extension));
  lua_setfield(L, -2, "oid");
  table_set_boolean(L, "critical", X509_EXTENSION_get_critical(extension));
  table_set_bytes(L, "der", len > 0 ? ASN1_STRING_get0_data(value) : (const void *)"",
                  len > 0 ? (size_t)len : 0);
  return 1;
}
