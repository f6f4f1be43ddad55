#!/bin/sh
# The specs, on one Lua: LUA=lua5.4 BUILD=build/lua5.4 sh spec/support/run.sh [busted's arguments]
set -eu
busted=$(command -v busted) || { echo "busted is missing: ./setup test" >&2; exit 1; }
LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;"
LUA_CPATH="$BUILD/?.so;;"
export LUA_PATH LUA_CPATH LUA BUILD
exec "$LUA" "$busted" --helper=spec/support/helper.lua -o "${BUSTED_OUTPUT:-utfTerminal}" "$@"
