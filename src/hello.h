/*
** hello: what a server does when a ClientHello has come, before anything else:
** binds sessions to the context and the name asked for (so that none opens the door
** of another name), chooses the identity by that name, and, where Lua is to choose,
** suspends the handshake and shows what the client said.
*/
#ifndef lacre_hello_h
#define lacre_hello_h

#include <openssl/ssl.h>

#include "link.h"

typedef struct hello_Identity {
  X509 *cert; /* all three owned */
  EVP_PKEY *pkey;
  STACK_OF(X509) * chain;
  int is_default; /* the SSL_CTX has it already */
} hello_Identity;

typedef struct hello_Policy {
  unsigned char id[16]; /* random: of the context; or of all that share keys */
  int has_hook;         /* on_client_hello */
  int rejects_unknown;  /* sni_unknown = "reject" */
  int count;
  hello_Identity *identities;
  char last[256]; /* the name asked for last, and what binds its sessions */
  unsigned char binding[32];
  int has_last;
} hello_Policy;

/* a context of servers greets so; 0 when something failed */
int hello_use (SSL_CTX *ctx, hello_Policy *policy);

/* adds an identity to choose from, taking references; 0 when memory ran out */
int hello_add (hello_Policy *policy, X509 *cert, EVP_PKEY *pkey, STACK_OF(X509) * chain,
               int is_default);

void hello_clear (hello_Policy *policy);

#endif
