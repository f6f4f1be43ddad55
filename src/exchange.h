/*
** exchange: finite-field Diffie-Hellman of one handshake, RFC 5246 section 7.4.3.
** A client tells how good the server's prime is; a server that is to be looked at
** offers whatever prime it is given. Plain C, but for the one function that pushes.
*/
#ifndef lacre_exchange_h
#define lacre_exchange_h

#include <openssl/ssl.h>

#include "compat.h"

/* lets a server use this prime (big endian) with the generator 2; 0 on failure */
int exchange_use_prime (SSL_CTX *ctx, const unsigned char *prime, int len);

/* sets `dh` in the table on top: { bits =, prime =, safe = }, where the peer's
** temporary key is of finite-field DH */
void exchange_set_field (lua_State *L, SSL *ssl);

#endif
