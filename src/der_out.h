/*
** der_out: an encoding that is being written, ITU-T X.690. Without Lua.
** Elements are opened, filled and closed, and get their lengths when they close.
** What fails for want of memory is told once, at the end: after it nothing is
** written any more, and `failed` stays.
*/
#ifndef lacre_der_out_h
#define lacre_der_out_h

#include <stddef.h>

typedef struct der_Out {
  unsigned char *bytes; /* owned; all zero is empty */
  size_t len, room;
  int failed;
} der_Out;

/* bytes as they are */
void der_out_put (der_Out *out, const void *bytes, size_t len);

/* a whole element; the tag is an identifier octet */
void der_out_element (der_Out *out, int tag, const void *content, size_t len);

/* begins an element and says where, for der_out_close */
size_t der_out_open (der_Out *out, int tag);
void der_out_close (der_Out *out, size_t at);

/* INTEGER of hexadecimal digits, which are not negative; `text` holds nothing else */
void der_out_hex (der_Out *out, const char *text, size_t len);

/* ENUMERATED or INTEGER from 0 to 127 */
void der_out_small (der_Out *out, int tag, int value);

/* cleanses what was written: it may be a private key */
void der_out_release (der_Out *out);

#endif
