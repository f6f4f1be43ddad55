/*
** signed: the signature of whatever is signed as certificates are: what was
** signed, an AlgorithmIdentifier, and bits (RFC 5280 4.1.1). Requests, OCSP
** responses and certificates alike; the parameters of RSA-PSS are OpenSSL's matter.
*/
#ifndef lacre_signed_h
#define lacre_signed_h

#include "compat.h"

int signed_open (lua_State *L);

#endif
