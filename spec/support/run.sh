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
  LD_PRELOAD=$(readlink -f "$(gcc -print-file-name=libasan.so)")
  export SANITIZER LD_PRELOAD
fi
exec "$LUA" "$busted" -o "${BUSTED_OUTPUT:-utfTerminal}" "$@"
