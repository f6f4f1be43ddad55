#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

static clock_t began;

_Noreturn void die (const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

const char *data (const Bench *b, const char *name, const char *suffix) {
  static char paths[4][512];
  static int at;
  char *path = paths[at++ % 4];
  snprintf(path, sizeof(paths[0]), "%s%s%s", b->dir, name, suffix);
  return path;
}

void start (void) {
  began = clock();
}

void stop (long operations, const char *more) {
  printf("ops=%ld cpu=%.6f %s\n", operations,
         (double)(clock() - began) / CLOCKS_PER_SEC, more);
}

long warm_up (const Bench *b) {
  long tenth = b->count / 10;
  return tenth > 200 ? 200 : tenth < 1 ? 1 : tenth;
}

void repeat (const Bench *b, void (*operation)(void *), void *what) {
  long i;
  for (i = -warm_up(b); i < b->count; i++) {
    if (i == 0) start();
    operation(what);
  }
  stop(b->count, "");
}

static const struct Row {
  const char *name;
  Workload run;
} rows[] = {
  { "handshake", handshake }, { "resume", resume },
  { "bulk", bulk },           { "echo", echo },
  { "context", context },     { "memory", memory },
  { "server", server },       { "load", load },
  { "parse", parse },         { "pin", pin },
  { "selfsign", selfsign },   { "csr", csr },
  { "chain", chain },         { "keygen", keygen },
  { "issue", issue },         { "health", health },
  { "files", files },         { "workers", server },
  { "written", written },     { "command", command },
};

/* bench WORKLOAD VARIANT COUNT [words], with BENCH_DATA in the environment */
int main (int argc, char **argv) {
  size_t i;
  Bench b;
  if (argc < 4 || (b.dir = getenv("BENCH_DATA")) == NULL) return 2;
  b.variant = argv[2];
  b.count = atol(argv[3]);
  b.rest = argv + 4;
  for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (strcmp(rows[i].name, argv[1]) != 0) continue;
    rows[i].run(&b);
    return 0;
  }
  return 2;
}
