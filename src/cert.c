#include "cert.h"

#include <string.h>

#include "args.h"
#include "base64.h"
#include "der.h"
#include "fail.h"
#include "light.h"
#include "pem.h"

#define WEIGHT 2 /* KiB of a certificate, at least */

static void release_cert (void *obj) {
  light_free(obj);
}

const own_Type cert_type = { "lacre.cert", release_cert };

static light_Cert *check_cert (lua_State *L, int arg) {
  return own_check(L, arg, &cert_type);
}

X509 *cert_check_light (lua_State *L, int arg) {
  X509 *x = light_fields(check_cert(L, arg));
  if (x == NULL) fail_memory(L);
  return x;
}

const unsigned char *cert_check_der (lua_State *L, int arg, size_t *len) {
  light_Cert *c = check_cert(L, arg);
  if (!light_ensure_der(c)) fail_memory(L);
  *len = c->len;
  return c->der;
}

X509 *cert_check (lua_State *L, int arg) {
  light_Cert *c = check_cert(L, arg);
  if (!light_ensure_full(c)) fail_memory(L);
  return c->full;
}

X509 *cert_test (lua_State *L, int index) {
  light_Cert *c = own_test(L, index, &cert_type);
  if (c == NULL) return NULL;
  if (!light_ensure_full(c)) fail_memory(L);
  return c->full;
}

void cert_check_list (lua_State *L, int arg, STACK_OF(X509) * into) {
  int i, n = args_list(L, arg);
  for (i = 1; i <= n; i++) {
    X509 *x;
    lua_rawgeti(L, arg, i);
    x = cert_test(L, -1);
    if (x == NULL) luaL_argerror(L, arg, "list of certificates expected");
    if (!X509_add_cert(into, x, X509_ADD_FLAG_UP_REF)) fail_memory(L);
    lua_pop(L, 1);
  }
}

static void release_stack (void *obj) {
  sk_X509_pop_free(obj, X509_free);
}

STACK_OF(X509) * cert_check_stack(lua_State *L, int arg) {
  own_Box *box = own_temp(L, release_stack);
  box->obj = sk_X509_new_null();
  if (box->obj == NULL) fail_memory(L);
  cert_check_list(L, arg, box->obj);
  return box->obj;
}

void cert_push (lua_State *L, X509 *x) {
  own_Box *box = own_new(L, &cert_type);
  box->obj = light_wrap(x);
  if (box->obj == NULL) fail_memory(L);
}

void cert_push_made (lua_State *L, const unsigned char *der, size_t len) {
  own_Box *box = own_new(L, &cert_type);
  box->obj = light_keep(der, len);
  if (box->obj == NULL) fail_memory(L);
}

void cert_push_chain (lua_State *L, const STACK_OF(X509) * chain) {
  int i, n = chain == NULL ? 0 : sk_X509_num(chain);
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    cert_push(L, sk_X509_value(chain, i));
    lua_rawseti(L, -2, i + 1);
  }
}

/* -- parsing -- */

/* reads what was written into the box at the top */
static int read_whole (lua_State *L, light_Cert *c) {
  const unsigned char *p = c->der, *end = c->der + c->len;
  der_Item whole;
  if (der_expect(&p, end, DER_SEQUENCE, &whole) != 1)
    return fail_code(L, "parse", "bad_der", "not a certificate");
  if (p != end)
    return fail_code(L, "parse", "trailing_data", "%lu bytes follow the certificate",
                     (unsigned long)(end - p));
  queue_clear();
  if (!light_read(c)) return fail(L, "parse");
  queue_clear();
  return 1;
}

static light_Cert *push_room (lua_State *L, size_t len) {
  own_Box *box;
  own_weigh(L, WEIGHT);
  box = own_new(L, &cert_type);
  box->obj = light_new(len);
  if (box->obj == NULL) fail_memory(L);
  return box->obj;
}

int cert_push_der (lua_State *L, const unsigned char *der, size_t len) {
  light_Cert *c = push_room(L, len);
  memcpy(c->der, der, len);
  return read_whole(L, c);
}

static int is_cert_label (const pem_Block *b) {
  return pem_is(b, "CERTIFICATE") || pem_is(b, "X509 CERTIFICATE") ||
         pem_is(b, "TRUSTED CERTIFICATE");
}

/* OpenSSL's trusted form has its own settings behind the certificate */
static size_t cut_settings (const pem_Block *b, const unsigned char *der, size_t len) {
  const unsigned char *p = der;
  der_Item whole;
  if (pem_is(b, "TRUSTED CERTIFICATE") &&
      der_expect(&p, der + len, DER_SEQUENCE, &whole) == 1)
    return (size_t)(p - der);
  return len;
}

static int push_block (lua_State *L, const pem_Block *b) {
  light_Cert *c = push_room(L, BASE64_DECODED(b->body_len));
  ptrdiff_t n = base64_decode(b->body, b->body_len, c->der);
  if (n < 0)
    return fail_code(L, "parse", "bad_pem", "the PEM of a certificate is not base64");
  c->len = cut_settings(b, c->der, (size_t)n);
  return read_whole(L, c);
}

int cert_push_text (lua_State *L, const char *text, size_t len, size_t pos) {
  pem_Block b;
  int found;
  if (pos == 0 && len > 0 && text[0] == DER_SEQUENCE) {
    if (cert_push_der(L, (const unsigned char *)text, len) != 1) return 2;
    lua_pushinteger(L, (lua_Integer)len + 1);
    return 2;
  }
  while ((found = pem_next(text, len, &pos, &b)) == PEM_FOUND) {
    if (!is_cert_label(&b)) continue;
    if (push_block(L, &b) != 1) return 2;
    lua_pushinteger(L, (lua_Integer)pos + 1);
    return 2;
  }
  if (found == PEM_BROKEN)
    return fail_code(L, "parse", "bad_pem", "a PEM block has no END line");
  return fail_code(L, "parse", "no_certificate", "no certificate found");
}
