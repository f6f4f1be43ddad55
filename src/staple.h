/*
** staple: OCSP responses that a server sends along with its certificate (RFC 6066
** section 8). A client judges one inside the handshake: signed by the issuer or in
** its name, about this certificate, of now, and good. A server sends what it was
** given, with the certificate it belongs to.
*/
#ifndef lacre_staple_h
#define lacre_staple_h

#include <openssl/ssl.h>

#include "judge.h"

enum { STAPLE_OFF, STAPLE_CHECK, STAPLE_REQUIRE };

/* what became of the staple of a connection; kept in its link */
enum {
  STAPLE_NONE,
  STAPLE_GOOD,
  STAPLE_MISSING,
  STAPLE_INVALID,
  STAPLE_EXPIRED,
  STAPLE_UNKNOWN,
  STAPLE_REVOKED
};

/* clients of a context ask for a staple and judge it; `mode` outlives the context */
void staple_ask (SSL_CTX *ctx, const int *mode);

/* servers of a context send what their link holds */
void staple_send (SSL_CTX *ctx);

#endif
