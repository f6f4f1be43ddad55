#include "engine_hooks.h"

#include <openssl/crypto.h>

#include "args.h"
#include "cert.h"
#include "fail.h"
#include "key.h"
#include "machine.h"
#include "table.h"

/* engine:decide(is_accepted): what on_verify said, after "want_verify" */
static int engine_decide (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int accepts = lua_toboolean(L, 2);
  if (m->state != MACHINE_HANDSHAKING) return 0;
  m->check.decision = accepts ? JUDGE_ACCEPTED : JUDGE_VETOED;
  if (!accepts && m->awaits_hook) m->state = MACHINE_FAILED;
  return 0;
}

/* engine:hello() -> { server_name =, legacy_version =, and as they came alpn =,
** versions =, groups =, sigalgs =, ciphers =, extensions = } after "want_hello" */
static int engine_hello (lua_State *L) {
  const link_Hello *h = machine_check(L)->link.hello;
  if (h == NULL) return 0;
  lua_createtable(L, 0, 8);
  if (h->name[0] != '\0') {
    table_set_text(L, "server_name", h->name);
  }
  table_set_integer(L, "legacy_version", h->legacy_version);
  table_set_bytes(L, "alpn", h->alpn, h->alpn_len);
  table_set_bytes(L, "versions", h->versions, h->versions_len);
  table_set_bytes(L, "groups", h->groups, h->groups_len);
  table_set_bytes(L, "sigalgs", h->sigalgs, h->sigalgs_len);
  table_set_bytes(L, "ciphers", h->ciphers, h->ciphers_len);
  table_set_bytes(L, "extensions", h->extensions, h->extensions_len);
  return 1;
}

static machine_Machine *check_asked (lua_State *L) {
  machine_Machine *m = machine_check(L);
  luaL_argcheck(L, m->state == MACHINE_HANDSHAKING && m->link.hello != NULL, 1,
                "no hook is waiting for an answer");
  return m;
}

/* engine:greet(is_accepted): what on_client_hello said, after "want_hello" */
static int engine_greet (lua_State *L) {
  machine_Machine *m = check_asked(L);
  m->link.hello_decision = lua_toboolean(L, 2) ? LINK_ACCEPTED : LINK_REFUSED;
  link_drop_hello(&m->link);
  socket_bio_forget(&m->wire);
  return 0;
}

/* engine:identity(cert, key, { intermediate ... }) -> true | nil, err: the one to
** show, after "want_hello" */
static int engine_identity (lua_State *L) {
  machine_Machine *m = check_asked(L);
  X509 *cert = cert_check(L, 2);
  EVP_PKEY *pkey = key_check_private(L, 3);
  STACK_OF(X509) *chain = cert_check_stack(L, 4);
  queue_clear();
  SSL_certs_clear(m->ssl);
  if (SSL_use_cert_and_key(m->ssl, cert, pkey, chain, 1) != 1) return fail(L, "config");
  m->link.has_identity = 1;
  lua_pushboolean(L, 1);
  return 1;
}

/* engine:switch(context) -> true | nil, err: goes on as an engine of another context,
** after "want_hello". Where the hello is too long to be read anew nothing has changed,
** and the peer can still be refused; after other failures nothing can be said */
static int engine_switch (lua_State *L) {
  machine_Machine *m = check_asked(L);
  context_Context *context = context_check(L, 2);
  luaL_argcheck(L, context->is_server, 2, "server context expected");
  if (m->wire.record == NULL)
    return fail_code(L, "handshake", "handshake_failed", "the ClientHello is too long");
  queue_clear();
  if (!machine_switch(m, context)) {
    m->state = MACHINE_FAILED;
    return fail(L, "handshake");
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* engine:refused_name() -> whether the handshake failed for the name asked for */
static int engine_refused_name (lua_State *L) {
  lua_pushboolean(L, machine_check(L)->link.refused_name);
  return 1;
}

/* engine:staple(der): the OCSP response to send */
static int engine_staple (lua_State *L) {
  link_Link *link = &machine_check(L)->link;
  int len;
  const char *der = args_bytes(L, 2, &len);
  OPENSSL_free(link->staple);
  link->staple_len = (size_t)len;
  link->staple = OPENSSL_memdup(der, link->staple_len);
  return link->staple == NULL ? fail_memory(L) : 0;
}

/* engine:staple_state() -> "good" "missing" "invalid" "expired" "unknown" "revoked" |
** nil: what became of the peer's OCSP response */
static int engine_staple_state (lua_State *L) {
  static const char *const names[] = { NULL,      "good",    "missing", "invalid",
                                       "expired", "unknown", "revoked" };
  const char *name = names[machine_check(L)->link.staple_state];
  if (name == NULL) return 0;
  lua_pushstring(L, name);
  return 1;
}

/* engine:keylog() -> the lines of SSLKEYLOGFILE that came since, or nil */
static int engine_keylog (lua_State *L) {
  link_Link *link = &machine_check(L)->link;
  if (link->keylog == NULL) return 0;
  lua_pushlstring(L, link->keylog, link->keylog_len);
  OPENSSL_clear_free(link->keylog, link->keylog_len);
  link->keylog = NULL;
  link->keylog_len = 0;
  return 1;
}

const luaL_Reg engine_hooks[] = {
  { "decide", engine_decide }, { "hello", engine_hello },
  { "greet", engine_greet },   { "identity", engine_identity },
  { "switch", engine_switch }, { "refused_name", engine_refused_name },
  { "staple", engine_staple }, { "staple_state", engine_staple_state },
  { "keylog", engine_keylog }, { NULL, NULL },
};
