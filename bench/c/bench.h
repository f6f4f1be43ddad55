#ifndef LACRE_BENCH_H
#define LACRE_BENCH_H

/* What the bare C programs share. They do the work with nothing between them and
** OpenSSL: the limit that the same work from Lua is compared with. Whatever fails ends
** the program. */

#include <stddef.h>

#include <openssl/ssl.h>

typedef struct Bench {
  const char *variant;
  long count;      /* operations to measure; a tenth of them go before, uncounted */
  const char *dir; /* of keys and certificates, with a slash */
  char **rest;     /* the words behind the count */
} Bench;

typedef void (*Workload)(const Bench *b);

_Noreturn void die (const char *what);
const char *data (const Bench *b, const char *name, const char *suffix);

/* the clock: CPU of this process from `start` to `stop`, which prints the line of the
** result */
void start (void);
void stop (long operations, const char *more);
long warm_up (const Bench *b);

/* a workload that is the same operation over and over */
void repeat (const Bench *b, void (*operation)(void *), void *what);

SSL_CTX *server_context (const Bench *b, const char *kind);
SSL_CTX *client_context (const Bench *b, const char *kind);
SSL *client_of (SSL_CTX *ctx);

int listen_any (int *port);
int dial (int port);

/* with flags of socket(2); -1 where nobody listens */
int try_dial (int port, int flags);

void no_delay (int fd);

/* 1 done, 0 would block; a failure ends the program */
int done_or_waiting (SSL *ssl, int result);
void write_all (SSL *ssl, const void *bytes, size_t size);
void read_all (SSL *ssl, void *bytes, size_t size);

/* both ends of a connection in this thread */
typedef struct Pair {
  SSL *client, *server;
  int fds[2];
} Pair;

void pair_open (Pair *p, SSL_CTX *client, SSL_CTX *server, int listener, int port);
void pair_shake (Pair *p);
void pair_close (Pair *p);

/* a connection of a server over epoll. A service keeps more of each behind it */
typedef struct Client {
  SSL *ssl;
  int fd, is_open;
} Client;

typedef struct Service {
  size_t size;                /* of what begins with a Client; all zero at first */
  unsigned events;            /* beside EPOLLIN */
  int (*serve)(Client *c);    /* as far as it goes: 1, or 0 while it waits to write */
  void (*release)(Client *c); /* NULL: there is nothing more */
} Service;

/* serves on a port, COUNT, until it is ended, or two minutes */
void serve_port (const Bench *b, SSL_CTX *ctx, const Service *service);

void handshake (const Bench *b);
void resume (const Bench *b);
void bulk (const Bench *b);
void echo (const Bench *b);
void context (const Bench *b);
void memory (const Bench *b);
void server (const Bench *b);
void files (const Bench *b);
void load (const Bench *b);
void issue (const Bench *b);
void health (const Bench *b);
void parse (const Bench *b);
void pin (const Bench *b);
void selfsign (const Bench *b);
void written (const Bench *b);
void command (const Bench *b);
void csr (const Bench *b);
void chain (const Bench *b);
void keygen (const Bench *b);

#endif
