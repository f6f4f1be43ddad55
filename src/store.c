#include "store.h"

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "args.h"
#include "cert.h"
#include "crl.h"
#include "fail.h"
#include "own.h"
#include "table.h"
#include "verdict.h"
#include "verify.h"

typedef struct Store {
  X509_STORE *store; /* owned */
  int is_lent;
} Store;

static void release_store (void *obj) {
  Store *s = obj;
  X509_STORE_free(s->store);
  OPENSSL_free(s);
}

static const own_Type store_type = { "lacre.store", release_store };

X509_STORE *store_check (lua_State *L, int arg) {
  Store *s = own_check(L, arg, &store_type);
  s->is_lent = 1;
  return s->store;
}

static X509_STORE *check_open (lua_State *L, int arg) {
  Store *s = own_check(L, arg, &store_type);
  luaL_argcheck(L, !s->is_lent, arg, "the store is in use by a context");
  return s->store;
}

static Store *make_store (void) {
  Store *s = OPENSSL_zalloc(sizeof *s);
  if (s == NULL) return NULL;
  s->store = X509_STORE_new();
  if (s->store != NULL) return s;
  OPENSSL_free(s);
  return NULL;
}

/* store.new() -> store */
static int store_new (lua_State *L) {
  own_Box *box = own_new(L, &store_type);
  box->obj = make_store();
  if (box->obj == NULL) return fail_memory(L);
  return 1;
}

/* store:add_cert(cert) -> true | nil, err */
static int store_add_cert (lua_State *L) {
  X509_STORE *store = check_open(L, 1);
  X509 *x = cert_check(L, 2);
  queue_clear();
  return fail_result(L, "load", X509_STORE_add_cert(store, x) == 1);
}

/* store:add_crl(crl) -> true | nil, err */
static int store_add_crl (lua_State *L) {
  X509_STORE *store = check_open(L, 1);
  X509_CRL *crl = crl_check(L, 2);
  queue_clear();
  return fail_result(L, "load", X509_STORE_add_crl(store, crl) == 1);
}

/* store:add_directory(path) -> true | nil, err: of hashed links, looked into lazily */
static int store_add_directory (lua_State *L) {
  X509_STORE *store = check_open(L, 1);
  const char *path = args_text(L, 2);
  queue_clear();
  return fail_result(L, "load", X509_STORE_load_path(store, path) == 1);
}

static void release_certs (void *obj) {
  sk_X509_pop_free(obj, X509_free);
}

/* store:list() -> { cert, ... }: what is in memory, directories left out */
static int store_list (lua_State *L) {
  Store *s = own_check(L, 1, &store_type);
  own_Box *box = own_temp(L, release_certs);
  queue_clear();
  box->obj = X509_STORE_get1_all_certs(s->store);
  if (box->obj == NULL) return fail(L, "load");
  queue_clear();
  cert_push_chain(L, box->obj);
  return 1;
}

/* -- verification -- */

/* all that one verification owns */
typedef struct Check {
  STACK_OF(X509) * untrusted;
  X509_STORE_CTX *context;
  verify_Verdict verdict;
} Check;

static void release_check (void *obj) {
  Check *c = obj;
  X509_STORE_CTX_free(c->context);
  sk_X509_pop_free(c->untrusted, X509_free);
  verify_clear(&c->verdict);
  OPENSSL_free(c);
}

static Check *push_check (lua_State *L) {
  own_Box *box = own_temp(L, release_check);
  Check *c = OPENSSL_zalloc(sizeof *c);
  box->obj = c;
  if (c == NULL) fail_memory(L);
  c->untrusted = sk_X509_new_null();
  c->context = X509_STORE_CTX_new();
  if (c->untrusted == NULL || c->context == NULL) fail_memory(L);
  return c;
}

static int set_names (lua_State *L, int arg, X509_VERIFY_PARAM *param) {
  const char *host = table_text(L, arg, "host"), *ip = table_text(L, arg, "ip"),
             *email = table_text(L, arg, "email");
  X509_VERIFY_PARAM_set_hostflags(param, VERIFY_HOST_FLAGS);
  return (host == NULL || X509_VERIFY_PARAM_set1_host(param, host, 0) == 1) &&
         (ip == NULL || X509_VERIFY_PARAM_set1_ip_asc(param, ip) == 1) &&
         (email == NULL || X509_VERIFY_PARAM_set1_email(param, email, 0) == 1);
}

typedef struct Purpose {
  const char *name;
  int purpose, trust;
} Purpose;

static const Purpose purposes[] = {
  { "server", X509_PURPOSE_SSL_SERVER, X509_TRUST_SSL_SERVER },
  { "client", X509_PURPOSE_SSL_CLIENT, X509_TRUST_SSL_CLIENT },
  { "email", X509_PURPOSE_SMIME_SIGN, X509_TRUST_EMAIL },
  { "ocsp", X509_PURPOSE_OCSP_HELPER, X509_TRUST_OCSP_SIGN },
  { "timestamp", X509_PURPOSE_TIMESTAMP_SIGN, X509_TRUST_TSA },
  { "code_signing", X509_PURPOSE_ANY, X509_TRUST_OBJECT_SIGN },
  { "any", X509_PURPOSE_ANY, 0 },
};

static int set_purpose (lua_State *L, int arg, X509_VERIFY_PARAM *param) {
  const char *name = table_text(L, arg, "purpose");
  size_t i;
  for (i = 0; i < sizeof purposes / sizeof *purposes; i++) {
    const Purpose *p = &purposes[i];
    if (name == NULL || strcmp(p->name, name) != 0) continue;
    return X509_VERIFY_PARAM_set_purpose(param, p->purpose) == 1 &&
           (p->trust == 0 || X509_VERIFY_PARAM_set_trust(param, p->trust) == 1);
  }
  return luaL_argerror(L, arg, "unknown purpose");
}

/* certificate policies that must be agreed on, RFC 5280 6.1.1 */
static int set_policies (lua_State *L, int arg, X509_VERIFY_PARAM *param) {
  int i, n, good = 1;
  lua_getfield(L, arg, "policies");
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return 1;
  }
  n = args_list(L, lua_gettop(L));
  for (i = 1; i <= n && good; i++) {
    ASN1_OBJECT *policy = OBJ_txt2obj(args_item(L, lua_gettop(L), i), 1);
    good = policy != NULL && X509_VERIFY_PARAM_add0_policy(param, policy) == 1;
    if (!good) ASN1_OBJECT_free(policy);
  }
  X509_VERIFY_PARAM_set_flags(param,
                              X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_EXPLICIT_POLICY);
  lua_pop(L, 1);
  return good;
}

static void set_revocation (lua_State *L, int arg, X509_VERIFY_PARAM *param) {
  const char *extent = table_text(L, arg, "revocation");
  if (extent == NULL || strcmp(extent, "off") == 0) return;
  X509_VERIFY_PARAM_set_flags(param, VERIFY_CRL_FLAGS);
  if (strcmp(extent, "chain") == 0)
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK_ALL);
}

static int set_param (lua_State *L, int arg, X509_STORE_CTX *context) {
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
  int good = set_names(L, arg, param) && set_purpose(L, arg, param) &&
             set_policies(L, arg, param);
  set_revocation(L, arg, param);
  X509_VERIFY_PARAM_set_depth(param, table_int(L, arg, "max_depth", 8));
  X509_VERIFY_PARAM_set_auth_level(param, table_int(L, arg, "security_level", 2));
  lua_getfield(L, arg, "time");
  X509_VERIFY_PARAM_set_time(param, args_time_t(L, lua_gettop(L)));
  lua_pop(L, 1);
  return good;
}

/* a certificate of the chain: the object that was given, where it was, or a new one */
static void push_known (lua_State *L, X509 *x) {
  int i, n = args_list(L, 3);
  for (i = 0; i <= n; i++) {
    if (i == 0) lua_pushvalue(L, 2);
    else lua_rawgeti(L, 3, i);
    if (cert_test(L, -1) == x) return;
    lua_pop(L, 1);
  }
  cert_push(L, x);
}

static void push_verdict (lua_State *L, const verify_Verdict *verdict) {
  int i, n = verdict->chain == NULL ? 0 : sk_X509_num(verdict->chain);
  verdict_push_findings(L, verdict);
  lua_createtable(L, n, 0);
  for (i = 0; i < n; i++) {
    push_known(L, sk_X509_value(verdict->chain, i));
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "chain");
}

/* store:check(cert, intermediates, rules) -> verdict, is_good | nil, err. The
** rules: host ip email purpose time policies revocation max_depth
** security_level, strict (a number of verify.h), all_errors, accept_expired,
** accept_name */
static int store_check_chain (lua_State *L) {
  Store *s = own_check(L, 1, &store_type);
  X509 *x = cert_check(L, 2);
  Check *c = push_check(L);
  verify_Rules rules;
  int result;
  luaL_checktype(L, 4, LUA_TTABLE);
  cert_check_list(L, 3, c->untrusted);
  rules.strict = table_int(L, 4, "strict", VERIFY_STRICT);
  rules.all_errors = table_is_true(L, 4, "all_errors");
  rules.accept_expired = table_is_true(L, 4, "accept_expired");
  rules.accept_name = table_is_true(L, 4, "accept_name");
  queue_clear();
  if (X509_STORE_CTX_init(c->context, s->store, x, c->untrusted) != 1 ||
      !set_param(L, 4, c->context))
    return fail(L, "verify");
  result = verify_run(c->context, &rules, &c->verdict);
  queue_clear();
  if (result < 0) return fail_memory(L);
  push_verdict(L, &c->verdict);
  lua_pushboolean(L, result == 1);
  return 2;
}

static const luaL_Reg methods[] = {
  { "add_cert", store_add_cert },           { "add_crl", store_add_crl },
  { "add_directory", store_add_directory }, { "list", store_list },
  { "check", store_check_chain },           { NULL, NULL },
};

static const luaL_Reg functions[] = { { "new", store_new }, { NULL, NULL } };

int store_open (lua_State *L) {
  luaL_newlib(L, functions);
  own_type_in(L, &store_type, NULL, methods);
  return 1;
}
