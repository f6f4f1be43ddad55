#include "own.h"

#define TEMPORARY "lacre.temporary"
#define TOLD_AT_ONCE 64 /* KiB: each time the collector works a little */

/* its address marks the metatables of boxes: Lua code may hand __gc or close()
** any userdata it likes */
static char marker;

void own_close (own_Box *box) {
  void *obj = box->obj;
  box->obj = NULL; /* first: a release that comes back finds it empty */
  if (obj != NULL) box->release(obj);
}

static own_Box *push_empty (lua_State *L, const char *name, own_Release release) {
  own_Box *box = lua_newuserdata(L, sizeof *box);
  box->obj = NULL;
  box->release = release;
  box->type = NULL;
  luaL_getmetatable(L, name);
  lua_setmetatable(L, -2);
  return box;
}

/* the type comes last: only what has the metatable, and so is told when it is
** collected, has one */
own_Box *own_new (lua_State *L, const own_Type *type) {
  own_Box *box = push_empty(L, type->name, type->release);
  box->type = type;
  return box;
}

own_Box *own_temp (lua_State *L, own_Release release) {
  own_Box *box = push_empty(L, TEMPORARY, release);
  lua_toclose(L, -1);
  return box;
}

/* the box itself says what it is, which is a tenth of what asking for metatables by
** name costs. Others' userdata of the same size may hold the bytes of a box that was
** collected: those have no type */
static own_Box *box_of (lua_State *L, int arg, const own_Type *type) {
  own_Box *box = lua_touserdata(L, arg);
  if (box != NULL && lua_rawlen(L, arg) == sizeof *box && box->type == type) return box;
  return luaL_testudata(L, arg, type->name);
}

void *own_test (lua_State *L, int arg, const own_Type *type) {
  own_Box *box = box_of(L, arg, type);
  return box == NULL ? NULL : box->obj;
}

void *own_check (lua_State *L, int arg, const own_Type *type) {
  own_Box *box = box_of(L, arg, type);
  if (box == NULL) box = luaL_checkudata(L, arg, type->name); /* tells what it is */
  if (box->obj == NULL) luaL_error(L, "attempt to use a closed %s", type->name);
  return box->obj;
}

static own_Box *to_box (lua_State *L, int arg) {
  own_Box *box = lua_touserdata(L, arg);
  if (box == NULL || !lua_getmetatable(L, arg)) return NULL;
  lua_pushlightuserdata(L, &marker);
  lua_rawget(L, -2);
  if (!lua_toboolean(L, -1)) box = NULL;
  lua_pop(L, 2);
  return box;
}

/* __close and close(): idempotent */
static int box_release (lua_State *L) {
  own_Box *box = to_box(L, 1);
  if (box != NULL) own_close(box);
  return 0;
}

static int box_collect (lua_State *L) {
  own_Box *box = to_box(L, 1);
  if (box == NULL) return 0;
  own_close(box);
  box->type = NULL;
  return 0;
}

int own_method_close (lua_State *L) {
  box_release(L);
  lua_pushboolean(L, 1);
  return 1;
}

/* a fresh metatable of boxes, on the stack; getmetatable() shows but its name */
static void push_metatable (lua_State *L, const char *name) {
  luaL_newmetatable(L, name);
  lua_pushlightuserdata(L, &marker);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pushcfunction(L, box_collect);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, box_release);
  lua_setfield(L, -2, "__close");
}

void own_type (lua_State *L, const own_Type *type, const luaL_Reg *metamethods,
               const luaL_Reg *methods) {
  push_metatable(L, type->name);
  if (metamethods != NULL) luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  if (methods != NULL) luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__index");
  lua_remove(L, -2);
}

void own_type_in (lua_State *L, const own_Type *type, const luaL_Reg *metamethods,
                  const luaL_Reg *methods) {
  own_type(L, type, metamethods, methods);
  lua_setfield(L, -2, "methods");
  luaL_getmetatable(L, type->name);
  lua_setfield(L, -2, "metatable");
}

void own_weigh (lua_State *L, int kilobytes) {
  static int untold;
  untold += kilobytes;
  if (untold < TOLD_AT_ONCE) return;
  compat_gc_weight(L, untold);
  untold = 0;
}

void own_open (lua_State *L) {
  push_metatable(L, TEMPORARY);
  lua_pop(L, 1);
}
