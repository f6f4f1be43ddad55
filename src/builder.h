/*
** builder: certificates, requests and revocation lists that are being made.
** A builder is an encoding that grows: it begins with what must be there, takes
** extensions and entries, and `sign` turns it into the read-only object and is
** its end. Values come typed and checked; what they mean is decided in Lua.
*/
#ifndef lacre_builder_h
#define lacre_builder_h

#include "compat.h"

int builder_open (lua_State *L);

#endif
