#!/bin/bash
# run.sh: the rows of bench/rows in bare C, through lacre and through its peers, side by side, as ratios to C.
#   ROWS=regex   only the rows that match, as ROWS='echo|bulk 16k'
#   REPS=n       runs of each row (5); the median of the ratios counts
#   IR=1         instructions in user space (valgrind) instead of CPU: steady, where CPU on a busy machine is not
#   PEERS=names  of bench/peers, as PEERS='luasec python'; all by default, none where it is empty
# Each run of one has one of C right beside it, before or after in turn: a machine's slow moments strike both.
set -u
cd "$(dirname "$0")/.."
: "${LUA:=lua5.4}" "${BUILD:=build/$LUA}"
ROWS=${ROWS:-.} REPS=${REPS:-5} IR=${IR:-} PEERS=${PEERS-luasec luaossl python}
B=$PWD/$BUILD/bench
export BENCH_DATA=$B/data/ BENCH_LIMIT=$B/limit LC_ALL=C PYTHONDONTWRITEBYTECODE=1
export LUA_PATH="$PWD/bench/workloads/?.lua;$PWD/bench/peers/?.lua;$PWD/lua/?.lua;$PWD/lua/?/init.lua;;"
export LUA_CPATH="$PWD/$BUILD/?.so;;"
unset LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4
mkdir -p "$BENCH_DATA"
${CC:-cc} -std=c11 -O2 -g -Wall -Wextra -Wconversion -D_GNU_SOURCE -o "$BENCH_LIMIT" bench/c/*.c -lssl -lcrypto || exit 1
[ -f "$BENCH_DATA/www/1m" ] || "$LUA" bench/workloads/material.lua || exit 1
last=$(($(nproc) - 1))

# side workload: what runs it, into `command`; false where there is nothing that does
command_of() {
  case $1-$2 in
    c-command) command=("$BENCH_LIMIT" written selfsign 1); return ;;
    lacre-command) command=("$PWD/$BUILD/bin/lacre" selfsign localhost 127.0.0.1 --subject O=Bench,CN=localhost
      --out "$BENCH_DATA" --overwrite --quiet); return ;;
  esac
  case $1 in
    c) command=("$BENCH_LIMIT" "$2"); return ;;
    lacre) command=("$LUA" "bench/workloads/$2.lua") ;;
    python) command=(python3 "bench/peers/python/$2.py") ;;
    *) command=("$LUA" "bench/peers/$1/$2.lua") ;;
  esac
  [ -f "${command[1]}" ]
}

# variant count: the line of one run of `command`
alone() {
  if [ -n "$IR" ]; then instructions "${command[@]}" "$@"; else timeout 100 taskset -c 0 "${command[@]}" "$@" 2>&1; fi
}

# a tenth goes before, uncounted: between COUNT and three times COUNT there are this many operations
collected() {
  timeout 300 valgrind --tool=callgrind --trace-children=yes --callgrind-out-file=/dev/null "$@" 2>&1 |
    sed -n '/^lacks/{p;q}; s/.*Collected : //p' | tail -1
}
warmed() { local w=$(($1 / 10)); [ $w -lt 1 ] && w=1; [ $w -gt 200 ] && w=200; echo $(($1 + w)); }
instructions() {
  local n=${*: -1} few many
  few=$(collected "$@")
  case $few in lacks*) echo "$few"; return ;; esac
  many=$(collected "${@:1:$#-1}" $((3 * n)))
  [ -n "$few" ] && [ -n "$many" ] && echo "ir=$(((many - few) / ($(warmed $((3 * n))) - $(warmed "$n"))))"
}

# variant count: the line of so many runs of `command`, each a process of its own from start to end
processes() {
  if [ -n "$IR" ]; then echo "ir=$(collected "${command[@]}")"; return; fi
  timeout 100 taskset -c 0 "$BENCH_LIMIT" command "$1" "$2" "${command[@]}" 2>&1
}

# nanoseconds of CPU that a process has used
cpu_of() { local t=0 s; for s in /proc/"$1"/task/*/schedstat; do t=$((t + $(cut -d' ' -f1 "$s"))); done; echo $t; }

# servers variant count: CPU of the busiest of so many servers on one port, while a load from outside goes on
served() {
  local pids=() before=() line= most=0 used i
  export BENCH_PORT=$((20000 + RANDOM % 9000))
  for i in $(seq "$1"); do taskset -c 0 "${command[@]}" "$2" "$BENCH_PORT" & pids+=($!); done
  [ "$1" = 1 ] || sleep 1
  for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$BENCH_PORT) 2>/dev/null && break; sleep 0.05; done
  coproc LOAD { timeout 100 taskset -c $last "$BENCH_LIMIT" load "$2" "$3"; }
  read -r -t 60 line <&"${LOAD[0]}"; for i in "${pids[@]}"; do before+=($(cpu_of "$i")); done
  echo >&"${LOAD[1]}"
  read -r -t 60 line <&"${LOAD[0]}"
  for i in "${!pids[@]}"; do used=$(($(cpu_of "${pids[i]}") - before[i])); [ $used -le $most ] || most=$used; done
  echo >&"${LOAD[1]}"
  wait "$LOAD_PID" 2>/dev/null
  kill "${pids[@]}"; wait "${pids[@]}" 2>/dev/null
  [ "$line" = done ] && awk -v n="$3" -v t=$most 'BEGIN { printf "ops=%d cpu=%.6f\n", n, t / 1e9 }'
}

# side workload variant count: the line of one run
measured() {
  local command
  command_of "$1" "${2/workers/server}" || { echo "lacks: $2"; return; }
  case $2 in
    server | files) served 1 "$3" "$4" 2>/dev/null ;;
    workers) served 2 "$3" "$4" 2>/dev/null ;;
    command) processes "$3" "$4" ;;
    *) alone "$3" "$4" ;;
  esac </dev/null | tail -1
}

rows() { grep -v '^#' bench/rows | grep -E "$(sed 's/ \+/ +/g' <<<"$ROWS")"; }

# one is there where it can tell its version
present() { local command; command_of "$1" version && "${command[@]}" 2>/dev/null; }

results=$B/results sides=lacre
printf 'side\tlacre\tlacre\n' >"$results"
for peer in $PEERS; do
  title=$(present "$peer") && sides+=" $peer" || title="pending: not installed"
  printf 'side\t%s\t%s\n' "$peer" "$title" >>"$results"
done

# side workload variant count: one run with one of C beside it, before or after in turn; what no noise changes is done
# once in C for all
pair() {
  local line
  [ $((rep % 2)) = 1 ] || line=$(measured "$@")
  [ -n "$beside" ] && { [ -n "$IR" ] || [ "$2" = memory ]; } || beside=$(measured c "${@:2}")
  [ $((rep % 2)) = 0 ] || line=$(measured "$@")
  printf 'run\t%s %s\t%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$1" "$most" "$beside" "$line" "$what" >>"$results"
}

[ -z "$IR" ] || REPS=1
for rep in $(seq "$REPS"); do
  while read -r name variant count count_ir most most_ir what; do
    [ -z "$IR" ] || { count=$count_ir most=$most_ir; }
    [ "$count" != 0 ] || continue
    [ "$name" != memory ] || [ "$rep" = 1 ] || continue
    beside=
    for side in $sides; do
      pair "$side" "$name" "$variant" "$count"
      [ -t 2 ] && printf '\r\033[K%s of %s: %s %s %s' "$rep" "$REPS" "$name" "$variant" "$side" >&2
    done
  done < <(rows)
done
[ -t 2 ] && printf '\r\033[K' >&2
"$LUA" bench/table.lua "$results"
