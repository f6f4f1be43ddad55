#include "address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int address_parse (address_Address *a, const char *host, int port) {
  struct addrinfo hints, *found;
  char service[16];
  int error;
  memset(&hints, 0, sizeof hints);
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  snprintf(service, sizeof service, "%d", port);
  snprintf(a->text, sizeof a->text, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
           service);
  error = getaddrinfo(host, service, &hints, &found);
  if (error != 0) return error;
  memcpy(&a->storage, found->ai_addr, found->ai_addrlen);
  a->len = found->ai_addrlen;
  freeaddrinfo(found);
  return 0;
}

/* an IPv4 peer of a socket of both families, as IPv4 */
static int unmapped (const struct sockaddr *address, socklen_t len,
                     struct sockaddr_in *plain) {
  struct sockaddr_in6 both;
  if (len < sizeof both) return 0;
  memcpy(&both, address, sizeof both);
  if (both.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&both.sin6_addr)) return 0;
  memset(plain, 0, sizeof *plain);
  plain->sin_family = AF_INET;
  plain->sin_port = both.sin6_port;
  memcpy(&plain->sin_addr, both.sin6_addr.s6_addr + 12, 4);
  return 1;
}

int address_push (lua_State *L, const struct sockaddr *address, socklen_t len) {
  char host[NI_MAXHOST], service[NI_MAXSERV];
  struct sockaddr_in plain;
  if (unmapped(address, len, &plain)) {
    address = (const struct sockaddr *)&plain;
    len = sizeof plain;
  }
  if (getnameinfo(address, len, host, sizeof host, service, sizeof service,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return 0;
  lua_pushstring(L, host);
  lua_pushinteger(L, atoi(service));
  return 2;
}
