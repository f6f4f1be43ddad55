#include "session.h"

#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "queue.h"

/* where an SSL_CTX keeps its cache or its tickets */
static int owner_index = -1;
static CRYPTO_ONCE owner_once = CRYPTO_ONCE_STATIC_INIT;

static void make_index (void) {
  owner_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static int set_owner (SSL_CTX *ctx, void *owner) {
  if (!CRYPTO_THREAD_run_once(&owner_once, make_index) || owner_index < 0) return 0;
  return SSL_CTX_set_ex_data(ctx, owner_index, owner);
}

static void *owner_of (const SSL *ssl) {
  return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner_index);
}

/* -- a client's cache -- */

static void drop (session_Entry *e) {
  SSL_SESSION_free(e->session);
  sk_X509_pop_free(e->chain, X509_free);
  OPENSSL_free(e->key);
  memset(e, 0, sizeof *e);
}

void session_flush (session_Cache *cache) {
  int i;
  for (i = 0; i < cache->count; i++) drop(&cache->entries[i]);
}

void session_clear (session_Cache *cache) {
  session_flush(cache);
  OPENSSL_free(cache->entries);
  memset(cache, 0, sizeof *cache);
}

/* where the next one goes: the place used longest ago, where all are taken; dropped
** ones were used never. NULL when memory ran out */
static session_Entry *next_place (session_Cache *cache) {
  session_Entry *found;
  int i;
  if (cache->entries == NULL)
    cache->entries = OPENSSL_zalloc((size_t)cache->limit * sizeof *cache->entries);
  if (cache->entries == NULL) return NULL;
  found = &cache->entries[0];
  for (i = 1; i < cache->count; i++)
    if (cache->entries[i].used < found->used) found = &cache->entries[i];
  if (found->used == 0 || cache->count == cache->limit) return found;
  return &cache->entries[cache->count];
}

/* the chain that was verified; with no chain, the leaf that was accepted */
static STACK_OF(X509) * chain_of(SSL *ssl, const judge_Check *check) {
  STACK_OF(X509) * chain;
  X509 *leaf = SSL_get0_peer_certificate(ssl);
  if (check->chain != NULL) return X509_chain_up_ref(check->chain);
  chain = sk_X509_new_null();
  if (chain != NULL && leaf != NULL && X509_add_cert(chain, leaf, X509_ADD_FLAG_UP_REF))
    return chain;
  sk_X509_free(chain);
  return NULL;
}

/* OpenSSL hands over its reference with the return of 1 */
static int on_session (SSL *ssl, SSL_SESSION *session) {
  session_Cache *cache = owner_of(ssl);
  const link_Link *link = link_of(ssl);
  const judge_Check *check = judge_of(ssl);
  session_Entry made, *place = NULL;
  if (cache == NULL || link == NULL || link->session_key == NULL || check == NULL)
    return 0;
  if (check->diagnose || check->decision == JUDGE_VETOED) return 0;
  made.key = OPENSSL_strdup(link->session_key);
  made.chain = chain_of(ssl, check);
  made.session = session;
  made.used = ++cache->clock;
  if (made.key != NULL && made.chain != NULL) place = next_place(cache);
  if (place == NULL) {
    made.session = NULL; /* still OpenSSL's */
    drop(&made);
    return 0;
  }
  if (place == &cache->entries[cache->count]) cache->count++;
  drop(place);
  *place = made;
  return 1;
}

static int is_kept (const session_Cache *cache, const SSL_SESSION *session) {
  int i;
  for (i = 0; i < cache->count; i++)
    if (cache->entries[i].session == session) return 1;
  return 0;
}

void session_renew (SSL *ssl) {
  const session_Cache *cache = owner_of(ssl);
  SSL_SESSION *session;
  if (cache == NULL || !SSL_session_reused(ssl) || SSL_version(ssl) >= TLS1_3_VERSION)
    return;
  session = SSL_get1_session(ssl);
  if (is_kept(cache, session) || !on_session(ssl, session)) SSL_SESSION_free(session);
}

int session_keep (SSL_CTX *ctx, session_Cache *cache, int limit) {
  cache->limit = limit;
  SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                          SSL_SESS_CACHE_NO_INTERNAL |
                                          SSL_SESS_CACHE_NO_AUTO_CLEAR);
  SSL_CTX_sess_set_new_cb(ctx, on_session);
  return set_owner(ctx, cache);
}

static session_Entry *newest (session_Cache *cache, const char *key) {
  session_Entry *found = NULL;
  int i;
  for (i = 0; i < cache->count; i++) {
    session_Entry *e = &cache->entries[i];
    if (e->key != NULL && strcmp(e->key, key) == 0 &&
        (found == NULL || e->used > found->used))
      found = e;
  }
  return found;
}

void session_offer (SSL *ssl, session_Cache *cache, const link_Link *link,
                    judge_Check *check) {
  session_Entry *e;
  while ((e = newest(cache, link->session_key)) != NULL) {
    int is_13 = SSL_SESSION_get_protocol_version(e->session) == TLS1_3_VERSION;
    int good = SSL_SESSION_is_resumable(e->session) &&
               judge_again(ssl, check, e->chain) && SSL_set_session(ssl, e->session);
    e->used = ++cache->clock;
    if (!good || is_13) drop(e); /* RFC 8446 appendix C.4: a ticket is used once */
    if (good) return;
  }
}

/* -- a server's tickets -- */

static int64_t now (void) {
  return (int64_t)time(NULL);
}

/* a new key; tickets of the one before still open for a period */
static int rotate (session_Tickets *t) {
  unsigned char fresh[SESSION_TICKET_KEY];
  if (RAND_priv_bytes(fresh, sizeof fresh) != 1) return 0;
  memmove(t->keys[1], t->keys[0], sizeof t->keys - sizeof t->keys[0]);
  memmove(&t->made[1], &t->made[0], sizeof t->made - sizeof t->made[0]);
  memcpy(t->keys[0], fresh, sizeof fresh);
  t->made[0] = now();
  if (t->count < SESSION_TICKET_KEYS) t->count++;
  OPENSSL_cleanse(fresh, sizeof fresh);
  return 1;
}

int session_replace (session_Tickets *t) {
  if (!rotate(t)) return 0;
  OPENSSL_cleanse(t->keys[1], sizeof t->keys - sizeof t->keys[0]);
  t->count = 1;
  return 1;
}

static int use_key (const unsigned char *key, const unsigned char *iv,
                    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts) {
  char digest[] = "SHA256";
  unsigned char hmac[32];
  OSSL_PARAM params[3];
  int done;
  memcpy(hmac, key + 48, sizeof hmac);
  params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, hmac, sizeof hmac);
  params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
  params[2] = OSSL_PARAM_construct_end();
  done = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + 16, iv, encrypts) &&
         EVP_MAC_CTX_set_params(mac, params);
  OPENSSL_cleanse(hmac, sizeof hmac);
  return done;
}

static int seal (session_Tickets *t, unsigned char *name, unsigned char *iv,
                 EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
  if (t->period > 0 && now() - t->made[0] >= t->period && !rotate(t)) return -1;
  memcpy(name, t->keys[0], 16);
  if (RAND_bytes(iv, 16) != 1) return -1;
  return use_key(t->keys[0], iv, cipher, mac, 1) ? 1 : -1;
}

/* a key opens for the period in which it seals, and one more */
static int is_over (const session_Tickets *t, int i) {
  return t->period > 0 && now() - t->made[i] >= 2 * t->period;
}

/* RFC 8446 4.6.1: who resumes gets a new ticket, for the old one is used up */
static int unseal (session_Tickets *t, const unsigned char *name,
                   const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                   int is_13) {
  int i;
  for (i = 0; i < t->count; i++) {
    if (is_over(t, i) || CRYPTO_memcmp(name, t->keys[i], 16) != 0) continue;
    if (!use_key(t->keys[i], iv, cipher, mac, 0)) return -1;
    return i == 0 && !is_13 ? 1 : 2; /* 2: accepted, and to be renewed */
  }
  return 0;
}

static int on_ticket (SSL *ssl, unsigned char *name, unsigned char *iv,
                      EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts) {
  session_Tickets *t = owner_of(ssl);
  if (t == NULL) return 0;
  if (encrypts) return seal(t, name, iv, cipher, mac);
  return unseal(t, name, iv, cipher, mac, SSL_version(ssl) == TLS1_3_VERSION);
}

#define MOST_BETWEEN 8192 /* bytes of certificates in a ticket */

static int size_between (STACK_OF(X509) * chain) {
  int i, len = 0;
  for (i = 1; i < sk_X509_num(chain) - 1 && len <= MOST_BETWEEN; i++) {
    int one = i2d_X509(sk_X509_value(chain, i), NULL);
    len = one < 0 ? MOST_BETWEEN + 1 : len + one;
  }
  return len;
}

/* OpenSSL seals a client's certificate, and not what leads from it to an anchor; that
** goes beside it. Where there is no room, the client cannot resume */
static int on_seal (SSL *ssl, void *unused) {
  const judge_Check *check = judge_of(ssl);
  STACK_OF(X509) *chain = check == NULL ? NULL : check->chain;
  unsigned char *bytes, *end;
  int i, len = size_between(chain);
  (void)unused;
  if (len == 0 || len > MOST_BETWEEN) return 1;
  bytes = end = OPENSSL_malloc((size_t)len);
  if (bytes == NULL) return 1;
  for (i = 1; i < sk_X509_num(chain) - 1; i++) i2d_X509(sk_X509_value(chain, i), &end);
  SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), bytes, (size_t)len);
  OPENSSL_free(bytes);
  return 1;
}

/* what on_seal put there */
static STACK_OF(X509) * sealed_between(SSL_SESSION *session) {
  STACK_OF(X509) *certs = sk_X509_new_null();
  void *data = NULL;
  const unsigned char *at, *end;
  size_t len = 0;
  if (!SSL_SESSION_get0_ticket_appdata(session, &data, &len) || data == NULL)
    return certs;
  at = data;
  end = at + len;
  while (certs != NULL && at < end) {
    X509 *cert = d2i_X509(NULL, &at, (long)(end - at));
    if (cert != NULL && sk_X509_push(certs, cert)) continue;
    X509_free(cert);
    break;
  }
  return certs;
}

/* as OpenSSL does with a certificate it is sent */
static int judge_with (SSL *ssl, SSL_SESSION *session, X509_STORE_CTX *ctx,
                       STACK_OF(X509) * between, judge_Check *check) {
  X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
  X509_VERIFY_PARAM *param;
  if (!X509_STORE_CTX_init(ctx, store, SSL_SESSION_get0_peer(session), between))
    return 0;
  param = X509_STORE_CTX_get0_param(ctx);
  X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
  X509_STORE_CTX_set_default(ctx, "ssl_client");
  X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl));
  return judge_run(ctx, check) == 1;
}

int session_judge (SSL *ssl, SSL_SESSION *session, judge_Check *check) {
  STACK_OF(X509) *between = sealed_between(session);
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  int good =
      ctx != NULL && between != NULL && judge_with(ssl, session, ctx, between, check);
  X509_STORE_CTX_free(ctx);
  sk_X509_pop_free(between, X509_free);
  queue_clear();
  return good;
}

/* a certificate that is not good any more is asked for anew, and refused then with
** an alert that says why */
static SSL_TICKET_RETURN on_unseal (SSL *ssl, SSL_SESSION *session,
                                    const unsigned char *name, size_t name_len,
                                    SSL_TICKET_STATUS status, void *unused) {
  const judge_Check *check = judge_of(ssl);
  judge_Check scratch;
  int good = check != NULL &&
             (status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW);
  (void)name, (void)name_len, (void)unused;
  if (good && SSL_SESSION_get0_peer(session) != NULL) {
    memset(&scratch, 0, sizeof scratch);
    scratch.policy = check->policy;
    good = session_judge(ssl, session, &scratch);
    judge_end(&scratch);
  }
  if (!good) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                      : SSL_TICKET_RETURN_USE_RENEW;
}

int session_issue (SSL_CTX *ctx, session_Tickets *t, const unsigned char *keys,
                   int count, int64_t period) {
  t->count = count;
  t->period = count > 0 ? 0 : period;
  if (count > 0) memcpy(t->keys, keys, (size_t)count * SESSION_TICKET_KEY);
  else if (!rotate(t)) return 0;
  SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) &&
         SSL_CTX_set_session_ticket_cb(ctx, on_seal, on_unseal, NULL) &&
         set_owner(ctx, t);
}
