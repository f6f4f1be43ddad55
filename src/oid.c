#include "oid.h"

#include <openssl/asn1.h>

#include "args.h"
#include "bytes.h"
#include "fail.h"
#include "queue.h"

#define MAX_CONTENT 100 /* octets: one arc of 700 bits, or a hundred small ones */

int oid_read (const ASN1_OBJECT *object, oid_Text *text) {
  int nid = OBJ_obj2nid(object);
  int n = OBJ_length(object) > MAX_CONTENT
              ? 0
              : OBJ_obj2txt(text->dotted, sizeof text->dotted, object, 1);
  text->name = nid == NID_undef ? NULL : OBJ_nid2sn(nid);
  return n > 0 && (size_t)n < sizeof text->dotted;
}

/* the attributes of nearly all names (X.520): nobody need look them up */
static const struct {
  unsigned char last; /* 2.5.4.n */
  const char *dotted, *name;
} usual[] = {
  { 3, "2.5.4.3", "CN" }, { 6, "2.5.4.6", "C" },   { 7, "2.5.4.7", "L" },
  { 8, "2.5.4.8", "ST" }, { 10, "2.5.4.10", "O" }, { 11, "2.5.4.11", "OU" },
};

static int read_usual (const unsigned char *content, size_t len, oid_Text *text) {
  size_t i;
  if (len != 3 || content[0] != 0x55 || content[1] != 4) return 0;
  for (i = 0; i < sizeof usual / sizeof *usual; i++) {
    if (usual[i].last != content[2]) continue;
    text->name = usual[i].name;
    memcpy(text->dotted, usual[i].dotted, strlen(usual[i].dotted) + 1);
    return 1;
  }
  return 0;
}

int oid_read_content (const unsigned char *content, size_t len, oid_Text *text) {
  unsigned char der[MAX_CONTENT + 4];
  const unsigned char *p = der;
  unsigned char *q = der;
  ASN1_OBJECT *object;
  int good;
  if (read_usual(content, len, text)) return 1;
  if (len == 0 || len > MAX_CONTENT) return 0;
  ASN1_put_object(&q, 0, (int)len, V_ASN1_OBJECT, V_ASN1_UNIVERSAL);
  memcpy(q, content, len);
  object = d2i_ASN1_OBJECT(NULL, &p, (long)(q - der) + (long)len);
  good = object != NULL && oid_read(object, text);
  ASN1_OBJECT_free(object);
  queue_clear();
  return good;
}

void oid_push (lua_State *L, const ASN1_OBJECT *object) {
  oid_Text text;
  if (oid_read(object, &text)) lua_pushstring(L, text.dotted);
  else bytes_push_hash_hex(L, OBJ_get0_data(object), OBJ_length(object));
}

void oid_push_long_name (lua_State *L, const ASN1_OBJECT *object) {
  int nid = OBJ_obj2nid(object);
  if (nid == NID_undef) oid_push(L, object);
  else lua_pushstring(L, OBJ_nid2ln(nid));
}

/* whether octets are a list of arcs, each in as few as it needs (X.690 section 8.19) */
static int is_sound (const unsigned char *content, size_t len) {
  size_t i;
  for (i = 0; i < len; i++)
    if (content[i] == 0x80 && (i == 0 || content[i - 1] < 0x80)) return 0;
  return len > 0 && content[len - 1] < 0x80;
}

/* oid.text(content) -> dotted or as oid_push, short name or nil | nil */
static int oid_text (lua_State *L) {
  size_t len;
  const unsigned char *content = (const unsigned char *)luaL_checklstring(L, 1, &len);
  oid_Text text;
  if (!oid_read_content(content, len, &text)) {
    if (len <= MAX_CONTENT || !is_sound(content, len)) return 0;
    bytes_push_hash_hex(L, content, len);
    return 1;
  }
  lua_pushstring(L, text.dotted);
  lua_pushstring(L, text.name);
  return 2;
}

/* the content octets of a name's or dotted text's identifier; 0 where there is none */
static size_t write_content (const char *name, unsigned char out[MAX_CONTENT]) {
  ASN1_OBJECT *object = OBJ_txt2obj(name, 0);
  size_t len = object == NULL ? 0 : OBJ_length(object);
  if (len > MAX_CONTENT) len = 0;
  if (len > 0) memcpy(out, OBJ_get0_data(object), len);
  ASN1_OBJECT_free(object);
  return len;
}

/* oid.content(name or dotted) -> content octets | nil */
static int oid_content (lua_State *L) {
  unsigned char content[MAX_CONTENT];
  size_t len = write_content(args_text(L, 1), content);
  fail_if_memory(L);
  if (len == 0) return 0;
  lua_pushlstring(L, (char *)content, len);
  return 1;
}

/* oid.long_name(content) -> "sha256WithRSAEncryption", or dotted text | nil */
static int oid_long_name (lua_State *L) {
  size_t len;
  const char *content = luaL_checklstring(L, 1, &len);
  oid_Text text;
  int nid;
  if (!oid_read_content((const unsigned char *)content, len, &text)) return 0;
  nid = text.name == NULL ? NID_undef : OBJ_sn2nid(text.name);
  lua_pushstring(L, nid == NID_undef ? text.dotted : OBJ_nid2ln(nid));
  return 1;
}

static const luaL_Reg functions[] = {
  { "long_name", oid_long_name },
  { "text", oid_text },
  { "content", oid_content },
  { NULL, NULL },
};

int oid_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
