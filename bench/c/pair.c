#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/bio.h>

static SSL_CTX *new_context (const SSL_METHOD *method) {
  SSL_CTX *ctx = SSL_CTX_new(method);
  if (ctx == NULL) die("SSL_CTX_new");
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set1_groups_list(ctx, "X25519") != 1) die("groups");
  return ctx;
}

SSL_CTX *server_context (const Bench *b, const char *kind) {
  SSL_CTX *ctx = new_context(TLS_server_method());
  const char *chain = data(b, kind, "-chain.pem"), *key = data(b, kind, "-leaf.key");
  if (SSL_CTX_use_certificate_chain_file(ctx, chain) != 1) die(chain);
  if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) die(key);
  return ctx;
}

SSL_CTX *client_context (const Bench *b, const char *kind) {
  SSL_CTX *ctx = new_context(TLS_client_method());
  const char *root = data(b, kind, "-root.pem");
  if (SSL_CTX_load_verify_file(ctx, root) != 1) die(root);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  return ctx;
}

SSL *client_of (SSL_CTX *ctx) {
  SSL *ssl = SSL_new(ctx);
  if (ssl == NULL) die("SSL_new");
  SSL_set_tlsext_host_name(ssl, "localhost");
  if (SSL_set1_host(ssl, "localhost") != 1) die("SSL_set1_host");
  SSL_set_connect_state(ssl);
  return ssl;
}

void no_delay (int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static struct sockaddr_in loopback (int port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_any (int *port) {
  struct sockaddr_in address = loopback(*port);
  socklen_t size = sizeof(address);
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1024) != 0)
    die("listen");
  getsockname(fd, (struct sockaddr *)&address, &size);
  *port = ntohs(address.sin_port);
  return fd;
}

int try_dial (int port, int flags) {
  struct sockaddr_in address = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) die("socket");
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
      errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  no_delay(fd);
  return fd;
}

int dial (int port) {
  int fd = try_dial(port, 0);
  if (fd < 0) die("connect");
  return fd;
}

int done_or_waiting (SSL *ssl, int result) {
  int why;
  if (result > 0) return 1;
  why = SSL_get_error(ssl, result);
  if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) die("TLS");
  return 0;
}

void write_all (SSL *ssl, const void *bytes, size_t size) {
  size_t sent = 0, now;
  while (sent < size)
    if (done_or_waiting(
            ssl, SSL_write_ex(ssl, (const char *)bytes + sent, size - sent, &now)))
      sent += now;
}

void read_all (SSL *ssl, void *bytes, size_t size) {
  size_t got = 0, now;
  while (got < size)
    if (done_or_waiting(ssl, SSL_read_ex(ssl, (char *)bytes + got, size - got, &now)))
      got += now;
}

/* what one end writes the other reads, without a copy between */
static void over_memory (Pair *p) {
  BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(up, -1);
  BIO_set_mem_eof_return(down, -1);
  BIO_up_ref(up);
  BIO_up_ref(down);
  SSL_set_bio(p->client, down, up);
  SSL_set_bio(p->server, up, down);
}

static void over_sockets (Pair *p, int listener, int port) {
  p->fds[0] = dial(port);
  p->fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (p->fds[1] < 0) die("accept");
  fcntl(p->fds[0], F_SETFL, O_NONBLOCK);
  no_delay(p->fds[1]);
  SSL_set_fd(p->client, p->fds[0]);
  SSL_set_fd(p->server, p->fds[1]);
}

void pair_open (Pair *p, SSL_CTX *client, SSL_CTX *server, int listener, int port) {
  p->client = client_of(client);
  p->server = SSL_new(server);
  if (p->server == NULL) die("SSL_new");
  SSL_set_accept_state(p->server);
  p->fds[0] = p->fds[1] = -1;
  if (listener < 0) over_memory(p);
  else over_sockets(p, listener, port);
}

void pair_shake (Pair *p) {
  int client = 0, server = 0;
  while (!client || !server) {
    if (!client) client = done_or_waiting(p->client, SSL_do_handshake(p->client));
    if (!server) server = done_or_waiting(p->server, SSL_do_handshake(p->server));
  }
  if (SSL_get_verify_result(p->client) != X509_V_OK) die("verify");
}

void pair_close (Pair *p) {
  SSL_shutdown(p->client);
  SSL_shutdown(p->server);
  SSL_free(p->client);
  SSL_free(p->server);
  if (p->fds[0] >= 0) {
    close(p->fds[0]);
    close(p->fds[1]);
  }
}
