/*
** clock: the time of day and a clock that only goes forward. Both as seconds
** with fraction; deadlines use the second, certificates the first.
*/
#ifndef lacre_clock_h
#define lacre_clock_h

#include "compat.h"

double clock_now (void);
double clock_monotonic (void);
int clock_open (lua_State *L);

#endif
