/*
** pkcs12: a key, its certificate and its chain in one sealed file, RFC 7292.
** Reading never asks for a password. What only OpenSSL's legacy provider can open
** is opened on demand in a library context of its own, so that nothing of it can
** be used by anything else; objects leave it as encodings.
*/
#ifndef lacre_pkcs12_h
#define lacre_pkcs12_h

#include "compat.h"

int pkcs12_open (lua_State *L);

#endif
