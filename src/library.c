#include "library.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "queue.h"
#include "table.h"

#define MOST_PROVIDERS 32

typedef struct Providers {
  const char *names[MOST_PROVIDERS];
  int count;
} Providers;

/* openssl.has_errors() -> whether OpenSSL's queue holds something: never, between calls
 */
static int library_has_errors (lua_State *L) {
  lua_pushboolean(L, ERR_peek_error() != 0);
  return 1;
}

static int note_provider (OSSL_PROVIDER *provider, void *list) {
  Providers *p = list;
  if (p->count < MOST_PROVIDERS)
    p->names[p->count++] = OSSL_PROVIDER_get0_name(provider);
  return 1;
}

/* openssl.providers() -> their names, whether only what FIPS allows is used */
static int library_providers (lua_State *L) {
  Providers found = { .count = 0 };
  int i;
  OSSL_PROVIDER_do_all(NULL, note_provider, &found);
  queue_clear();
  lua_createtable(L, found.count, 0);
  for (i = 0; i < found.count; i++) {
    lua_pushstring(L, found.names[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushboolean(L, EVP_default_properties_is_fips_enabled(NULL));
  return 2;
}

/* openssl.trust_places() -> its file and directory of CAs, and the variables that name
** others */
static int library_trust_places (lua_State *L) {
  lua_pushstring(L, X509_get_default_cert_file());
  lua_pushstring(L, X509_get_default_cert_dir());
  lua_pushstring(L, X509_get_default_cert_file_env());
  lua_pushstring(L, X509_get_default_cert_dir_env());
  return 4;
}

#if defined(OPENSSL_NO_KTLS)
static int kernel_encrypts (void) {
  return 0;
}
#elif defined(__linux__)
#define ULP 31 /* TCP_ULP of linux/tcp.h */

/* the module is there when only the connection is missing */
static int kernel_encrypts (void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;
  if (fd < 0) return 0;
  error = setsockopt(fd, IPPROTO_TCP, ULP, "tls", 4) == 0 ? 0 : errno;
  close(fd);
  return error == 0 || error == ENOTCONN;
}
#else
static int kernel_encrypts (void) {
  return 1;
}
#endif

/* openssl.kernel_encrypts() -> whether OpenSSL and the kernel were built to do TLS
** together */
static int library_kernel_encrypts (lua_State *L) {
  lua_pushboolean(L, kernel_encrypts());
  return 1;
}

static const luaL_Reg functions[] = {
  { "has_errors", library_has_errors },
  { "providers", library_providers },
  { "trust_places", library_trust_places },
  { "kernel_encrypts", library_kernel_encrypts },
  { NULL, NULL },
};

int library_open (lua_State *L) {
  luaL_newlib(L, functions);
  table_set_text(L, "version", OpenSSL_version(OPENSSL_VERSION_STRING));
  table_set_integer(L, "number", (int64_t)OpenSSL_version_num());
  return 1;
}
