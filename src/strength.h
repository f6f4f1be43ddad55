/*
** strength: kind and size of a public key, read off its encoding. Without Lua.
** Decoding a key costs a tenth of a handshake; whoever only wants to know whether
** it is long enough looks at the length of its numbers.
*/
#ifndef lacre_strength_h
#define lacre_strength_h

#include <openssl/x509.h>

typedef struct strength_Key {
  const char *kind; /* "rsa" "rsa-pss" "ec" "dsa", or "other": strong by itself */
  int bits;         /* 0 of the others; of P-521: 528, the size of a coordinate */
} strength_Key;

/* what lies is told as it lies: a malformed number has 0 bits */
strength_Key strength_read (const X509_PUBKEY *key);

#endif
