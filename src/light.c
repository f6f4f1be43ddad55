#include "light.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "queue.h"

void light_free (light_Cert *c) {
  X509_free(c->light);
  X509_free(c->full);
  sk_X509_EXTENSION_pop_free(c->extensions, X509_EXTENSION_free);
  if (c->der != c->room) OPENSSL_free(c->der);
  OPENSSL_free(c);
}

static OSSL_LIB_CTX *light_context; /* kept for the process; NULL: do without */
static CRYPTO_ONCE light_once = CRYPTO_ONCE_STATIC_INIT;

static void make_light_context (void) {
  light_context = OSSL_LIB_CTX_new();
  if (light_context == NULL || OSSL_PROVIDER_load(light_context, "null") != NULL)
    return;
  OSSL_LIB_CTX_free(light_context);
  light_context = NULL;
}

static X509 *decode (OSSL_LIB_CTX *context, const unsigned char *der, size_t len) {
  const unsigned char *p = der;
  X509 *x = X509_new_ex(context, NULL);
  if (x != NULL && d2i_X509(&x, &p, (long)len) != NULL && p == der + len) return x;
  X509_free(x);
  return NULL;
}

light_Cert *light_new (size_t len) {
  light_Cert *c = OPENSSL_malloc(sizeof *c + len);
  if (c == NULL) return NULL;
  c->light = c->full = NULL;
  c->extensions = NULL;
  c->der = c->room;
  c->len = len;
  return c;
}

light_Cert *light_keep (const unsigned char *der, size_t len) {
  light_Cert *c = light_new(len);
  if (c != NULL) memcpy(c->der, der, len);
  return c;
}

int light_read (light_Cert *c) {
  if (c->light == NULL && CRYPTO_THREAD_run_once(&light_once, make_light_context))
    c->light = decode(light_context, c->der, c->len);
  return c->light != NULL;
}

light_Cert *light_wrap (X509 *full) {
  light_Cert *c = OPENSSL_zalloc(sizeof *c);
  if (c == NULL || !X509_up_ref(full)) {
    OPENSSL_free(c);
    return NULL;
  }
  c->full = full;
  return c;
}

int light_is_read (const light_Cert *c) {
  return c->light != NULL || c->full != NULL;
}

X509 *light_fields (light_Cert *c) {
  if (c->light != NULL) return c->light;
  if (c->full != NULL) return c->full;
  if (!light_read(c)) queue_clear();
  return c->light;
}

int light_ensure_full (light_Cert *c) {
  if (c->full != NULL) return 1;
  c->full = decode(NULL, c->der, c->len);
  queue_clear(); /* of a key that this OpenSSL does not know */
  return c->full != NULL;
}

int light_ensure_der (light_Cert *c) {
  int n;
  if (c->der != NULL) return 1;
  n = i2d_X509(c->full, &c->der);
  c->len = n < 0 ? 0 : (size_t)n;
  return n > 0;
}
