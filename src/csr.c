#include "csr.h"

#include <openssl/x509.h>

#include "args.h"
#include "fail.h"
#include "own.h"

static void release_request (void *obj) {
  X509_REQ_free(obj);
}

/* csr.is_signed(der) -> boolean: by the key in it */
static int csr_is_signed (lua_State *L) {
  int len, good;
  const char *der = args_bytes(L, 1, &len);
  const unsigned char *p = (const unsigned char *)der;
  own_Box *box = own_temp(L, release_request);
  EVP_PKEY *pkey;
  fail_clear();
  box->obj = d2i_X509_REQ(NULL, &p, len);
  pkey = box->obj == NULL ? NULL : X509_REQ_get0_pubkey(box->obj);
  good = pkey != NULL && X509_REQ_verify(box->obj, pkey) == 1;
  fail_if_memory(L);
  lua_pushboolean(L, good);
  return 1;
}

static const luaL_Reg functions[] = { { "is_signed", csr_is_signed }, { NULL, NULL } };

int csr_open (lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
