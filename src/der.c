#include "der.h"

/* the length at *p, or -1; at most four octets of it, as no object is larger */
static int read_length (const unsigned char **p, const unsigned char *end,
                        size_t *len) {
  size_t octets;
  if (*p == end) return -1;
  *len = *(*p)++;
  if (*len < 0x80) return 0;
  octets = *len & 0x7f;
  if (octets == 0 || octets > 4 || (size_t)(end - *p) < octets) return -1;
  for (*len = 0; octets > 0; octets--) *len = *len << 8 | *(*p)++;
  return 0;
}

int der_next (const unsigned char **p, const unsigned char *end, der_Item *item) {
  if (*p == end) return 0;
  item->start = *p;
  item->tag = *(*p)++;
  if ((item->tag & 0x1f) == 0x1f) return -1; /* nothing we read has such tags */
  if (read_length(p, end, &item->len) != 0) return -1;
  if ((size_t)(end - *p) < item->len) return -1;
  item->content = *p;
  *p += item->len;
  return 1;
}

int der_expect (const unsigned char **p, const unsigned char *end, int tag,
                der_Item *item) {
  return der_next(p, end, item) == 1 && item->tag == tag ? 1 : -1;
}

const unsigned char *der_end (const der_Item *item) {
  return item->content + item->len;
}
