/*
** step: what came of one step of a machine, told to Lua: nil and what it waits for, or
** nil and an error. A failure ends the machine, and takes the first bytes of the peer
** along, from which Lua tells what else it may speak.
*/
#ifndef lacre_step_h
#define lacre_step_h

#include "machine.h"

/* pushes true */
int step_done (lua_State *L);

/* pushes nil and a word */
int step_wants (lua_State *L, const char *what);

/* pushes nil and what is wanted, or nil and an error */
int step_tell (lua_State *L, machine_Machine *m, ssl_Outcome outcome,
               const char *stage);

/* pushes nil and an error where the peer has ended the connection; 0 where nothing
** says so yet */
int step_look (lua_State *L, machine_Machine *m);

/* pushes nil and the error of a wire that failed */
int step_broke (lua_State *L, machine_Machine *m, const char *stage, int is_write);

/* pushes nil and an error where no step can be taken; 0 where one can */
int step_refuse (lua_State *L, machine_Machine *m, const char *stage);

#endif
