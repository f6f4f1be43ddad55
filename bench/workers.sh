#!/bin/bash
# workers.sh: connections a second, by the clock, of one process and of two on one port, in turn. The key is so large
# that the servers have nearly all of the work: what loads them needs a processor too.
#   BITS=n COUNT=n REPS=n   of the key (4096), connections (600), runs (3)
set -u
cd "$(dirname "$0")/.." || exit 1
: "${LUA:=lua5.4}" "${BUILD:=build/$LUA}" "${BITS:=4096}" "${COUNT:=600}" "${REPS:=3}"
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/$BUILD/?.so;;"
unset LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4
D=$(mktemp -d)
trap 'rm -rf "$D"' EXIT
scaling=("$LUA" bench/workloads/scaling.lua "$D")
"${scaling[@]}" "$BITS" || exit 1
for _ in $(seq "$REPS"); do
  for workers in 1 2; do
    port=$((20000 + RANDOM % 9000)) pids=()
    for _ in $(seq $workers); do "${scaling[@]}" serve $port & pids+=($!); done
    sleep 1
    echo "$workers: $("${scaling[@]}" load $port "$COUNT") a second"
    kill "${pids[@]}"; wait "${pids[@]}" 2>/dev/null
  done
done
