#include "builder.h"

#include <openssl/crypto.h>

#include "args.h"
#include "asn1_time.h"
#include "cert.h"
#include "crl.h"
#include "der.h"
#include "der_out.h"
#include "fail.h"
#include "key.h"
#include "own.h"
#include "signature.h"

typedef struct Builder Builder;

/* what makes the three different: how what is signed ends, and what comes of it */
typedef struct Kind {
  void (*finish)(Builder *b);
  int (*push)(lua_State *L, const Builder *b);
} Kind;

struct Builder {
  const Kind *kind;
  der_Out out;             /* all of it, as far as it is written */
  der_Out extensions;      /* one behind the other */
  der_Out challenge;       /* the password of a request, as an attribute */
  size_t whole, tbs, list; /* where elements are open; list: 0 is not yet */
};

static void release_builder (void *obj) {
  Builder *b = obj;
  der_out_release(&b->out);
  der_out_release(&b->extensions);
  der_out_release(&b->challenge);
  OPENSSL_free(b);
}

static const own_Type builder_type = { "lacre.builder", release_builder };

static Builder *check (lua_State *L) {
  return own_check(L, 1, &builder_type);
}

static Builder *push (lua_State *L, const Kind *kind) {
  own_Box *box = own_new(L, &builder_type);
  Builder *b = OPENSSL_zalloc(sizeof *b);
  if (b == NULL) fail_memory(L);
  box->obj = b;
  b->kind = kind;
  b->whole = der_out_open(&b->out, DER_SEQUENCE);
  b->tbs = der_out_open(&b->out, DER_SEQUENCE);
  return b;
}

/* -- typed arguments -- */

typedef struct Bytes {
  const char *bytes;
  size_t len;
} Bytes;

static Bytes check_bytes (lua_State *L, int arg) {
  Bytes b;
  b.bytes = luaL_checklstring(L, arg, &b.len);
  return b;
}

static Bytes check_hex (lua_State *L, int arg) {
  Bytes b = check_bytes(L, arg);
  luaL_argcheck(L, b.len > 0 && strspn(b.bytes, "0123456789abcdefABCDEF") == b.len, arg,
                "hexadecimal digits expected");
  return b;
}

static int64_t check_time (lua_State *L, int arg) {
  int64_t seconds = args_time(L, arg);
  luaL_argcheck(L, seconds >= ASN1_TIME_FIRST && seconds <= ASN1_TIME_LAST, arg,
                "time out of range");
  return seconds;
}

static void put (der_Out *out, Bytes b) {
  der_out_put(out, b.bytes, b.len);
}

static void put_time (der_Out *out, int64_t seconds) {
  char text[ASN1_TIME_SIZE];
  size_t len;
  asn1_time_write(seconds, text);
  len = strlen(text);
  der_out_element(out, len == 13 ? DER_UTC_TIME : DER_GENERALIZED_TIME, text, len);
}

/* -- beginnings -- */

/* what is there, in an explicit tag, as the list of extensions that it is */
static void put_extensions (Builder *b, int tag) {
  size_t outer, inner;
  if (b->extensions.len == 0) return;
  outer = der_out_open(&b->out, tag);
  inner = der_out_open(&b->out, DER_SEQUENCE);
  der_out_put(&b->out, b->extensions.bytes, b->extensions.len);
  der_out_close(&b->out, inner);
  der_out_close(&b->out, outer);
}

static void finish_certificate (Builder *b) {
  put_extensions(b, DER_EXPLICIT(3));
}

static int push_certificate (lua_State *L, const Builder *b) {
  cert_push_made(L, b->out.bytes, b->out.len);
  return 1;
}

static const Kind certificate_kind = { finish_certificate, push_certificate };

/* builder.certificate(algorithm, serial, issuer, first, last, subject, spki) -> draft:
** DER, but for hexadecimal digits and seconds since 1970; RFC 5280 4.1 */
static int builder_certificate (lua_State *L) {
  Bytes algorithm = check_bytes(L, 1), serial = check_hex(L, 2),
        issuer = check_bytes(L, 3);
  int64_t first = check_time(L, 4), last = check_time(L, 5);
  Bytes subject = check_bytes(L, 6), spki = check_bytes(L, 7);
  Builder *b = push(L, &certificate_kind);
  der_Out *out = &b->out;
  size_t at = der_out_open(out, DER_EXPLICIT(0));
  der_out_small(out, DER_INTEGER, 2); /* version 3 */
  der_out_close(out, at);
  der_out_hex(out, serial.bytes, serial.len);
  put(out, algorithm);
  put(out, issuer);
  at = der_out_open(out, DER_SEQUENCE);
  put_time(out, first);
  put_time(out, last);
  der_out_close(out, at);
  put(out, subject);
  put(out, spki);
  return 1;
}

/* extensionRequest and challengePassword, RFC 2985 5.4 */
static const unsigned char wishes_id[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                           0xf7, 0x0d, 0x01, 0x09, 0x0e };
static const unsigned char challenge_id[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                              0xf7, 0x0d, 0x01, 0x09, 0x07 };

static void put_wishes (Builder *b) {
  size_t at;
  if (b->extensions.len == 0) return;
  at = der_out_open(&b->out, DER_SEQUENCE);
  der_out_put(&b->out, wishes_id, sizeof wishes_id);
  put_extensions(b, DER_SET);
  der_out_close(&b->out, at);
}

static void put_challenge (Builder *b) {
  der_out_put(&b->out, b->challenge.bytes, b->challenge.len);
  b->out.failed |= b->challenge.failed;
}

/* a SET OF is in the order of its encodings: the shorter one first, X.690 11.6; of
** the same length, that whose identifier is smaller */
static void finish_request (Builder *b) {
  size_t at = der_out_open(&b->out, DER_EXPLICIT(0)), wishes = b->out.len;
  put_wishes(b);
  wishes = b->out.len - wishes;
  if (wishes > 0 && wishes < b->challenge.len) {
    put_challenge(b);
  } else {
    b->out.len -= wishes;
    put_challenge(b);
    put_wishes(b);
  }
  der_out_close(&b->out, at);
}

/* requests are objects of Lua */
static int push_request (lua_State *L, const Builder *b) {
  lua_pushlstring(L, (const char *)b->out.bytes, b->out.len);
  return 1;
}

static const Kind request_kind = { finish_request, push_request };

/* builder.request(subject, spki [, challenge]) -> draft: DER, and text; RFC 2986 4.1
 */
static int builder_request (lua_State *L) {
  Bytes subject = check_bytes(L, 1), spki = check_bytes(L, 2), challenge = { NULL, 0 };
  Builder *b;
  if (!lua_isnoneornil(L, 3)) challenge = check_bytes(L, 3);
  b = push(L, &request_kind);
  der_out_small(&b->out, DER_INTEGER, 0); /* version 1 */
  put(&b->out, subject);
  put(&b->out, spki);
  if (challenge.bytes != NULL) {
    size_t at = der_out_open(&b->challenge, DER_SEQUENCE), set;
    der_out_put(&b->challenge, challenge_id, sizeof challenge_id);
    set = der_out_open(&b->challenge, DER_SET);
    der_out_element(&b->challenge, DER_UTF8, challenge.bytes, challenge.len);
    der_out_close(&b->challenge, set);
    der_out_close(&b->challenge, at);
  }
  return 1;
}

static void finish_crl (Builder *b) {
  if (b->list != 0) der_out_close(&b->out, b->list);
  put_extensions(b, DER_EXPLICIT(0));
}

static int push_crl (lua_State *L, const Builder *b) {
  return crl_push_der(L, b->out.bytes, b->out.len);
}

static const Kind crl_kind = { finish_crl, push_crl };

/* builder.crl(algorithm, issuer, this update, next update or nil) -> draft: DER, and
** seconds since 1970; RFC 5280 5.1 */
static int builder_crl (lua_State *L) {
  Bytes algorithm = check_bytes(L, 1), issuer = check_bytes(L, 2);
  int64_t this_update = check_time(L, 3), next_update = 0;
  int has_next = !lua_isnoneornil(L, 4);
  Builder *b;
  if (has_next) next_update = check_time(L, 4);
  b = push(L, &crl_kind);
  der_out_small(&b->out, DER_INTEGER, 1); /* version 2 */
  put(&b->out, algorithm);
  put(&b->out, issuer);
  put_time(&b->out, this_update);
  if (has_next) put_time(&b->out, next_update);
  return 1;
}

/* -- what a builder takes -- */

/* draft:extend(content of the identifier, critical, DER of the value) */
static int builder_extend (lua_State *L) {
  Builder *b = check(L);
  Bytes id = check_bytes(L, 2), value = check_bytes(L, 4);
  size_t at = der_out_open(&b->extensions, DER_SEQUENCE);
  der_out_element(&b->extensions, DER_OBJECT, id.bytes, id.len);
  if (lua_toboolean(L, 3)) der_out_element(&b->extensions, DER_BOOLEAN, "\xff", 1);
  der_out_element(&b->extensions, DER_OCTET_STRING, value.bytes, value.len);
  der_out_close(&b->extensions, at);
  return 0;
}

/* draft:revoke(serial, time [, extensions]): hexadecimal, seconds since 1970, DER */
static int builder_revoke (lua_State *L) {
  Builder *b = check(L);
  Bytes serial = check_hex(L, 2), extensions = { NULL, 0 };
  int64_t time = check_time(L, 3);
  size_t at;
  luaL_argcheck(L, b->kind == &crl_kind, 1, "a CRL expected");
  if (!lua_isnoneornil(L, 4)) extensions = check_bytes(L, 4);
  if (b->list == 0) b->list = der_out_open(&b->out, DER_SEQUENCE);
  at = der_out_open(&b->out, DER_SEQUENCE);
  der_out_hex(&b->out, serial.bytes, serial.len);
  put_time(&b->out, time);
  put(&b->out, extensions);
  der_out_close(&b->out, at);
  return 0;
}

/* -- the end -- */

typedef struct Scheme {
  Bytes algorithm; /* an AlgorithmIdentifier */
  const char *hash, *padding;
} Scheme;

/* without L: 1, with all of it written; 0 with a reason in the queue, or without memory
 */
static int seal (Builder *b, EVP_PKEY *pkey, const Scheme *scheme) {
  der_Out *out = &b->out;
  unsigned char *signature;
  size_t len, at, start = b->tbs - 1;
  b->kind->finish(b);
  der_out_close(out, b->tbs);
  if (out->failed || b->extensions.failed) return 0;
  if (!signature_make(pkey, scheme->hash, scheme->padding, out->bytes + start,
                      out->len - start, &signature, &len))
    return 0;
  put(out, scheme->algorithm);
  at = der_out_open(out, DER_BIT_STRING);
  der_out_put(out, "", 1); /* no unused bits */
  der_out_put(out, signature, len);
  der_out_close(out, at);
  der_out_close(out, b->whole);
  OPENSSL_free(signature);
  return !out->failed;
}

/* draft:sign(key, algorithm, hash or nil, padding or nil) -> cert | crl | DER of the
** request | nil, err; the draft is closed afterwards in any case */
static int builder_sign (lua_State *L) {
  Builder *b = check(L);
  EVP_PKEY *pkey = key_check_private(L, 2);
  Scheme scheme;
  int results;
  scheme.algorithm = check_bytes(L, 3);
  scheme.hash = args_opt_text(L, 4, NULL);
  scheme.padding = args_opt_text(L, 5, NULL);
  queue_clear();
  if (!seal(b, pkey, &scheme)) {
    int has_memory = !b->out.failed && !b->extensions.failed;
    own_close(lua_touserdata(L, 1));
    return has_memory ? fail(L, "sign") : fail_memory(L);
  }
  queue_clear(); /* of what OpenSSL overcame, as where its memory was short */
  results = b->kind->push(L, b);
  own_close(lua_touserdata(L, 1));
  return results;
}

static const luaL_Reg methods[] = {
  { "extend", builder_extend },
  { "revoke", builder_revoke },
  { "sign", builder_sign },
  { NULL, NULL },
};

static const luaL_Reg functions[] = {
  { "certificate", builder_certificate },
  { "request", builder_request },
  { "crl", builder_crl },
  { NULL, NULL },
};

int builder_open (lua_State *L) {
  own_type(L, &builder_type, NULL, methods);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
