/*
** engine_facts: what an engine knows, as methods of its Lua object. They change
** nothing, and work however far the handshake got.
*/
#ifndef lacre_engine_facts_h
#define lacre_engine_facts_h

#include "compat.h"

/* rows for the engine's table of methods */
extern const luaL_Reg engine_facts[];

#endif
