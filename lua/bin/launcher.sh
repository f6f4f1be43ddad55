#!/bin/sh
# lacre, run from its checkout: finds its modules beside itself, through links too.
here=$0
while [ -L "$here" ]; do
  link=$(readlink "$here")
  case $link in /*) here=$link ;; *) here=$(dirname "$here")/$link ;; esac
done
root=$(cd "$(dirname "$here")/.." && pwd)
LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;${LUA_PATH:-;}"
LUA_CPATH="$root/build/@LUA@/?.so;${LUA_CPATH:-;}"
export LUA_PATH LUA_CPATH
exec @LUA@ "$root/lua/bin/lacre" "$@"
