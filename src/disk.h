/*
** disk: files written so that a crash loses nothing.
** A file appears under its name complete or not at all: it is created under a
** temporary name with its final mode, written, synced, and only then given its
** name; the directory is synced last. Policy (names, what may be replaced) is
** Lua's; these are the system calls.
*/
#ifndef lacre_disk_h
#define lacre_disk_h

#include "compat.h"

int disk_open (lua_State *L);

#endif
