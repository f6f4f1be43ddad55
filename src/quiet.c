#include "quiet.h"

#include <errno.h>
#include <pthread.h>

static int is_pending (void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static void only_pipe (sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGPIPE);
}

void quiet_begin (quiet_Pipe *pipe) {
  int error = errno;
  sigset_t set;
  only_pipe(&set);
  pipe->was_pending = is_pending();
  pthread_sigmask(SIG_BLOCK, &set, &pipe->before);
  errno = error;
}

void quiet_end (const quiet_Pipe *pipe) {
  int error = errno, taken;
  sigset_t set;
  only_pipe(&set);
  if (!pipe->was_pending && is_pending()) sigwait(&set, &taken);
  pthread_sigmask(SIG_SETMASK, &pipe->before, NULL);
  errno = error;
}
