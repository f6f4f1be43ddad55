/*
** facts: what a connection tells about itself, read from its SSL. Nothing here
** changes it, and everything works however far the handshake got.
*/
#ifndef lacre_facts_h
#define lacre_facts_h

#include <openssl/ssl.h>

#include "compat.h"

/* pushes { version =, cipher =, group =, sigalg =, alpn =, sni =, resumed = } */
void facts_push_info (lua_State *L, SSL *ssl);

/* pushes what the peer sent, leaf first; 0 and nothing where it sent none */
int facts_push_peer_chain (lua_State *L, SSL *ssl);

#endif
