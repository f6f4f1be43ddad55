/*
** compat: the newest Lua and OpenSSL names, given to older ones.
** The only file that tests a version; everything above it is written once,
** for Lua 5.5 and OpenSSL 4, and runs down to Lua 5.1 and OpenSSL 3.0.
*/
#ifndef lacre_compat_h
#define lacre_compat_h

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L || defined(LIBRESSL_VERSION_NUMBER)
#error "lacre needs OpenSSL 3.0 or newer"
#endif

/* OpenSSL 4 reads nothing any more after a write that failed: an alert of the peer has
** to be looked for before */
#define COMPAT_FAILED_WRITE_ENDS_READING (OPENSSL_VERSION_NUMBER >= 0x40000000L)

/* an X509_EXTENSION in its list: parsed objects are const from OpenSSL 4 on, and their
** getters take nothing const before */
#if OPENSSL_VERSION_NUMBER >= 0x40000000L
typedef const struct X509_extension_st compat_Extension;
#else
typedef struct X509_extension_st compat_Extension;
#endif

/* what the module shows to the loader: its one luaopen function */
#if defined(__GNUC__)
#define LACRE_EXPORT __attribute__((visibility("default")))
#define LACRE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define LACRE_NORETURN __attribute__((noreturn))
#elif defined(_WIN32)
#define LACRE_EXPORT __declspec(dllexport)
#define LACRE_PRINTF(fmt, args)
#define LACRE_NORETURN
#else
#define LACRE_EXPORT
#define LACRE_PRINTF(fmt, args)
#define LACRE_NORETURN
#endif

#if LUA_VERSION_NUM < 502
#define lua_rawlen lua_objlen
#define lua_absindex(L, i)                                                             \
  ((i) > 0 || (i) <= LUA_REGISTRYINDEX ? (i) : lua_gettop(L) + (i) + 1)
/* a user value is always a table here: 5.1 calls it an environment */
#define lua_getuservalue(L, i) lua_getfenv(L, i)
#define lua_setuservalue(L, i) lua_setfenv(L, i)
#define luaL_setfuncs compat_setfuncs
#define luaL_testudata compat_testudata

#undef luaL_newlib
#define luaL_newlib(L, l) (lua_newtable(L), luaL_setfuncs(L, (l), 0))

static inline void compat_setfuncs (lua_State *L, const luaL_Reg *l, int nup) {
  for (; l->name != NULL; l++) {
    int i;
    for (i = 0; i < nup; i++) lua_pushvalue(L, -nup);
    lua_pushcclosure(L, l->func, nup);
    lua_setfield(L, -(nup + 2), l->name);
  }
  lua_pop(L, nup);
}

static inline void *compat_testudata (lua_State *L, int arg, const char *tname) {
  void *p = lua_touserdata(L, arg);
  if (p == NULL || !lua_getmetatable(L, arg)) return NULL;
  luaL_getmetatable(L, tname);
  if (!lua_rawequal(L, -1, -2)) p = NULL;
  lua_pop(L, 2);
  return p;
}
#endif

#if LUA_VERSION_NUM < 504
#define lua_toclose(L, i) ((void)(L), (void)(i))
#endif

/* tells the collector of memory it cannot see, so that it looks soon enough for
** objects nobody closed; a collector that was stopped stays stopped. True when it has
** looked at everything */
static inline int compat_gc_weight (lua_State *L, int kilobytes) {
#if LUA_VERSION_NUM >= 502
  if (!lua_gc(L, LUA_GCISRUNNING, 0)) return 0;
#endif
  return lua_gc(L, LUA_GCSTEP, kilobytes) == 1;
}

/* the file behind one of Lua's, or NULL where that was closed: newer Lua leaves the
** pointer behind. Raises unless it is one */
static inline FILE *compat_file (lua_State *L, int arg) {
#if LUA_VERSION_NUM >= 502
  luaL_Stream *stream = luaL_checkudata(L, arg, LUA_FILEHANDLE);
  return stream->closef == NULL ? NULL : stream->f;
#else
  return *(FILE **)luaL_checkudata(L, arg, LUA_FILEHANDLE);
#endif
}

/* whole numbers beyond 32 bits: integers where Lua has them, else doubles */
static inline void compat_pushint64 (lua_State *L, int64_t n) {
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, (lua_Integer)n);
#else
  lua_pushnumber(L, (lua_Number)n);
#endif
}

#endif
