/* The other side of the servers that are measured: connections that come and go, round
 *trips over
 ** many, or connections that are only held. It ends by itself. */

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 50, SIZE = 64 };

static int port_of_server (void) {
  const char *text = getenv("BENCH_PORT");
  if (text == NULL) die("BENCH_PORT");
  return atoi(text);
}

static SSL *connected (SSL_CTX *ctx) {
  SSL *ssl = client_of(ctx);
  int fd = dial(port_of_server());
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) != 1) die("connect");
  return ssl;
}

static void disconnect (SSL *ssl) {
  int fd = SSL_get_fd(ssl);
  SSL_shutdown(ssl);
  SSL_free(ssl);
  close(fd);
}

static void round_trip (SSL *ssl) {
  char bytes[SIZE];
  memset(bytes, 'a', SIZE - 1);
  bytes[SIZE - 1] = '\n';
  write_all(ssl, bytes, SIZE);
  read_all(ssl, bytes, SIZE);
}

/* waits until whoever measures has looked at the clock */
static void ask (const char *word) {
  puts(word);
  fflush(stdout);
  if (getchar() == EOF) exit(0);
}

static void come_and_go (SSL_CTX *ctx, long count) {
  long i;
  ask("ready");
  for (i = 0; i < count; i++) {
    SSL *ssl = connected(ctx);
    round_trip(ssl);
    disconnect(ssl);
  }
  ask("done");
}

static void many (SSL_CTX *ctx, long count) {
  SSL *all[CONNECTIONS];
  long i;
  for (i = 0; i < CONNECTIONS; i++) all[i] = connected(ctx);
  for (i = 0; i < CONNECTIONS; i++) round_trip(all[i]);
  ask("ready");
  for (i = 0; i < count; i++) round_trip(all[i % CONNECTIONS]);
  ask("done");
}

static void hold (SSL_CTX *ctx, long count) {
  long i;
  char byte;
  for (i = 0; i < count; i++) {
    SSL *ssl = connected(ctx);
    read_all(ssl, &byte, 1);
    write_all(ssl, "y", 1);
  }
  while (read(0, &byte, 1) > 0) continue;
}

/* VARIANT: connect echo idle */
void load (const Bench *b) {
  SSL_CTX *ctx = client_context(b, "ecdsa");
  alarm(120);
  if (strcmp(b->variant, "connect") == 0) come_and_go(ctx, b->count);
  else if (strcmp(b->variant, "echo") == 0) many(ctx, b->count);
  else hold(ctx, b->count);
}
