/*
** verify: one verification of a chain, its rules and its outcome. Without Lua.
** Both the handshake and store:verify() run through here, so a chain is judged
** by the same rules wherever it comes from: strict as RFC 5280 but for the trust
** anchor, which is a name and a key and no certificate of the path (section 6.1);
** any trusted certificate ends the path. A path that fails is told as it is, unless
** there is another one that holds (detour.h).
*/
#ifndef lacre_verify_h
#define lacre_verify_h

#include <stdint.h>

#include <openssl/x509v3.h>

enum { VERIFY_LAX, VERIFY_STRICT, VERIFY_STRICT_ANCHORS };

typedef struct verify_Rules {
  int strict;         /* one of the above */
  int all_errors;     /* go on after an error, and find them all */
  int accept_expired; /* insecure: validity dates are not looked at */
  int accept_name;    /* insecure: a name that does not match is let through */
} verify_Rules;

/* how names of a certificate count, RFC 9525 6.3: its alternative names alone, and a
** wildcard only as a whole label */
#define VERIFY_HOST_FLAGS                                                              \
  (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

/* CRLs of the leaf, in parts and with their deltas */
#define VERIFY_CRL_FLAGS                                                               \
  (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS)

#define VERIFY_FINDINGS 32

typedef struct verify_Finding {
  int error;      /* X509_V_ERR_* */
  int depth;      /* 0 is the leaf */
  X509 *cert;     /* owned; NULL where the error concerns none */
  int is_on_list; /* revoked, as a list says with what follows */
  int64_t revoked_at;
  int crl_reason; /* RFC 5280 5.3.1; -1 where the list tells none */
} verify_Finding;

typedef struct verify_Verdict {
  int error; /* X509_V_OK, or that of the first finding */
  int count;
  verify_Finding findings[VERIFY_FINDINGS];
  STACK_OF(X509) * chain; /* owned: as built, leaf first, as far as it got */
} verify_Verdict;

/* verifies what `ctx` was initialised with and fills the empty verdict.
** Returns 1 only for a chain without any finding; -1 when memory ran out */
int verify_run (X509_STORE_CTX *ctx, const verify_Rules *rules,
                verify_Verdict *verdict);

/* the time at which certificates are judged: that which was set, or now */
int64_t verify_time (const X509_VERIFY_PARAM *param);

/* adds an error of our own (a pin, a name) to a verdict */
void verify_add (verify_Verdict *verdict, int error, int depth, X509 *cert);

/* frees what a verdict owns and leaves it empty */
void verify_clear (verify_Verdict *verdict);

#endif
