#include "verify.h"

#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "asn1_time.h"
#include "detour.h"
#include "path_rules.h"
#include "queue.h"

typedef struct Run {
  const verify_Rules *rules;
  verify_Verdict *verdict;
} Run;

/* where a running verification finds its rules; -1 until first used */
static int run_index = -1;
static CRYPTO_ONCE run_once = CRYPTO_ONCE_STATIC_INIT;

static void make_run_index (void) {
  run_index = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

void verify_add (verify_Verdict *verdict, int error, int depth, X509 *cert) {
  verify_Finding *f;
  if (verdict->error == X509_V_OK) verdict->error = error;
  if (verdict->count == VERIFY_FINDINGS) return;
  f = &verdict->findings[verdict->count++];
  f->error = error;
  f->depth = depth;
  f->is_on_list = 0;
  f->cert = cert != NULL && X509_up_ref(cert) ? cert : NULL;
}

void verify_clear (verify_Verdict *verdict) {
  int i;
  for (i = 0; i < verdict->count; i++) X509_free(verdict->findings[i].cert);
  sk_X509_pop_free(verdict->chain, X509_free);
  memset(verdict, 0, sizeof *verdict);
}

/* the rules of RFC 5280 that X509_V_FLAG_X509_STRICT adds */
static int is_strictness (int error) {
  return error >= X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA &&
         error <= X509_V_ERR_EC_KEY_EXPLICIT_PARAMS;
}

/* the last of the chain, and out of the store rather than from the peer */
static int is_anchor (X509_STORE_CTX *ctx) {
  int depth = X509_STORE_CTX_get_error_depth(ctx);
  int last = sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;
  return depth == last && depth >= X509_STORE_CTX_get_num_untrusted(ctx);
}

/* a CRL of the anchor would have to be signed by nobody we know */
static int is_anchor_exempt (X509_STORE_CTX *ctx, const verify_Rules *rules,
                             int error) {
  if (!is_anchor(ctx)) return 0;
  if (error == X509_V_ERR_UNABLE_TO_GET_CRL) return 1;
  return rules->strict == VERIFY_STRICT && is_strictness(error);
}

int64_t verify_time (const X509_VERIFY_PARAM *param) {
  unsigned long flags = X509_VERIFY_PARAM_get_flags(param);
  int is_set = (flags & X509_V_FLAG_USE_CHECK_TIME) != 0;
  return (int64_t)(is_set ? X509_VERIFY_PARAM_get_time(param) : time(NULL));
}

/* the last second belongs to the validity: RFC 5280 4.1.2.5 */
static int is_last_second (X509_STORE_CTX *ctx) {
  X509 *x = X509_STORE_CTX_get_current_cert(ctx);
  int64_t last;
  return x != NULL && asn1_time_read(X509_get0_notAfter(x), &last) &&
         last == verify_time(X509_STORE_CTX_get0_param(ctx));
}

/* what OpenSSL leaves unchecked of a path that it found good */
static void check_rules (X509_STORE_CTX *ctx, Run *run) {
  STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
  int last = sk_X509_num(chain) - 1, depth = 0, error, bound = last + 1;
  if (run->rules->strict == VERIFY_STRICT &&
      last >= X509_STORE_CTX_get_num_untrusted(ctx))
    bound = last;
  error = path_rules_check(chain, run->rules->strict != VERIFY_LAX, bound, &depth);
  queue_clear();
  if (error != X509_V_OK)
    verify_add(run->verdict, error, depth, sk_X509_value(chain, depth));
}

static int is_accepted (const verify_Rules *rules, int error) {
  switch (error) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID: return rules->accept_expired;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: return rules->accept_name;
  default: return 0;
  }
}

static int reason_of (const X509_REVOKED *entry) {
  ASN1_ENUMERATED *value = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
  int reason = value != NULL ? (int)ASN1_ENUMERATED_get(value) : -1;
  ASN1_ENUMERATED_free(value);
  return reason;
}

/* when and why, as the list says that was looked at last */
static void tell_revocation (X509_STORE_CTX *ctx, verify_Verdict *verdict) {
  verify_Finding *f = &verdict->findings[verdict->count - 1];
  X509_CRL *crl = X509_STORE_CTX_get0_current_crl(ctx);
  X509_REVOKED *entry;
  if (f->error != X509_V_ERR_CERT_REVOKED || f->cert == NULL || crl == NULL) return;
  if (X509_CRL_get0_by_cert(crl, &entry, f->cert) != 1 ||
      !asn1_time_read(X509_REVOKED_get0_revocationDate(entry), &f->revoked_at))
    return;
  f->crl_reason = reason_of(entry);
  f->is_on_list = 1;
}

static int on_finding (int ok, X509_STORE_CTX *ctx) {
  Run *run = X509_STORE_CTX_get_ex_data(ctx, run_index);
  int error = X509_STORE_CTX_get_error(ctx);
  if (ok) return 1;
  if (is_anchor_exempt(ctx, run->rules, error) || is_accepted(run->rules, error) ||
      (error == X509_V_ERR_CERT_HAS_EXPIRED && is_last_second(ctx))) {
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
  }
  verify_add(run->verdict, error, X509_STORE_CTX_get_error_depth(ctx),
             X509_STORE_CTX_get_current_cert(ctx));
  tell_revocation(ctx, run->verdict);
  return run->rules->all_errors;
}

/* a tree of policies without end OpenSSL gives up, and says that it has no memory:
** of check_policy alone, where memory that ran out was told by others before */
static int is_policy_endless (void) {
  const char *function = NULL;
  unsigned long first = ERR_peek_error_all(NULL, NULL, &function, NULL, NULL);
  return first != 0 && function != NULL && strcmp(function, "check_policy") == 0;
}

/* below 0 is also what OpenSSL says of a key that it cannot read */
static int has_no_memory (const X509_STORE_CTX *ctx, int result) {
  return X509_STORE_CTX_get_error(ctx) == X509_V_ERR_OUT_OF_MEM ||
         (result < 0 && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE);
}

static int error_of (const X509_STORE_CTX *ctx) {
  int error = X509_STORE_CTX_get_error(ctx);
  return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
}

/* what a CA says of policies binds also where nobody asks for one: then any will do
** (RFC 5280 6.1.1) */
static int be_strict (X509_STORE_CTX *ctx) {
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  if (!(X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_POLICY_CHECK) &&
      X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)) != 1)
    return 0;
  X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_POLICY_CHECK);
  return 1;
}

/* one path: that which OpenSSL finds first */
static int run_path (X509_STORE_CTX *ctx, const verify_Rules *rules,
                     verify_Verdict *verdict) {
  Run run;
  int result;
  run.rules = rules;
  run.verdict = verdict;
  if (!CRYPTO_THREAD_run_once(&run_once, make_run_index) || run_index < 0) return -1;
  if (!X509_STORE_CTX_set_ex_data(ctx, run_index, &run)) return -1;
  X509_STORE_CTX_set_verify_cb(ctx, on_finding);
  X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  if (rules->strict != VERIFY_LAX && !be_strict(ctx)) return -1;
  result = X509_verify_cert(ctx);
  X509_STORE_CTX_set_ex_data(ctx, run_index, NULL);
  verdict->chain = X509_STORE_CTX_get1_chain(ctx);
  if (result < 0 && is_policy_endless())
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_INVALID_POLICY_EXTENSION);
  else if (has_no_memory(ctx, result)) return -1;
  if (result == 1 && verdict->chain == NULL) return -1;
  if (result == 1) check_rules(ctx, &run);
  if (result != 1 && verdict->count == 0)
    verify_add(verdict, error_of(ctx), X509_STORE_CTX_get_error_depth(ctx), NULL);
  if (verdict->error != X509_V_OK) X509_STORE_CTX_set_error(ctx, verdict->error);
  return result == 1 && verdict->error == X509_V_OK;
}

/* another path, for detour.h; only one that is good replaces the verdict */
static int run_other (X509_STORE_CTX *ctx, void *arg) {
  Run *outer = arg;
  verify_Verdict verdict;
  int result;
  memset(&verdict, 0, sizeof verdict);
  result = run_path(ctx, outer->rules, &verdict);
  if (result != 1) {
    verify_clear(&verdict);
    return result;
  }
  verify_clear(outer->verdict);
  *outer->verdict = verdict;
  return 1;
}

/* the only path, whatever comes of it */
static int run_instead (X509_STORE_CTX *ctx, void *arg) {
  Run *outer = arg;
  verify_clear(outer->verdict);
  return run_path(ctx, outer->rules, outer->verdict);
}

/* a trusted leaf is a path of its own: what OpenSSL leaves behind it decides nothing */
static int is_too_much (X509_STORE_CTX *ctx) {
  return X509_STORE_CTX_get_num_untrusted(ctx) == 0 &&
         sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) > 1;
}

/* makes the context look as if the path that was found had been its own */
static int adopt (X509_STORE_CTX *ctx, const verify_Verdict *verdict) {
  STACK_OF(X509) *chain = X509_chain_up_ref(verdict->chain);
  if (chain == NULL) return -1;
  X509_STORE_CTX_set0_verified_chain(ctx, chain);
  X509_STORE_CTX_set_error(ctx, X509_V_OK);
  return 1;
}

static int run_paths (X509_STORE_CTX *ctx, Run *outer) {
  verify_Rules once = *outer->rules;
  Run one;
  if (is_too_much(ctx)) return detour_alone(ctx, run_instead, outer);
  once.all_errors = 0;
  one.rules = &once;
  one.verdict = outer->verdict;
  return detour_find(ctx, run_other, &one);
}

int verify_run (X509_STORE_CTX *ctx, const verify_Rules *rules,
                verify_Verdict *verdict) {
  Run outer;
  int result = run_path(ctx, rules, verdict);
  if (result < 0 || (result == 1 && !is_too_much(ctx))) return result;
  outer.rules = rules;
  outer.verdict = verdict;
  ERR_set_mark();
  result = run_paths(ctx, &outer);
  ERR_pop_to_mark();
  if (result == 1) return adopt(ctx, verdict);
  X509_STORE_CTX_set_error(ctx, verdict->error);
  return result;
}
