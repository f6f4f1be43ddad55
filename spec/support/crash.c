/*
** crash: a Lua whose processes die, or meet a failure, at a chosen system call.
**   crash SCRIPT [ARGUMENTS]     runs a script that finds one function more:
**   crash(mode, n, fn) -> "done", text | "died" | "calls", count
** It runs fn in a forked child. The calls that may change a file system are
** counted there, and those that tell what is there, which "broken" alone concerns;
** the n-th of them is the fault: mode "kill" dies before it,
** "torn" dies after it (a write has then written half of its bytes), "full" fails
** it and all later ones that need space with ENOSPC, "denied" and "broken" fail it
** alone with EACCES and EIO. What fn returns, as a text, comes back from a child
** that did not die; mode "count" tells how many calls there are.
*/
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

enum { COUNT, KILL, TORN, FULL, DENIED, BROKEN };
static const char *const modes[] = { "count",  "kill",   "torn", "full",
                                     "denied", "broken", NULL };

static int armed, mode;
static long count, target;

enum { PASS, FAIL, AFTER };

/* whether the call that is about to be made is the one; `space`: it needs some */
static int fault (int space) {
  if (!armed) return PASS;
  count++;
  if (mode == COUNT || count < target) return PASS;
  if (mode == FULL) {
    errno = ENOSPC;
    return space ? FAIL : PASS;
  }
  if (count > target) return PASS;
  if (mode == KILL) kill(getpid(), SIGKILL);
  if (mode == TORN) return AFTER;
  errno = mode == DENIED ? EACCES : EIO;
  return FAIL;
}

static int finish (int result, int how) {
  if (how == AFTER) kill(getpid(), SIGKILL);
  return result;
}

/* ISO C knows no cast from an object pointer to a function's */
static void real (const char *name, void *function) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  memcpy(function, &found, sizeof found);
}

#define CALL(name, space, params, args)                                                \
  int name params;                                                                     \
  int name params {                                                                    \
    int(*next) params;                                                                 \
    int how = fault(space);                                                            \
    if (how == FAIL) return -1;                                                        \
    real(#name, &next);                                                                \
    return finish(next args, how);                                                     \
  }

CALL(fsync, 1, (int fd), (fd))
CALL(rename, 0, (const char *from, const char *to), (from, to))
CALL(link, 1, (const char *from, const char *to), (from, to))
CALL(unlink, 0, (const char *path), (path))
CALL(rmdir, 0, (const char *path), (path))
CALL(mkdir, 1, (const char *path, mode_t m), (path, m))
CALL(chmod, 0, (const char *path, mode_t m), (path, m))
CALL(fchmod, 0, (int fd, mode_t m), (fd, m))
CALL(ftruncate, 0, (int fd, off_t size), (fd, size))
CALL(flock, 0, (int fd, int operation), (fd, operation))

/* what changes nothing may fail, and nobody need die at it */
static int failure (void) {
  return mode == COUNT || mode == BROKEN ? fault(0) : PASS;
}

int fstat (int fd, struct stat *s) {
  int (*next)(int, struct stat *);
  if (failure() == FAIL) return -1;
  real("fstat", &next);
  return next(fd, s);
}

struct dirent *readdir (DIR *dir) {
  struct dirent *(*next)(DIR *);
  if (failure() == FAIL) return NULL;
  real("readdir", &next);
  return next(dir);
}

int open (const char *path, int flags, ...) {
  int (*next)(const char *, int, ...);
  int how = fault((flags & O_CREAT) != 0);
  va_list args;
  mode_t m;
  va_start(args, flags);
  m = (mode_t)(flags & O_CREAT ? va_arg(args, int) : 0);
  va_end(args);
  if (how == FAIL) return -1;
  real("open", &next);
  return finish(next(path, flags, m), how);
}

ssize_t write (int fd, const void *bytes, size_t len) {
  ssize_t (*next)(int, const void *, size_t);
  int how = fault(1);
  if (how == FAIL) return -1;
  real("write", &next);
  return finish((int)next(fd, bytes, how == AFTER ? len / 2 : len), how);
}

static void child (lua_State *L, int out) {
  int raised;
  const char *text;
  armed = 1;
  raised = lua_pcall(L, 0, 1, 0);
  armed = 0;
  luaL_callmeta(L, -1, "__tostring");
  text = lua_tostring(L, -1);
  if (mode == COUNT) dprintf(out, "%ld", count);
  else dprintf(out, "%s%s", raised ? "raised: " : "", text == NULL ? "nothing" : text);
  _exit(0);
}

static int run (lua_State *L) {
  char text[512];
  ssize_t n;
  size_t len = 0;
  int status, ends[2];
  pid_t pid;
  mode = luaL_checkoption(L, 1, NULL, modes);
  target = (long)luaL_checkinteger(L, 2);
  lua_settop(L, 3);
  fflush(NULL);
  if (pipe(ends) != 0 || (pid = fork()) < 0) return luaL_error(L, "no process");
  if (pid == 0) child(L, ends[1]);
  close(ends[1]);
  while ((n = read(ends[0], text + len, sizeof text - len)) > 0) len += (size_t)n;
  close(ends[0]);
  waitpid(pid, &status, 0);
  lua_pushstring(L, WIFSIGNALED(status) ? "died" : mode == COUNT ? "calls" : "done");
  lua_pushlstring(L, text, len);
  return 2;
}

int main (int argc, char *argv[]) {
  lua_State *L = luaL_newstate();
  int i;
  luaL_openlibs(L);
  lua_register(L, "crash", run);
  if (argc < 2 || luaL_loadfile(L, argv[1]) != 0) return 2;
  for (i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
  i = lua_pcall(L, argc - 2, 0, 0);
  if (i != 0) {
    luaL_callmeta(L, -1, "__tostring");
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  }
  lua_close(L);
  return i != 0;
}
