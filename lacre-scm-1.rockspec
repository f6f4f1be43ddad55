rockspec_format = "3.0"
package = "lacre"
version = "scm-1"
source = { url = "git+https://github.com/lacre/lacre" }
description = {
  summary = "TLS and certificates, safe by default",
  detailed = [[
    A C extension over OpenSSL 3 that gives Lua secure-by-default TLS contexts and sockets, keys,
    certificates and public-key pins, and the command `lacre` on top of it.]],
  license = "MIT",
  labels = { "tls", "ssl", "openssl", "certificate", "x509" },
}
-- the library needs Lua and OpenSSL alone; the command parses its line and prints JSON with these
dependencies = { "lua >= 5.1", "argparse >= 0.7", "dkjson >= 2.5" }
external_dependencies = {
  OPENSSL = { header = "openssl/ssl.h", library = "ssl" },
}
-- "make": one list of sources and one set of flags, the Makefile's; "builtin" would need a second list
build = {
  type = "make",
  build_pass = false,
  install_target = "install-rock",
  variables = {
    BUILD = "build/rock$(LUA_INCDIR)",
    CFLAGS = "$(CFLAGS)",
    LUA = "$(LUA)",
    LUA_CFLAGS = "-I$(LUA_INCDIR)",
    OPENSSL_CFLAGS = "-I$(OPENSSL_INCDIR)",
    OPENSSL_LIBS = "-L$(OPENSSL_LIBDIR) -lssl -lcrypto",
    ROCK_LUADIR = "$(LUADIR)",
    ROCK_LIBDIR = "$(LIBDIR)",
    ROCK_BINDIR = "$(BINDIR)",
  },
}
test = { type = "busted" }
