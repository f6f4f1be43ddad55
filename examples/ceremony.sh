#!/bin/sh
# A key ceremony, from an offline root to mutual TLS with a revocation that takes effect.
#   sh examples/ceremony.sh DIRECTORY      (needs nginx and curl; LACRE names the command)
#
# offline/ stands for a machine without a network: only the request goes in and the certificate comes out.
set -eu
lacre=${LACRE:-lacre}
mkdir -p "$1" && cd "$1" && umask 077
port=${PORT:-8443}
mkdir offline online site
head -c 24 /dev/urandom | base64 > offline/password
head -c 24 /dev/urandom | base64 > online/password

echo "1. offline: the root, for example.test and localhost alone, its key sealed"
$lacre ca init offline/root --name "Example Root" --password-file offline/password \
  --permit example.test --permit @example.test --permit localhost --quiet

echo "2. online: the key of the issuing CA, and a request"
$lacre ca intermediate online/ca --request --name "Example Issuing CA" --password-file online/password --quiet

echo "3. offline: the request is signed, and the root goes back into the safe"
cp online/ca/ca.csr offline/
$lacre ca sign offline/root offline/ca.csr --profile intermediate --password-file offline/password --out offline --quiet
cp offline/ca.crt online/issued.crt && cp offline/root/ca.crt offline/root/ca.crl online/ && mv online/ca.crl online/root.crl

echo "4. online: the certificate comes back"
$lacre ca intermediate online/ca --cert online/issued.crt --chain online/ca.crt --quiet
$lacre ca crl online/ca --password-file online/password --quiet

echo "5. a server, two people"
$lacre ca issue online/ca localhost --password-file online/password --out site --quiet
for person in alice bob; do
  $lacre ca issue online/ca $person@example.test --profile client --password-file online/password --out site --quiet
done

# nginx wants one file of all CAs, and one of all their lists
publish () { cat online/ca/ca.crl online/root.crl > site/all.crl; }
publish
cat online/ca/chain.pem > site/clients.pem
cat > site/nginx.conf <<CONF
daemon off; master_process off; pid nginx.pid; error_log stderr crit; worker_processes 1;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;
  uwsgi_temp_path t4; scgi_temp_path t5;
  server {
    listen 127.0.0.1:$port ssl; server_name localhost;
    ssl_certificate localhost.crt; ssl_certificate_key localhost.key;
    ssl_client_certificate clients.pem; ssl_verify_client on; ssl_verify_depth 2; ssl_crl all.crl;
    location / { return 200 "hello \$ssl_client_s_dn\n"; }
  }
}
CONF

nginx=
start () {
  PATH=$PATH:/usr/sbin nginx -p "$PWD/site/" -c nginx.conf & nginx=$!
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    curl -sk "https://localhost:$port/" >/dev/null 2>&1 && return
    sleep 0.2
  done
}
stop () { [ -z "$nginx" ] || { kill "$nginx" && wait "$nginx"; } 2>/dev/null || true; nginx=; }
trap stop EXIT

visit () {
  curl -sS --noproxy '*' --max-time 10 --cacert online/ca.crt --cert "site/$1@example.test.crt" \
    --key "site/$1@example.test.key" "https://localhost:$port/" 2>&1
}

start
echo "6. alice and bob visit"
visit alice
visit bob

echo "7. bob's key is lost: revoked, and the new list published"
$lacre ca revoke online/ca site/bob@example.test.crt --reason key_compromise --password-file online/password --quiet
publish
stop && start
visit alice
if visit bob | grep -q hello; then
  echo "bob was let in" && exit 1
fi
echo "bob is turned away"

echo "8. the books are as they should be"
$lacre ca check offline/root --quiet && $lacre ca check online/ca --quiet
$lacre ca list online/ca
