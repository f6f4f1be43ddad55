/*
** engine_hooks: what Lua decides while a handshake is suspended, as methods of the
** engine's Lua object. Anything but a yes refuses the peer.
*/
#ifndef lacre_engine_hooks_h
#define lacre_engine_hooks_h

#include "compat.h"

/* rows for the engine's table of methods */
extern const luaL_Reg engine_hooks[];

#endif
