/* Servers over epoll, the one that echoes, and how much memory idle connections take.
 */

#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

static int poller;

static void drop (Client *c, const Service *service) {
  if (service->release != NULL) service->release(c);
  SSL_shutdown(c->ssl);
  SSL_free(c->ssl);
  close(c->fd);
  free(c);
  ERR_clear_error();
}

static int is_waiting (SSL *ssl) {
  int why = SSL_get_error(ssl, 0);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static void go_on (Client *c, const Service *service) {
  if (!c->is_open) c->is_open = SSL_do_handshake(c->ssl) == 1;
  if (c->is_open && !service->serve(c)) return;
  if (!is_waiting(c->ssl)) drop(c, service);
}

static void admit (int listener, SSL_CTX *ctx, const Service *service) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    Client *c = calloc(1, service->size);
    struct epoll_event event = { .events = EPOLLIN | service->events, .data.ptr = c };
    if (c == NULL) die("calloc");
    c->fd = fd;
    c->ssl = SSL_new(ctx);
    no_delay(fd);
    SSL_set_fd(c->ssl, fd);
    SSL_set_accept_state(c->ssl);
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

void serve_port (const Bench *b, SSL_CTX *ctx, const Service *service) {
  struct epoll_event events[64], door = { .events = EPOLLIN };
  int i, n, port = (int)b->count, listener = listen_any(&port);
  fcntl(listener, F_SETFL, O_NONBLOCK);
  poller = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &door);
  alarm(120);
  for (;;) {
    n = epoll_wait(poller, events, 64, -1);
    for (i = 0; i < n; i++) {
      if (events[i].data.ptr == NULL) admit(listener, ctx, service);
      else go_on(events[i].data.ptr, service);
    }
  }
}

static int echoed (Client *c) {
  static char bytes[16384];
  size_t count;
  while (SSL_read_ex(c->ssl, bytes, sizeof(bytes), &count))
    write_all(c->ssl, bytes, count);
  return 1;
}

/* an echo server */
void server (const Bench *b) {
  static const Service echoes = { sizeof(Client), 0, echoed, NULL };
  serve_port(b, server_context(b, "ecdsa"), &echoes);
}

static long resident (void) {
  long size, pages;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL || fscanf(f, "%ld %ld", &size, &pages) != 2) die("statm");
  fclose(f);
  return pages * sysconf(_SC_PAGESIZE);
}

enum { WARM = 50 };

static void accept_idle (int listener, SSL_CTX *ctx) {
  char byte;
  SSL *ssl = SSL_new(ctx);
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  no_delay(fd);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) != 1) die("accept");
  write_all(ssl, "x", 1);
  read_all(ssl, &byte, 1);
}

/* the growth of this process by each of COUNT connections that a `load idle` beside it
** holds */
void memory (const Bench *b) {
  int port = 0, listener = listen_any(&port);
  SSL_CTX *ctx = server_context(b, "ecdsa");
  char text[600];
  long i, before = 0;
  FILE *clients;
  snprintf(text, sizeof(text), "BENCH_PORT=%d \"$BENCH_LIMIT\" load idle %ld", port,
           b->count + WARM);
  clients = popen(text, "w");
  if (clients == NULL) die("popen");
  for (i = 0; i < b->count + WARM; i++) {
    if (i == WARM) before = resident();
    accept_idle(listener, ctx);
  }
  printf("ops=%ld bytes_each=%ld\n", b->count, (resident() - before) / b->count);
  pclose(clients);
}
