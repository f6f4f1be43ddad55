/* A server of files over HTTP/1.1 and epoll: each request opens its file, and a small
** one goes into the record of its head. */

#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

enum { HEAD = 4096, PIECE = 65536 };

typedef struct Client {
  SSL *ssl;
  int fd, open, file;
  off_t at, size;
  size_t got;
  char head[HEAD];
} Client;

static int poller;
static const Bench *bench;

static void drop (Client *c) {
  SSL_shutdown(c->ssl);
  SSL_free(c->ssl);
  close(c->fd);
  if (c->file >= 0) close(c->file);
  free(c);
  ERR_clear_error();
}

static void date (char *into, size_t size, time_t when) {
  struct tm parts;
  strftime(into, size, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &parts));
}

/* the head into a buffer, and its length */
static size_t head_of (char *into, size_t size, const struct stat *st) {
  char now[40], then[40];
  date(now, sizeof(now), time(NULL));
  date(then, sizeof(then), st->st_mtime);
  return (size_t)snprintf(
      into, size,
      "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: application/octet-stream\r\n"
      "Content-Length: %ld\r\nETag: \"%lx-%lx\"\r\nLast-Modified: %s\r\n"
      "Accept-Ranges: bytes\r\nX-Content-Type-Options: nosniff\r\nConnection: "
      "keep-alive\r\n\r\n",
      now, (long)st->st_size, (long)st->st_mtime, (long)st->st_size, then);
}

/* as much of a piece as goes is sent; what is left is read again */
static int send_some (Client *c, const char *bytes, size_t len, size_t skip) {
  size_t sent = 0, done;
  while (sent < len) {
    if (!SSL_write_ex(c->ssl, bytes + sent, len - sent, &done)) break;
    sent += done;
  }
  c->at += (off_t)(sent > skip ? sent - skip : 0);
  return sent == len;
}

static void finish (Client *c) {
  if (c->at < c->size) return;
  close(c->file);
  c->file = -1;
}

static int go_on (Client *c) {
  static char piece[PIECE];
  while (c->at < c->size) {
    ssize_t n = pread(c->file, piece, PIECE, c->at);
    if (n <= 0 || !send_some(c, piece, (size_t)n, 0)) break;
  }
  finish(c);
  return c->file < 0;
}

static int begin (Client *c, const char *name) {
  static char piece[HEAD + PIECE];
  struct stat st;
  size_t head;
  ssize_t n;
  c->file = open(data(bench, "www/", name), O_RDONLY | O_CLOEXEC);
  if (c->file < 0 || fstat(c->file, &st) != 0) die(name);
  c->at = 0;
  c->size = st.st_size;
  head = head_of(piece, HEAD, &st);
  n = pread(c->file, piece + head, PIECE, 0);
  if (n < 0 || !send_some(c, piece, head + (size_t)n, head)) return 0;
  return go_on(c);
}

/* GET /NAME HTTP/1.1, and what follows up to an empty line */
static int answer (Client *c) {
  char *name = c->head + 5, *end;
  c->head[c->got] = 0;
  if (strstr(c->head, "\r\n\r\n") == NULL) return 1;
  if (strncmp(c->head, "GET /", 5) != 0 || (end = strchr(name, ' ')) == NULL)
    die("request");
  *end = 0;
  c->got = 0;
  return begin(c, name);
}

static int is_waiting (SSL *ssl) {
  int why = SSL_get_error(ssl, 0);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static void serve (Client *c) {
  size_t count;
  if (!c->open && SSL_do_handshake(c->ssl) != 1) {
    if (!is_waiting(c->ssl)) drop(c);
    return;
  }
  c->open = 1;
  if (c->file >= 0 && !go_on(c)) return;
  while (SSL_read_ex(c->ssl, c->head + c->got, HEAD - 1 - c->got, &count)) {
    c->got += count;
    if (!answer(c)) return;
  }
  if (!is_waiting(c->ssl)) drop(c);
}

static void admit (int listener, SSL_CTX *ctx) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    Client *c = calloc(1, sizeof(*c));
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
                                 .data.ptr = c };
    if (c == NULL) die("calloc");
    c->fd = fd;
    c->file = -1;
    c->ssl = SSL_new(ctx);
    no_delay(fd);
    SSL_set_fd(c->ssl, fd);
    SSL_set_accept_state(c->ssl);
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

/* VARIANT: what is asked for; serves www on a port, COUNT, until it is ended, or two
 * minutes */
void files (const Bench *b) {
  struct epoll_event events[64], door = { .events = EPOLLIN };
  int i, n, port = (int)b->count, listener = listen_any(&port);
  SSL_CTX *ctx = server_context(b, "ecdsa");
  SSL_CTX_set_mode(ctx,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  bench = b;
  fcntl(listener, F_SETFL, O_NONBLOCK);
  poller = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &door);
  alarm(120);
  for (;;) {
    n = epoll_wait(poller, events, 64, -1);
    for (i = 0; i < n; i++) {
      if (events[i].data.ptr == NULL) admit(listener, ctx);
      else serve(events[i].data.ptr);
    }
  }
}
