/*
** resolver: names as numeric addresses, by the system's own rules (getaddrinfo).
*/
#ifndef lacre_resolver_h
#define lacre_resolver_h

#include "compat.h"

int resolver_open (lua_State *L);

#endif
