/*
** judge: whether the peer's certificate is good, decided inside the handshake.
** First the chain, then the pins on the chain that was verified, all in plain C;
** a hook of Lua's may only veto after that, and for it the handshake is suspended.
** A refusal sends an alert, and neither data nor a client certificate; what was
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
  int pins_only;  /* trust = "pins": the leaf's key instead of a chain */
  int accept_any; /* insecure: the chain is not verified; pins still are */
  int has_hook;   /* on_verify: suspend after everything else was good */
} judge_Policy;

enum { JUDGE_UNDECIDED, JUDGE_ACCEPTED, JUDGE_VETOED };
enum { JUDGE_NO_PINS, JUDGE_PIN_MATCH, JUDGE_PIN_MISMATCH, JUDGE_PIN_EXPIRED };

/* what one connection brings to its verification, and takes from it */
typedef struct judge_Check {
  const judge_Policy *policy;
  pinset_Pins pins;           /* owned */
  unsigned char pins_expired; /* the pin set is past its date and fails closed */
  unsigned char pins_report;  /* a mismatch is told, and let through */
  unsigned char diagnose;     /* find everything, refuse nothing */
  unsigned char match_name;   /* with pins_only: a name was given explicitly */
  unsigned char decision;     /* what the hook said */
  unsigned char pin_state;    /* how the pins compared */
  int pin;                    /* the place of the pin that matched */
  STACK_OF(X509) * chain;     /* owned; as verified, NULL where it was not */
  verify_Verdict *verdict;    /* owned; NULL after a success */
  STACK_OF(X509) * presented; /* owned; what the peer sent, after a failure */
} judge_Check;

/* gives an SSL its check; 0 when memory ran out. The check outlives the SSL */
int judge_attach (SSL *ssl, judge_Check *check);

/* for SSL_CTX_set_cert_verify_callback */
int judge_callback (X509_STORE_CTX *ctx, void *unused);

/* judges a chain and keeps what was found: 1 good, 0 not, -1 memory ran out */
int judge_run (X509_STORE_CTX *ctx, judge_Check *check);

/* whether a chain that was accepted before would be again, for another connection:
** dates, name and pins, and nothing that needs arithmetic. It becomes the check's
** chain. Never where revocation is asked for */
int judge_again (SSL *ssl, judge_Check *check, STACK_OF(X509) * chain);

/* the check of an SSL, or NULL */
judge_Check *judge_of (const SSL *ssl);

/* frees what a verification found */
void judge_clear (judge_Check *check);

/* frees everything a check owns */
void judge_end (judge_Check *check);

#endif
