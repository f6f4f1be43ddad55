#include "name.h"

#include <arpa/inet.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "args.h"
#include "bytes.h"
#include "der.h"
#include "fail.h"
#include "oid.h"
#include "own.h"
#include "table.h"

/* -- text -- */

static size_t put_utf8 (char *out, unsigned long c) {
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (char)(0xc0 | c >> 6);
    out[1] = (char)(0x80 | (c & 63));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 63));
    out[2] = (char)(0x80 | (c & 63));
    return 3;
  }
  out[0] = (char)(0xf0 | (c >> 18 & 7));
  out[1] = (char)(0x80 | (c >> 12 & 63));
  out[2] = (char)(0x80 | (c >> 6 & 63));
  out[3] = (char)(0x80 | (c & 63));
  return 4;
}

/* characters of `width` octets; pairs of UTF-16 surrogates are one character */
static void push_wide (lua_State *L, const unsigned char *s, size_t len, size_t width) {
  char *out = lua_newuserdata(L, len * 4 + 1);
  size_t i, j, n = 0;
  unsigned long high = 0;
  for (i = 0; i < len; i += width) {
    unsigned long c = 0;
    for (j = 0; j < width; j++) c = c << 8 | s[i + j];
    if (width == 2 && c >= 0xd800 && c < 0xdc00 && i + 2 < len) {
      high = c;
      continue;
    }
    if (high != 0 && c >= 0xdc00 && c < 0xe000)
      c = 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00);
    high = 0;
    n += put_utf8(out + n, c);
  }
  lua_pushlstring(L, out, n);
  lua_remove(L, -2);
}

static void push_text (lua_State *L, const der_Item *item) {
  switch (item->tag) {
  case DER_UTF8:
  case DER_NUMERIC:
  case DER_PRINTABLE:
  case DER_IA5:
  case DER_VISIBLE: lua_pushlstring(L, (const char *)item->content, item->len); return;
  case DER_TELETEX: push_wide(L, item->content, item->len, 1); return;
  case DER_BMP:
    if (item->len % 2 != 0) break;
    push_wide(L, item->content, item->len, 2);
    return;
  case DER_UNIVERSAL:
    if (item->len % 4 != 0) break;
    push_wide(L, item->content, item->len, 4);
    return;
  default: break;
  }
  bytes_push_hash_hex(L, item->start, (size_t)(der_end(item) - item->start));
}

/* -- distinguished names -- */

/* what is too long to be told in numbers is told in octets */
static void set_type (lua_State *L, const der_Item *type) {
  oid_Text oid;
  if (oid_read_content(type->content, type->len, &oid)) {
    table_set_text(L, "type", oid.name == NULL ? oid.dotted : oid.name);
    table_set_text(L, "oid", oid.dotted);
    return;
  }
  bytes_push_hash_hex(L, type->content, type->len);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "type");
  lua_setfield(L, -2, "oid");
}

/* one AttributeTypeAndValue, appended to the list on top */
static int append_attribute (lua_State *L, const der_Item *pair, int rdn) {
  const unsigned char *p = pair->content, *end = der_end(pair);
  der_Item type, value;
  if (pair->tag != DER_SEQUENCE || der_expect(&p, end, DER_OBJECT, &type) != 1 ||
      der_next(&p, end, &value) != 1 || p != end)
    return 0;
  lua_createtable(L, 0, 4);
  set_type(L, &type);
  push_text(L, &value);
  lua_setfield(L, -2, "value");
  table_set_integer(L, "rdn", rdn);
  lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
  return 1;
}

static int append_rdn (lua_State *L, const der_Item *set, int rdn) {
  const unsigned char *p = set->content, *end = der_end(set);
  der_Item pair;
  int found;
  if (set->tag != DER_SET) return 0;
  while ((found = der_next(&p, end, &pair)) == 1)
    if (!append_attribute(L, &pair, rdn)) return 0;
  return found == 0;
}

int name_push (lua_State *L, const unsigned char *der, size_t len) {
  const unsigned char *p = der, *end = der + len;
  der_Item name, set;
  int found, rdn = 0;
  if (der_expect(&p, end, DER_SEQUENCE, &name) != 1 || p != end) return 0;
  lua_newtable(L);
  for (p = name.content; (found = der_next(&p, end, &set)) == 1;)
    if (!append_rdn(L, &set, ++rdn)) break;
  if (found == 0) return 1;
  lua_pop(L, 1);
  return 0;
}

/* -- general names -- */

/* "192.0.2.0/24", or with the mask written out where it is no prefix */
static void push_mask (lua_State *L, const unsigned char *mask, size_t len) {
  size_t bits = 0, i;
  char text[64];
  while (bits < len * 8 && (mask[bits / 8] & (0x80 >> bits % 8)) != 0) bits++;
  for (i = bits; i < len * 8; i++)
    if ((mask[i / 8] & (0x80 >> i % 8)) != 0) break;
  if (i == len * 8) lua_pushfstring(L, "/%d", (int)bits);
  else
    lua_pushfstring(L, "/%s",
                    inet_ntop(len == 4 ? AF_INET : AF_INET6, mask, text, sizeof text));
}

static void push_address (lua_State *L, const der_Item *item) {
  size_t len = item->len;
  int is_range = len == 8 || len == 32;
  char text[64];
  if (is_range) len /= 2;
  if (len != 4 && len != 16) {
    bytes_push_hash_hex(L, item->content, item->len);
    return;
  }
  lua_pushstring(
      L, inet_ntop(len == 4 ? AF_INET : AF_INET6, item->content, text, sizeof text));
  if (!is_range) return;
  push_mask(L, item->content + len, len);
  lua_concat(L, 2);
}

/* otherName: its declared type, the value as text where it is text */
static int set_other (lua_State *L, const der_Item *item) {
  const unsigned char *p = item->content, *end = der_end(item);
  der_Item type, wrap, value;
  oid_Text oid;
  if (der_expect(&p, end, DER_OBJECT, &type) != 1 ||
      der_expect(&p, end, DER_EXPLICIT(0), &wrap) != 1)
    return 0;
  p = wrap.content;
  if (der_next(&p, der_end(&wrap), &value) != 1 || p != der_end(&wrap)) return 0;
  if (!oid_read_content(type.content, type.len, &oid)) return 0;
  table_set_text(L, "oid", oid.dotted);
  table_set_bytes(L, "der", wrap.content, wrap.len);
  push_text(L, &value);
  lua_setfield(L, -2, "value");
  return 1;
}

static int set_ia5 (lua_State *L, const der_Item *item) {
  table_set_bytes(L, "value", item->content, item->len);
  return 1;
}

static int set_address (lua_State *L, const der_Item *item) {
  push_address(L, item);
  lua_setfield(L, -2, "value");
  return 1;
}

static int set_oid (lua_State *L, const der_Item *item) {
  oid_Text oid;
  if (!oid_read_content(item->content, item->len, &oid)) return 0;
  table_set_text(L, "value", oid.dotted);
  return 1;
}

typedef struct GeneralKind {
  int tag;
  const char *type;
  int (*set)(lua_State *L, const der_Item *item); /* its fields; 0 where malformed */
} GeneralKind;

static const GeneralKind general_kinds[] = {
  { DER_IMPLICIT(2), "dns", set_ia5 },     { DER_IMPLICIT(7), "ip", set_address },
  { DER_IMPLICIT(1), "email", set_ia5 },   { DER_IMPLICIT(6), "uri", set_ia5 },
  { DER_EXPLICIT(4), "dir", set_ia5 },     { DER_IMPLICIT(8), "rid", set_oid },
  { DER_EXPLICIT(0), "other", set_other }, { DER_EXPLICIT(3), "x400", set_ia5 },
  { DER_EXPLICIT(5), "edi", set_ia5 },
};

static const GeneralKind *find_kind (int tag) {
  size_t i;
  for (i = 0; i < sizeof general_kinds / sizeof *general_kinds; i++)
    if (general_kinds[i].tag == tag) return &general_kinds[i];
  return NULL;
}

static int push_general (lua_State *L, const der_Item *item) {
  const GeneralKind *kind = find_kind(item->tag);
  if (kind == NULL) return 0;
  lua_createtable(L, 0, 2);
  table_set_text(L, "type", kind->type);
  if (kind->set(L, item)) return 1;
  lua_pop(L, 1);
  return 0;
}

int name_push_general (lua_State *L, const unsigned char *der, size_t len) {
  const unsigned char *p = der, *end = der + len;
  der_Item list, item;
  int found, n = 0;
  if (der_expect(&p, end, DER_SEQUENCE, &list) != 1 || p != end) return 0;
  lua_newtable(L);
  for (p = list.content; (found = der_next(&p, end, &item)) == 1;) {
    if (!push_general(L, &item)) break;
    lua_rawseti(L, -2, ++n);
  }
  if (found == 0) return 1;
  lua_pop(L, 1);
  return 0;
}

/* -- what OpenSSL knows of names -- */

static void release_name (void *obj) {
  X509_NAME_free(obj);
}

/* name.attributes(der) -> list | nil, where it is malformed */
static int name_attributes (lua_State *L) {
  size_t len;
  const char *der = luaL_checklstring(L, 1, &len);
  return name_push(L, (const unsigned char *)der, len);
}

/* name.general(der) -> list | nil, where it is malformed */
static int name_general (lua_State *L) {
  size_t len;
  const char *der = luaL_checklstring(L, 1, &len);
  return name_push_general(L, (const unsigned char *)der, len);
}

/* name.text(der) -> UTF-8 of a string of any type | "#" and hex | nil, where it is
** malformed */
static int name_text (lua_State *L) {
  size_t len;
  const char *der = luaL_checklstring(L, 1, &len);
  const unsigned char *p = (const unsigned char *)der, *end = p + len;
  der_Item item;
  if (der_next(&p, end, &item) != 1 || p != end) return 0;
  push_text(L, &item);
  return 1;
}

static X509_NAME *read_name (lua_State *L, int arg) {
  int len;
  const char *bytes = args_bytes(L, arg, &len);
  const unsigned char *p = (const unsigned char *)bytes;
  own_Box *box = own_temp(L, release_name);
  box->obj = d2i_X509_NAME(NULL, &p, len);
  queue_clear();
  return box->obj;
}

/* name.equal(der, der) -> boolean: RFC 5280 7.1, case and spaces aside */
static int name_equal (lua_State *L) {
  X509_NAME *a = read_name(L, 1), *b = read_name(L, 2);
  lua_pushboolean(L, a != NULL && b != NULL && X509_NAME_cmp(a, b) == 0);
  return 1;
}

/* name.hash(der) -> number that names links in certificate directories | nil */
static int name_hash (lua_State *L) {
  X509_NAME *name = read_name(L, 1);
  int ok = 0;
  unsigned long hash = name == NULL ? 0 : X509_NAME_hash_ex(name, NULL, NULL, &ok);
  queue_clear();
  if (!ok) return 0;
  lua_pushnumber(L, (lua_Number)hash);
  return 1;
}

static const luaL_Reg functions[] = {
  { "attributes", name_attributes }, { "general", name_general }, { "text", name_text },
  { "equal", name_equal },           { "hash", name_hash },       { NULL, NULL },
};

int name_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
