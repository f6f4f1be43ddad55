/*
** field: what certificates and lists say alike, as Lua values: times, names, numbers,
** algorithms, extensions (RFC 5280 4.1, 5.1). Nothing is judged here.
*/
#ifndef lacre_field_h
#define lacre_field_h

#include <openssl/x509.h>

#include "compat.h"

/* each pushes one value, or with field_push_name two, and says how many */

/* seconds since 1970; nil where the time is absent or cannot be read */
int field_push_time (lua_State *L, const ASN1_TIME *time);

/* lower-case hexadecimal, "-" before a negative one */
int field_push_serial (lua_State *L, const ASN1_INTEGER *serial);

/* DER | nil, err */
int field_push_name (lua_State *L, const X509_NAME *name);

/* OpenSSL's long name, or dotted text */
int field_push_algorithm (lua_State *L, const X509_ALGOR *algorithm);

/* { oid =, critical =, der = } */
int field_push_extension (lua_State *L, compat_Extension *extension);

#endif
