#!/bin/sh
# lacre: the command, which finds its modules beside itself, through links too.
here=$0
while [ -L "$here" ]; do
  link=$(readlink "$here")
  case $link in /*) here=$link ;; *) here=$(dirname "$here")/$link ;; esac
done
case $here in */*) ;; *) here=./$here ;; esac
root=$(cd "${here%/*}/@ROOT@" && pwd) || exit 5
path=${LUA_PATH@SUFFIX@:-${LUA_PATH:-}}
cpath=${LUA_CPATH@SUFFIX@:-${LUA_CPATH:-}}
# the user's own, and then what this Lua knows by itself, which argparse and dkjson may be in
LUA_PATH@SUFFIX@="$root/@LUADIR@/?.lua;$root/@LUADIR@/?/init.lua;${path:+$path;};"
LUA_CPATH@SUFFIX@="$root/@LIBDIR@/?.so;${cpath:+$cpath;};"
export LUA_PATH@SUFFIX@ LUA_CPATH@SUFFIX@
exec @LUA@ "$root/@MAIN@" "$@"
