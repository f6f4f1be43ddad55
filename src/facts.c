#include "facts.h"

#include "cert.h"
#include "fail.h"
#include "table.h"

static void set_alpn (lua_State *L, SSL *ssl) {
  const unsigned char *name;
  unsigned len;
  SSL_get0_alpn_selected(ssl, &name, &len);
  if (len == 0) return;
  table_set_bytes(L, "alpn", name, len);
}

/* RFC 8446 section 4.2.3 names a signature by its key and digest */
static void set_sigalg (lua_State *L, SSL *ssl) {
  int key = NID_undef, digest = NID_undef;
  if (!SSL_get_peer_signature_type_nid(ssl, &key)) return;
  SSL_get_peer_signature_nid(ssl, &digest);
  if (digest == NID_undef) lua_pushstring(L, OBJ_nid2sn(key));
  else lua_pushfstring(L, "%s+%s", OBJ_nid2sn(key), OBJ_nid2sn(digest));
  lua_setfield(L, -2, "sigalg");
}

static const char *version_name (const SSL *ssl) {
  switch (SSL_version(ssl)) {
  case TLS1_VERSION: return "1.0";
  case TLS1_1_VERSION: return "1.1";
  case TLS1_2_VERSION: return "1.2";
  default: return "1.3";
  }
}

void facts_push_info (lua_State *L, SSL *ssl) {
  const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
  int group = SSL_get_session(ssl) == NULL ? 0 : (int)SSL_get_negotiated_group(ssl);
  lua_createtable(L, 0, 8);
  if (cipher != NULL) {
    table_set_text(L, "version", version_name(ssl));
    table_set_text(L, "cipher", SSL_CIPHER_standard_name(cipher));
  }
  if (group != 0) table_set_text(L, "group", SSL_group_to_name(ssl, group));
  table_set_text(L, "sni", SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
  set_alpn(L, ssl);
  set_sigalg(L, ssl);
  table_set_boolean(L, "resumed", SSL_session_reused(ssl));
  queue_clear();
}

/* OpenSSL leaves a client's own certificate out of the list it gives a server; a
** client has its server's in the list, and only there while it is being judged */
int facts_push_peer_chain (lua_State *L, SSL *ssl) {
  STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
  X509 *leaf = SSL_is_server(ssl) ? SSL_get0_peer_certificate(ssl) : NULL;
  int i, n = sent == NULL ? 0 : sk_X509_num(sent), at = 0;
  if (leaf == NULL && n == 0) return 0;
  lua_createtable(L, n + 1, 0);
  if (leaf != NULL) {
    cert_push(L, leaf);
    lua_rawseti(L, -2, ++at);
  }
  for (i = 0; i < n; i++) {
    cert_push(L, sk_X509_value(sent, i));
    lua_rawseti(L, -2, ++at);
  }
  return 1;
}
