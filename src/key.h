/*
** key: EVP_PKEY, private or public, by the provider interfaces of OpenSSL 3.
** A key keeps its SubjectPublicKeyInfo, made once: pins, identifiers and every
** certificate that is issued need it, and encoding it anew costs more than
** signing. OpenSSL never asks for a password: it is given, or the key is refused.
*/
#ifndef lacre_key_h
#define lacre_key_h

#include <openssl/evp.h>

#include "compat.h"
#include "own.h"

extern const own_Type key_type;

/* lends the key; raises unless the argument is one */
EVP_PKEY *key_check (lua_State *L, int arg);

/* the same, and raises unless it is private */
EVP_PKEY *key_check_private (lua_State *L, int arg);

/* pushes a key; takes its own reference */
void key_push (lua_State *L, EVP_PKEY *pkey, int is_private);

/* pushes the public key of an encoded SubjectPublicKeyInfo, or nil, err */
int key_push_spki (lua_State *L, const unsigned char *spki, size_t len);

/* nil, err: why a private key could not be encoded; OpenSSL has nothing to say of one
** whose provider does not give it away */
int key_fail_encoding (lua_State *L);

int key_open (lua_State *L);

#endif
