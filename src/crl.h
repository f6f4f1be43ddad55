/*
** crl: a parsed certificate revocation list, which never changes.
** It stays an X509_CRL, because lists have hundreds of thousands of entries and
** OpenSSL keeps them sorted for look-ups; entries become Lua values one by one.
*/
#ifndef lacre_crl_h
#define lacre_crl_h

#include <openssl/x509.h>

#include "compat.h"
#include "own.h"

extern const own_Type crl_type;

/* lends the list; raises unless the argument is one */
X509_CRL *crl_check (lua_State *L, int arg);

/* parses a whole DER list and pushes it, or nil, err */
int crl_push_der (lua_State *L, const unsigned char *der, size_t len);

int crl_open (lua_State *L);

#endif
