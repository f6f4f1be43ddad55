#!/bin/bash
# hostile.sh: suites that others wrote, from outside, against the command's servers: make hostile
# Each is left out where it is not installed (Debian: testssl.sh sslscan slowhttptest zzuf openssl curl), and bounded
# in time; a minute and a half in all. Others are run where a checkout of them is named, as in
#   TLSFUZZER=tlsfuzzer H1SPEC=h1spec SMUGGLER=smuggler make hostile
# (tlsfuzzer with tlslite-ng and python-ecdsa on PYTHONPATH; dropseed/h1spec, with socat; defparam/smuggler): some
# minutes more. The exit code tells whether every one of them was content.
set -u
lacre=$PWD/$BUILD/bin/lacre
d=$(mktemp -d) && cd "$d" || exit 1
"$lacre" selfsign localhost 127.0.0.1 -q && head -c 200000 /dev/urandom >file.bin && echo content >a.txt
web=$((20000 + RANDOM % 9000)) echo=$((30000 + RANDOM % 2000))
timeout 1500 "$lacre" serve . --port $web --cert localhost.crt --key localhost.key --log log --idle-timeout 3s 2>web.err & web_pid=$!
timeout 1500 "$lacre" echo --listen $echo --cert localhost.crt --key localhost.key >echo.err 2>&1 & echo_pid=$!
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

# the probes of TLS that lacre's default suites can be asked: those of other suites fail at any server without them.
# An echo comes in as many pieces as what was said, which some of them do not expect
probes="
ccs connection-abort conversation cve-2004-0079 cve-2016-6309 early-application-data
ecdhe-rsa-key-exchange-with-bad-messages fuzzed-ciphertext hello-request-by-client interleaved-CKE-with-CCS
invalid-client-hello-w-record-overflow invalid-content-type large-hello no-mlkem-in-old-tls sslv2-connection
sslv2-force-cipher-3des sslv2-force-cipher-non3des sslv2-force-cipher sslv2-force-export-cipher tls13-ccs
tls13-connection-abort tls13-conversation tls13-empty-alert tls13-finished-plaintext tls13-hrr
tls13-invalid-ciphers tls13-keyshare-omitted tls13-keyupdate tls13-nociphers tls13-pkcs-signature
tls13-record-padding tls13-rsa-signatures tls13-signature-algorithms tls13-unencrypted-alert version-numbers
zero-length-data
"
web_probes="
record-layer-fragmentation renegotiation-disabled tls13-zero-content-type tls13-zero-length-data
"
if [ -d "${TLSFUZZER:-}" ]; then
  mkdir keys && "$lacre" selfsign localhost 127.0.0.1 --key rsa --out keys -q
  timeout 900 "$lacre" serve . --port $((web + 1)) --cert keys/localhost.crt --key keys/localhost.key --log log -q 2>>web.err & rsa_pid=$!
  timeout 900 "$lacre" echo --listen $((echo + 1)) --cert keys/localhost.crt --key keys/localhost.key >>echo.err 2>&1 & echo_rsa_pid=$!
  sleep 2
  for name in $probes $web_probes; do
    script=scripts/test-$name.py
    options=$(cd "$TLSFUZZER" && python3 "$script" --help 2>/dev/null | grep -oE '^ +-(d|C|n)( |$)' | tr -d ' \n')
    set -- -h 127.0.0.1
    case $options in *-d*) set -- "$@" -d ;; esac
    case $options-$name in *-C*-tls13*) ;; *-C*) set -- "$@" -C TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ;; esac
    case $options in *-n*) set -- "$@" -n 25 ;; esac
    for port in $((web + 1)) $((echo + 1)); do
      case "$web_probes" in *"$name"*) [ $port = $((web + 1)) ] || continue ;; esac
      if (cd "$TLSFUZZER" && PYTHONPATH=.:${PYTHONPATH:-} timeout 120 python3 "$script" "$@" -p $port) >probe.out 2>&1; then
        said "tlsfuzzer $name ($([ $port = $((web + 1)) ] && echo serve || echo echo))" good
      else
        sed -n '/FAILED:/,$p' probe.out | head -20
        said "tlsfuzzer $name ($([ $port = $((web + 1)) ] && echo serve || echo echo))" "not content"
      fi
    done
  done
  kill -0 $rsa_pid $echo_rsa_pid || said "a server" "has ended"
  kill $rsa_pid $echo_rsa_pid 2>/dev/null
fi

if [ -d "${H1SPEC:-}" ] && has socat "HTTP/1.1 (h1spec)"; then
  socat TCP-LISTEN:$((web + 2)),fork,reuseaddr OPENSSL:127.0.0.1:$web,verify=0 2>/dev/null & socat_pid=$!
  sleep 1
  if PYTHONPATH=$H1SPEC timeout 170 python3 -c "import sys; sys.argv = ['h1spec', '--strict', '127.0.0.1:$((web + 2))']
import h1spec; h1spec.main()" >h1spec.out 2>&1 && grep -q ' 0 failed\|33/33' h1spec.out; then
    after "HTTP/1.1 (h1spec)"
  else
    cat h1spec.out; said "HTTP/1.1 (h1spec)" "not content"
  fi
  kill $socat_pid 2>/dev/null
fi

if [ -d "${SMUGGLER:-}" ]; then
  (cd "$SMUGGLER" && timeout 170 python3 smuggler.py -q -u https://127.0.0.1:$web/a.txt -m GET -t 2 --no-color -l "$d/smuggler.log" -c default.py) >smuggler.out 2>&1
  if grep -q 'Configfile' smuggler.log && ! grep -v '^\[+\]' smuggler.log | grep .; then
    after "requests in requests (smuggler)"
  else
    cat smuggler.log; said "requests in requests (smuggler)" "found"
  fi
fi

for pid in $web_pid $echo_pid; do kill -0 $pid 2>/dev/null || said "a server" "has ended"; done
grep -h "internal" web.err echo.err log && said "the servers" "blamed themselves"
exit $code
