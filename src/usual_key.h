/*
** usual_key: private keys on the usual curves, read and written here. Without Lua.
** RFC 5208 and RFC 5915. OpenSSL 3.0 walks all its decoders for a key, which takes
** longer than a handshake, and loads its encoders for one. Whatever is not exactly
** of the usual shape is left to it: these answer "not one of mine", never why.
*/
#ifndef lacre_usual_key_h
#define lacre_usual_key_h

#include <stddef.h>

#include <openssl/evp.h>

#include "der_out.h"

/* the key of a PrivateKeyInfo or ECPrivateKey; NULL: ask OpenSSL. The queue is left
** empty */
EVP_PKEY *usual_key_read (const unsigned char *der, size_t len);

/* writes a PrivateKeyInfo, as OpenSSL would: 1; 0, and nothing written: ask OpenSSL */
int usual_key_write (EVP_PKEY *pkey, der_Out *out);

#endif
