#include "judge.h"

#include <time.h>

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "asn1_time.h"

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

static void drop_chain (STACK_OF(X509) * *chain) {
  sk_X509_pop_free(*chain, X509_free);
  *chain = NULL;
}

static void drop_verdict (judge_Check *check) {
  if (check->verdict != NULL) verify_clear(check->verdict);
  OPENSSL_free(check->verdict);
  check->verdict = NULL;
}

void judge_clear (judge_Check *check) {
  drop_verdict(check);
  drop_chain(&check->chain);
  drop_chain(&check->presented);
  check->pin_state = JUDGE_NO_PINS;
}

void judge_end (judge_Check *check) {
  judge_clear(check);
  pinset_clear(&check->pins);
}

static void refuse (X509_STORE_CTX *ctx, verify_Verdict *v, int error) {
  verify_add(v, error, 0, X509_STORE_CTX_get0_cert(ctx));
  X509_STORE_CTX_set_error(ctx, v->error);
}

static int64_t time_of (X509_STORE_CTX *ctx) {
  time_t injected = X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(ctx));
  return (int64_t)(injected > 0 ? injected : time(NULL));
}

/* dates of a leaf that is trusted by its pin alone; RFC 5280 4.1.2.5: both ends
** are part of the time of validity */
static void check_dates (X509_STORE_CTX *ctx, verify_Verdict *v) {
  const X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
  int64_t now = time_of(ctx), begin, end;
  if (!asn1_time_read(X509_get0_notBefore(leaf), &begin))
    refuse(ctx, v, X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD);
  else if (now < begin) refuse(ctx, v, X509_V_ERR_CERT_NOT_YET_VALID);
  if (!asn1_time_read(X509_get0_notAfter(leaf), &end))
    refuse(ctx, v, X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD);
  else if (now > end) refuse(ctx, v, X509_V_ERR_CERT_HAS_EXPIRED);
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

/* pins are looked for on the chain that was built, never on what was sent; where
** no chain was built, the leaf alone counts */
static void check_pins (X509_STORE_CTX *ctx, judge_Check *check,
                        STACK_OF(X509) * chain) {
  const judge_Policy *policy = check->policy;
  int depth;
  if (check->pins.count == 0 && !check->pins_expired && !policy->pins_only) return;
  depth = chain != NULL ? pinset_match(&check->pins, chain, &check->pin)
                        : pinset_match_leaf(&check->pins, X509_STORE_CTX_get0_cert(ctx),
                                            &check->pin);
  check->pin_state = check->pins_expired ? JUDGE_PIN_EXPIRED
                     : depth < 0         ? JUDGE_PIN_MISMATCH
                                         : JUDGE_PIN_MATCH;
  if (check->pin_state == JUDGE_PIN_MATCH) return;
  if (check->pins_report && !policy->pins_only) return;
  refuse(ctx, check->verdict, X509_V_ERR_APPLICATION_VERIFICATION);
}

static int verify_by_pins (X509_STORE_CTX *ctx, judge_Check *check) {
  check_pins(ctx, check, NULL);
  if (!check->policy->rules.accept_expired) check_dates(ctx, check->verdict);
  if (check->match_name && !check->policy->rules.accept_name)
    check_name(ctx, check->verdict);
  return check->verdict->error == X509_V_OK;
}

static int verify_by_chain (X509_STORE_CTX *ctx, judge_Check *check) {
  verify_Rules rules = check->policy->rules;
  verify_Verdict *v = check->verdict;
  int result;
  rules.all_errors = rules.all_errors || check->diagnose;
  result = verify_run(ctx, &rules, v);
  if (result < 0) return result;
  if (result == 1) check_pins(ctx, check, v->chain);
  return v->error == X509_V_OK;
}

static int verify (X509_STORE_CTX *ctx, judge_Check *check) {
  if (check->policy->pins_only) return verify_by_pins(ctx, check);
  if (!check->policy->accept_any) return verify_by_chain(ctx, check);
  check_pins(ctx, check, NULL);
  return check->verdict->error == X509_V_OK;
}

/* what was sent, leaf first, for the error to show */
static STACK_OF(X509) * presented_chain(X509_STORE_CTX *ctx) {
  STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
  return sent == NULL ? NULL : X509_chain_up_ref(sent);
}

int judge_run (X509_STORE_CTX *ctx, judge_Check *check) {
  int result;
  judge_clear(check);
  check->verdict = OPENSSL_zalloc(sizeof *check->verdict);
  if (check->verdict == NULL) return -1;
  X509_STORE_CTX_set_error(ctx, X509_V_OK);
  result = verify(ctx, check);
  if (result == 1) {
    check->chain = check->verdict->chain;
    check->verdict->chain = NULL;
    drop_verdict(check);
    return 1;
  }
  check->presented = presented_chain(ctx);
  return result;
}

static int veto (X509_STORE_CTX *ctx, judge_Check *check) {
  X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
  check->verdict = OPENSSL_zalloc(sizeof *check->verdict);
  if (check->verdict != NULL)
    refuse(ctx, check->verdict, X509_V_ERR_APPLICATION_VERIFICATION);
  check->presented = presented_chain(ctx);
  return 0;
}

/* a client asks its hook while the handshake is suspended; a server when the
** handshake is done and before anything is read (api of OpenSSL: clients only) */
static int ask_hook (SSL *ssl, X509_STORE_CTX *ctx, judge_Check *check) {
  if (!check->policy->has_hook || SSL_is_server(ssl) || check->diagnose) return 1;
  if (check->decision == JUDGE_VETOED) return veto(ctx, check);
  if (check->decision == JUDGE_UNDECIDED) return SSL_set_retry_verify(ssl);
  return 1;
}

int judge_callback (X509_STORE_CTX *ctx, void *unused) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  judge_Check *check = ssl == NULL ? NULL : SSL_get_ex_data(ssl, check_index);
  int result;
  (void)unused;
  X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED); /* until proven good */
  if (check == NULL) return 0;
  if (check->decision != JUDGE_UNDECIDED) {
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return ask_hook(ssl, ctx, check);
  }
  result = judge_run(ctx, check);
  if (result < 0) X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
  if (result == 1) return ask_hook(ssl, ctx, check);
  return result == 0 && check->diagnose;
}
