#include "args.h"

#include <limits.h>
#include <math.h>

const char *args_bytes (lua_State *L, int arg, int *len) {
  size_t n;
  const char *s = luaL_checklstring(L, arg, &n);
  luaL_argcheck(L, n <= INT_MAX, arg, "string too long");
  *len = (int)n;
  return s;
}

const char *args_text (lua_State *L, int arg) {
  size_t n;
  const char *s = luaL_checklstring(L, arg, &n);
  luaL_argcheck(L, strlen(s) == n, arg, "text contains a NUL byte");
  return s;
}

const char *args_opt_text (lua_State *L, int arg, const char *fallback) {
  return lua_isnoneornil(L, arg) ? fallback : args_text(L, arg);
}

int args_list (lua_State *L, int arg) {
  size_t n;
  luaL_checktype(L, arg, LUA_TTABLE);
  n = (size_t)lua_rawlen(L, arg);
  luaL_argcheck(L, n <= INT_MAX, arg, "list too long");
  return (int)n;
}

const char *args_item_bytes (lua_State *L, int arg, int i, int *len) {
  size_t n;
  const char *s;
  lua_rawgeti(L, arg, i);
  if (lua_type(L, -1) != LUA_TSTRING) /* a number would be converted in place */
    luaL_error(L, "item %d of argument %d is no string", i, arg);
  s = lua_tolstring(L, -1, &n);
  luaL_argcheck(L, n <= INT_MAX, arg, "item too long");
  lua_pop(L, 1);
  *len = (int)n;
  return s;
}

const char *args_item (lua_State *L, int arg, int i) {
  int n;
  const char *s = args_item_bytes(L, arg, i, &n);
  if (strlen(s) != (size_t)n)
    luaL_error(L, "item %d of argument %d holds a NUL byte", i, arg);
  return s;
}

int args_int (lua_State *L, int arg, int low, int high) {
  lua_Number n = luaL_checknumber(L, arg);
  if (!(n >= low && n <= high && floor(n) == n))
    luaL_argerror(L, arg,
                  lua_pushfstring(L, "whole number from %d to %d expected", low, high));
  return (int)n;
}

size_t args_position (lua_State *L, int arg, size_t len) {
  lua_Number n = luaL_checknumber(L, arg);
  luaL_argcheck(L, n >= 1 && n <= (lua_Number)len + 1 && floor(n) == n, arg,
                "position out of range");
  return (size_t)n - 1;
}

int64_t args_time (lua_State *L, int arg) {
  lua_Number n = luaL_checknumber(L, arg);
  luaL_argcheck(L, fabs(n) < 9007199254740992.0, arg, "time out of range");
  return (int64_t)floor(n);
}

time_t args_time_t (lua_State *L, int arg) {
  int64_t n = args_time(L, arg);
  luaL_argcheck(L, (int64_t)(time_t)n == n, arg,
                "a time that this system's 32-bit C library cannot represent");
  return (time_t)n;
}

int args_enum (lua_State *L, int arg, const char *const names[]) {
  const char *s = args_text(L, arg);
  int i;
  for (i = 0; names[i] != NULL; i++)
    if (strcmp(names[i], s) == 0) return i;
  return luaL_argerror(L, arg, lua_pushfstring(L, "unknown name '%s'", s));
}
