/*
** csr: the signature of a certificate signing request, RFC 2986.
** A request is small and read once, so Lua walks it where it lies; what OpenSSL
** alone can say is whether the key in it made its signature.
*/
#ifndef lacre_csr_h
#define lacre_csr_h

#include "compat.h"

int csr_open (lua_State *L);

#endif
