#!/bin/sh
# lacre: the command, which finds its modules beside itself, through links too.
here=$0
while [ -L "$here" ]; do
  link=$(readlink "$here")
  case $link in /*) here=$link ;; *) here=$(dirname "$here")/$link ;; esac
done
case $here in */*) ;; *) here=./$here ;; esac
root=$(cd "${here%/*}/@ROOT@" && pwd) || exit 5
LUA_PATH@SUFFIX@="$root/@LUADIR@/?.lua;$root/@LUADIR@/?/init.lua;${LUA_PATH@SUFFIX@:-${LUA_PATH:-;}}"
LUA_CPATH@SUFFIX@="$root/@LIBDIR@/?.so;${LUA_CPATH@SUFFIX@:-${LUA_CPATH:-;}}"
export LUA_PATH@SUFFIX@ LUA_CPATH@SUFFIX@
exec @LUA@ "$root/@MAIN@" "$@"
