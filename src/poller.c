#include "poller.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>

#include "args.h"
#include "fail.h"

static short events_of (const char *text) {
  short events = 0;
  if (strchr(text, 'r') != NULL) events |= POLLIN;
  if (strchr(text, 'w') != NULL) events |= POLLOUT;
  return events;
}

/* an error or a hang-up is reported as readiness: the next call will tell it */
static const char *text_of (short events) {
  int readable = (events & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0;
  int writable = (events & (POLLOUT | POLLHUP | POLLERR | POLLNVAL)) != 0;
  if (readable && writable) return "rw";
  return readable ? "r" : "w";
}

/* rounded up: waking early would only spin */
static int milliseconds (lua_State *L, int arg) {
  lua_Number seconds;
  if (lua_isnoneornil(L, arg)) return -1;
  seconds = luaL_checknumber(L, arg);
  if (!(seconds > 0)) return 0;
  return seconds > 2000000 ? 2000000000 : (int)ceil(seconds * 1000);
}

/* wait(fd, events, seconds or nil) -> ready events, or nil when time ran out or
** a signal came */
static int poller_wait (lua_State *L) {
  struct pollfd p;
  p.fd = args_int(L, 1, 0, INT_MAX);
  p.events = events_of(args_text(L, 2));
  p.revents = 0;
  if (poll(&p, 1, milliseconds(L, 3)) <= 0) return 0;
  lua_pushstring(L, text_of(p.revents));
  return 1;
}

/* items are { fd, events, fd, events, ... } */
static struct pollfd *push_set (lua_State *L, int list, int n) {
  struct pollfd *set = lua_newuserdata(L, sizeof *set * (size_t)(n + 1));
  int i;
  for (i = 0; i < n; i++) {
    lua_rawgeti(L, list, 2 * i + 1);
    set[i].fd = (int)lua_tointeger(L, -1);
    set[i].events = events_of(args_item(L, list, 2 * i + 2));
    set[i].revents = 0;
    lua_pop(L, 1);
  }
  return set;
}

/* poll({ fd, events, ... }, seconds or nil) -> { index, events, ... } of the
** ready ones; empty when time ran out or a signal came */
static int poller_poll (lua_State *L) {
  int n = args_list(L, 1) / 2, timeout = milliseconds(L, 2), ready, i, found = 0;
  struct pollfd *set = push_set(L, 1, n);
  ready = poll(set, (nfds_t)n, timeout);
  if (ready < 0 && errno != EINTR) return fail_errno(L, "read", errno, "poll");
  lua_createtable(L, ready > 0 ? 2 * ready : 0, 0);
  for (i = 0; i < n && ready > 0; i++) {
    if (set[i].revents == 0) continue;
    lua_pushinteger(L, i + 1);
    lua_rawseti(L, -2, ++found);
    lua_pushstring(L, text_of(set[i].revents));
    lua_rawseti(L, -2, ++found);
  }
  return 1;
}

static const luaL_Reg functions[] = {
  { "wait", poller_wait },
  { "poll", poller_poll },
  { NULL, NULL },
};

int poller_open (lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
