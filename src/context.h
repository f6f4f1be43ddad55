/*
** context: the settings of an SSL_CTX, as data. Built once, from plain typed
** arguments, and never changed after its first engine exists: the Lua object
** that users hold offers no way to. Verification runs here, inside the
** handshake: the chain, then the pins on the verified chain, in plain C.
*/
#ifndef lacre_context_h
#define lacre_context_h

#include <openssl/ssl.h>

#include "hello.h"
#include "judge.h"
#include "own.h"
#include "session.h"
#include "staple.h"

typedef struct context_Context {
  SSL_CTX *ctx;
  int references;
  int is_server;
  int is_sealed;  /* an engine exists: nothing changes any more */
  int only_looks; /* so permissive that its engines never write */
  judge_Policy policy;
  hello_Policy hello;
  session_Cache sessions;
  session_Tickets tickets;
  int staple_mode;
  unsigned char *alpn; /* wire format, for a server to choose from */
  unsigned alpn_len;
} context_Context;

extern const own_Type context_type;

/* lends the context of an argument; raises unless it is one */
context_Context *context_check (lua_State *L, int arg);

/* the same of argument 1, for a setter: engines that exist never see a change */
context_Context *context_check_open (lua_State *L);

context_Context *context_retain (context_Context *c);
void context_release (context_Context *c);

/* an SSL of the context, which its check and link outlive; NULL on failure */
SSL *context_new_ssl (context_Context *c, judge_Check *check, link_Link *link);

int context_open (lua_State *L);

#endif
