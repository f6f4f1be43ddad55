/*
** cert: a parsed certificate, which never changes.
** It keeps its encoding and is read through a light X509 that lives in a library
** context without providers, so that its key is not decoded: on OpenSSL 3.0 that
** decoding is five sixths of parsing. The full X509, which stores, contexts and
** verifications need, is made when it is first lent.
*/
#ifndef lacre_cert_h
#define lacre_cert_h

#include <openssl/x509.h>

#include "compat.h"
#include "own.h"

extern const own_Type cert_type;

/* lends the full certificate; raises unless the argument is one */
X509 *cert_check (lua_State *L, int arg);

/* what fields are read from, and the encoding; raise as cert_check does */
X509 *cert_check_light (lua_State *L, int arg);
const unsigned char *cert_check_der (lua_State *L, int arg, size_t *len);

/* the same for the certificate at an index, or NULL where it is none */
X509 *cert_test (lua_State *L, int index);

/* adds references to the certificates of a list; raises unless it is one */
void cert_check_list (lua_State *L, int arg, STACK_OF(X509) * into);

/* the same into a stack of its own, in a box that is pushed */
STACK_OF(X509) * cert_check_stack(lua_State *L, int arg);

/* pushes a certificate; takes its own reference */
void cert_push (lua_State *L, X509 *x);

/* pushes a list of certificates, leaf first; NULL is an empty chain */
void cert_push_chain (lua_State *L, const STACK_OF(X509) * chain);

/* parses a whole DER certificate and pushes it, or nil, err */
int cert_push_der (lua_State *L, const unsigned char *der, size_t len);

/* pushes one that was made here, whose encoding is good: read when somebody asks */
void cert_push_made (lua_State *L, const unsigned char *der, size_t len);

/* parses the DER or the next PEM block at `pos`, and pushes it and where one may go on;
** or nil, err */
int cert_push_text (lua_State *L, const char *text, size_t len, size_t pos);

#endif
