#include "engine_facts.h"

#include <openssl/crypto.h>

#include "args.h"
#include "cert.h"
#include "exchange.h"
#include "facts.h"
#include "fail.h"
#include "machine.h"
#include "table.h"
#include "verdict.h"

/* engine:state() -> "handshaking" "open" "closing" "closed" "failed" */
static int engine_state (lua_State *L) {
  static const char *const names[] = { "handshaking", "open", "failed" };
  const machine_Machine *m = machine_check(L);
  const char *name = names[m->state];
  if (m->state == MACHINE_OPEN && (m->sent_close || m->got_close))
    name = m->sent_close && m->got_close ? "closed" : "closing";
  lua_pushstring(L, name);
  return 1;
}

/* engine:pending() -> decrypted bytes that wait, bytes fed and not digested,
** bytes to drain or owed */
static int engine_pending (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int is_memory = m->wire.socket == NULL;
  lua_pushinteger(L, SSL_pending(m->ssl));
  lua_pushinteger(L,
                  is_memory ? (lua_Integer)BIO_ctrl_pending(SSL_get_rbio(m->ssl)) : 0);
  lua_pushinteger(L, (lua_Integer)(is_memory ? BIO_ctrl_pending(SSL_get_wbio(m->ssl))
                                             : m->owed_len));
  return 3;
}

/* engine:has_pending() -> whether a read may succeed without the wire */
static int engine_has_pending (lua_State *L) {
  lua_pushboolean(L, SSL_has_pending(machine_check(L)->ssl));
  return 1;
}

/* engine:verdict() -> findings of the peer's certificate, and the chain as it was
** presented | nil when nothing was wrong */
static int engine_verdict (lua_State *L) {
  machine_Machine *m = machine_check(L);
  if (m->check.verdict == NULL) return 0;
  verdict_push(L, m->check.verdict);
  cert_push_chain(L, m->check.presented);
  return 2;
}

/* engine:pin_state() -> "match", place of the pin | "mismatch" | "expired" | nil */
static int engine_pin_state (lua_State *L) {
  static const char *const names[] = { NULL, "match", "mismatch", "expired" };
  const judge_Check *check = &machine_check(L)->check;
  if (check->pin_state == JUDGE_NO_PINS) return 0;
  lua_pushstring(L, names[check->pin_state]);
  if (check->pin_state != JUDGE_PIN_MATCH) return 1;
  lua_pushinteger(L, check->pin + 1);
  return 2;
}

/* a field of the table on top: { send =, receive = }, where the kernel was asked */
static void set_kernel (lua_State *L, const machine_Machine *m) {
  if (m->wire.kernel == NULL) return;
  lua_createtable(L, 0, 2);
  table_set_boolean(L, "send", socket_bio_kernel_sends(&m->wire));
  table_set_boolean(L, "receive", socket_bio_kernel_receives(&m->wire));
  lua_setfield(L, -2, "ktls");
}

/* engine:info() -> { version =, cipher =, group =, sigalg =, alpn =, sni =,
** resumed =, bytes_read =, bytes_written =, ktls = }, as far as the handshake got */
static int engine_info (lua_State *L) {
  const machine_Machine *m = machine_check(L);
  facts_push_info(L, m->ssl);
  if (m->check.diagnose) exchange_set_field(L, m->ssl);
  set_kernel(L, m);
  table_set_integer(L, "bytes_read", m->received);
  table_set_integer(L, "bytes_written", m->sent);
  return 1;
}

/* engine:peer_chain() -> what the peer sent, leaf first | nil */
static int engine_peer_chain (lua_State *L) {
  return facts_push_peer_chain(L, machine_check(L)->ssl);
}

/* engine:verified_chain() -> leaf to anchor | nil */
static int engine_verified_chain (lua_State *L) {
  machine_Machine *m = machine_check(L);
  if (m->check.chain == NULL) return 0;
  cert_push_chain(L, m->check.chain);
  return 1;
}

/* engine:was_asked() -> whether the server asked for a certificate; with TLS 1.3
** only an engine that diagnoses knows */
static int engine_was_asked (lua_State *L) {
  const machine_Machine *m = machine_check(L);
  const unsigned char *types;
  lua_pushboolean(L,
                  m->link.was_asked || SSL_get0_certificate_types(m->ssl, &types) > 0);
  return 1;
}

/* engine:peer_staple() -> the OCSP response the server sent, DER | nil */
static int engine_peer_staple (lua_State *L) {
  unsigned char *der;
  long len = SSL_get_tlsext_status_ocsp_resp(machine_check(L)->ssl, &der);
  if (len <= 0) return 0;
  lua_pushlstring(L, (const char *)der, (size_t)len);
  return 1;
}

/* engine:local_cert() -> cert | nil */
static int engine_local_cert (lua_State *L) {
  X509 *cert = SSL_get_certificate(machine_check(L)->ssl);
  if (cert == NULL) return 0;
  cert_push(L, cert);
  return 1;
}

/* engine:export(label, length, context or nil) -> bytes | nil, err; RFC 5705 and
** RFC 8446 section 7.5 */
static int engine_export (lua_State *L) {
  machine_Machine *m = machine_check(L);
  size_t label_len, context_len = 0, n = (size_t)args_int(L, 3, 1, 4096);
  const char *label = luaL_checklstring(L, 2, &label_len);
  const char *context = luaL_optlstring(L, 4, NULL, &context_len);
  unsigned char *out;
  int result;
  if (m->state != MACHINE_OPEN)
    return fail_code(L, "read", "handshake_incomplete",
                     "the handshake is not finished");
  out = lua_newuserdata(L, n);
  queue_clear();
  result = SSL_export_keying_material(m->ssl, out, n, label, label_len,
                                      (const unsigned char *)context, context_len,
                                      context != NULL);
  if (result != 1) return fail(L, "read");
  lua_pushlstring(L, (const char *)out, n);
  OPENSSL_cleanse(out, n);
  return 1;
}

/* engine:unique() -> the first Finished of the handshake (RFC 5929 section 3) | nothing
** where that binds nothing: TLS 1.3 (RFC 9266), and handshakes whose master secret two
** connections can share (RFC 7627) */
static int engine_unique (lua_State *L) {
  machine_Machine *m = machine_check(L);
  int is_first = m->context->is_server == SSL_session_reused(m->ssl);
  char bytes[64];
  size_t len;
  if (m->state != MACHINE_OPEN || SSL_version(m->ssl) >= TLS1_3_VERSION) return 0;
  if (SSL_get_extms_support(m->ssl) != 1) return 0;
  len = is_first ? SSL_get_finished(m->ssl, bytes, sizeof bytes)
                 : SSL_get_peer_finished(m->ssl, bytes, sizeof bytes);
  if (len == 0 || len > sizeof bytes) return 0;
  lua_pushlstring(L, bytes, len);
  return 1;
}

const luaL_Reg engine_facts[] = {
  { "state", engine_state },
  { "pending", engine_pending },
  { "has_pending", engine_has_pending },
  { "verdict", engine_verdict },
  { "pin_state", engine_pin_state },
  { "info", engine_info },
  { "peer_chain", engine_peer_chain },
  { "verified_chain", engine_verified_chain },
  { "was_asked", engine_was_asked },
  { "peer_staple", engine_peer_staple },
  { "local_cert", engine_local_cert },
  { "export", engine_export },
  { "unique", engine_unique },
  { NULL, NULL },
};
