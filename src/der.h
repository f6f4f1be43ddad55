/*
** der: walking the elements of an encoding, ITU-T X.690. Without Lua.
** An element is a tag of one octet, and bytes lent by the caller. Lengths are
** definite and inside what holds them; nothing is allocated or copied.
*/
#ifndef lacre_der_h
#define lacre_der_h

#include <stddef.h>

/* identifier octets: X.680 section 8, X.690 section 8.1.2 */
enum {
  DER_BOOLEAN = 0x01,
  DER_INTEGER = 0x02,
  DER_BIT_STRING = 0x03,
  DER_OCTET_STRING = 0x04,
  DER_OBJECT = 0x06,
  DER_UTF8 = 0x0c,
  DER_NUMERIC = 0x12,
  DER_PRINTABLE = 0x13,
  DER_TELETEX = 0x14,
  DER_IA5 = 0x16,
  DER_UTC_TIME = 0x17,
  DER_GENERALIZED_TIME = 0x18,
  DER_VISIBLE = 0x1a,
  DER_UNIVERSAL = 0x1c,
  DER_BMP = 0x1e,
  DER_CONSTRUCTED = 0x20, /* a bit: elements are inside */
  DER_SEQUENCE = 0x30,
  DER_SET = 0x31
};

/* [n] in place of a tag: of what is not constructed, and of what is, or around it */
#define DER_IMPLICIT(n) (0x80 + (n))
#define DER_EXPLICIT(n) (0xa0 + (n))

typedef struct der_Item {
  int tag;                    /* the identifier octet */
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
