/*
** pin: the pin of a public key, RFC 7469 section 2.4: the SHA-256 of its encoded
** SubjectPublicKeyInfo, and that as text. What pins are made with is fetched once a
** state: on OpenSSL 3 the fetch costs more than hashing a key.
*/
#ifndef lacre_pin_h
#define lacre_pin_h

#include "compat.h"

/* pushes the digest and the text, "sha256//..."; raises without memory */
void pin_push (lua_State *L, const unsigned char *spki, size_t len);

int pin_open (lua_State *L);

#endif
