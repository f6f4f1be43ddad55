/*
** net: sockets, without TLS and without waiting. Every call is one step that
** gives a result, "want_read" or "want_write", or an error. A Socket is counted:
** an engine that writes through it holds a reference, so that a descriptor that
** was closed, and perhaps given to somebody else, is never used again.
*/
#ifndef lacre_net_h
#define lacre_net_h

#include "own.h"

typedef struct net_Socket {
  int fd; /* -1 once closed */
  int references;
  int keeps_fd; /* lent to us: not closed */
  int error;    /* errno of the last failed read or write */
} net_Socket;

/* lends the socket of an argument; raises unless it is one, open or closed */
net_Socket *net_check (lua_State *L, int arg);

net_Socket *net_retain (net_Socket *s);
void net_release (net_Socket *s);

/* read and write as in POSIX, but never a signal; -1 with s->error set */
long net_read (net_Socket *s, void *buffer, size_t size);
long net_write (net_Socket *s, const void *bytes, size_t len);

/* whether an errno only means "not now" */
int net_would_block (int error);

int net_open (lua_State *L);

#endif
