#!/bin/bash
# run.sh: the rows of bench/rows in bare C and through lacre, side by side, as ratios.
#   ROWS=regex   only the rows that match, as ROWS='echo|bulk 16k'
#   REPS=n       runs of each row (5); the median of the ratios counts
#   IR=1         instructions in user space (valgrind) instead of CPU: steady, where CPU on a busy machine is not
# Each run of lacre has one of C right beside it, before or after in turn: a machine's slow moments strike both.
set -u
cd "$(dirname "$0")/.."
: "${LUA:=lua5.4}" "${BUILD:=build/$LUA}"
ROWS=${ROWS:-.} REPS=${REPS:-5} IR=${IR:-}
B=$PWD/$BUILD/bench
export BENCH_DATA=$B/data/ BENCH_LIMIT=$B/limit LC_ALL=C
export LUA_PATH="$PWD/bench/workloads/?.lua;$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/$BUILD/?.so;;"
unset LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4
mkdir -p "$BENCH_DATA"
${CC:-cc} -std=c11 -O2 -g -Wall -Wextra -Wconversion -D_GNU_SOURCE -o "$BENCH_LIMIT" bench/c/*.c -lssl -lcrypto || exit 1
[ -f "$BENCH_DATA/www/1m" ] || "$LUA" bench/workloads/material.lua || exit 1
last=$(($(nproc) - 1))

# side workload variant count: the line of one run, of C or of lacre
side() {
  if [ "$1" = c ]; then set -- "$BENCH_LIMIT" "$2" "$3" "$4"; else set -- "$LUA" "bench/workloads/$2.lua" "$3" "$4"; fi
  if [ -n "$IR" ]; then instructions "$@"; else timeout 100 taskset -c 0 "$@" 2>&1; fi
}

# a tenth goes before, uncounted: between COUNT and three times COUNT there are this many operations
collected() {
  timeout 300 valgrind --tool=callgrind --trace-children=yes --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null |
    sed -n 's/.*Collected : //p' | tail -1
}
warmed() { local w=$(($1 / 10)); [ $w -lt 1 ] && w=1; [ $w -gt 200 ] && w=200; echo $(($1 + w)); }
instructions() {
  local n=${*: -1} few many
  few=$(collected "$@"); many=$(collected "${@:1:$#-1}" $((3 * n)))
  [ -n "$few" ] && [ -n "$many" ] && echo "ir=$(((many - few) / ($(warmed $((3 * n))) - $(warmed "$n"))))"
}

# nanoseconds of CPU that processes have used
cpu_of() { local t=0 s p; for p; do for s in /proc/"$p"/task/*/schedstat; do t=$((t + $(cut -d' ' -f1 "$s"))); done; done; echo $t; }

# side workload variant count: CPU of a server, or of two workers, while a load from outside goes on
served() {
  local pid others= before after line= workload=$2 side=$1
  shift 2
  export BENCH_PORT=$((20000 + RANDOM % 9000))
  if [ $side = c ]; then set -- "$1" "$2" "$BENCH_LIMIT" $workload "$1"; else set -- "$1" "$2" "$LUA" bench/workloads/$workload.lua "$1"; fi
  taskset -c 0 "${@:3}" "$BENCH_PORT" & pid=$!
  [ $workload != workers ] || { taskset -c 0 "${@:3}" "$BENCH_PORT" & others=$!; sleep 1; }
  for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$BENCH_PORT) 2>/dev/null && break; sleep 0.05; done
  coproc LOAD { timeout 100 taskset -c $last "$BENCH_LIMIT" load "$1" "$2"; }
  read -r -t 60 line <&"${LOAD[0]}"; before=$(cpu_of $pid $others)
  echo >&"${LOAD[1]}"
  read -r -t 60 line <&"${LOAD[0]}"; after=$(cpu_of $pid $others)
  echo >&"${LOAD[1]}"
  wait "$LOAD_PID" 2>/dev/null
  kill $pid $others; wait $pid $others 2>/dev/null
  [ "$line" = done ] && awk -v n="$2" -v t=$((after - before)) 'BEGIN { printf "ops=%d cpu=%.6f\n", n, t / 1e9 }'
}

measured() { # side workload variant count
  case $2 in server | files | workers) served "$@" 2>/dev/null ;; *) side "$@" ;; esac
}

rows() { grep -v '^#' bench/rows | grep -E "$(sed 's/ \+/ +/g' <<<"$ROWS")"; }

results=$B/results
: >"$results"
[ -z "$IR" ] || REPS=1
for rep in $(seq "$REPS"); do
  while read -r name variant count count_ir most most_ir what; do
    [ -z "$IR" ] || { count=$count_ir most=$most_ir; }
    [ "$count" != 0 ] || continue
    [ "$name" != memory ] || [ "$rep" = 1 ] || continue
    if [ $((rep % 2)) = 1 ]; then order="c lua"; else order="lua c"; fi
    for one in $order; do
      line=$(measured $one "$name" "$variant" "$count" </dev/null | tail -1)
      printf '%s %s\t%s\t%s\t%s\t%s\n' "$name" "$variant" "$one" "$most" "$line" "$what" >>"$results"
    done
    [ -t 2 ] && printf '\r\033[K%s of %s: %s %s' "$rep" "$REPS" "$name" "$variant" >&2
  done < <(rows)
done
[ -t 2 ] && printf '\r\033[K' >&2
"$LUA" bench/table.lua "$results"
