#include "resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

#include "args.h"
#include "fail.h"
#include "own.h"

static void release_addresses (void *obj) {
  freeaddrinfo(obj);
}

static void push_row (lua_State *L, const struct addrinfo *a) {
  char host[NI_MAXHOST] = "";
  getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
  lua_createtable(L, 0, 2);
  lua_pushstring(L, host);
  lua_setfield(L, -2, "address");
  lua_pushstring(L, a->ai_family == AF_INET6 ? "ipv6" : "ipv4");
  lua_setfield(L, -2, "family");
}

static int push_failure (lua_State *L, const char *host, int error, int system) {
  const codes_Row *row = codes_resolver(error);
  char message[512];
  snprintf(message, sizeof message, "%.255s: %s", host,
           error == EAI_SYSTEM ? strerror(system) : gai_strerror(error));
  lua_pushnil(L);
  fail_push(L, "resolve", "dns", row, error, message);
  return 2;
}

/* resolve(host, "any" | "ipv4" | "ipv6") -> { { address =, family = } ... } |
** nil, err. Waits for the system's resolver */
static int resolver_resolve (lua_State *L) {
  static const char *const families[] = { "any", "ipv4", "ipv6", NULL };
  static const int values[] = { AF_UNSPEC, AF_INET, AF_INET6 };
  const char *host = args_text(L, 1);
  struct addrinfo hints, *found = NULL, *a;
  own_Box *box;
  int error, i = 0;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = values[args_enum(L, 2, families)];
  hints.ai_socktype = SOCK_STREAM;
  box = own_temp(L, release_addresses);
  error = getaddrinfo(host, NULL, &hints, &found);
  if (error != 0) return push_failure(L, host, error, errno);
  box->obj = found;
  lua_newtable(L);
  for (a = found; a != NULL; a = a->ai_next) {
    push_row(L, a);
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

static const luaL_Reg functions[] = {
  { "resolve", resolver_resolve },
  { NULL, NULL },
};

int resolver_open (lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
