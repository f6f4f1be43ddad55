/*
** name: distinguished names and general names (RFC 5280 4.1.2.4, 4.2.1.6),
** from their encoding to lists. They are walked where they lie: nothing is
** allocated but what Lua gets, and every value comes whole, NUL and all. A
** value of a type that is no text is written as RFC 4514 does: "#" and hex.
*/
#ifndef lacre_name_h
#define lacre_name_h

#include "compat.h"

/* pushes { { type = "CN", value = "a", oid = "2.5.4.3", rdn = 1 }, ... } of an
** encoded Name; 0 and nothing pushed where it is malformed */
int name_push (lua_State *L, const unsigned char *der, size_t len);

/* pushes { { type = "dns", value = "a.example" }, ... } of encoded GeneralNames */
int name_push_general (lua_State *L, const unsigned char *der, size_t len);

int name_open (lua_State *L);

#endif
