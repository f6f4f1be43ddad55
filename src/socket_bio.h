/*
** socket_bio: OpenSSL's reads and writes through a counted Socket. No signal, no
** descriptor of its own: when the socket is closed it fails, whoever has the
** number by then.
*/
#ifndef lacre_socket_bio_h
#define lacre_socket_bio_h

#include <openssl/bio.h>

#include "net.h"

/* a BIO over a socket that outlives it; NULL when memory ran out */
BIO *socket_bio_new (net_Socket *socket);

#endif
