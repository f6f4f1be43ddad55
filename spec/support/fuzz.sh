#!/bin/sh
# fuzz.sh: every target of fuzz.lua, or those named, each for a while: FUZZ="host url" SECONDS_EACH=20 sh fuzz.sh
# Needs clang with its libFuzzer (Debian: clang, libclang-rt-14-dev). What is found stays in BUILD/fuzz/found.
set -eu
fuzzer=$BUILD/fuzz/fuzz
mkdir -p "$BUILD/fuzz/found"
export LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0}"
unset LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4
passed=0 failed=0
for target in ${FUZZ:-$(FUZZ='' "$fuzzer")}; do
  corpus=$BUILD/fuzz/corpus/$target
  mkdir -p "$corpus"
  FUZZ=$target "$fuzzer" --seeds "$corpus"
  if FUZZ=$target "$fuzzer" "$corpus" -max_total_time="${SECONDS_EACH:-20}" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$BUILD/fuzz/found/$target-" >"$BUILD/fuzz/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok    $target: $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$BUILD/fuzz/log") inputs"
  else
    failed=$((failed + 1))
    echo "FAIL  $target"
    tail -n 30 "$BUILD/fuzz/log" | sed 's/^/      /'
  fi
done
echo "fuzz: $passed passed, $failed failed"
[ $failed = 0 ]
