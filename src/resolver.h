/*
** resolver: names to addresses, off the main thread. A request is one thread that
** asks the system once and tells by a pipe that it has; who loses interest just
** lets go. Numeric addresses are answered at once.
*/
#ifndef lacre_resolver_h
#define lacre_resolver_h

#include "compat.h"

int resolver_open (lua_State *L);

#endif
