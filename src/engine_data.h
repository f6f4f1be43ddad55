/*
** engine_data: what goes through an engine once its handshake is done, as methods of
** its Lua object: bytes that are read and written, a file that is sent, the end.
*/
#ifndef lacre_engine_data_h
#define lacre_engine_data_h

#include "compat.h"

#define ENGINE_DATA_BUFFER 65536

/* rows for the engine's table of methods. Their upvalue is a buffer of that size: one
** for all engines of a state, and never full over a call of Lua */
extern const luaL_Reg engine_data[];

#endif
