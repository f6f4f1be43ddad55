/*
** base64: bytes as text, RFC 4648 section 4. Without Lua.
** White space is skipped when reading, because PEM and people break lines;
** anything else that is not of the alphabet, and padding that does not fit,
** is refused. Neither function allocates.
*/
#ifndef lacre_base64_h
#define lacre_base64_h

#include <stddef.h>

/* the most bytes that `len` characters decode to, and characters `len` bytes need */
#define BASE64_DECODED(len) ((len) / 4 * 3 + 3)
#define BASE64_ENCODED(len) (((size_t)(len) + 2) / 3 * 4)

/* the number of bytes written to `out`, or -1 */
ptrdiff_t base64_decode (const char *text, size_t len, unsigned char *out);

/* the number of characters written to `out`; no line breaks, no NUL */
size_t base64_encode (const unsigned char *bytes, size_t len, char *out);

#endif
