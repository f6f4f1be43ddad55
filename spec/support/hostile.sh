#!/bin/bash
# hostile.sh: suites that others wrote, from outside, against the command's servers: make hostile
# Each is left out where it is not installed (Debian: testssl.sh sslscan slowhttptest zzuf openssl curl), and bounded
# in time; a minute and a half in all. The exit code tells whether every one of them was content.
set -u
lacre=$PWD/$BUILD/bin/lacre
d=$(mktemp -d) && cd "$d" || exit 1
"$lacre" selfsign localhost 127.0.0.1 -q && head -c 200000 /dev/urandom >file.bin && echo content >a.txt
web=$((20000 + RANDOM % 9000)) echo=$((30000 + RANDOM % 2000))
timeout 200 "$lacre" serve . --port $web --cert localhost.crt --key localhost.key --log log --idle-timeout 3s 2>web.err & web_pid=$!
timeout 200 "$lacre" echo --listen $echo --cert localhost.crt --key localhost.key >echo.err 2>&1 & echo_pid=$!
trap 'kill $web_pid $echo_pid 2>/dev/null; rm -rf "$d"' EXIT
for port in $web $echo; do
  for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.05; done
done

code=0
said() { printf '%-42s %s\n' "$1" "$2"; [ "$2" = good ] || [ "${2#left out}" != "$2" ] || code=1; }
has() { command -v "$1" >/dev/null || { said "$2" "left out: needs $1"; return 1; }; }

# an honest client, after each attack
honest() {
  local got
  got=$(timeout 10 "$lacre" get https://localhost:$web/a.txt --trust localhost.crt 2>&1)
  [ "$got" = content ] || { echo "the web server answers: $got"; return 1; }
  got=$(timeout 10 "$lacre" echo hello --connect localhost:$echo --trust localhost.crt 2>&1)
  [ "$got" = hello ] || { echo "the echo server answers: $got"; return 1; }
}
after() { if honest; then said "$1" good; else said "$1" "an honest client was not served"; fi; }

if has testssl "known vulnerabilities (testssl.sh)"; then
  timeout 60 testssl --color 0 --quiet --warnings batch -U --ip one 127.0.0.1:$web >testssl.out 2>&1
  if grep -q 'not vulnerable' testssl.out && ! grep -E '(^| )VULNERABLE|NOT ok' testssl.out; then
    after "known vulnerabilities (testssl.sh)"
  else
    cat testssl.out; said "known vulnerabilities (testssl.sh)" "found"
  fi
fi

if has sslscan "protocols and ciphers (sslscan)"; then
  timeout 30 sslscan --no-colour 127.0.0.1:$echo >sslscan.out 2>&1
  if grep -qE 'TLSv1.3 +enabled' sslscan.out && ! grep -E 'v(2|3|1.0|1.1) +enabled|vulnerable to heartbleed' sslscan.out | grep -v 'not vulnerable'; then
    after "protocols and ciphers (sslscan)"
  else
    cat sslscan.out; said "protocols and ciphers (sslscan)" "not as they should be"
  fi
fi

if has slowhttptest "slow headers, bodies and readers"; then
  for attack in "-H -i 1" "-B -i 1" "-X -w 1 -y 10 -n 1 -z 10 -k 3"; do
    timeout 15 slowhttptest -c 200 $attack -r 100 -l 5 -u https://127.0.0.1:$web/file.bin -p 3 >slow.out 2>&1
    if grep -q 'service available:.*NO' slow.out; then
      said "slow: slowhttptest $attack" "the service was not available"
    else
      after "slow: slowhttptest $attack"
    fi
  done
fi

if has zzuf "openssl's bytes, damaged (zzuf)"; then
  for seed in $(seq 1 40); do
    for port in $web $echo; do
      timeout 3 zzuf -q -s $seed -r 0.0005:0.02 -n -p $port openssl s_client -connect 127.0.0.1:$port </dev/null >/dev/null 2>&1
      head -c $((seed * 37)) /dev/urandom | timeout 2 bash -c "cat >/dev/tcp/127.0.0.1/$port" 2>/dev/null
    done
  done
  after "openssl's bytes, damaged (zzuf)"
fi

has openssl "five hundred connections that say nothing" && {
  for _ in $(seq 500); do exec {fd}<>/dev/tcp/127.0.0.1/$web || break; done 2>/dev/null
  after "five hundred connections that say nothing"
}

for pid in $web_pid $echo_pid; do kill -0 $pid 2>/dev/null || said "a server" "has ended"; done
grep -h "internal" web.err echo.err log && said "the servers" "blamed themselves"
exit $code
