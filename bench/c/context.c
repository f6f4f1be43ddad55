/* SSL_CTX made and freed: with an identity, with one root, with a bundle of roots. */

#include "bench.h"

#include <string.h>

#include <openssl/pem.h>

static const Bench *bench;

static void server_made (void *unused) {
  (void)unused;
  SSL_CTX_free(server_context(bench, "ecdsa"));
}

static void client_made (void *unused) {
  (void)unused;
  SSL_CTX_free(client_context(bench, "ecdsa"));
}

static void lent (void *store) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set1_cert_store(ctx, store);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_free(ctx);
}

/* VARIANT: server client bundle; the bundle is read once and lent to each context */
void context (const Bench *b) {
  X509_STORE *store = X509_STORE_new();
  bench = b;
  if (strcmp(b->variant, "server") == 0) repeat(b, server_made, NULL);
  else if (strcmp(b->variant, "client") == 0) repeat(b, client_made, NULL);
  else if (X509_STORE_load_file(store, data(b, "bundle", ".pem")) == 1)
    repeat(b, lent, store);
  else die("bundle");
}
