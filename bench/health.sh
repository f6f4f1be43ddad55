#!/bin/bash
# health.sh: a thousand endpoints of this machine (bench/workloads/endpoints.lua) judged by lacre health and by what
# else people have: wall time, CPU of the client, its memory, and how many it found well. 600 are; 2 s for each.
#   JOBS=n  at once (64)
set -u
cd "$(dirname "$0")/.." || exit 1
: "${LUA:=lua5.4}" "${BUILD:=build/$LUA}"
JOBS=${JOBS:-64}
B=$(mktemp -d)
export LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" LUA_CPATH="$PWD/$BUILD/?.so;;" LC_ALL=C
export BLACKBOX_PORT=$((20000 + RANDOM % 9000)) CURL_HOME=$B
unset LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4
last=$(($(nproc) - 1))
exporter=
ulimit -n 8192 2>/dev/null

coproc SERVER { exec taskset -c "$last" "$LUA" bench/workloads/endpoints.lua "$B"; }
finish () {
  [ -n "$exporter" ] && kill "$exporter" 2>/dev/null
  kill "$SERVER_PID" 2>/dev/null
  rm -rf "$B"
}
trap finish EXIT
read -r -t 20 _ <&"${SERVER[0]}" || exit 1

# row NAME well WALL CPU KILOBYTES
row () { printf '%-44s %8.2f s %8.2f s %7.0f MB %8s\n' "$1" "$3" "$4" "$(($5 / 1024))" "$2"; }

# timed NAME COUNT COMMAND...: COUNT reads the output and says how many are well
timed () {
  local name=$1 count=$2 wall user system memory
  shift 2
  /usr/bin/time -o "$B/time" -f '%e %U %S %M' taskset -c 0 "$@" >"$B/out" 2>"$B/err"
  read -r wall user system memory < <(tail -1 "$B/time")
  row "$name" "$($count <"$B/out")" "$wall" "$(awk "BEGIN { print $user + $system }")" "$memory"
}

passes () { grep -c '^PASS'; }
zeros () { grep -c '^0 '; }

printf '%-44s %10s %10s %10s %8s\n' '' wall CPU memory 'of 600'
command=$BUILD/bin/lacre
timed "lacre health" passes "$command" health -f "$B/lacre.txt" --trust "$B/root.pem" -t 2 -j "$JOBS"
timed "lacre health --no-old" passes "$command" health -f "$B/lacre.txt" --trust "$B/root.pem" -t 2 -j "$JOBS" --no-old

if command -v prometheus-blackbox-exporter >/dev/null; then
  printf 'modules: { tls: { prober: tcp, timeout: 2s, tcp: { tls: true, tls_config: { ca_file: %s, server_name: localhost } } } }\n' \
    "$B/root.pem" >"$B/blackbox.yml"
  taskset -c 0 prometheus-blackbox-exporter --config.file="$B/blackbox.yml" \
    --web.listen-address="127.0.0.1:$BLACKBOX_PORT" >"$B/blackbox.log" 2>&1 &
  exporter=$!
  for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$BLACKBOX_PORT") 2>/dev/null && break; sleep 0.05; done
  cpu () { awk '{ print ($14 + $15) / '"$(getconf CLK_TCK)"' }' "/proc/$exporter/stat"; }
  before=$(cpu) began=$(date +%s.%N)
  # curl asks, and its own time is not counted
  taskset -c "$last" curl -s --parallel --parallel-max "$JOBS" -K "$B/blackbox.txt" >"$B/out" 2>/dev/null
  row "blackbox_exporter (Go)" "$(grep -c '^probe_success 1' "$B/out")" \
    "$(awk "BEGIN { print $(date +%s.%N) - $began }")" "$(awk "BEGIN { print $(cpu) - $before }")" \
    "$(awk '/VmHWM/ { print $2 }' "/proc/$exporter/status")"
fi

timed "curl --parallel" zeros curl -s -I --parallel --parallel-max "$JOBS" --max-time 2 --cacert "$B/root.pem" \
  -w '%{exitcode} %{url}\n' -K "$B/curl.txt"
timed "openssl s_client, $JOBS at once by xargs" zeros sh -c "xargs -P $JOBS -I{} sh -c 'timeout 2 openssl s_client \
  -connect {} -servername localhost -verify_hostname localhost -verify_return_error -CAfile $B/root.pem </dev/null \
  >/dev/null 2>&1; echo \"\$? {}\"' <$B/addresses.txt"
