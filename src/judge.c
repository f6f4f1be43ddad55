#include "judge.h"

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

static int check_index = -1; /* where an SSL keeps its judge_Check */
static CRYPTO_ONCE check_once = CRYPTO_ONCE_STATIC_INIT;

static void make_check_index (void) {
  check_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int judge_attach (SSL *ssl, judge_Check *check) {
  if (!CRYPTO_THREAD_run_once(&check_once, make_check_index) || check_index < 0)
    return 0;
  return SSL_set_ex_data(ssl, check_index, check);
}

void judge_clear (judge_Check *check) {
  if (check->verdict != NULL) verify_clear(check->verdict);
  OPENSSL_free(check->verdict);
  sk_X509_pop_free(check->presented, X509_free);
  check->verdict = NULL;
  check->presented = NULL;
}

static void refuse (X509_STORE_CTX *ctx, verify_Verdict *v, int error) {
  verify_add(v, error, 0, X509_STORE_CTX_get0_cert(ctx));
  X509_STORE_CTX_set_error(ctx, v->error);
}

/* dates of a leaf that is trusted by its pin alone */
static void check_dates (X509_STORE_CTX *ctx, verify_Verdict *v) {
  X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  time_t now = X509_VERIFY_PARAM_get_time(param), *at = now > 0 ? &now : NULL;
  if (X509_cmp_time(X509_get0_notBefore(leaf), at) >= 0)
    refuse(ctx, v, X509_V_ERR_CERT_NOT_YET_VALID);
  if (X509_cmp_time(X509_get0_notAfter(leaf), at) <= 0)
    refuse(ctx, v, X509_V_ERR_CERT_HAS_EXPIRED);
}

/* RFC 7671 section 5.1: a name said explicitly still has to match */
static void check_name (X509_STORE_CTX *ctx, verify_Verdict *v) {
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
  char *host = X509_VERIFY_PARAM_get0_host(param, 0);
  char *ip = X509_VERIFY_PARAM_get1_ip_asc(param);
  unsigned flags = X509_VERIFY_PARAM_get_hostflags(param);
  if (host != NULL && X509_check_host(leaf, host, 0, flags, NULL) != 1)
    refuse(ctx, v, X509_V_ERR_HOSTNAME_MISMATCH);
  if (ip != NULL && X509_check_ip_asc(leaf, ip, 0) != 1)
    refuse(ctx, v, X509_V_ERR_IP_ADDRESS_MISMATCH);
  OPENSSL_free(ip);
}

/* pins are looked for on the chain that was built, never on what was sent */
static void check_pins (X509_STORE_CTX *ctx, const judge_Policy *policy,
                        STACK_OF(X509) * chain, verify_Verdict *v) {
  if (policy->pins_expired ||
      (policy->pins.count > 0 && pinset_match(&policy->pins, chain) < 0))
    refuse(ctx, v, X509_V_ERR_APPLICATION_VERIFICATION);
}

static int check_leaf_pins (X509_STORE_CTX *ctx, const judge_Policy *policy,
                            verify_Verdict *v) {
  STACK_OF(X509) *leaf = sk_X509_new_null();
  if (leaf == NULL || !sk_X509_push(leaf, X509_STORE_CTX_get0_cert(ctx))) {
    sk_X509_free(leaf);
    return -1;
  }
  check_pins(ctx, policy, leaf, v);
  sk_X509_free(leaf);
  return v->error == X509_V_OK;
}

static int verify_by_pins (X509_STORE_CTX *ctx, judge_Check *check, verify_Verdict *v) {
  int result = check_leaf_pins(ctx, check->policy, v);
  if (result < 0) return result;
  if (!check->policy->rules.accept_expired) check_dates(ctx, v);
  if (check->match_name) check_name(ctx, v);
  if (v->error == X509_V_OK) X509_STORE_CTX_set_error(ctx, X509_V_OK);
  return v->error == X509_V_OK;
}

static int verify_by_chain (X509_STORE_CTX *ctx, judge_Check *check,
                            verify_Verdict *v) {
  verify_Rules rules = check->policy->rules;
  int result;
  rules.all_errors = rules.all_errors || check->diagnose;
  result = verify_run(ctx, &rules, v);
  if (result == 1) check_pins(ctx, check->policy, v->chain, v);
  return result < 0 ? result : v->error == X509_V_OK;
}

static int judge (X509_STORE_CTX *ctx, judge_Check *check, verify_Verdict *v) {
  if (check->policy->pins_only) return verify_by_pins(ctx, check, v);
  if (check->policy->accept_any) {
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return check_leaf_pins(ctx, check->policy, v);
  }
  return verify_by_chain(ctx, check, v);
}

/* what was sent, leaf first, for the error to show */
static STACK_OF(X509) * presented_chain(X509_STORE_CTX *ctx) {
  STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
  return sent == NULL ? NULL : X509_chain_up_ref(sent);
}

int judge_callback (X509_STORE_CTX *ctx, void *unused) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  judge_Check *check = ssl == NULL ? NULL : SSL_get_ex_data(ssl, check_index);
  int result;
  (void)unused;
  X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED); /* until proven good */
  if (check == NULL) return 0;
  judge_clear(check);
  check->verdict = OPENSSL_zalloc(sizeof *check->verdict);
  if (check->verdict == NULL) return 0;
  X509_STORE_CTX_set_error(ctx, X509_V_OK);
  result = judge(ctx, check, check->verdict);
  if (result == 1) {
    judge_clear(check);
    return 1;
  }
  check->presented = presented_chain(ctx);
  if (result < 0) X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
  return result >= 0 && check->diagnose;
}
