/*
** work: how often a sealed file wants its password hashed before anything opens.
** Whoever made the file chose that (RFC 8018 section 4.2, RFC 7914), and may have
** chosen hours. What is sealed inside of what is sealed is not seen. Without Lua.
*/
#ifndef lacre_work_h
#define lacre_work_h

#include <stddef.h>

#define WORK_MOST 10000000 /* rounds; beyond it a file is made to waste time */

/* whether the parameters of key derivation in an encoding ask for more than that */
int work_is_endless (const unsigned char *der, size_t len);

#endif
