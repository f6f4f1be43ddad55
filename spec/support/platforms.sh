#!/bin/bash
# platforms.sh: the specs on other releases of OpenSSL and Lua and on other processors, with Debian's packages unpacked
# below build/platforms; nothing of the machine's own is changed.
#   bash spec/support/platforms.sh             all of them
#   bash spec/support/platforms.sh openssl4    one; SPEC=path runs some specs of it
#   bash spec/support/platforms.sh openssl4 --unpack    its packages alone
# Other processors want a cross compiler: gcc-i686-linux-gnu, or gcc-s390x-linux-gnu with qemu-user-static.
set -eu
cd "$(dirname "$0")/../.."

# name, processor, Lua, OpenSSL's library, Debian's releases: the newest is what is wanted from
platforms='
openssl3.5 amd64 lua5.4 libssl3t64 trixie
openssl3.6 amd64 lua5.4 libssl3t64 sid
openssl4   amd64 lua5.5 libssl4    sid,experimental
i386       i386  lua5.4 libssl3    bookworm
s390x      s390x lua5.4 libssl3    bookworm
'
packages="libc6 libc6-dev linux-libc-dev libgcc-s1 zlib1g libzstd1 libcrypt1 libtinfo6
  lua-busted lua-luassert lua-say lua-penlight lua-system lua-term lua-cliargs lua-mediator lua-filesystem
  lua-argparse lua-dkjson"

# a token and the provider that opens it, for spec/token_spec.lua; Debian has both from trixie on, for OpenSSL 3
tokens="pkcs11-provider softhsm2 softhsm2-common libsofthsm2 libsqlite3-0 libstdc++6"

mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | grep -m1 'debian/*$')

# apt with lists and a state of its own
apt_of () {
  local place=$1 arch=$2
  shift 2
  apt-get -q=2 -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::lists="$place/lists" \
    -o Dir::Cache="$place/cache" -o Dir::State::status="$place/status" -o Dir::Etc::sourcelist="$place/sources.list" \
    -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Acquire::Check-Valid-Until=false \
    -o Acquire::Languages=none "$@"
}

# unpack ROOT PROCESSOR RELEASES PACKAGES...
unpack () {
  local root=$1 arch=$2 releases=$3 place=$PWD/$1.apt
  shift 3
  rm -rf "$root" "$place"
  mkdir -p "$place/lists/partial" "$place/cache/archives/partial" "$place/debs" "$root"/usr/{bin,lib,lib32,lib64,sbin}
  : > "$place/status"
  printf "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror %s main\n" ${releases//,/ } \
    > "$place/sources.list"
  apt_of "$place" "$arch" update
  (cd "$place/debs" && apt_of "$place" "$arch" download "$@")
  for link in bin lib lib32 lib64 sbin; do ln -s usr/$link "$root/$link"; done
  for deb in "$place"/debs/*.deb; do dpkg --fsys-tarfile "$deb" | tar x -C "$root" --keep-directory-symlink; done
  rm -rf "$place"
}

# lua_of ROOT LUA RUNNER...: a Lua of that platform under its own name, which finds what is beside it
lua_of () {
  local root=$1 lua=$2 libraries=$3 version=${2#lua} script own
  own=_${version/./_}
  shift 3
  script=$root/run/$lua
  mkdir -p "$root/run"
  cat > "$script" <<END
#!/bin/sh
beside () { printf %s "\${1:-;;}" | sed "s#;;#;\$2#"; }
LUA_PATH=\$(beside "\${LUA_PATH$own:-\${LUA_PATH:-}}" "$root/usr/share/lua/$version/?.lua;$root/usr/share/lua/$version/?/init.lua")
LUA_CPATH=\$(beside "\${LUA_CPATH$own:-\${LUA_CPATH:-}}" "$libraries/lua/$version/?.so")
OPENSSL_MODULES=$libraries/ossl-modules
unset LUA_PATH$own LUA_CPATH$own
export LUA_PATH LUA_CPATH OPENSSL_MODULES
exec $* "$root/usr/bin/$lua" "\$@"
END
  chmod 755 "$script"
  cp "$root/usr/bin/busted" "$root/run/busted"
  printf '#!/bin/sh\nexec %s "%s/usr/bin/softhsm2-util" "$@"\n' "$*" "$root" > "$root/run/softhsm2-util"
  chmod 755 "$root/run/softhsm2-util"
  # what else runs, runs on the machine's own OpenSSL
  printf '#!/bin/sh\nunset OPENSSL_MODULES\nexec %s "$@"\n' "$(command -v python3)" > "$root/run/python3"
  chmod 755 "$root/run/python3"
}

# platform NAME PROCESSOR LUA LIBSSL RELEASES
platform () {
  local name=$1 arch=$2 lua=$3 root=$PWD/build/platforms/$1 newest=${5##*,} triplet cc loader runner libraries
  case $arch in
  amd64) triplet=x86_64-linux-gnu cc=gcc loader=lib64/ld-linux-x86-64.so.2 ;;
  i386) triplet=i386-linux-gnu cc=i686-linux-gnu-gcc loader=lib/ld-linux.so.2 ;;
  s390x) triplet=s390x-linux-gnu cc=s390x-linux-gnu-gcc loader=lib/ld64.so.1 ;;
  esac
  command -v $cc >/dev/null || { echo "$name: $cc is missing" >&2; return 1; }
  libraries=$root/usr/lib/$triplet
  runner="$root/$loader --library-path $libraries"
  [ "$arch" != s390x ] || runner="qemu-s390x-static -L $root"
  [ -f "$libraries/libssl.so" ] && [ -x "$root/usr/bin/$lua" ] ||
    unpack "build/platforms/$name" "$arch" "$5" $packages "$4/$newest" "libssl-dev/$newest" \
      "$lua" "lib$lua-0" "lib$lua-dev" "$(readline_of "$newest")" $(tokens_of "$4")
  [ -z "$only_unpack" ] || return 0
  lua_of "$root" "$lua" "$libraries" $runner
  tested "$root" "$libraries" "$root/$loader" "$lua" "$cc --sysroot=$root -B$libraries \
    -isystem $root/usr/include/$triplet -isystem $root/usr/include" "build/on-$name"
}

# tested ROOT LIBRARIES LOADER LUA CC BUILD
tested () {
  local linked="-L$2 -Wl,-rpath,$2 -Wl,--disable-new-dtags -Wl,--dynamic-linker=$3"
  PATH=$1/run:$PATH make -s test LUA="$4" CC="$5" BUILD="$6" WERROR=-Werror LUA_VERSION="${4#lua}" \
    LUA_CFLAGS="-I$1/usr/include/$4" LUA_LIBS="$linked -l$4 -lm -ldl" \
    OPENSSL_CFLAGS= OPENSSL_LIBS="$linked -lssl -lcrypto"
}

tokens_of () { [ "$1" != libssl3t64 ] || echo "$tokens"; }

readline_of () { [ "$1" = bookworm ] && echo libreadline8 || echo libreadline8t64; }

wanted=${1:-} only_unpack=${2:-}
while read -r name rest; do
  [ -n "$name" ] || continue
  [ -z "$wanted" ] || [ "$wanted" = "$name" ] || continue
  echo "== $name"
  platform "$name" $rest </dev/null
done <<<"$platforms"
