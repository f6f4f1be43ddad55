/*
** permit: what no context for people may have. A client that tells what is wrong
** with a server has to complete a handshake with it, however old or weak: its
** engines only look, and never write. A server of the zoo shows such a fault.
*/
#ifndef lacre_permit_h
#define lacre_permit_h

#include "compat.h"

int permit_open (lua_State *L);

#endif
