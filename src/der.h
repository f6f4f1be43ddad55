/*
** der: walking the elements of an encoding, ITU-T X.690. Without Lua.
** An element is a tag of one octet, and bytes lent by the caller. Lengths are
** definite and inside what holds them; nothing is allocated or copied.
*/
#ifndef lacre_der_h
#define lacre_der_h

#include <stddef.h>

typedef struct der_Item {
  int tag;                    /* the identifier octet: 0x30 is a SEQUENCE */
  const unsigned char *start; /* of the element */
  const unsigned char *content;
  size_t len; /* of the content */
} der_Item;

/* the element at *p, which is moved behind it: 1, 0 at the end, -1 malformed */
int der_next (const unsigned char **p, const unsigned char *end, der_Item *item);

/* the same, and 1 only for an element of that tag */
int der_expect (const unsigned char **p, const unsigned char *end, int tag,
                der_Item *item);

/* the first octet behind an element */
const unsigned char *der_end (const der_Item *item);

#endif
