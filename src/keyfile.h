/*
** keyfile: keys as bytes: PKCS#8 (RFC 5958), PKCS#1, SEC1 and
** SubjectPublicKeyInfo; PEM or DER, encrypted or not.
** What an encoding is follows from its own first elements, so no decoder is
** tried in vain. A password is data, given before: OpenSSL asks nobody.
*/
#ifndef lacre_keyfile_h
#define lacre_keyfile_h

#include "compat.h"

int keyfile_open (lua_State *L);

#endif
