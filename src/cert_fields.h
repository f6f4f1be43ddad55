/*
** cert_fields: what a certificate says, as methods: fields, extensions, questions.
** Each is read when it is asked for, from the light X509 or where the encoding lies.
*/
#ifndef lacre_cert_fields_h
#define lacre_cert_fields_h

#include "compat.h"

int cert_fields_open (lua_State *L);

#endif
