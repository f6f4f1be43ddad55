#include "clock.h"

#include <time.h>

static double seconds (clockid_t id) {
  struct timespec t;
  if (clock_gettime(id, &t) != 0) return 0;
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double clock_now (void) {
  return seconds(CLOCK_REALTIME);
}

double clock_monotonic (void) {
  return seconds(CLOCK_MONOTONIC);
}

/* clock.now() -> seconds since 1970 */
static int clock_push_now (lua_State *L) {
  lua_pushnumber(L, clock_now());
  return 1;
}

/* clock.monotonic() -> seconds since some fixed moment */
static int clock_push_monotonic (lua_State *L) {
  lua_pushnumber(L, clock_monotonic());
  return 1;
}

static const luaL_Reg functions[] = {
  { "now", clock_push_now },
  { "monotonic", clock_push_monotonic },
  { NULL, NULL },
};

int clock_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
