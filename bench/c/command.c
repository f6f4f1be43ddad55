/* whole processes: what a command costs from its start to its end. */

#include "bench.h"

#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

static double cpu_of_children (void) {
  struct rusage u;
  getrusage(RUSAGE_CHILDREN, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run (char **words) {
  pid_t pid;
  int status;
  if (posix_spawn(&pid, words[0], NULL, NULL, words, environ) != 0) die(words[0]);
  if (waitpid(pid, &status, 0) != pid || status != 0) die(words[0]);
}

/* VARIANT: any; what is behind the count is run so often */
void command (const Bench *b) {
  double before = 0;
  long i;
  for (i = -warm_up(b); i < b->count; i++) {
    if (i == 0) before = cpu_of_children();
    run(b->rest);
  }
  printf("ops=%ld cpu=%.6f\n", b->count, cpu_of_children() - before);
}
