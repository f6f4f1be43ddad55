/*
** keyuri: keys that stay where they are: tokens and modules behind a URI of
** OSSL_STORE ("pkcs11:...", "file:..."), given by whatever provider knows it.
** The password is data, as everywhere; no prompt is ever shown.
*/
#ifndef lacre_keyuri_h
#define lacre_keyuri_h

#include "compat.h"

int keyuri_open (lua_State *L);

#endif
