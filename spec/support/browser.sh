#!/bin/sh
# browser.sh: a Chromium with a CA in its NSS store shows a page of `lacre serve`, and one without does not.
#   BUILD=build/lua5.4 sh spec/support/browser.sh      (Debian: chromium, libnss3-tools)
set -eu
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "browser: chromium is missing: apt-get install chromium libnss3-tools" >&2; exit 1; }
command -v certutil >/dev/null || { echo "browser: certutil is missing: apt-get install libnss3-tools" >&2; exit 1; }
lacre=$PWD/$BUILD/bin/lacre
work=$(mktemp -d)
server=
finish () { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
cd "$work"
mkdir -p site home/.pki/nssdb
export HOME="$work/home"
echo '<!doctype html><title>page</title><p>sealed with wax</p>' > site/index.html
certutil -N -d "sql:$HOME/.pki/nssdb" --empty-password
"$lacre" ca init root --no-password --quiet
"$lacre" ca intermediate ca --issuer root --no-password --quiet
"$lacre" ca issue ca localhost --quiet
"$lacre" serve site --port 0 --cert localhost.crt --key localhost.key > serve.log 2>&1 &
server=$!
port=
for _ in 1 2 3 4 5 6 7 8 9 10; do
  port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' serve.log)
  [ -z "$port" ] || break
  sleep 0.2
done

page () {
  timeout 60 "$chromium" --headless --no-sandbox --disable-gpu --no-proxy-server --user-data-dir="$work/profile" \
    --virtual-time-budget=5000 --dump-dom "https://localhost:$port/" 2>/dev/null || true
}

if page | grep -q "sealed with wax"; then
  echo "browser: the page was shown without the CA" >&2
  exit 1
fi
"$lacre" ca trust install root --nss
rm -rf profile
page | grep -q "sealed with wax" || { echo "browser: the page was not shown with the CA" >&2; exit 1; }
"$lacre" ca trust remove root --nss
rm -rf profile
if page | grep -q "sealed with wax"; then
  echo "browser: the page is shown after the CA was removed" >&2
  exit 1
fi
echo "browser: shown with the CA, and not without"
