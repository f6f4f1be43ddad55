/*
** pinset: pins as C data, so that they are compared inside the handshake without
** a call of Lua. A pin is the SHA-256 of a SubjectPublicKeyInfo (RFC 7469
** section 2.4); the scope says which certificates of the verified chain count.
*/
#ifndef lacre_pinset_h
#define lacre_pinset_h

#include <openssl/x509.h>

enum { PINSET_CHAIN, PINSET_LEAF, PINSET_ISSUER };

#define PINSET_DIGEST 32

typedef struct pinset_Pins {
  int count; /* 0: nothing is pinned */
  int scope;
  unsigned char (*digests)[PINSET_DIGEST];
} pinset_Pins;

/* copies count digests of 32 bytes, laid end to end; 0 when memory ran out */
int pinset_set (pinset_Pins *pins, const void *digests, int count, int scope);

void pinset_clear (pinset_Pins *pins);

/* the depth of the first certificate whose key is pinned, and in *which the place
** of its pin; or -1 */
int pinset_match (const pinset_Pins *pins, const STACK_OF(X509) * chain, int *which);

/* the same for a chain of one certificate, whatever the scope */
int pinset_match_leaf (const pinset_Pins *pins, X509 *leaf, int *which);

#endif
