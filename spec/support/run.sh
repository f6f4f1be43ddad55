#!/bin/sh
# The specs, on one Lua: LUA=lua5.4 BUILD=build/lua5.4 sh spec/support/run.sh [busted's arguments]
set -eu
busted=$(command -v busted) || { echo "busted is missing: ./setup test" >&2; exit 1; }
unset LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_PATH_5_5 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4 LUA_CPATH_5_5
LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;$PWD/?.lua;;"
LUA_CPATH="$PWD/$BUILD/?.so;;"
LC_ALL=C
export LUA_PATH LUA_CPATH LC_ALL LUA BUILD
if [ "${SANITIZER:-}" = asan ]; then
  # the sanitizer has to be the first library of a Lua that loads the module, and of nothing that it starts
  asan=$(readlink -f "$(gcc -print-file-name=libasan.so)")
  wrapped=$PWD/$BUILD/preload
  mkdir -p "$wrapped"
  echo '#include <stdlib.h>
    __attribute__((constructor)) static void forget (void) { unsetenv("LD_PRELOAD"); }' |
    gcc -shared -fPIC -x c -o "$wrapped/forget.so" -
  printf '#!/bin/sh\nLD_PRELOAD="%s" exec %s "$@"\n' "$asan $wrapped/forget.so" "$(command -v "$LUA")" > "$wrapped/$LUA"
  chmod 755 "$wrapped/$LUA"
  PATH=$wrapped:$PATH
  export SANITIZER PATH
fi
under=
[ "${SANITIZER:-}" != valgrind ] || under="valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --keep-debuginfo=yes"
exec $under "$LUA" "$busted" -o "${BUSTED_OUTPUT:-utfTerminal}" "$@"
