/*
** ssl_outcome: what came of one call of an SSL, in one word. Without Lua.
** SSL_get_error has to be asked directly after the call, with an error queue that
** was empty before it; here is the only place that asks. An end of the stream that
** no close_notify announced is told from a clean one, however OpenSSL reports it.
*/
#ifndef lacre_ssl_outcome_h
#define lacre_ssl_outcome_h

#include <openssl/ssl.h>

typedef enum ssl_Outcome {
  SSL_OUTCOME_DONE,
  SSL_OUTCOME_WANT_READ,
  SSL_OUTCOME_WANT_WRITE,
  SSL_OUTCOME_WANT_VERIFY, /* suspended by SSL_set_retry_verify */
  SSL_OUTCOME_WANT_HELLO,  /* suspended by the client-hello callback */
  SSL_OUTCOME_CLOSED,      /* close_notify came */
  SSL_OUTCOME_CUT,         /* the stream ended without it */
  SSL_OUTCOME_SYSTEM,      /* the transport failed; the BIO knows its errno */
  SSL_OUTCOME_FAILED       /* the error queue tells */
} ssl_Outcome;

/* `result` is what the call returned */
ssl_Outcome ssl_outcome (const SSL *ssl, int result);

#endif
