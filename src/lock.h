/*
** lock: one process at a time works on a directory.
** A lock is an open file that flock(2) holds for us; it ends with the
** descriptor, so a process that dies leaves none behind. Taking it never waits:
** whoever wants to wait asks again, in Lua, where other tasks go on meanwhile.
*/
#ifndef lacre_lock_h
#define lacre_lock_h

#include "compat.h"

int lock_open (lua_State *L);

#endif
