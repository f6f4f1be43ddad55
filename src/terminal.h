/*
** terminal: what the command asks of the terminal it may run on. A library
** never looks at one by itself.
*/
#ifndef lacre_terminal_h
#define lacre_terminal_h

#include "compat.h"

int terminal_open (lua_State *L);

#endif
