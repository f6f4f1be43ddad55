/*
** library: which OpenSSL this process runs on, which may be newer than the headers,
** and what it and the kernel can do.
*/
#ifndef lacre_library_h
#define lacre_library_h

#include "compat.h"

int library_open (lua_State *L);

#endif
