/*
** poller: which descriptors are ready. The only place that waits; by poll(2),
** with no limit on the number of descriptors. Signals end a wait early.
*/
#ifndef lacre_poller_h
#define lacre_poller_h

#include "compat.h"

int poller_open (lua_State *L);

#endif
