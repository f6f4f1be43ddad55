/*
** bytes: digests, random bytes, text forms of bytes, comparison.
** Digests are fetched once a state and kept: on OpenSSL 3 the fetch costs more
** than hashing a key. Nothing here knows certificates.
*/
#ifndef lacre_bytes_h
#define lacre_bytes_h

#include "compat.h"

/* pushes bytes in lower-case hexadecimal */
void bytes_push_hex (lua_State *L, const unsigned char *bytes, size_t len);

/* pushes "#" and that, as RFC 4514 writes what is no text */
void bytes_push_hash_hex (lua_State *L, const unsigned char *bytes, size_t len);

int bytes_open (lua_State *L);

#endif
