#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "args.h"
#include "fail.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* where SO_NOSIGPIPE does it */
#endif

#ifndef SO_REUSEPORT
#define SO_REUSEPORT SO_REUSEADDR
#endif

net_Socket *net_retain (net_Socket *s) {
  s->references++;
  return s;
}

static void close_socket (net_Socket *s) {
  if (s->fd >= 0 && !s->keeps_fd) close(s->fd);
  s->fd = -1;
}

void net_release (net_Socket *s) {
  if (--s->references > 0) return;
  close_socket(s);
  free(s);
}

/* collecting the Lua object closes it even while an engine refers to it */
static void release_socket (void *obj) {
  net_release(obj);
}

static const own_Type socket_type = { "lacre.socket", release_socket };

net_Socket *net_check (lua_State *L, int arg) {
  return own_check(L, arg, &socket_type);
}

int net_would_block (int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

long net_read (net_Socket *s, void *buffer, size_t size) {
  ssize_t n;
  do n = recv(s->fd, buffer, size, 0);
  while (n < 0 && errno == EINTR);
  s->error = n < 0 ? errno : 0;
  return (long)n;
}

long net_write (net_Socket *s, const void *bytes, size_t len) {
  ssize_t n;
  do n = send(s->fd, bytes, len, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  s->error = n < 0 ? errno : 0;
  return (long)n;
}

static net_Socket *push_socket (lua_State *L) {
  own_Box *box = own_new(L, &socket_type);
  net_Socket *s = malloc(sizeof *s);
  if (s == NULL) fail_memory(L);
  memset(s, 0, sizeof *s);
  s->fd = -1;
  s->references = 1;
  box->obj = s;
  return s;
}

static void set_flag (int fd, int level, int option, int on) {
  setsockopt(fd, level, option, &on, sizeof on);
}

#ifdef SO_NOSIGPIPE
static void silence (int fd) {
  set_flag(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
}
#else
static void silence (int fd) {
  (void)fd; /* MSG_NOSIGNAL does it */
}
#endif

/* nobody inherits it, nothing blocks on it, and nobody is killed by it */
static int prepare (int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return 0;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  silence(fd);
  return 1;
}

#ifdef SOCK_NONBLOCK
/* the same in the call that opens or accepts */
static int open_prepared (int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int accept_prepared (int fd, struct sockaddr *from, socklen_t *len) {
  return accept4(fd, from, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
#else
static int prepared (int fd) {
  int error;
  if (fd < 0 || prepare(fd)) return fd;
  error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int open_prepared (int family) {
  return prepared(socket(family, SOCK_STREAM, 0));
}

static int accept_prepared (int fd, struct sockaddr *from, socklen_t *len) {
  return prepared(accept(fd, from, len));
}
#endif

static int bad_address (lua_State *L, const char *host) {
  return fail_code(L, "connect", "bad_name", "not a numeric address: %.100s", host);
}

static int begin (net_Socket *s, const address_Address *to,
                  const address_Address *from) {
  s->fd = open_prepared(to->storage.ss_family);
  if (s->fd < 0) return errno;
  set_flag(s->fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (from != NULL &&
      bind(s->fd, (const struct sockaddr *)&from->storage, from->len) != 0)
    return errno;
  if (connect(s->fd, (const struct sockaddr *)&to->storage, to->len) == 0) return 0;
  return errno == EINPROGRESS || errno == EINTR ? 0 : errno;
}

/* net.connect(address, port, from_address or nil, from_port) -> socket that is
** connecting | nil, err; when writable, socket:connected() tells */
static int net_connect (lua_State *L) {
  const char *host = args_text(L, 1), *bind_host = args_opt_text(L, 3, NULL);
  address_Address to, from;
  net_Socket *s;
  int error;
  if (address_parse(&to, host, args_int(L, 2, 0, 65535)) != 0)
    return bad_address(L, host);
  if (bind_host != NULL &&
      address_parse(&from, bind_host, args_int(L, 4, 0, 65535)) != 0)
    return bad_address(L, bind_host);
  s = push_socket(L);
  error = begin(s, &to, bind_host == NULL ? NULL : &from);
  if (error == 0) return 1;
  close_socket(s);
  return fail_errno(L, "connect", error, to.text);
}

/* whether it reached itself: where nobody listens on a port that the system may also
** give to a connection, both ends can become the same one (RFC 9293 3.5) */
static int meets_itself (int fd) {
  struct sockaddr_storage near = { 0 }, far = { 0 };
  socklen_t n = sizeof near, m = sizeof far;
  return getsockname(fd, (struct sockaddr *)&near, &n) == 0 &&
         getpeername(fd, (struct sockaddr *)&far, &m) == 0 && n == m &&
         memcmp(&near, &far, n) == 0;
}

/* socket:connected() -> true | nil, err: how the connecting ended */
static int socket_connected (lua_State *L) {
  net_Socket *s = net_check(L, 1);
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
  if (error == 0 && meets_itself(s->fd)) error = ECONNREFUSED;
  if (error != 0) return fail_errno(L, "connect", error, "connect");
  lua_pushboolean(L, 1);
  return 1;
}

static int bind_and_listen (net_Socket *s, const address_Address *a, int backlog,
                            int reuse_port, int v6only) {
  s->fd = open_prepared(a->storage.ss_family);
  if (s->fd < 0) return errno;
  set_flag(s->fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reuse_port) set_flag(s->fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (a->storage.ss_family == AF_INET6)
    set_flag(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
  if (bind(s->fd, (const struct sockaddr *)&a->storage, a->len) != 0) return errno;
  return listen(s->fd, backlog) == 0 ? 0 : errno;
}

/* net.listen(address, port, backlog, reuse_port, v6only) -> socket | nil, err */
static int net_listen (lua_State *L) {
  const char *host = args_text(L, 1);
  int port = args_int(L, 2, 0, 65535), backlog = args_int(L, 3, 1, 65535), error;
  address_Address a;
  net_Socket *s;
  if (address_parse(&a, host, port) != 0) return bad_address(L, host);
  s = push_socket(L);
  error = bind_and_listen(s, &a, backlog, lua_toboolean(L, 4), lua_toboolean(L, 5));
  if (error == 0) return 1;
  close_socket(s);
  return fail_errno(L, "connect", error, a.text);
}

/* net.adopt(fd, keeps) -> socket | nil, err; `keeps`: the caller closes the fd */
static int net_adopt (lua_State *L) {
  int fd = args_int(L, 1, 0, 0x7fffffff);
  net_Socket *s = push_socket(L);
  s->keeps_fd = 1;
  if (!prepare(fd)) return fail_errno(L, "connect", errno, "descriptor");
  s->fd = fd;
  s->keeps_fd = lua_toboolean(L, 2);
  return 1;
}

/* socket:listens() -> whether connections can be accepted from it */
static int socket_listens (lua_State *L) {
  net_Socket *s = net_check(L, 1);
  int listens = 0;
  socklen_t len = sizeof listens;
  if (getsockopt(s->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0) listens = 0;
  lua_pushboolean(L, listens);
  return 1;
}

static int closed (lua_State *L, const char *stage) {
  return fail_code(L, stage, "closed", "the socket is closed");
}

static int would_block (lua_State *L, const char *event) {
  lua_pushnil(L);
  lua_pushstring(L, event);
  return 2;
}

/* socket:accept() -> socket, address, port | nil, "want_read" | nil, err */
static int socket_accept (lua_State *L) {
  net_Socket *s = net_check(L, 1), *client;
  struct sockaddr_storage from;
  socklen_t len = sizeof from;
  if (s->fd < 0) return closed(L, "connect");
  client = push_socket(L);
  client->fd = accept_prepared(s->fd, (struct sockaddr *)&from, &len);
  if (client->fd < 0) {
    if (net_would_block(errno) || errno == ECONNABORTED)
      return would_block(L, "want_read");
    return fail_errno(L, "connect", errno, "accept");
  }
  set_flag(client->fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return 1 + address_push(L, (struct sockaddr *)&from, len);
}

/* the bytes of one read go through a buffer that is the upvalue: one a state */
#define BUFFER 16384

/* socket:receive(max) -> bytes | nil, "want_read" | nil, err; closed at the end */
static int socket_receive (lua_State *L) {
  net_Socket *s = net_check(L, 1);
  size_t max = (size_t)args_int(L, 2, 1, BUFFER);
  char *buffer = lua_touserdata(L, lua_upvalueindex(1));
  long n;
  if (s->fd < 0) return closed(L, "read");
  n = net_read(s, buffer, max);
  if (n > 0) {
    lua_pushlstring(L, buffer, (size_t)n);
    return 1;
  }
  if (n < 0 && net_would_block(s->error)) return would_block(L, "want_read");
  if (n < 0) return fail_errno(L, "read", s->error, "read");
  return fail_code(L, "read", "closed", "the peer closed the connection");
}

/* socket:send(bytes, from) -> count | nil, "want_write" | nil, err; from is the
** first byte, counted from 1 */
static int socket_send (lua_State *L) {
  net_Socket *s = net_check(L, 1);
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  size_t from = args_position(L, 3, len);
  long n;
  if (s->fd < 0) return closed(L, "write");
  n = net_write(s, bytes + from, len - from);
  if (n >= 0) {
    lua_pushinteger(L, n);
    return 1;
  }
  if (net_would_block(s->error)) return would_block(L, "want_write");
  return fail_errno(L, "write", s->error, "write");
}

/* socket:shutdown() -> true: nothing more will be sent */
static int socket_shutdown (lua_State *L) {
  net_Socket *s = net_check(L, 1);
  if (s->fd >= 0) shutdown(s->fd, SHUT_WR);
  lua_pushboolean(L, 1);
  return 1;
}

/* getsockname or getpeername */
typedef int End (int fd, struct sockaddr *address, socklen_t *len);

static int push_end (lua_State *L, End *end) {
  net_Socket *s = net_check(L, 1);
  struct sockaddr_storage a = { 0 };
  socklen_t len = sizeof a;
  if (s->fd < 0 || end(s->fd, (struct sockaddr *)&a, &len) != 0) return 0;
  return address_push(L, (struct sockaddr *)&a, len);
}

/* socket:address() -> address, port of this end | nothing */
static int socket_address (lua_State *L) {
  return push_end(L, getsockname);
}

/* socket:peer() -> address, port of the other end | nothing */
static int socket_peer (lua_State *L) {
  return push_end(L, getpeername);
}

/* socket:options(nodelay, keepalive), of one that connects: it does not delay */
static int socket_options (lua_State *L) {
  net_Socket *s = net_check(L, 1);
  if (s->fd < 0) return 0;
  if (!lua_toboolean(L, 2)) set_flag(s->fd, IPPROTO_TCP, TCP_NODELAY, 0);
  if (lua_toboolean(L, 3)) set_flag(s->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  return 0;
}

/* socket:fd() -> integer, -1 once closed */
static int socket_fd (lua_State *L) {
  lua_pushinteger(L, net_check(L, 1)->fd);
  return 1;
}

/* socket:close() -> true; whatever engine still refers to it finds it closed */
static int socket_close (lua_State *L) {
  close_socket(net_check(L, 1));
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {
  { "listens", socket_listens },
  { "accept", socket_accept },
  { "connected", socket_connected },
  { "send", socket_send },
  { "shutdown", socket_shutdown },
  { "address", socket_address },
  { "peer", socket_peer },
  { "options", socket_options },
  { "fd", socket_fd },
  { "close", socket_close },
  { NULL, NULL },
};

static const luaL_Reg functions[] = {
  { "connect", net_connect },
  { "listen", net_listen },
  { "adopt", net_adopt },
  { NULL, NULL },
};

int net_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type(L, &socket_type, NULL, methods);
  lua_newuserdata(L, BUFFER);
  lua_pushcclosure(L, socket_receive, 1);
  lua_setfield(L, -2, "receive");
  lua_setfield(L, -2, "methods");
  return 1;
}
