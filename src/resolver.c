#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "fail.h"
#include "own.h"
#include "table.h"

/* shared by the thread and the Lua object; whoever lets go last frees it. The pipe
** is the Lua object's alone: it closes it when it loses interest */
typedef struct Request {
  pthread_mutex_t lock;
  int references;
  int is_abandoned;
  int error, system; /* of getaddrinfo, and errno after it */
  struct addrinfo hints, *found;
  int ends[2]; /* a pipe: readable when the answer is there */
  char *host;
} Request;

static void let_go (Request *r) {
  int left;
  pthread_mutex_lock(&r->lock);
  left = --r->references;
  pthread_mutex_unlock(&r->lock);
  if (left > 0) return;
  if (r->found != NULL) freeaddrinfo(r->found);
  pthread_mutex_destroy(&r->lock);
  free(r->host);
  free(r);
}

static void release_request (void *obj) {
  Request *r = obj;
  pthread_mutex_lock(&r->lock);
  r->is_abandoned = 1;
  close(r->ends[0]);
  close(r->ends[1]);
  pthread_mutex_unlock(&r->lock);
  let_go(r);
}

static const own_Type request_type = { "lacre.core.request", release_request };

static void *run (void *obj) {
  Request *r = obj;
  ssize_t n = 0;
  errno = 0;
  r->error = getaddrinfo(r->host, NULL, &r->hints, &r->found);
  r->system = errno;
  pthread_mutex_lock(&r->lock);
  if (!r->is_abandoned) n = write(r->ends[1], "", 1); /* an empty pipe takes a byte */
  pthread_mutex_unlock(&r->lock);
  (void)n;
  let_go(r);
  return NULL;
}

/* signals are the main thread's: none is delivered to this one */
static int start_thread (Request *r) {
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  int error;
  sigfillset(&all);
  if (pthread_attr_init(&attributes) != 0) return ENOMEM;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  r->references = 2;
  error = pthread_create(&thread, &attributes, run, r);
  if (error != 0) r->references = 1;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

static Request *make_request (const char *host, int family) {
  Request *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  r->host = strdup(host);
  if (r->host == NULL || pipe(r->ends) != 0) {
    free(r->host);
    free(r);
    return NULL;
  }
  fcntl(r->ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(r->ends[1], F_SETFD, FD_CLOEXEC);
  pthread_mutex_init(&r->lock, NULL);
  r->references = 1;
  r->hints.ai_family = family;
  r->hints.ai_socktype = SOCK_STREAM;
  return r;
}

/* resolver.start(host, "any" | "ipv4" | "ipv6") -> request | nil, err; its fd is
** readable when result() is there */
static int resolver_start (lua_State *L) {
  static const char *const families[] = { "any", "ipv4", "ipv6", NULL };
  static const int values[] = { AF_UNSPEC, AF_INET, AF_INET6 };
  const char *host = args_text(L, 1);
  int family = values[args_enum(L, 2, families)], error;
  own_Box *box = own_new(L, &request_type);
  Request *r = make_request(host, family);
  box->obj = r;
  if (r == NULL) return fail_errno(L, "resolve", errno, "resolver");
  error = start_thread(r);
  if (error != 0) return fail_errno(L, "resolve", error, "resolver");
  return 1;
}

static void push_row (lua_State *L, const struct addrinfo *a) {
  char host[NI_MAXHOST] = "";
  getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
  lua_createtable(L, 0, 2);
  table_set_text(L, "address", host);
  table_set_text(L, "family", a->ai_family == AF_INET6 ? "ipv6" : "ipv4");
}

static void push_rows (lua_State *L, const struct addrinfo *a) {
  int i;
  lua_newtable(L);
  for (i = 1; a != NULL; a = a->ai_next, i++) {
    push_row(L, a);
    lua_rawseti(L, -2, i);
  }
}

static void release_addresses (void *obj) {
  freeaddrinfo(obj);
}

/* resolver.numeric(text) -> { { address =, family = } } | nil: addresses need nobody's
** answer */
static int resolver_numeric (lua_State *L) {
  const char *host = args_text(L, 1);
  struct addrinfo hints, *found = NULL;
  own_Box *box = own_temp(L, release_addresses);
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  if (getaddrinfo(host, NULL, &hints, &found) != 0) return 0;
  box->obj = found;
  push_rows(L, found);
  return 1;
}

static int push_failure (lua_State *L, const Request *r) {
  const codes_Row *row = codes_resolver(r->error);
  char message[512];
  if (r->system == EMFILE || r->system == ENFILE)
    return fail_errno(L, "resolve", r->system, r->host);
  snprintf(message, sizeof message, "%.255s: %s", r->host,
           r->error == EAI_SYSTEM ? strerror(r->system) : gai_strerror(r->error));
  lua_pushnil(L);
  fail_push(L, "resolve", "dns", row, r->error, message);
  return 2;
}

/* request:result() -> { { address =, family = } ... } | nil, err; to be called when
** fd() is readable, else it waits */
static int request_result (lua_State *L) {
  Request *r = own_check(L, 1, &request_type);
  char byte;
  ssize_t n;
  do n = read(r->ends[0], &byte, 1);
  while (n < 0 && errno == EINTR);
  if (r->error != 0) return push_failure(L, r);
  push_rows(L, r->found);
  return 1;
}

/* request:fd() -> integer */
static int request_fd (lua_State *L) {
  Request *r = own_check(L, 1, &request_type);
  lua_pushinteger(L, r->ends[0]);
  return 1;
}

static const luaL_Reg functions[] = {
  { "start", resolver_start },
  { "numeric", resolver_numeric },
  { NULL, NULL },
};

static const luaL_Reg methods[] = {
  { "result", request_result },
  { "fd", request_fd },
  { "close", own_method_close },
  { NULL, NULL },
};

int resolver_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type(L, &request_type, NULL, methods);
  lua_pop(L, 1);
  return 1;
}
