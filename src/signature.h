/*
** signature: what a private key signs. Without Lua.
** EdDSA and ML-DSA take no hash; paddings are for RSA. Of PSS the salt is as
** long as the digest (RFC 8446 4.2.3).
*/
#ifndef lacre_signature_h
#define lacre_signature_h

#include <stddef.h>

#include <openssl/evp.h>

/* "pkcs1" or "pss"; NULL leaves it to the key. 1, or 0 with a reason in the queue */
int signature_set_padding (EVP_PKEY_CTX *context, const char *padding);

/* 1, with a signature that OPENSSL_free releases; 0 with a reason in the queue */
int signature_make (EVP_PKEY *pkey, const char *hash, const char *padding,
                    const void *data, size_t len, unsigned char **signature,
                    size_t *signature_len);

#endif
