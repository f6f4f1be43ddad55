#include "bytes.h"

#include <arpa/inet.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "args.h"
#include "base64.h"
#include "fail.h"
#include "own.h"

#define MAX_RANDOM (1 << 20)

void bytes_push_hex (lua_State *L, const unsigned char *bytes, size_t len) {
  static const char digits[] = "0123456789abcdef";
  char *text = lua_newuserdata(L, 2 * len + 1);
  size_t i;
  for (i = 0; i < len; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, text, 2 * len);
  lua_remove(L, -2);
}

void bytes_push_hash_hex (lua_State *L, const unsigned char *bytes, size_t len) {
  lua_pushliteral(L, "#");
  bytes_push_hex(L, bytes, len);
  lua_concat(L, 2);
}

static void release_digest (void *digest) {
  EVP_MD_free(digest);
}

static void release_context (void *context) {
  EVP_MD_CTX_free(context);
}

/* both are kept in the functions' upvalues: no one else sees them */
static const own_Type digest_type = { "lacre.digest", release_digest };
static const own_Type context_type = { "lacre.digest_context", release_context };

/* the digest of a name, fetched at its first use; NULL where there is none */
static const EVP_MD *find_digest (lua_State *L, const char *name) {
  own_Box *box;
  lua_getfield(L, lua_upvalueindex(1), name);
  box = lua_touserdata(L, -1);
  if (box != NULL) return box->obj;
  box = own_new(L, &digest_type);
  queue_clear();
  box->obj = EVP_MD_fetch(NULL, name, NULL);
  if (box->obj == NULL) return NULL;
  lua_pushvalue(L, -1);
  lua_setfield(L, lua_upvalueindex(1), name);
  return box->obj;
}

/* bytes.digest(name, data) -> raw | nil, err (unsupported) */
static int bytes_digest (lua_State *L) {
  const char *name = args_text(L, 1);
  size_t len;
  const char *data = luaL_checklstring(L, 2, &len);
  own_Box *context = lua_touserdata(L, lua_upvalueindex(2));
  const EVP_MD *digest = find_digest(L, name);
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n;
  if (digest == NULL) {
    fail_if_memory(L);
    return fail_code(L, "config", "unsupported",
                     "this OpenSSL does not support the digest %s", name);
  }
  queue_clear();
  if (EVP_DigestInit_ex(context->obj, digest, NULL) != 1 ||
      EVP_DigestUpdate(context->obj, data, len) != 1 ||
      EVP_DigestFinal_ex(context->obj, out, &n) != 1)
    return fail(L, "config");
  lua_pushlstring(L, (char *)out, n);
  return 1;
}

/* bytes.random(n) -> raw | nil, err */
static int bytes_random (lua_State *L) {
  int n = args_int(L, 1, 0, MAX_RANDOM);
  unsigned char *out = lua_newuserdata(L, (size_t)n + 1);
  queue_clear();
  if (RAND_bytes(out, n) != 1) return fail(L, "config");
  lua_pushlstring(L, (char *)out, (size_t)n);
  OPENSSL_cleanse(out, (size_t)n);
  return 1;
}

/* bytes.hex(raw) -> lower-case text */
static int bytes_hex (lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  bytes_push_hex(L, (const unsigned char *)s, len);
  return 1;
}

/* the value of a digit, or -1 */
static int nibble (char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit = (char)(digit | 0x20);
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* bytes.unhex(text) -> raw | nil */
static int bytes_unhex (lua_State *L) {
  size_t len, i;
  const char *s = luaL_checklstring(L, 1, &len);
  unsigned char *out = lua_newuserdata(L, len / 2 + 1);
  if (len % 2 != 0) return 0;
  for (i = 0; i < len; i += 2) {
    int high = nibble(s[i]), low = nibble(s[i + 1]);
    if (high < 0 || low < 0) return 0;
    out[i / 2] = (unsigned char)(high << 4 | low);
  }
  lua_pushlstring(L, (char *)out, len / 2);
  return 1;
}

/* bytes.base64(raw) -> text without line breaks */
static int bytes_base64 (lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  char *out = lua_newuserdata(L, BASE64_ENCODED(len) + 1);
  len = base64_encode((const unsigned char *)s, len, out);
  lua_pushlstring(L, out, len);
  return 1;
}

/* bytes.unbase64(text) -> raw | nil */
static int bytes_unbase64 (lua_State *L) {
  size_t len;
  const char *s = luaL_checklstring(L, 1, &len);
  unsigned char *out = lua_newuserdata(L, BASE64_DECODED(len));
  ptrdiff_t n = base64_decode(s, len, out);
  if (n < 0) return 0;
  lua_pushlstring(L, (char *)out, (size_t)n);
  return 1;
}

/* bytes.equal(a, b) -> boolean, in a time that depends on the lengths alone */
static int bytes_equal (lua_State *L) {
  size_t m, n;
  const char *a = luaL_checklstring(L, 1, &m);
  const char *b = luaL_checklstring(L, 2, &n);
  lua_pushboolean(L, m == n && CRYPTO_memcmp(a, b, n) == 0);
  return 1;
}

/* 4 or 16, with the bytes of an address; 0 where the text is none */
static size_t read_address (const char *text, unsigned char raw[16]) {
  if (inet_pton(AF_INET, text, raw) == 1) return 4;
  return inet_pton(AF_INET6, text, raw) == 1 ? 16 : 0;
}

/* bytes.address(text) -> 4 or 16 raw bytes, the usual text | nil, where it is no IP
** address */
static int bytes_address (lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  char usual[INET6_ADDRSTRLEN];
  unsigned char raw[16];
  size_t n = strlen(text) == len ? read_address(text, raw) : 0;
  if (n == 0) return 0;
  lua_pushlstring(L, (char *)raw, n);
  lua_pushstring(L, inet_ntop(n == 4 ? AF_INET : AF_INET6, raw, usual, sizeof usual));
  return 2;
}

static const luaL_Reg functions[] = {
  { "digest", bytes_digest },
  { "random", bytes_random },
  { "hex", bytes_hex },
  { "unhex", bytes_unhex },
  { "base64", bytes_base64 },
  { "unbase64", bytes_unbase64 },
  { "equal", bytes_equal },
  { "address", bytes_address },
  { NULL, NULL },
};

int bytes_open (lua_State *L) {
  own_Box *context;
  own_type(L, &digest_type, NULL, NULL);
  own_type(L, &context_type, NULL, NULL);
  lua_pop(L, 2);
  lua_newtable(L);
  lua_newtable(L); /* digests by name */
  context = own_new(L, &context_type);
  context->obj = EVP_MD_CTX_new();
  if (context->obj == NULL) fail_memory(L);
  luaL_setfuncs(L, functions, 2);
  return 1;
}
