/*
** signals: signals of the process as bytes of a pipe. A handler may do next to
** nothing; it writes the number, and whoever waits for the pipe does the rest.
*/
#ifndef lacre_signals_h
#define lacre_signals_h

#include "compat.h"

int signals_open (lua_State *L);

#endif
