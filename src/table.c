#include "table.h"

void table_set_text (lua_State *L, const char *name, const char *text) {
  if (text == NULL) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

void table_set_bytes (lua_State *L, const char *name, const void *bytes, size_t len) {
  if (bytes == NULL) return;
  lua_pushlstring(L, bytes, len);
  lua_setfield(L, -2, name);
}

void table_set_integer (lua_State *L, const char *name, int64_t value) {
  compat_pushint64(L, value);
  lua_setfield(L, -2, name);
}

void table_set_boolean (lua_State *L, const char *name, int value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

const char *table_text (lua_State *L, int arg, const char *name) {
  const char *text;
  lua_getfield(L, arg, name);
  text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1); /* the table keeps it */
  return text;
}

int table_int (lua_State *L, int arg, const char *name, int fallback) {
  int value;
  lua_getfield(L, arg, name);
  value = lua_isnil(L, -1) ? fallback : (int)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

int table_is_true (lua_State *L, int arg, const char *name) {
  int value;
  lua_getfield(L, arg, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}
