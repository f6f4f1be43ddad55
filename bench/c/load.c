/* The other side of the servers that are measured: connections that come and go, round
** trips over many, or connections that are only held. It ends by itself. */

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

static void read_answer (SSL *ssl) {
  static char bytes[65536];
  char *body;
  size_t got = 0, now;
  long left;
  for (body = NULL; body == NULL; got += now) {
    if (!SSL_read_ex(ssl, bytes + got, sizeof(bytes) - 1 - got, &now)) die("read");
    bytes[got + now] = 0;
    body = strstr(bytes, "\r\n\r\n");
  }
  if (strstr(bytes, "200 OK") == NULL || strstr(bytes, "Content-Length: ") == NULL)
    die(bytes);
  left = atol(strstr(bytes, "Content-Length: ") + 16) -
         (long)(got - (size_t)(body + 4 - bytes));
  for (; left > 0; left -= (long)now)
    if (!SSL_read_ex(ssl, bytes, sizeof(bytes), &now)) die("read");
}

/* all of a few connections ask at once, and then all answers are read: the server has
** always something to do */
static void fetch_many (SSL_CTX *ctx, const char *name, long count) {
  enum { FEW = 20 };
  SSL *all[FEW];
  char request[200];
  long i, j;
  snprintf(request, sizeof(request),
           "GET /%s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nAccept: "
           "*/*\r\n\r\n",
           name);
  for (i = 0; i < FEW; i++) all[i] = connected(ctx);
  for (i = -FEW; i < count; i += FEW) {
    if (i == 0) ask("ready");
    for (j = 0; j < FEW; j++) write_all(all[j], request, strlen(request));
    for (j = 0; j < FEW; j++) read_answer(all[j]);
  }
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

/* VARIANT: connect echo idle, or what file is fetched */
void load (const Bench *b) {
  SSL_CTX *ctx = client_context(b, "ecdsa");
  alarm(120);
  if (strcmp(b->variant, "connect") == 0) come_and_go(ctx, b->count);
  else if (strcmp(b->variant, "echo") == 0) many(ctx, b->count);
  else if (strcmp(b->variant, "idle") == 0) hold(ctx, b->count);
  else fetch_many(ctx, b->variant, b->count);
}
