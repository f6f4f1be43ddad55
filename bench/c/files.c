/* A server of files over HTTP/1.1 and epoll: each request opens its file, and a small
** one goes into the record of its head. */

#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 4096, PIECE = 65536 };

typedef struct Visitor {
  Client client;
  int has_file, file; /* what is being sent */
  off_t at, size;
  size_t got;
  char head[HEAD];
} Visitor;

static const Bench *bench;

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
static int send_some (Visitor *v, const char *bytes, size_t len, size_t skip) {
  size_t sent = 0, done;
  while (sent < len) {
    if (!SSL_write_ex(v->client.ssl, bytes + sent, len - sent, &done)) break;
    sent += done;
  }
  v->at += (off_t)(sent > skip ? sent - skip : 0);
  return sent == len;
}

static void end_file (Visitor *v) {
  if (v->has_file) close(v->file);
  v->has_file = 0;
}

static int go_on (Visitor *v) {
  static char piece[PIECE];
  while (v->at < v->size) {
    ssize_t n = pread(v->file, piece, PIECE, v->at);
    if (n <= 0 || !send_some(v, piece, (size_t)n, 0)) break;
  }
  if (v->at >= v->size) end_file(v);
  return !v->has_file;
}

static int begin (Visitor *v, const char *name) {
  static char piece[HEAD + PIECE];
  struct stat st;
  size_t head;
  ssize_t n;
  v->file = open(data(bench, "www/", name), O_RDONLY | O_CLOEXEC);
  v->has_file = 1;
  if (v->file < 0 || fstat(v->file, &st) != 0) die(name);
  v->at = 0;
  v->size = st.st_size;
  head = head_of(piece, HEAD, &st);
  n = pread(v->file, piece + head, PIECE, 0);
  if (n < 0 || !send_some(v, piece, head + (size_t)n, head)) return 0;
  return go_on(v);
}

/* GET /NAME HTTP/1.1, and what follows up to an empty line */
static int answer (Visitor *v) {
  char *name = v->head + 5, *end;
  v->head[v->got] = 0;
  if (strstr(v->head, "\r\n\r\n") == NULL) return 1;
  if (strncmp(v->head, "GET /", 5) != 0 || (end = strchr(name, ' ')) == NULL)
    die("request");
  *end = 0;
  v->got = 0;
  return begin(v, name);
}

static int served (Client *c) {
  Visitor *v = (Visitor *)c;
  size_t count;
  if (v->has_file && !go_on(v)) return 0;
  while (SSL_read_ex(c->ssl, v->head + v->got, HEAD - 1 - v->got, &count)) {
    v->got += count;
    if (!answer(v)) return 0;
  }
  return 1;
}

static void released (Client *c) {
  end_file((Visitor *)c);
}

/* VARIANT: what is asked for; serves www */
void files (const Bench *b) {
  static const Service service = { sizeof(Visitor), EPOLLOUT | EPOLLET, served,
                                   released };
  SSL_CTX *ctx = server_context(b, "ecdsa");
  SSL_CTX_set_mode(ctx,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  bench = b;
  serve_port(b, ctx, &service);
}
