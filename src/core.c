/*
** core: the roof. Opens every part as a field of one private table, and is
** included by none. Its shape may change between releases: programs use the
** modules of lua/lacre, which stand on it.
*/
#include <openssl/crypto.h>

#include "algorithms.h"
#include "builder.h"
#include "bytes.h"
#include "cert_fields.h"
#include "clock.h"
#include "compat.h"
#include "context.h"
#include "crl.h"
#include "disk.h"
#include "engine.h"
#include "fail.h"
#include "key.h"
#include "keyfile.h"
#include "keyuri.h"
#include "library.h"
#include "lock.h"
#include "name.h"
#include "net.h"
#include "oid.h"
#include "own.h"
#include "pem.h"
#include "permit.h"
#include "pin.h"
#include "pkcs12.h"
#include "poller.h"
#include "resolver.h"
#include "signals.h"
#include "signed.h"
#include "store.h"
#include "terminal.h"

/* one part a line, so that two changes meet without conflict */
/* clang-format off */
static const luaL_Reg parts[] = {
  { "openssl", library_open },
  { "error", fail_open },
  { "clock", clock_open },
  { "disk", disk_open },
  { "lock", lock_open },
  { "terminal", terminal_open },
  { "bytes", bytes_open },
  { "pem", pem_open },
  { "oid", oid_open },
  { "name", name_open },
  { "key", key_open },
  { "pin", pin_open },
  { "keyfile", keyfile_open },
  { "keyuri", keyuri_open },
  { "signed", signed_open },
  { "cert", cert_fields_open },
  { "crl", crl_open },
  { "builder", builder_open },
  { "pkcs12", pkcs12_open },
  { "store", store_open },
  { "net", net_open },
  { "poller", poller_open },
  { "resolver", resolver_open },
  { "signals", signals_open },
  { "context", context_open },
  { "algorithms", algorithms_open },
  { "permit", permit_open },
  { "engine", engine_open },
  { NULL, NULL },
};
/* clang-format on */

LACRE_EXPORT int luaopen_lacre_core (lua_State *L);

int luaopen_lacre_core (lua_State *L) {
  const luaL_Reg *part;
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
  own_open(L);
  lua_newtable(L);
  for (part = parts; part->name != NULL; part++) {
    part->func(L);
    lua_setfield(L, -2, part->name);
  }
  return 1;
}
