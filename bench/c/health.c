/* Many hosts at once over epoll: connect, a handshake that offers whatever this OpenSSL
** knows and verifies everything, dates, key, signature and pin of what was sent, close.
** VARIANT is how many are in flight. */

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Host {
  SSL *ssl;
  int fd;
} Host;

static int poller, port;
static SSL_CTX *ctx;

static int is_listening (void) {
  int fd = try_dial(port, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static void begin (Host *h) {
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = h };
  h->fd = try_dial(port, SOCK_NONBLOCK);
  if (h->fd < 0) die("connect");
  h->ssl = client_of(ctx);
  SSL_set_fd(h->ssl, h->fd);
  epoll_ctl(poller, EPOLL_CTL_ADD, h->fd, &event);
}

static void describe (X509 *x) {
  unsigned char *spki = NULL, digest[EVP_MAX_MD_SIZE], pin[64];
  struct tm last;
  int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
  unsigned n;
  if (len <= 0 || EVP_Digest(spki, (size_t)len, digest, &n, EVP_sha256(), NULL) != 1 ||
      EVP_EncodeBlock(pin, digest, (int)n) == 0 ||
      ASN1_TIME_to_tm(X509_get0_notAfter(x), &last) != 1 || last.tm_year < 100 ||
      EVP_PKEY_get_bits(X509_get0_pubkey(x)) < 224 ||
      X509_get_signature_nid(x) == NID_undef)
    die("describe");
  OPENSSL_free(spki);
}

static int step (Host *h) {
  STACK_OF(X509) * sent;
  int i;
  if (!done_or_waiting(h->ssl, SSL_do_handshake(h->ssl))) return 0;
  if (SSL_get_verify_result(h->ssl) != X509_V_OK) die("verify");
  sent = SSL_get_peer_cert_chain(h->ssl);
  for (i = 0; i < sk_X509_num(sent); i++) describe(sk_X509_value(sent, i));
  SSL_free(h->ssl);
  close(h->fd);
  return 1;
}

static void survey (long count, long in_flight) {
  Host *hosts = calloc((size_t)in_flight, sizeof(*hosts));
  struct epoll_event events[64];
  long begun, done = 0;
  int i, n;
  for (begun = 0; begun < in_flight && begun < count; begun++) begin(&hosts[begun]);
  while (done < count) {
    n = epoll_wait(poller, events, 64, -1);
    for (i = 0; i < n; i++) {
      if (!step(events[i].data.ptr)) continue;
      done++;
      if (begun < count) {
        begin(events[i].data.ptr);
        begun++;
      }
    }
  }
  free(hosts);
}

void health (const Bench *b) {
  FILE *server;
  char text[600];
  port = 20000 + (int)(getpid() % 9000);
  snprintf(
      text, sizeof(text),
      "trap '' PIPE; \"$BENCH_LIMIT\" server echo %d & read x; kill $! 2>/dev/null",
      port);
  server = popen(text, "w");
  if (server == NULL) die("popen");
  while (!is_listening()) usleep(20000);
  ctx = client_context(b, "ecdsa");
  SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
  SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0");
  poller = epoll_create1(EPOLL_CLOEXEC);
  survey(warm_up(b), atol(b->variant));
  start();
  survey(b->count, atol(b->variant));
  stop(b->count, "");
  pclose(server);
}
