#include "work.h"

#include "der.h"

#define DEPTH 24

/* exact up to what is too much anyway */
static double number (const der_Item *item) {
  double n = 0;
  size_t i;
  if (item->len == 0 || item->content[0] >= 0x80) return 0;
  for (i = 0; i < item->len && n <= WORK_MOST; i++) n = n * 256 + item->content[i];
  return n;
}

/* PBKDF2 and PBES1 are a salt and rounds, then perhaps the length of a key; scrypt is
** a salt and three numbers whose product is the work */
static double rounds_of (const unsigned char *p, const unsigned char *end) {
  double n[3] = { 0, 0, 0 };
  der_Item item;
  int count = 0;
  if (der_next(&p, end, &item) != 1 || item.tag != DER_OCTET_STRING) return 0;
  while (count < 3 && der_next(&p, end, &item) == 1 && item.tag == DER_INTEGER)
    n[count++] = number(&item);
  return count == 3 ? n[0] * n[1] * n[2] : n[0];
}

/* what has no length of its own (BER, as Windows writes it) is looked into on the way
 */
static int is_open_ended (const unsigned char *p, const unsigned char *end) {
  return end - p > 2 && (p[0] & DER_CONSTRUCTED) && p[1] == 0x80;
}

static double sum (const unsigned char *p, const unsigned char *end, int depth) {
  double total = 0;
  der_Item item;
  if (depth == 0) return 0;
  while (total <= WORK_MOST) {
    if (is_open_ended(p, end)) {
      total += p[0] == DER_SEQUENCE ? rounds_of(p + 2, end) : 0;
      p += 2;
      continue;
    }
    if (der_next(&p, end, &item) != 1) break;
    if (item.tag == DER_SEQUENCE) total += rounds_of(item.content, der_end(&item));
    if ((item.tag & DER_CONSTRUCTED) || (item.tag == DER_OCTET_STRING && item.len > 2 &&
                                         item.content[0] == DER_SEQUENCE))
      total += sum(item.content, der_end(&item), depth - 1);
  }
  return total;
}

int work_is_endless (const unsigned char *der, size_t len) {
  return sum(der, der + len, DEPTH) > WORK_MOST;
}
