/* Connections, both ends in one thread: full and resumed handshakes, bulk, round trips.
 */

#include "bench.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

typedef struct Ends {
  SSL_CTX *client, *server;
  int listener, port;
  SSL_SESSION *session; /* of the last connection */
  int resumes;
} Ends;

static void ends_open (Ends *e, const Bench *b, const char *kind, int memory) {
  e->client = client_context(b, kind);
  e->server = server_context(b, kind);
  e->listener = -1;
  e->port = 0;
  e->session = NULL;
  e->resumes = 0;
  if (!memory) e->listener = listen_any(&e->port);
}

/* OpenSSL verifies nothing of a resumed session: whoever is not to be fooled by one
** looks at the name and the dates of what it was made with */
static void check_again (SSL *ssl) {
  const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
  int i;
  if (chain == NULL ||
      X509_check_host(sk_X509_value(chain, 0), "localhost", 0, 0, NULL) != 1)
    die("resumed with another name");
  for (i = 0; i < sk_X509_num(chain); i++)
    if (X509_cmp_current_time(X509_get0_notBefore(sk_X509_value(chain, i))) > 0 ||
        X509_cmp_current_time(X509_get0_notAfter(sk_X509_value(chain, i))) < 0)
      die("resumed with an old certificate");
}

/* a connection from nothing to closed; one byte brings the client its tickets */
static void connection (void *what) {
  Ends *e = what;
  Pair p;
  char byte;
  pair_open(&p, e->client, e->server, e->listener, e->port);
  if (e->session != NULL) SSL_set_session(p.client, e->session);
  pair_shake(&p);
  write_all(p.server, "x", 1);
  read_all(p.client, &byte, 1);
  if (e->resumes) {
    if (e->session != NULL && !SSL_session_reused(p.server)) die("not resumed");
    if (e->session != NULL) check_again(p.client);
    SSL_SESSION_free(e->session);
    e->session = SSL_get1_session(p.client);
  }
  pair_close(&p);
}

/* VARIANT: mem-ecdsa mem-rsa sock-ecdsa sock-rsa */
void handshake (const Bench *b) {
  Ends e;
  ends_open(&e, b, strchr(b->variant, '-') + 1, strncmp(b->variant, "mem", 3) == 0);
  repeat(b, connection, &e);
}

/* VARIANT: mem sock */
void resume (const Bench *b) {
  Ends e;
  ends_open(&e, b, "ecdsa", strcmp(b->variant, "mem") == 0);
  e.resumes = 1;
  repeat(b, connection, &e);
}

typedef struct Transfer {
  Pair pair;
  size_t size;
  char *out, *in;
} Transfer;

static char out[65536], in[65536];

static void transfer_open (Transfer *t, const Bench *b, size_t size) {
  Ends e;
  ends_open(&e, b, "ecdsa", 0);
  pair_open(&t->pair, e.client, e.server, e.listener, e.port);
  pair_shake(&t->pair);
  t->size = size;
}

/* one write as far as it goes, then what came of it is read */
static void move (void *what) {
  Transfer *t = what;
  size_t sent = 0, got = 0, now;
  while (got < t->size) {
    if (sent < t->size &&
        done_or_waiting(t->pair.client,
                        SSL_write_ex(t->pair.client, out + sent, t->size - sent, &now)))
      sent += now;
    if (done_or_waiting(t->pair.server,
                        SSL_read_ex(t->pair.server, in + got, t->size - got, &now)))
      got += now;
  }
}

/* VARIANT: 16k 64k */
void bulk (const Bench *b) {
  Transfer t;
  transfer_open(&t, b, strcmp(b->variant, "16k") == 0 ? 16384 : 65536);
  repeat(b, move, &t);
}

static void round_trip (void *what) {
  Transfer *t = what;
  write_all(t->pair.client, out, t->size);
  read_all(t->pair.server, in, t->size);
  write_all(t->pair.server, in, t->size);
  read_all(t->pair.client, in, t->size);
}

/* VARIANT: 64 */
void echo (const Bench *b) {
  Transfer t;
  transfer_open(&t, b, 64);
  repeat(b, round_trip, &t);
}
