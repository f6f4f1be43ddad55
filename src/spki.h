/*
** spki: SubjectPublicKeyInfo, RFC 5280 4.1.2.7, without Lua.
** Those of the usual kinds are put together here; for the others OpenSSL's
** encoders are loaded.
*/
#ifndef lacre_spki_h
#define lacre_spki_h

#include <stddef.h>

#include <openssl/evp.h>

/* 1, with an encoding that OPENSSL_free releases; 0 where the key is of another
** kind, or memory ran out */
int spki_encode (EVP_PKEY *pkey, unsigned char **spki, size_t *len);

/* the public key, for which OpenSSL's decoders run where it is of another kind; NULL
** with a reason in the queue */
EVP_PKEY *spki_decode (const unsigned char *spki, size_t len);

/* whether some provider knows the kind of key; malformed ones count as known */
int spki_is_known (const unsigned char *spki, size_t len);

#endif
