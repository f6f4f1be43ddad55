/*
** memory: runs a scenario with its n-th allocation failing, for every n.
**   memory SCENARIOS NAME lua|openssl LIMIT     (-N: that one alone)
** SCENARIOS is a Lua file that returns a table of functions. One is run until
** it keeps nothing more than before (caches are warm), and then in a forked
** child for each n, at most LIMIT of them, spread evenly. Lua's allocator fails
** from the n-th on, because Lua collects and tries again; OpenSSL's fails once.
** A child must return, or raise an error of ours or of memory; it must leave no
** object of OpenSSL, no descriptor and no queued error behind, and then be able
** to do the same again without failures. Prints what was bad and one last line.
*/
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
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

enum { NOBODY, LUA, OPENSSL };

static int armed = NOBODY; /* whose allocations are counted */
static long count, fail_at;
static long live; /* blocks that OpenSSL holds */

static int must_fail (int who) {
  if (who != armed) return 0;
  count++;
  return fail_at > 0 && (who == LUA ? count >= fail_at : count == fail_at);
}

static void *lua_allocate (void *ud, void *p, size_t old, size_t size) {
  (void)ud;
  if (size == 0) {
    free(p);
    return NULL;
  }
  if ((p == NULL || size > old) && must_fail(LUA)) return NULL;
  return realloc(p, size);
}

static void *ssl_realloc (void *p, size_t size, const char *file, int line) {
  void *q;
  (void)file, (void)line;
  if (must_fail(OPENSSL)) return NULL;
  q = realloc(p, size);
  if (p == NULL && q != NULL) live++;
  return q;
}

static void *ssl_malloc (size_t size, const char *file, int line) {
  return ssl_realloc(NULL, size, file, line);
}

static void ssl_free (void *p, const char *file, int line) {
  (void)file, (void)line;
  if (p != NULL) live--;
  free(p);
}

static lua_State *new_state (void) {
#if LUA_VERSION_NUM >= 505
  return lua_newstate(lua_allocate, NULL, 1);
#else
  return lua_newstate(lua_allocate, NULL);
#endif
}

static void die (const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vprintf(fmt, args);
  va_end(args);
  putchar('\n');
  fflush(stdout);
  _exit(1);
}

static int descriptors (void) {
  DIR *dir = opendir("/proc/self/fd");
  int n = 0;
  if (dir == NULL) return 0;
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n;
}

/* what OpenSSL holds when Lua holds nothing; what it keeps for a thread, such as
** the texts of old errors, is released first */
static long settle (lua_State *L) {
  lua_settop(L, 1);
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  OPENSSL_thread_stop();
  return live;
}

/* "code: message [stage]", behind the place: on Lua 5.1 lacre.assert raises our
** errors as texts */
static int is_ours (const char *text) {
  const char *place = strstr(text, ".lua:"), *behind;
  size_t code, len;
  if (place != NULL && (behind = strstr(place, ": ")) != NULL) text = behind + 2;
  code = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
  len = strlen(text);
  return code > 0 && strncmp(text + code, ": ", 2) == 0 && text[len - 1] == ']';
}

/* runs the scenario, which stays at 1; NULL, or what it raised that is no error
** of ours and does not come of memory running out */
static const char *run (lua_State *L, int who) {
  const char *text;
  int status;
  lua_pushvalue(L, 1);
  ERR_clear_error(); /* a thread's queue is there before anything fails: OpenSSL 4
                        reports its own making in it */
  count = 0;
  armed = who;
  status = lua_pcall(L, 0, 0, 0);
  armed = NOBODY;
  if (status == 0 || status == LUA_ERRMEM || lua_istable(L, -1)) return NULL;
  text = lua_tostring(L, -1);
  if (text == NULL) return "an error that is neither ours nor a text";
  return strstr(text, "not enough memory") || is_ours(text) ? NULL : text;
}

static void must_run (lua_State *L, long n, const char *when) {
  const char *text;
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 0, 0, 0) == 0) return;
  luaL_callmeta(L, -1, "__tostring");
  text = lua_tostring(L, -1);
  die("n=%ld: %s: %s", n, when, text != NULL ? text : "an error without text");
}

/* what OpenSSL holds after the n-th allocation failed and all was done once more */
static long after_failure (lua_State *L, int who, long n) {
  const char *text;
  fail_at = n;
  text = run(L, who);
  if (text != NULL) die("n=%ld: raised: %s", n, text);
  if (who == OPENSSL && ERR_peek_error() != 0)
    die("n=%ld: left in the queue: %s", n, ERR_error_string(ERR_peek_error(), NULL));
  must_run(L, n, "does not work afterwards");
  return settle(L);
}

/* what OpenSSL keeps for good because it took another way, such as the decoders that
** it caches since 3.2, is there once, and what leaks, leaks again; older ones keep
** nothing */
static int may_keep (void) {
  return OPENSSL_VERSION_NUMBER >= 0x30200000L;
}

static void try_point (lua_State *L, int who, long n) {
  long before = live, once;
  int open_before = descriptors();
  alarm(20);
  once = after_failure(L, who, n);
  if (once > before && (!may_keep() || after_failure(L, who, n) > once))
    die("n=%ld: %ld blocks leaked", n, live - before);
  if (descriptors() > open_before) die("n=%ld: a descriptor leaked", n);
  _exit(0);
}

/* the allocations of one run, once nothing grows any more */
static long warm_up (lua_State *L, int who) {
  long before = -1;
  int i;
  for (i = 0; i < 20 && live != before; i++) {
    before = live;
    must_run(L, 0, "fails by itself");
    settle(L);
  }
  if (live != before) die("it keeps %ld blocks more each time", live - before);
  fail_at = 0;
  run(L, who);
  settle(L);
  return count;
}

static int is_bad (pid_t child, long n) {
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("n=%ld: signal %d\n", n, WTERMSIG(status));
  return status != 0;
}

static int try_all (lua_State *L, int who, long limit) {
  long total = warm_up(L, who), points = 0, bad = 0;
  long step = limit < 0 ? total : (total + limit - 1) / limit;
  long n = limit < 0 ? -limit : 1;
  for (; n <= total; n += step, points++) {
    pid_t child;
    fflush(stdout);
    child = fork();
    if (child == 0) try_point(L, who, n);
    bad += is_bad(child, n);
  }
  printf("%ld of %ld allocations failed, %ld badly\n", points, total, bad);
  return bad > 0;
}

int main (int argc, char **argv) {
  lua_State *L;
  if (argc != 5) return 2;
  if (!CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free)) return 2;
  L = new_state();
  if (L == NULL) return 2;
  luaL_openlibs(L);
  /* compiled code of LuaJIT 2.1 may not throw: it crashes, whatever module it calls */
  if (luaL_dostring(L, "if jit then jit.off() end") != 0) return 2;
  if (luaL_dofile(L, argv[1]) != 0) die("%s", lua_tostring(L, -1));
  lua_getfield(L, 1, argv[2]);
  lua_replace(L, 1);
  return try_all(L, strcmp(argv[3], "lua") == 0 ? LUA : OPENSSL, atol(argv[4]));
}
