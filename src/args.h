/*
** args: what Lua hands to C, typed.
** The Lua layer has already checked options against their schema, so C takes
** plain typed arguments and lists of strings. All of these raise at the
** caller's level when the type is wrong; a text never holds a NUL.
*/
#ifndef lacre_args_h
#define lacre_args_h

#include <time.h>

#include "compat.h"

/* a string without embedded NUL; raises */
const char *args_text (lua_State *L, int arg);

/* the same, or `fallback` where the argument is nil or absent */
const char *args_opt_text (lua_State *L, int arg, const char *fallback);

/* bytes: any string, of at most INT_MAX (OpenSSL counts many lengths in int) */
const char *args_bytes (lua_State *L, int arg, int *len);

/* the number of items in a list; raises unless it is a table */
int args_list (lua_State *L, int arg);

/* item i of a list as a text; lent by the table, so valid while that is */
const char *args_item (lua_State *L, int arg, int i);

/* item i of a list as bytes; lent by the table */
const char *args_item_bytes (lua_State *L, int arg, int i, int *len);

/* a whole number in [low, high]; raises */
int args_int (lua_State *L, int arg, int low, int high);

/* a place in bytes, counted from 1 up to the one behind the last; counted from 0 then
 */
size_t args_position (lua_State *L, int arg, size_t len);

/* seconds since 1970 */
int64_t args_time (lua_State *L, int arg);

/* the same for calls that take a time_t: what does not fit one is refused */
time_t args_time_t (lua_State *L, int arg);

/* the place of a string among NULL-terminated names; raises with the list */
int args_enum (lua_State *L, int arg, const char *const names[]);

#endif
