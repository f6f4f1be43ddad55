/*
** ec_key: a key on a named curve, made of its numbers. Without Lua. OpenSSL is handed
** them as parameters, so that none of its decoders has to be loaded.
*/
#ifndef lacre_ec_key_h
#define lacre_ec_key_h

#include <stddef.h>

#include <openssl/evp.h>

#define EC_KEY_FIELD 66 /* octets of a coordinate on P-521, the largest */
#define EC_KEY_POINT (1 + 2 * EC_KEY_FIELD)

/* of an uncompressed point, and of the secret where it is a private key: both big
** endian, of the curve's size. NULL with a reason in the queue */
EVP_PKEY *ec_key_make (const char *group, const unsigned char *point, size_t point_len,
                       const unsigned char *secret, size_t secret_len);

#endif
