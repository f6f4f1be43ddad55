#include "keyuri.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "args.h"
#include "fail.h"
#include "key.h"
#include "own.h"

typedef struct Password {
  const char *bytes; /* NULL: none was given */
  size_t len;
  int was_asked;
} Password;

static int give_password (char *out, int size, int writing, void *data) {
  Password *password = data;
  (void)writing;
  password->was_asked = 1;
  if (password->bytes == NULL || password->len > (size_t)size) return -1;
  memcpy(out, password->bytes, password->len);
  return (int)password->len;
}

typedef struct Search {
  UI_METHOD *asker;    /* owned */
  OSSL_STORE_CTX *ctx; /* owned */
  EVP_PKEY *pkey;      /* owned; NULL until found */
  int is_private;      /* a public key is taken where there is no private one */
} Search;

static void release_search (void *obj) {
  Search *s = obj;
  EVP_PKEY_free(s->pkey);
  OSSL_STORE_close(s->ctx);
  UI_destroy_method(s->asker);
  OPENSSL_free(s);
}

/* -- without L -- */

static int open_store (Search *s, const char *uri, Password *password) {
  s->asker = UI_UTIL_wrap_read_pem_callback(give_password, 0);
  if (s->asker == NULL) return 0;
  s->ctx = OSSL_STORE_open_ex(uri, NULL, NULL, s->asker, password, NULL, NULL, NULL);
  return s->ctx != NULL;
}

static void take (Search *s, OSSL_STORE_INFO *info) {
  int type = OSSL_STORE_INFO_get_type(info);
  if (type == OSSL_STORE_INFO_PKEY) {
    EVP_PKEY_free(s->pkey);
    s->pkey = OSSL_STORE_INFO_get1_PKEY(info);
    s->is_private = s->pkey != NULL;
  } else if (type == OSSL_STORE_INFO_PUBKEY && s->pkey == NULL)
    s->pkey = OSSL_STORE_INFO_get1_PUBKEY(info);
}

static void find_key (Search *s) {
  while (!s->is_private && !OSSL_STORE_eof(s->ctx)) {
    OSSL_STORE_INFO *info = OSSL_STORE_load(s->ctx);
    if (info != NULL) take(s, info);
    else if (OSSL_STORE_error(s->ctx)) return;
    OSSL_STORE_INFO_free(info);
  }
}

/* a provider that is not given the PIN it wants asks for it with the process's own
** method, at the terminal; for the moment there is none */
static int search (Search *s, const char *uri, Password *password) {
  const UI_METHOD *usual = UI_get_default_method();
  int good;
  UI_set_default_method(UI_null());
  good = open_store(s, uri, password);
  if (good) find_key(s);
  UI_set_default_method(usual);
  return good;
}

/* a file that cannot be read is told last, after every way to open it failed */
static int explain_open (lua_State *L, const char *uri) {
  unsigned long last = ERR_peek_last_error();
  fail_if_memory(L);
  if (ERR_SYSTEM_ERROR(last)) return fail_errno(L, "load", ERR_GET_REASON(last), uri);
  return fail_code(L, "load", "unsupported", "no OpenSSL provider can open %s", uri);
}

/* keyuri.open(uri, password or nil) -> key | nil, err (no_key, unsupported,
** password_required, bad_password, file_not_found) */
static int keyuri_open_uri (lua_State *L) {
  const char *uri = args_text(L, 1);
  Password password = { NULL, 0, 0 };
  own_Box *box;
  Search *s;
  if (!lua_isnoneornil(L, 2)) password.bytes = luaL_checklstring(L, 2, &password.len);
  box = own_temp(L, release_search);
  s = box->obj = OPENSSL_zalloc(sizeof *s);
  if (s == NULL) return fail_memory(L);
  queue_clear();
  if (!search(s, uri, &password)) return explain_open(L, uri);
  fail_if_memory(L);
  if (s->pkey != NULL) {
    key_push(L, s->pkey, s->is_private);
    return 1;
  }
  if (password.was_asked && password.bytes == NULL)
    return fail_code(L, "load", "password_required", "the key is encrypted");
  if (password.was_asked)
    return fail_code(L, "load", "bad_password", "the password is wrong");
  return fail_code(L, "load", "no_key", "no key at %s", uri);
}

static const luaL_Reg functions[] = { { "open", keyuri_open_uri }, { NULL, NULL } };

int keyuri_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
