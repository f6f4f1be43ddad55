/*
** link: what the callbacks of OpenSSL know of one connection, as plain data.
** A callback finds it by its SSL, reads what was decided before, and leaves there
** what Lua is to see when the call is over: nothing in it ever calls Lua.
*/
#ifndef lacre_link_h
#define lacre_link_h

#include <openssl/ssl.h>

enum { LINK_UNDECIDED, LINK_ACCEPTED, LINK_REFUSED };

/* a ClientHello, as far as somebody who chooses wants to know it */
typedef struct link_Hello {
  char name[256]; /* server_name, lower case; "" where there was none */
  unsigned char *alpn, *versions, *groups, *sigalgs, *ciphers, *extensions;
  size_t alpn_len, versions_len, groups_len, sigalgs_len, ciphers_len, extensions_len;
  unsigned legacy_version;
} link_Hello;

typedef struct link_Link {
  char *session_key;            /* owned; NULL where sessions are not resumed */
  link_Hello *hello;            /* owned; while on_client_hello is asked */
  unsigned char hello_decision; /* what on_client_hello said */
  unsigned char has_identity;   /* and that it gave an identity */
  unsigned char refused_name;   /* sni_unknown = "reject" said no */
  unsigned char staple_state;   /* of staple.h: what became of the peer's */
  unsigned char was_asked;      /* the server asked for a certificate */
  unsigned char *staple;        /* owned; the OCSP response to send */
  size_t staple_len;
  char *keylog; /* owned; lines of SSLKEYLOGFILE that Lua has not taken */
  size_t keylog_len;
} link_Link;

/* gives an SSL its link, which outlives it; 0 when memory ran out */
int link_attach (SSL *ssl, link_Link *link);

link_Link *link_of (const SSL *ssl);

void link_clear (link_Link *link);
void link_drop_hello (link_Link *link);

/* for SSL_CTX_set_keylog_callback */
void link_on_keylog (const SSL *ssl, const char *line);

#endif
