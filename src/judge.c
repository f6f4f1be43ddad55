#include "judge.h"

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

judge_Check *judge_of (const SSL *ssl) {
  return SSL_get_ex_data(ssl, check_index);
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

/* RFC 5280 4.1.2.5: both ends are part of the time of validity */
static int date_error (const X509 *cert, int64_t now) {
  int64_t begin, end;
  if (!asn1_time_read(X509_get0_notBefore(cert), &begin))
    return X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
  if (!asn1_time_read(X509_get0_notAfter(cert), &end))
    return X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
  if (now < begin) return X509_V_ERR_CERT_NOT_YET_VALID;
  return now > end ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

static int name_error (X509_VERIFY_PARAM *param, X509 *leaf) {
  char *host = X509_VERIFY_PARAM_get0_host(param, 0);
  char *ip = X509_VERIFY_PARAM_get1_ip_asc(param);
  unsigned flags = X509_VERIFY_PARAM_get_hostflags(param);
  int error = X509_V_OK;
  if (host != NULL && X509_check_host(leaf, host, 0, flags, NULL) != 1)
    error = X509_V_ERR_HOSTNAME_MISMATCH;
  if (ip != NULL && X509_check_ip_asc(leaf, ip, 0) != 1)
    error = X509_V_ERR_IP_ADDRESS_MISMATCH;
  OPENSSL_free(ip);
  return error;
}

/* pins are looked for on the chain that was built, never on what was sent; where
** no chain was built, the leaf alone counts */
static int is_pinned (judge_Check *check, STACK_OF(X509) * chain, X509 *leaf) {
  int depth;
  if (check->pins.count == 0 && !check->pins_expired && !check->policy->pins_only)
    return 1;
  depth = chain != NULL ? pinset_match(&check->pins, chain, &check->pin)
                        : pinset_match_leaf(&check->pins, leaf, &check->pin);
  check->pin_state = check->pins_expired ? JUDGE_PIN_EXPIRED
                     : depth < 0         ? JUDGE_PIN_MISMATCH
                                         : JUDGE_PIN_MATCH;
  if (check->pin_state == JUDGE_PIN_MATCH) return 1;
  return check->pins_report && !check->policy->pins_only;
}

static void check_pins (X509_STORE_CTX *ctx, judge_Check *check,
                        STACK_OF(X509) * chain) {
  if (!is_pinned(check, chain, X509_STORE_CTX_get0_cert(ctx)))
    refuse(ctx, check->verdict, X509_V_ERR_APPLICATION_VERIFICATION);
}

/* whether a name counts: RFC 7671 section 5.1, with a pin only one said explicitly */
static int wants_name (const judge_Check *check) {
  const judge_Policy *policy = check->policy;
  if (policy->rules.accept_name || policy->accept_any) return 0;
  return !policy->pins_only || check->match_name;
}

static int wants_dates (const judge_Check *check) {
  return !check->policy->rules.accept_expired && !check->policy->accept_any;
}

/* the bits of security that each level asks of a key, as OpenSSL does of a chain */
static int key_error (X509_VERIFY_PARAM *param, const X509 *leaf) {
  static const int floors[] = { 0, 80, 112, 128, 192, 256 };
  int level = X509_VERIFY_PARAM_get_auth_level(param);
  EVP_PKEY *key = X509_get0_pubkey(leaf);
  if (key == NULL) return X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY;
  level = level < 0 ? 0 : level > 5 ? 5 : level;
  return EVP_PKEY_get_security_bits(key) < floors[level] ? X509_V_ERR_EE_KEY_TOO_SMALL
                                                         : X509_V_OK;
}

static int verify_by_pins (X509_STORE_CTX *ctx, judge_Check *check) {
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
  int error;
  check_pins(ctx, check, NULL);
  if ((error = key_error(param, leaf)) != X509_V_OK) refuse(ctx, check->verdict, error);
  if (wants_dates(check) && (error = date_error(leaf, verify_time(param))) != X509_V_OK)
    refuse(ctx, check->verdict, error);
  if (wants_name(check) && (error = name_error(param, leaf)) != X509_V_OK)
    refuse(ctx, check->verdict, error);
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
** handshake is done and before anything is read; OpenSSL suspends clients only */
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

int judge_again (SSL *ssl, judge_Check *check, STACK_OF(X509) * chain) {
  X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
  int is_built = !check->policy->pins_only && !check->policy->accept_any;
  int i, good;
  if (X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_CRL_CHECK) return 0;
  good = !wants_name(check) || name_error(param, sk_X509_value(chain, 0)) == X509_V_OK;
  for (i = 0; good && wants_dates(check) && i < sk_X509_num(chain); i++)
    good = date_error(sk_X509_value(chain, i), verify_time(param)) == X509_V_OK;
  good = good && is_pinned(check, is_built ? chain : NULL, sk_X509_value(chain, 0));
  if (!good || !is_built) return good;
  drop_chain(&check->chain);
  check->chain = X509_chain_up_ref(chain);
  return check->chain != NULL;
}
