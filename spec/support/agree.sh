#!/bin/bash
# agree.sh: every server of the zoo judged by lacre health, openssl s_client, curl and testssl.sh, as a table of
# Markdown: how docs/health.md knows where they agree. testssl.sh takes ten seconds a server: TESTSSL=0 leaves it out.
#   JOBS=n  servers at once (2)
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build/lua5.4}" "${JOBS:=2}" "${TESTSSL:=1}"
export LC_ALL=C TESTSSL
D=$(mktemp -d)
export D
"$BUILD/bin/lacre" zoo --ca "$D/zoo.pem" >"$D/zoo" 2>&1 &
zoo=$!
trap 'kill $zoo 2>/dev/null; rm -rf "$D"' EXIT
for _ in $(seq 100); do grep -q '^front door' "$D/zoo" && break; sleep 0.1; done

says () { [ "$1" = 0 ] && echo accepts || echo refuses; }

# what testssl.sh calls worse than information, without what it says of every server of this zoo
findings () {
  python3 - "$1" <<'PY'
import json, sys
usual = {"engine_problem", "cert_revocation", "OCSP_stapling", "DNS_CAArecord", "certificate_transparency", "HSTS"}
try:
    rows = json.load(open(sys.argv[1]))
except (OSError, ValueError):
    print("cannot read the answer")
    sys.exit()
bad = [r for r in rows if r["severity"] in ("WARN", "LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL") and r["id"] not in usual]
words = []
for r in bad:
    text = f'{r["id"].split(" <")[0]}: {" ".join(r["finding"].split())[:60]}'.replace("|", "/")
    if text not in words:
        words.append(text)
print("; ".join(words) if words else "nothing")
PY
}
export -f says findings

visit () {
  local name=$1 port=$2 verdict=$3 openssl curl tested=-
  timeout 6 openssl s_client -connect "localhost:$port" -servername localhost -verify_hostname localhost \
    -verify_return_error -CAfile "$D/zoo.pem" </dev/null >/dev/null 2>&1
  openssl=$(says $?)
  curl -sS -o /dev/null --max-time 5 --cacert "$D/zoo.pem" "https://localhost:$port/" >/dev/null 2>&1
  curl=$(says $?)
  if [ "$TESTSSL" = 1 ]; then
    timeout 150 testssl -p -S --add-ca "$D/zoo.pem" --warnings off --quiet --color 0 --nodns none \
      --connect-timeout 5 --openssl-timeout 5 --jsonfile "$D/$name.json" "localhost:$port" </dev/null >/dev/null 2>&1
    tested=$(findings "$D/$name.json")
  fi
  echo "| \`$name\` | $verdict | $openssl | $curl | $tested |"
}
export -f visit

echo "| server | health | openssl | curl | testssl.sh |"
echo "|---|---|---|---|---|"
sed -n 's|^\([^ ]*\)  *https://localhost:\([0-9]*\)/ *\([A-Z]*\) .*|\1 \2 \3|p' "$D/zoo" |
  xargs -P "$JOBS" -L1 bash -c 'visit "$@"' visit
