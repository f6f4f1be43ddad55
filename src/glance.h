/*
** glance: fields of a certificate read off its encoding, element by element. Without
** Lua. One that was made here is good, and mostly asked for a name and a date: that is
** no reason to have OpenSSL parse it, and set up what light.h parses with.
*/
#ifndef lacre_glance_h
#define lacre_glance_h

#include "der.h"
#include "light.h"

/* the element of tbsCertificate behind `n` others, the version counting also where it
** is absent: 1, or 0 where there is none */
int glance_element (const light_Cert *c, int n, der_Item *item);

/* the extensions, which `c` keeps; NULL without memory, or where it has none. The queue
** is left empty */
const STACK_OF(X509_EXTENSION) * glance_extensions(light_Cert *c);

typedef enum glance_Date { GLANCE_NOT_BEFORE, GLANCE_NOT_AFTER } glance_Date;

/* a new time, or NULL where it cannot be read. The queue may be left with a reason */
ASN1_TIME *glance_time (const light_Cert *c, glance_Date which);

#endif
