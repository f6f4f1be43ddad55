#include "pinset.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

int pinset_set (pinset_Pins *pins, const void *digests, int count, int scope) {
  void *copy = OPENSSL_memdup(digests, (size_t)count * PINSET_DIGEST);
  if (copy == NULL) return 0;
  pinset_clear(pins);
  pins->digests = copy;
  pins->count = count;
  pins->scope = scope;
  return 1;
}

void pinset_clear (pinset_Pins *pins) {
  OPENSSL_free(pins->digests);
  memset(pins, 0, sizeof *pins);
}

static int digest_spki (X509 *cert, unsigned char out[PINSET_DIGEST]) {
  unsigned char *spki = NULL;
  int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
  int done = len > 0 && EVP_Digest(spki, (size_t)len, out, NULL, EVP_sha256(), NULL);
  OPENSSL_free(spki);
  return done;
}

int pinset_match_leaf (const pinset_Pins *pins, X509 *leaf, int *which) {
  unsigned char digest[PINSET_DIGEST];
  int i;
  if (leaf == NULL || !digest_spki(leaf, digest)) return -1;
  for (i = 0; i < pins->count; i++) {
    if (memcmp(pins->digests[i], digest, PINSET_DIGEST) != 0) continue;
    *which = i;
    return 0;
  }
  return -1;
}

int pinset_match (const pinset_Pins *pins, const STACK_OF(X509) * chain, int *which) {
  int depth = pins->scope == PINSET_ISSUER ? 1 : 0;
  int end = pins->scope == PINSET_LEAF ? 1 : sk_X509_num(chain);
  for (; depth < end; depth++)
    if (pinset_match_leaf(pins, sk_X509_value(chain, depth), which) == 0) return depth;
  return -1;
}
