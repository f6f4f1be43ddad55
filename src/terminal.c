#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "args.h"
#include "fail.h"

static const char *const streams[] = { "stdin", "stdout", "stderr", NULL };

/* terminal.is("stdout") -> boolean */
static int terminal_is (lua_State *L) {
  lua_pushboolean(L, isatty(args_enum(L, 1, streams)));
  return 1;
}

/* terminal.width("stdout") -> columns, or nil where there is no terminal */
static int terminal_width (lua_State *L) {
  struct winsize size;
  if (ioctl(args_enum(L, 1, streams), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

/* what is typed in a line, without showing it; the keys that usually edit or
** interrupt are ours to read, since the terminal gives them as they are */
typedef struct Typed {
  size_t len; /* of what was typed, of which `text` may hold less */
  int ended;  /* the key that ended it */
  char text[1024];
} Typed;

enum { INTERRUPT = 3, END = 4, BACKSPACE = 8, KILL = 21, DELETE = 127 };

static void typed_key (Typed *typed, char key) {
  switch (key) {
  case '\r':
  case '\n':
  case INTERRUPT: typed->ended = (unsigned char)key; break;
  case END: typed->ended = typed->len == 0 ? INTERRUPT : '\n'; break;
  case BACKSPACE:
  case DELETE:
    if (typed->len > 0) typed->len--;
    break;
  case KILL: typed->len = 0; break;
  default:
    if (typed->len < sizeof typed->text) typed->text[typed->len] = key;
    typed->len++;
  }
}

/* reads one line of a terminal whose settings it puts back; 0 or an errno */
static int typed_read (Typed *typed, int fd, const char *prompt) {
  struct termios before, hidden;
  char key;
  ssize_t n = 1;
  if (tcgetattr(fd, &before) != 0) return errno;
  hidden = before;
  hidden.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
  if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0) return errno;
  if (write(fd, prompt, strlen(prompt)) < 0) n = -1;
  while (n > 0 && !typed->ended) {
    do n = read(fd, &key, 1);
    while (n < 0 && errno == EINTR);
    if (n > 0) typed_key(typed, key);
  }
  if (write(fd, "\n", 1) < 0) n = -1;
  tcsetattr(fd, TCSAFLUSH, &before);
  return n > 0 ? 0 : EIO;
}

static int push_typed (lua_State *L, const Typed *typed, int error) {
  if (error != 0) return fail_errno(L, "load", error, "/dev/tty");
  if (typed->ended == INTERRUPT) return fail_code(L, "load", "canceled", "interrupted");
  if (typed->len > sizeof typed->text)
    return fail_code(L, "load", "too_large", "more than %d bytes were typed",
                     (int)sizeof typed->text);
  lua_pushlstring(L, typed->text, typed->len);
  return 1;
}

/* terminal.ask(prompt) -> text | nil, err: a line typed on the terminal, unseen */
static int terminal_ask (lua_State *L) {
  const char *prompt = args_text(L, 1);
  Typed *typed = memset(lua_newuserdata(L, sizeof *typed), 0, sizeof *typed);
  int results, error, fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return fail_code(L, "load", "unsupported", "there is no terminal to ask for it");
  error = typed_read(typed, fd, prompt);
  close(fd);
  results = push_typed(L, typed, error);
  OPENSSL_cleanse(typed, sizeof *typed);
  return results;
}

static const luaL_Reg functions[] = {
  { "is", terminal_is },
  { "width", terminal_width },
  { "ask", terminal_ask },
  { NULL, NULL },
};

int terminal_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
