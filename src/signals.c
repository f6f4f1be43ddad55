#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "args.h"
#include "fail.h"

static const char *const names[] = { "INT",  "TERM", "HUP",   "USR1", "USR2",
                                     "CHLD", "QUIT", "WINCH", NULL };
static const int numbers[] = { SIGINT,  SIGTERM, SIGHUP,  SIGUSR1,
                               SIGUSR2, SIGCHLD, SIGQUIT, SIGWINCH };

#define COUNT (sizeof numbers / sizeof *numbers)

static int ends[2] = { -1, -1 };
static struct sigaction before[COUNT];
static unsigned char is_watched[COUNT];

static void on_signal (int number) {
  int error = errno;
  unsigned char byte = (unsigned char)number;
  ssize_t n = write(ends[1], &byte, 1); /* a full pipe has told enough */
  (void)n;
  errno = error;
}

static int prepare (int fd) {
  return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* signals.watch(name) -> true | nil, err: "INT" "TERM" "HUP" "USR1" "USR2" "CHLD"
** "QUIT" "WINCH" */
static int signals_watch (lua_State *L) {
  int i = args_enum(L, 1, names);
  struct sigaction action;
  if (ends[0] < 0 && (pipe(ends) != 0 || !prepare(ends[0]) || !prepare(ends[1])))
    return fail_errno(L, "config", errno, "signals");
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (!is_watched[i] && sigaction(numbers[i], &action, &before[i]) != 0)
    return fail_errno(L, "config", errno, "signals");
  is_watched[i] = 1;
  lua_pushboolean(L, 1);
  return 1;
}

/* signals.forget(name): what the signal did before it does again */
static int signals_forget (lua_State *L) {
  int i = args_enum(L, 1, names);
  if (is_watched[i]) sigaction(numbers[i], &before[i], NULL);
  is_watched[i] = 0;
  return 0;
}

/* signals.take() -> the name of a signal that came, or nil */
static int signals_take (lua_State *L) {
  unsigned char byte;
  size_t i;
  if (ends[0] < 0 || read(ends[0], &byte, 1) != 1) return 0;
  for (i = 0; i < COUNT; i++) {
    if (numbers[i] != byte) continue;
    lua_pushstring(L, names[i]);
    return 1;
  }
  return 0;
}

/* signals.fd() -> integer, readable when a signal came; -1 before the first watch */
static int signals_fd (lua_State *L) {
  lua_pushinteger(L, ends[0]);
  return 1;
}

/* signals.process() -> the number of this process */
static int signals_process (lua_State *L) {
  lua_pushinteger(L, (lua_Integer)getpid());
  return 1;
}

static const luaL_Reg functions[] = {
  { "process", signals_process }, { "watch", signals_watch },
  { "forget", signals_forget },   { "take", signals_take },
  { "fd", signals_fd },           { NULL, NULL },
};

int signals_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
