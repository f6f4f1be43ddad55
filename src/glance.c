#include "glance.h"

#include "queue.h"

/* places in tbsCertificate, RFC 5280 4.1 */
enum { VALIDITY = 4, BEHIND_KEY = 7 };

int glance_element (const light_Cert *c, int n, der_Item *item) {
  const unsigned char *p = c->der, *end;
  der_Item whole, tbs;
  if (der_expect(&p, c->der + c->len, DER_SEQUENCE, &whole) != 1) return 0;
  p = whole.content;
  if (der_expect(&p, der_end(&whole), DER_SEQUENCE, &tbs) != 1) return 0;
  p = tbs.content;
  end = der_end(&tbs);
  if (p != end && *p != DER_EXPLICIT(0)) n--;
  for (; n >= 0; n--)
    if (der_next(&p, end, item) != 1) return 0;
  return 1;
}

/* two identifiers may stand between the key and the extensions */
static X509_EXTENSIONS *read_extensions (const light_Cert *c) {
  der_Item item;
  const unsigned char *p;
  int n;
  for (n = BEHIND_KEY; glance_element(c, n, &item); n++) {
    if (item.tag != DER_EXPLICIT(3)) continue;
    p = item.content;
    return d2i_X509_EXTENSIONS(NULL, &p, (long)item.len);
  }
  return NULL;
}

const STACK_OF(X509_EXTENSION) * glance_extensions(light_Cert *c) {
  if (c->extensions == NULL) c->extensions = read_extensions(c);
  queue_clear();
  return c->extensions;
}

ASN1_TIME *glance_time (const light_Cert *c, glance_Date which) {
  der_Item validity, time;
  const unsigned char *p;
  int i;
  if (!glance_element(c, VALIDITY, &validity)) return NULL;
  p = validity.content;
  for (i = 0; i <= (int)which; i++)
    if (der_next(&p, der_end(&validity), &time) != 1) return NULL;
  p = time.start;
  return d2i_ASN1_TIME(NULL, &p, (long)(der_end(&time) - time.start));
}
