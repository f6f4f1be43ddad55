/*
** oom: runs a Lua function with its n-th allocation failing, for every n.
**   oom lua|openssl SCRIPT LIMIT
** SCRIPT sets the global function `scenario`. It is run until it allocates no
** more than before (caches are warm), and then once in a forked child for each
** n, at most LIMIT of them, spread evenly. Lua's allocator fails from the n-th
** on, because Lua collects and tries again; OpenSSL's fails once. A child that
** dies of a signal, or holds more OpenSSL memory than the run before it did, is
** a failure. Prints "points=N" and exits with the number of bad ones, or 2.
*/
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

static int in_lua, armed;
static long count, fail_at, live;

static int must_fail (int is_lua) {
  if (!armed || is_lua != in_lua) return 0;
  count++;
  return is_lua ? fail_at > 0 && count >= fail_at : count == fail_at;
}

static void *lua_allocate (void *ud, void *p, size_t old, size_t size) {
  (void)ud;
  if (size == 0) {
    free(p);
    return NULL;
  }
  if ((p == NULL || size > old) && must_fail(1)) return NULL;
  return realloc(p, size);
}

static void *ssl_malloc (size_t size, const char *file, int line) {
  void *p;
  (void)file, (void)line;
  if (must_fail(0)) return NULL;
  p = malloc(size);
  if (p != NULL) live++;
  return p;
}

static void *ssl_realloc (void *p, size_t size, const char *file, int line) {
  void *q;
  (void)file, (void)line;
  if (must_fail(0)) return NULL;
  q = realloc(p, size);
  if (p == NULL && q != NULL) live++;
  return q;
}

static void ssl_free (void *p, const char *file, int line) {
  (void)file, (void)line;
  if (p != NULL) live--;
  free(p);
}

static lua_State *new_state (void) {
#if LUA_VERSION_NUM >= 505
  lua_State *L = lua_newstate(lua_allocate, NULL, 1);
#else
  lua_State *L = lua_newstate(lua_allocate, NULL);
#endif
  return L != NULL ? L : luaL_newstate();
}

/* one run; what it left alive, after two collections */
static long run (lua_State *L, int arm) {
  lua_getglobal(L, "scenario");
  count = 0;
  armed = arm;
  if (lua_pcall(L, 0, 0, 0) != 0 && !arm) {
    fprintf(stderr, "scenario failed: %s\n", lua_tostring(L, -1));
    exit(2);
  }
  armed = 0;
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  return live;
}

/* the allocations of one run, counted once nothing grows any more */
static long warm_up (lua_State *L) {
  long before = run(L, 0), now;
  int i;
  for (i = 0; i < 10 && (now = run(L, 0)) > before; i++) before = now;
  fail_at = -1;
  run(L, 1);
  return count;
}

static int try_point (lua_State *L, long n) {
  pid_t child = fork();
  int status;
  if (child == 0) {
    long before = live;
    alarm(20);
    fail_at = n;
    run(L, 1);
    if (ERR_peek_error() != 0) _exit(4);
    _exit(live > before ? 3 : 0);
  }
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("n=%ld: signal %d\n", n, WTERMSIG(status));
  else if (WEXITSTATUS(status) == 3) printf("n=%ld: leak\n", n);
  return status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 4);
}

int main (int argc, char **argv) {
  lua_State *L;
  long n, total, limit, points = 0;
  int bad = 0;
  if (argc != 4) return 2;
  in_lua = strcmp(argv[1], "lua") == 0;
  limit = atol(argv[3]);
  if (!CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free)) return 2;
  L = new_state();
  luaL_openlibs(L);
  if (luaL_dofile(L, argv[2]) != 0) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    return 2;
  }
  total = warm_up(L);
  fflush(stdout);
  for (n = 1; n <= total; n += total > limit ? total / limit : 1) {
    bad += try_point(L, n);
    points++;
  }
  printf("points=%ld of %ld\n", points, total);
  return bad > 0 ? 1 : 0;
}
