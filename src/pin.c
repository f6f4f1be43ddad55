#include "pin.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base64.h"
#include "fail.h"
#include "own.h"
#include "pinset.h"

#define PREFIX "sha256//"

typedef struct Pinner {
  EVP_MD *sha256;      /* owned */
  EVP_MD_CTX *context; /* owned */
} Pinner;

static void release_pinner (void *obj) {
  Pinner *p = obj;
  EVP_MD_free(p->sha256);
  EVP_MD_CTX_free(p->context);
  OPENSSL_free(p);
}

static const own_Type pinner_type = { "lacre.pinner", release_pinner };

/* its address is the place in the registry of what every pin is made with */
static char kept;

/* the kept one, or one that is made; raises without memory */
static Pinner *find_pinner (lua_State *L) {
  own_Box *box;
  Pinner *p;
  lua_pushlightuserdata(L, &kept);
  lua_rawget(L, LUA_REGISTRYINDEX);
  box = lua_touserdata(L, -1);
  if (box != NULL) return box->obj;
  box = own_new(L, &pinner_type);
  box->obj = p = OPENSSL_zalloc(sizeof *p);
  if (p != NULL) {
    p->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    p->context = EVP_MD_CTX_new();
  }
  if (p == NULL || p->sha256 == NULL || p->context == NULL) fail_memory(L);
  lua_pushlightuserdata(L, &kept);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
  return p;
}

void pin_push (lua_State *L, const unsigned char *spki, size_t len) {
  Pinner *p = find_pinner(L);
  unsigned char digest[PINSET_DIGEST];
  char text[sizeof PREFIX + BASE64_ENCODED(PINSET_DIGEST)] = PREFIX;
  if (EVP_DigestInit_ex(p->context, p->sha256, NULL) != 1 ||
      EVP_DigestUpdate(p->context, spki, len) != 1 ||
      EVP_DigestFinal_ex(p->context, digest, NULL) != 1)
    fail_memory(L);
  lua_pushlstring(L, (char *)digest, PINSET_DIGEST);
  len = base64_encode(digest, PINSET_DIGEST, text + sizeof PREFIX - 1);
  lua_pushlstring(L, text, sizeof PREFIX - 1 + len);
}

/* pin.of(spki) -> SHA-256, and the text of that pin (RFC 7469) */
static int pin_of (lua_State *L) {
  size_t len;
  const char *spki = luaL_checklstring(L, 1, &len);
  pin_push(L, (const unsigned char *)spki, len);
  return 2;
}

static const luaL_Reg functions[] = { { "of", pin_of }, { NULL, NULL } };

int pin_open (lua_State *L) {
  own_type(L, &pinner_type, NULL, NULL);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
