#include "session.h"

#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

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

/* ---- a client's cache ---- */

static void drop (session_Entry *e) {
  SSL_SESSION_free(e->session);
  sk_X509_pop_free(e->chain, X509_free);
  OPENSSL_free(e->key);
  memset(e, 0, sizeof *e);
}

void session_flush (session_Cache *cache) {
  int i;
  for (i = 0; i < cache->limit; i++) drop(&cache->entries[i]);
}

void session_clear (session_Cache *cache) {
  session_flush(cache);
  OPENSSL_free(cache->entries);
  memset(cache, 0, sizeof *cache);
}

/* the one used longest ago; empty ones were used never */
static session_Entry *oldest (session_Cache *cache) {
  session_Entry *found = &cache->entries[0];
  int i;
  for (i = 1; i < cache->limit; i++)
    if (cache->entries[i].used < found->used) found = &cache->entries[i];
  return found;
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
  session_Entry made, *place;
  if (cache == NULL || link == NULL || link->session_key == NULL || check == NULL)
    return 0;
  if (check->diagnose || check->decision == JUDGE_VETOED) return 0;
  made.key = OPENSSL_strdup(link->session_key);
  made.chain = chain_of(ssl, check);
  made.session = session;
  made.used = ++cache->clock;
  if (made.key == NULL || made.chain == NULL) {
    made.session = NULL; /* still OpenSSL's */
    drop(&made);
    return 0;
  }
  place = oldest(cache);
  drop(place);
  *place = made;
  return 1;
}

static int is_kept (const session_Cache *cache, const SSL_SESSION *session) {
  int i;
  for (i = 0; i < cache->limit; i++)
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
  cache->entries = OPENSSL_zalloc((size_t)limit * sizeof *cache->entries);
  if (cache->entries == NULL) return 0;
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
  for (i = 0; i < cache->limit; i++) {
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

/* ---- a server's tickets ---- */

static int64_t now (void) {
  return (int64_t)time(NULL);
}

int session_rotate (session_Tickets *t) {
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
  if (t->period > 0 && now() - t->made[0] >= t->period && !session_rotate(t)) return -1;
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

int session_issue (SSL_CTX *ctx, session_Tickets *t, const unsigned char *keys,
                   int count, int64_t period) {
  t->count = count;
  t->period = count > 0 ? 0 : period;
  if (count > 0) memcpy(t->keys, keys, (size_t)count * SESSION_TICKET_KEY);
  else if (!session_rotate(t)) return 0;
  SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) && set_owner(ctx, t);
}
