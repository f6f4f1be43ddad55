/*
** store: trust anchors, and the verification of chains against them.
** A store is filled, then lent to contexts, which share it; from that moment it
** refuses changes, so that nothing done later alters what a live context trusts.
** Directories of hashed links are looked into lazily, by name, as OpenSSL does.
*/
#ifndef lacre_store_h
#define lacre_store_h

#include <openssl/x509_vfy.h>

#include "compat.h"

/* lends the store and closes it to changes; raises unless the argument is one.
** Contexts take their own reference (SSL_CTX_set1_cert_store) */
X509_STORE *store_check (lua_State *L, int arg);

int store_open (lua_State *L);

#endif
