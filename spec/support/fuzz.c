/*
** fuzz: libFuzzer with Lua inside. One Lua of its own has the core, instrumented, and
** feeds bytes to a target of fuzz.lua. An answer, or an error of lacre's, is fine; an
** error of anything else is a find, and so are OpenSSL's queue not being empty, and
** what the sanitizers see.
**   FUZZ=target fuzz corpus -max_total_time=60
**   FUZZ=target fuzz --seeds directory    writes what the target begins with
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <openssl/err.h>

int luaopen_lacre_core (lua_State *L);
int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { RUN = 1, IS_OURS, BASE = IS_OURS };

static lua_State *L;

static void die (const char *what) {
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

static void must (int failed) {
  if (failed) die(lua_tostring(L, -1));
}

/* what may be missing is no failure: the list has it */
static const char chosen[] =
    "local all = dofile 'spec/support/fuzz.lua'\n"
    "local name = os.getenv 'FUZZ' or ''\n"
    "local target = all[name]\n"
    "if not target then\n"
    "  local names = {}\n"
    "  for one in pairs(all) do names[#names + 1] = one end\n"
    "  table.sort(names)\n"
    "  print(table.concat(names, '\\n'))\n"
    "  os.exit(name == '' and 0 or 2)\n"
    "end\n"
    "local directory = ...\n"
    "for i, seed in ipairs(directory and target.seeds or {}) do\n"
    "  local handle = assert(io.open(directory .. '/seed' .. i, 'wb'))\n"
    "  handle:write(seed)\n"
    "  handle:close()\n"
    "end\n"
    "if directory then os.exit(0) end\n"
    "return target.run, require('lacre.error').is\n";

int LLVMFuzzerInitialize (int *argc, char ***argv) {
  int is_seeding = *argc == 3 && strcmp((*argv)[1], "--seeds") == 0;
  L = luaL_newstate();
  if (L == NULL) die("no memory for a Lua");
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_lacre_core);
  lua_setfield(L, -2, "lacre.core");
  lua_settop(L, 0);
  must(luaL_loadstring(L, chosen));
  if (is_seeding) lua_pushstring(L, (*argv)[2]);
  must(lua_pcall(L, is_seeding, 2, 0));
  return 0;
}

static int is_ours (int index) {
  int ours;
  index = lua_absindex(L, index);
  lua_pushvalue(L, IS_OURS);
  lua_pushvalue(L, index);
  must(lua_pcall(L, 1, 1, 0));
  ours = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return ours;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static unsigned long count;
  lua_pushvalue(L, RUN);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 2, 0) != LUA_OK) {
    if (!is_ours(-1)) die(luaL_tolstring(L, -1, NULL));
  } else if (lua_isnil(L, -2) && !is_ours(-1)) {
    die("neither a value nor an error");
  }
  if (ERR_peek_error() != 0) die("OpenSSL's queue is not empty");
  lua_settop(L, BASE);
  if (++count % 64 == 0) lua_gc(L, LUA_GCCOLLECT, 0);
  return 0;
}
