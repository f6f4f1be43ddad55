#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "args.h"
#include "fail.h"
#include "own.h"

typedef struct Lock {
  int fd;
} Lock;

static void release_lock (void *obj) {
  Lock *lock = obj;
  if (lock->fd >= 0) close(lock->fd); /* and with it goes the lock */
  free(lock);
}

static const own_Type lock_type = { "lacre.lock", release_lock };

static Lock *push_lock (lua_State *L) {
  own_Box *box = own_new(L, &lock_type);
  Lock *lock = malloc(sizeof *lock);
  if (lock == NULL) fail_memory(L);
  lock->fd = -1;
  box->obj = lock;
  return lock;
}

/* lock.take(path) -> lock | nil, err (locked, permission_denied, file_not_found ...) */
static int lock_take (lua_State *L) {
  const char *path = args_text(L, 1);
  Lock *lock = push_lock(L);
  lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock->fd < 0) return fail_errno(L, "save", errno, path);
  if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) return 1;
  if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(L, "save", errno, path);
  return fail_code(L, "save", "locked", "%s: held by another process", path);
}

static const luaL_Reg functions[] = {
  { "take", lock_take },
  { NULL, NULL },
};

static const luaL_Reg methods[] = {
  { "close", own_method_close },
  { NULL, NULL },
};

int lock_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type(L, &lock_type, NULL, methods);
  lua_pop(L, 1);
  return 1;
}
