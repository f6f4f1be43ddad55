/*
** judge: whether the peer's certificate is good, decided inside the handshake.
** First the chain, then the pins on the chain that was verified, all in plain C:
** a refusal sends an alert, and neither data nor a client certificate. What was
** found is kept for the error that Lua makes of it.
*/
#ifndef lacre_judge_h
#define lacre_judge_h

#include <openssl/ssl.h>

#include "pinset.h"
#include "verify.h"

/* what a context asks of every peer */
typedef struct judge_Policy {
  verify_Rules rules;
  pinset_Pins pins;
  int pins_only;    /* trust = "pins": the leaf's key instead of a chain */
  int pins_expired; /* the pin set is past its date and fails closed */
  int accept_any;   /* insecure: the chain is not verified; pins still are */
} judge_Policy;

/* what one connection brings to its verification, and takes from it */
typedef struct judge_Check {
  const judge_Policy *policy;
  int diagnose;               /* find everything, refuse nothing */
  int match_name;             /* with pins_only: a name was given explicitly */
  verify_Verdict *verdict;    /* owned; NULL after a success */
  STACK_OF(X509) * presented; /* owned; what the peer sent, after a failure */
} judge_Check;

/* gives an SSL its check; 0 when memory ran out. The check outlives the SSL */
int judge_attach (SSL *ssl, judge_Check *check);

/* for SSL_CTX_set_cert_verify_callback */
int judge_callback (X509_STORE_CTX *ctx, void *unused);

/* frees what a check took */
void judge_clear (judge_Check *check);

#endif
