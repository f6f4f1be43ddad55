/*
** machine: one TLS connection, as a machine without sockets, clocks or Lua. Bytes of
** the wire come from memory or through a lent Socket; every call is one step that
** never waits. What the peer is to believe and what was decided is set before.
*/
#ifndef lacre_machine_h
#define lacre_machine_h

#include "context.h"
#include "socket_bio.h"
#include "ssl_outcome.h"

#define MACHINE_RECORD 16384 /* RFC 8446 section 5.1 */

enum { MACHINE_HANDSHAKING, MACHINE_OPEN, MACHINE_FAILED };

typedef struct machine_Machine {
  SSL *ssl;
  context_Context *context; /* owned reference */
  socket_bio_Wire wire;
  judge_Check check;
  link_Link link;
  unsigned char state;
  unsigned char fed_eof;
  unsigned char sent_close, got_close;
  unsigned char awaits_hook; /* done but for on_verify */
  int64_t received, sent;    /* plaintext, for info() */
  char *owed;                /* bytes accepted whose record is not on its way yet */
  size_t owed_len;
} machine_Machine;

extern const own_Type machine_type;

/* an empty one, which `machine_type` releases; NULL when memory ran out */
machine_Machine *machine_new (void);

/* how many there are, about */
int machine_alive (void);

/* lends the machine of argument 1; raises unless it is one */
machine_Machine *machine_check (lua_State *L);

/* gives a machine that has its context an SSL, over a socket or (NULL) over memory;
** 0 when something failed */
int machine_start (machine_Machine *m, net_Socket *socket);

/* the name to be verified; 0 when it is none */
int machine_name (machine_Machine *m, const char *name);

/* begins anew with another context, and the bytes that came so far, which are still
** remembered; 0 where something failed */
int machine_switch (machine_Machine *m, context_Context *context);

/* writes as much as goes: 1 when all went, else what SSL_write_ex returned */
int machine_put (machine_Machine *m, const char *bytes, size_t len, size_t *done);

/* a record that was begun has to be ended with the same bytes, whatever the caller
** does next: they are taken over. 0 when memory ran out */
int machine_take_over (machine_Machine *m, const char *bytes, size_t len);

/* writes what was taken over */
int machine_put_owed (machine_Machine *m);

#endif
