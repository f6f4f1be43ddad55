/*
** own: boxes, the one way an OpenSSL object lives in Lua.
** A box is a userdata that holds one object and knows how to release it. It is
** pushed empty, *before* the object is created into it, so that whatever Lua
** raises in between, somebody owns the object. A type is a name (which is also
** its metatable's) and a release function; a temporary is a box without a type.
*/
#ifndef lacre_own_h
#define lacre_own_h

#include "compat.h"

typedef void (*own_Release)(void *obj);

typedef struct own_Type {
  const char *name;
  own_Release release;
} own_Type;

typedef struct own_Box {
  void *obj; /* owned; NULL while empty or after own_close */
  own_Release release;
  const own_Type *type; /* NULL of temporaries, and of what was collected */
} own_Box;

/* an empty box of a type, pushed */
own_Box *own_new (lua_State *L, const own_Type *type);

/* an empty temporary, pushed; released at the latest when collected, and on
** Lua 5.4 as soon as the C function that pushed it ends */
own_Box *own_temp (lua_State *L, own_Release release);

/* releases what a box holds, once */
void own_close (own_Box *box);

/* lends the object: raises unless the argument is of the type and not closed */
void *own_check (lua_State *L, int arg, const own_Type *type);

/* lends the object, or NULL: never raises */
void *own_test (lua_State *L, int arg, const own_Type *type);

/* makes the metatable of a type and leaves its table of methods on the stack;
** __gc and, with `close` among the methods, __close are given by own */
void own_type (lua_State *L, const own_Type *type, const luaL_Reg *metamethods,
               const luaL_Reg *methods);

/* the same, for Lua to add to: its methods and its metatable become fields of the table
** on top, `methods` and `metatable` */
void own_type_in (lua_State *L, const own_Type *type, const luaL_Reg *metamethods,
                  const luaL_Reg *methods);

/* obj:close(), for types that offer it */
int own_method_close (lua_State *L);

/* tells the collector of KiB that it cannot see, so that what is forgotten is found
** soon: freed late and by thousands, small blocks cost more than making them */
void own_weigh (lua_State *L, int kilobytes);

/* prepares temporaries; called once a state, before any type is made */
void own_open (lua_State *L);

#endif
