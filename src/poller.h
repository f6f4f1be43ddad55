/*
** poller: readiness of descriptors, for Lua: one at a time, or many by the
** system's best means. Nothing else in the core waits.
*/
#ifndef lacre_poller_h
#define lacre_poller_h

#include "compat.h"

int poller_open (lua_State *L);

#endif
