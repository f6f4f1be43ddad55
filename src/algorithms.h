/*
** algorithms: what a context negotiates: versions, ciphers, groups, signatures,
** protocols. Its names were looked up one by one before they come here.
*/
#ifndef lacre_algorithms_h
#define lacre_algorithms_h

#include "compat.h"

/* gives contexts their methods of this file; to be opened after them */
int algorithms_open (lua_State *L);

#endif
