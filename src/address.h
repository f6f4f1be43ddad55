/*
** address: numeric IP addresses and ports, as the system has them and as text.
** Names are the resolver's matter: nothing here asks anybody.
*/
#ifndef lacre_address_h
#define lacre_address_h

#include <netdb.h>
#include <sys/socket.h>

#include "compat.h"

typedef struct address_Address {
  struct sockaddr_storage storage;
  socklen_t len;
  char text[NI_MAXHOST + 16]; /* "[::1]:443", for messages */
} address_Address;

/* 0, or the resolver's number where the host is no address */
int address_parse (address_Address *a, const char *host, int port);

/* pushes host and port, an IPv4 peer of a socket of both families as IPv4: 2; 0 and
** nothing where the address has none */
int address_push (lua_State *L, const struct sockaddr *address, socklen_t len);

#endif
