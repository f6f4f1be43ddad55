#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "args.h"

static const char *const streams[] = { "stdin", "stdout", "stderr", NULL };

/* is("stdout") -> boolean */
static int terminal_is (lua_State *L) {
  lua_pushboolean(L, isatty(args_enum(L, 1, streams)));
  return 1;
}

/* width("stdout") -> columns, or nil where there is no terminal */
static int terminal_width (lua_State *L) {
  struct winsize size;
  if (ioctl(args_enum(L, 1, streams), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

static const luaL_Reg functions[] = {
  { "is", terminal_is },
  { "width", terminal_width },
  { NULL, NULL },
};

int terminal_open (lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
