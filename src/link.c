#include "link.h"

#include <string.h>

#include <openssl/crypto.h>

static int link_index = -1;
static CRYPTO_ONCE link_once = CRYPTO_ONCE_STATIC_INIT;

static void make_index (void) {
  link_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int link_attach (SSL *ssl, link_Link *link) {
  if (!CRYPTO_THREAD_run_once(&link_once, make_index) || link_index < 0) return 0;
  return SSL_set_ex_data(ssl, link_index, link);
}

link_Link *link_of (const SSL *ssl) {
  return SSL_get_ex_data(ssl, link_index);
}

void link_drop_hello (link_Link *link) {
  link_Hello *h = link->hello;
  if (h == NULL) return;
  OPENSSL_free(h->alpn);
  OPENSSL_free(h->versions);
  OPENSSL_free(h->groups);
  OPENSSL_free(h->sigalgs);
  OPENSSL_free(h->ciphers);
  OPENSSL_free(h->extensions);
  OPENSSL_free(h);
  link->hello = NULL;
}

void link_clear (link_Link *link) {
  link_drop_hello(link);
  OPENSSL_free(link->session_key);
  OPENSSL_free(link->staple);
  OPENSSL_clear_free(link->keylog, link->keylog_len);
  memset(link, 0, sizeof *link);
}

void link_on_keylog (const SSL *ssl, const char *line) {
  link_Link *link = link_of(ssl);
  size_t len = strlen(line);
  char *grown;
  if (link == NULL) return;
  grown =
      OPENSSL_clear_realloc(link->keylog, link->keylog_len, link->keylog_len + len + 1);
  if (grown == NULL) return;
  memcpy(grown + link->keylog_len, line, len);
  grown[link->keylog_len + len] = '\n';
  link->keylog = grown;
  link->keylog_len += len + 1;
}
