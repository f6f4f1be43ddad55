/*
** oid: object identifiers as dotted text and as the names OpenSSL knows.
** Arcs are of any size (2.25 holds whole UUIDs), so OpenSSL's big numbers do
** the work, in functions without Lua; an identifier's content is at most 100
** octets, for which the text's buffer always suffices. A longer one is told as
** "#" and those octets in hexadecimal, so that nothing is lost.
*/
#ifndef lacre_oid_h
#define lacre_oid_h

#include <openssl/objects.h>

#include "compat.h"

typedef struct oid_Text {
  const char *name; /* short name ("CN", "SHA256"), or NULL where none is known */
  char dotted[512];
} oid_Text;

/* reads an object; 0 where it cannot be told in text */
int oid_read (const ASN1_OBJECT *object, oid_Text *text);

/* reads the content octets of an encoded identifier; 0 where they are none */
int oid_read_content (const unsigned char *content, size_t len, oid_Text *text);

/* pushes dotted text; of what is too long for that, "#" and its octets in hexadecimal
 */
void oid_push (lua_State *L, const ASN1_OBJECT *object);

/* pushes OpenSSL's long name, or as oid_push where it has none */
void oid_push_long_name (lua_State *L, const ASN1_OBJECT *object);

int oid_open (lua_State *L);

#endif
