/*
** session: what lets a connection be resumed: a client's cache, a server's tickets.
** A client keeps with each session the chain it verified, and offers it only where
** that chain would still be accepted: dates, name and pins are judged again before
** (OpenSSL would look at none of them). The cache and the keys belong to one
** context; nothing of them is shared, written down or shown.
*/
#ifndef lacre_session_h
#define lacre_session_h

#include <stdint.h>

#include <openssl/ssl.h>

#include "judge.h"
#include "link.h"

typedef struct session_Entry {
  char *key;
  SSL_SESSION *session;
  STACK_OF(X509) * chain; /* as verified, or the leaf alone */
  uint64_t used;
} session_Entry;

typedef struct session_Cache {
  int limit; /* 0: nothing is kept */
  int count; /* of entries that were ever used, the first ones */
  uint64_t clock;
  session_Entry *entries;
} session_Cache;

/* a context of clients keeps up to `limit` sessions; 0 when memory ran out */
int session_keep (SSL_CTX *ctx, session_Cache *cache, int limit);

/* offers a session of the link's key, if a good one is there */
void session_offer (SSL *ssl, session_Cache *cache, const link_Link *link,
                    judge_Check *check);

/* keeps what a resumed TLS 1.2 was given to go on with: OpenSSL tells nobody of that
** ticket, and takes the session that it renews out of use */
void session_renew (SSL *ssl);

void session_flush (session_Cache *cache);
void session_clear (session_Cache *cache);

#define SESSION_TICKET_KEY 80 /* name 16, AES-256 32, HMAC 32 */
#define SESSION_TICKET_KEYS 4

typedef struct session_Tickets {
  int count;
  int64_t period; /* seconds; 0: the keys were given and stay */
  int64_t made[SESSION_TICKET_KEYS];
  unsigned char keys[SESSION_TICKET_KEYS][SESSION_TICKET_KEY]; /* newest first */
} session_Tickets;

/* a context of servers issues tickets; `keys` end to end, or 0 of them for random
** ones that change each period. 0 when something failed */
int session_issue (SSL_CTX *ctx, session_Tickets *tickets, const unsigned char *keys,
                   int count, int64_t period);

/* judges the client's certificate of a session, with what leads from it to an anchor */
int session_judge (SSL *ssl, SSL_SESSION *session, judge_Check *check);

/* makes a new key now, and no ticket of an older one opens; 0 when that failed, and
** then the old ones stay: there is never none */
int session_replace (session_Tickets *tickets);

#endif
