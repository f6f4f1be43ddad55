#include "hello.h"

#include <ctype.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>

#include "verify.h"

int hello_add (hello_Policy *policy, X509 *cert, EVP_PKEY *pkey, STACK_OF(X509) * chain,
               int is_default) {
  size_t size = (size_t)(policy->count + 1) * sizeof *policy->identities;
  hello_Identity *grown = OPENSSL_realloc(policy->identities, size), *made;
  STACK_OF(X509) * copy;
  if (grown == NULL) return 0;
  policy->identities = grown;
  copy = X509_chain_up_ref(chain);
  if (copy == NULL) return 0;
  made = &grown[policy->count++];
  X509_up_ref(cert);
  EVP_PKEY_up_ref(pkey);
  made->cert = cert;
  made->pkey = pkey;
  made->chain = copy;
  made->is_default = is_default;
  return 1;
}

void hello_clear (hello_Policy *policy) {
  int i;
  for (i = 0; i < policy->count; i++) {
    X509_free(policy->identities[i].cert);
    EVP_PKEY_free(policy->identities[i].pkey);
    sk_X509_pop_free(policy->identities[i].chain, X509_free);
  }
  OPENSSL_free(policy->identities);
  memset(policy, 0, sizeof *policy);
}

/* -- what the client said -- */

/* RFC 6066 section 3: a list with one host name, which is no address and has no NUL */
static size_t read_name (SSL *ssl, char name[256]) {
  const unsigned char *p;
  size_t len, n, i;
  name[0] = '\0';
  if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len)) return 0;
  if (len < 5 || (size_t)(p[0] << 8 | p[1]) != len - 2 || p[2] != 0) return 0;
  n = (size_t)(p[3] << 8 | p[4]);
  if (n != len - 5 || n == 0 || n > 255 || memchr(p + 5, 0, n) != NULL) return 0;
  for (i = 0; i < n; i++) name[i] = (char)tolower(p[5 + i]);
  if (n > 1 && name[n - 1] == '.') n--;
  name[n] = '\0';
  return n;
}

static void copy_extension (SSL *ssl, unsigned type, unsigned char **out, size_t *len) {
  const unsigned char *p;
  size_t n;
  if (!SSL_client_hello_get0_ext(ssl, type, &p, &n) || n == 0) return;
  *out = OPENSSL_memdup(p, n);
  *len = *out == NULL ? 0 : n;
}

static void copy_ciphers (SSL *ssl, link_Hello *h) {
  const unsigned char *p;
  size_t n = SSL_client_hello_get0_ciphers(ssl, &p);
  h->ciphers = n == 0 ? NULL : OPENSSL_memdup(p, n);
  h->ciphers_len = h->ciphers == NULL ? 0 : n;
}

/* the types of all extensions, two bytes each, in their order */
static void copy_types (SSL *ssl, link_Hello *h) {
  int *types;
  size_t n, i;
  if (!SSL_client_hello_get1_extensions_present(ssl, &types, &n)) return;
  h->extensions = OPENSSL_malloc(2 * n + 1);
  for (i = 0; h->extensions != NULL && i < n; i++) {
    h->extensions[2 * i] = (unsigned char)(types[i] >> 8);
    h->extensions[2 * i + 1] = (unsigned char)types[i];
  }
  h->extensions_len = h->extensions == NULL ? 0 : 2 * n;
  OPENSSL_free(types);
}

static int capture (SSL *ssl, link_Link *link, const char *name) {
  link_Hello *h = OPENSSL_zalloc(sizeof *h);
  if (h == NULL) return 0;
  link_drop_hello(link);
  link->hello = h;
  snprintf(h->name, sizeof h->name, "%s", name);
  h->legacy_version = SSL_client_hello_get0_legacy_version(ssl);
  copy_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &h->alpn,
                 &h->alpn_len);
  copy_extension(ssl, TLSEXT_TYPE_supported_versions, &h->versions, &h->versions_len);
  copy_extension(ssl, TLSEXT_TYPE_supported_groups, &h->groups, &h->groups_len);
  copy_extension(ssl, TLSEXT_TYPE_signature_algorithms, &h->sigalgs, &h->sigalgs_len);
  copy_ciphers(ssl, h);
  copy_types(ssl, h);
  return 1;
}

/* -- what is done with it -- */

/* servers are mostly asked for the name they were asked for before */
static int make_binding (hello_Policy *policy, const char *name, size_t len) {
  unsigned char text[16 + 256];
  if (policy->has_last && strcmp(policy->last, name) == 0) return 1;
  memcpy(text, policy->id, 16);
  memcpy(text + 16, name, len);
  memcpy(policy->last, name, len + 1);
  policy->has_last =
      EVP_Digest(text, 16 + len, policy->binding, NULL, EVP_sha256(), NULL);
  return policy->has_last;
}

/* a session of another context, or of another name of this one, is none */
static int bind_sessions (SSL *ssl, hello_Policy *policy, const char *name,
                          size_t len) {
  return make_binding(policy, name, len) &&
         SSL_set_session_id_context(ssl, policy->binding, sizeof policy->binding);
}

/* uses every identity that has the name: OpenSSL chooses among them by what the
** client can verify. 1 used, 0 none has it, -1 failed */
static int use_matching (SSL *ssl, const hello_Policy *policy, const char *name,
                         unsigned flags) {
  int i, found = 0;
  for (i = 0; i < policy->count; i++) {
    hello_Identity *id = &policy->identities[i];
    if (X509_check_host(id->cert, name, 0, VERIFY_HOST_FLAGS | flags, NULL) != 1)
      continue;
    if (!found && id->is_default) return 1;
    if (!found) SSL_certs_clear(ssl);
    found = 1;
    if (SSL_use_cert_and_key(ssl, id->cert, id->pkey, id->chain, 1) != 1) return -1;
  }
  return found;
}

/* names written out go before wildcards. Where the default is all there is, and good
** for any name, no certificate need be looked at */
static int choose (SSL *ssl, const hello_Policy *policy, const char *name) {
  int found;
  if (policy->count == 0 || *name == '\0')
    return *name == '\0' || !policy->rejects_unknown;
  if (policy->count == 1 && policy->identities[0].is_default &&
      !policy->rejects_unknown)
    return 1;
  found = use_matching(ssl, policy, name, X509_CHECK_FLAG_NO_WILDCARDS);
  if (found == 0) found = use_matching(ssl, policy, name, 0);
  return found == 0 ? !policy->rejects_unknown : found;
}

static int refuse (int *alert, int with) {
  *alert = with;
  return SSL_CLIENT_HELLO_ERROR;
}

static int on_hello (SSL *ssl, int *alert, void *arg) {
  hello_Policy *policy = arg;
  link_Link *link = link_of(ssl);
  char name[256];
  size_t len = read_name(ssl, name);
  int chosen = 1;
  if (link == NULL || !bind_sessions(ssl, policy, name, len))
    return refuse(alert, SSL_AD_INTERNAL_ERROR);
  if (policy->has_hook && link->hello_decision == LINK_UNDECIDED)
    return capture(ssl, link, name) ? SSL_CLIENT_HELLO_RETRY
                                    : refuse(alert, SSL_AD_INTERNAL_ERROR);
  if (link->hello_decision == LINK_REFUSED)
    return refuse(alert, SSL_AD_HANDSHAKE_FAILURE);
  if (!link->has_identity) chosen = choose(ssl, policy, name);
  if (chosen < 0) return refuse(alert, SSL_AD_INTERNAL_ERROR);
  link->refused_name = chosen == 0;
  return chosen ? SSL_CLIENT_HELLO_SUCCESS : refuse(alert, SSL_AD_UNRECOGNIZED_NAME);
}

/* RFC 6066 section 3: the name is acknowledged, and kept with the session */
static int on_name (SSL *ssl, int *alert, void *arg) {
  (void)ssl;
  (void)alert;
  (void)arg;
  return SSL_TLSEXT_ERR_OK;
}

int hello_use (SSL_CTX *ctx, hello_Policy *policy) {
  if (RAND_bytes(policy->id, sizeof policy->id) != 1) return 0;
  SSL_CTX_set_client_hello_cb(ctx, on_hello, policy);
  SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
  return 1;
}
