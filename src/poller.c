#include "poller.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <sys/resource.h>

#include "args.h"
#include "clock.h"
#include "fail.h"
#include "own.h"
#include "poller_backend.h"

static int events_of (lua_State *L, int arg) {
  const char *text = args_text(L, arg);
  return (strchr(text, 'r') != NULL ? POLLER_READ : 0) |
         (strchr(text, 'w') != NULL ? POLLER_WRITE : 0);
}

static void push_events (lua_State *L, int events) {
  if (events == (POLLER_READ | POLLER_WRITE)) lua_pushliteral(L, "rw");
  else if (events == POLLER_READ) lua_pushliteral(L, "r");
  else lua_pushliteral(L, "w");
}

/* rounded up: waking early would only spin */
static int milliseconds (double seconds) {
  if (!(seconds > 0)) return 0;
  return seconds > 2000000 ? 2000000000 : (int)ceil(seconds * 1000);
}

/* poller.wait(fd, events, seconds or nil) -> ready events, or nil when time ran out or
** a signal came */
static int poller_wait_one (lua_State *L) {
  int events = events_of(L, 2);
  int timeout = lua_isnoneornil(L, 3) ? -1 : milliseconds(luaL_checknumber(L, 3));
  struct pollfd p;
  p.fd = args_int(L, 1, 0, INT_MAX);
  p.events = (short)((events & POLLER_READ ? POLLIN : 0) |
                     (events & POLLER_WRITE ? POLLOUT : 0));
  p.revents = 0;
  if (poll(&p, 1, timeout) <= 0) return 0;
  if (p.revents & (POLLHUP | POLLERR | POLLNVAL)) events = POLLER_READ | POLLER_WRITE;
  else
    events = (p.revents & POLLIN ? POLLER_READ : 0) |
             (p.revents & POLLOUT ? POLLER_WRITE : 0);
  push_events(L, events);
  return 1;
}

static void release_poller (void *obj) {
  poller_backend_free(obj);
}

static const own_Type poller_type = { "lacre.core.poller", release_poller };

/* poller.new() -> poller | nil, err */
static int poller_new (lua_State *L) {
  own_Box *box = own_new(L, &poller_type);
  box->obj = poller_backend_new();
  if (box->obj == NULL) return fail_errno(L, "read", errno, "poller");
  return 1;
}

/* poller:watch(fd, events) -> true; false: it never blocks | nil, err */
static int poller_watch (lua_State *L) {
  poller_Backend *b = own_check(L, 1, &poller_type);
  int fd = args_int(L, 2, 0, INT_MAX), events = events_of(L, 3);
  if (poller_backend_watch(b, fd, events) == 0) lua_pushboolean(L, 1);
  else if (errno == EPERM) lua_pushboolean(L, 0);
  else return fail_errno(L, "read", errno, "poller");
  return 1;
}

/* poller:fd() -> integer, readable when an event is there; -1 where there is none */
static int poller_fd (lua_State *L) {
  lua_pushinteger(L, poller_backend_fd(own_check(L, 1, &poller_type)));
  return 1;
}

#define BATCH 64

/* 0 needs no clock: whoever is busy does not wait */
static int time_until (lua_State *L, int arg) {
  double deadline;
  if (lua_isnoneornil(L, arg)) return -1;
  deadline = luaL_checknumber(L, arg);
  return deadline > 0 ? milliseconds(deadline - clock_monotonic()) : 0;
}

/* poller:wait(deadline or nil, list) -> count, now: puts fd, events, fd, events ...
** into the list; nothing when time ran out or a signal came. Both times are of
** clock.monotonic | nil, err */
static int poller_wait (lua_State *L) {
  poller_Backend *b = own_check(L, 1, &poller_type);
  poller_Event found[BATCH];
  int i, n, timeout = time_until(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  n = poller_backend_wait(b, found, BATCH, timeout);
  if (n < 0 && errno != EINTR) return fail_errno(L, "read", errno, "poller");
  for (i = 0; i < n; i++) {
    lua_pushinteger(L, found[i].fd);
    lua_rawseti(L, 3, 2 * i + 1);
    push_events(L, found[i].events);
    lua_rawseti(L, 3, 2 * i + 2);
  }
  lua_pushinteger(L, n > 0 ? 2 * n : 0);
  lua_pushnumber(L, clock_monotonic());
  return 2;
}

/* poller.most() -> how many descriptors this process may hold; huge where nobody says
 */
static int poller_most (lua_State *L) {
  struct rlimit limit;
  int is_told =
      getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  lua_pushnumber(L, is_told ? (lua_Number)limit.rlim_cur : HUGE_VAL);
  return 1;
}

static const luaL_Reg functions[] = {
  { "wait", poller_wait_one },
  { "new", poller_new },
  { "most", poller_most },
  { NULL, NULL },
};

static const luaL_Reg methods[] = {
  { "watch", poller_watch },     { "wait", poller_wait }, { "fd", poller_fd },
  { "close", own_method_close }, { NULL, NULL },
};

int poller_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type(L, &poller_type, NULL, methods);
  lua_pop(L, 1);
  return 1;
}
