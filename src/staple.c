#include "staple.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "asn1_time.h"
#include "link.h"
#include "queue.h"

#define SKEW 300 /* seconds by which clocks may differ */

/* ids may be made with any digest: ours is made with theirs */
static int is_about (OCSP_SINGLERESP *single, X509 *leaf, X509 *issuer) {
  OCSP_CERTID *theirs = OCSP_CERTID_dup(OCSP_SINGLERESP_get0_id(single)), *ours = NULL;
  ASN1_OBJECT *name = NULL;
  const EVP_MD *md;
  int same = 0;
  if (theirs == NULL || !OCSP_id_get0_info(NULL, &name, NULL, NULL, theirs)) goto end;
  md = EVP_get_digestbyobj(name);
  if (md == NULL) goto end;
  ours = OCSP_cert_to_id(md, leaf, issuer);
  same = ours != NULL && OCSP_id_cmp(ours, theirs) == 0;
end:
  OCSP_CERTID_free(theirs);
  OCSP_CERTID_free(ours);
  return same;
}

static int state_of (OCSP_SINGLERESP *single, int64_t now) {
  ASN1_GENERALIZEDTIME *revoked, *this_update, *next_update;
  int64_t begin, end;
  int reason, status = OCSP_single_get0_status(single, &reason, &revoked, &this_update,
                                               &next_update);
  if (this_update == NULL || !asn1_time_read(this_update, &begin))
    return STAPLE_INVALID;
  if (begin > now + SKEW) return STAPLE_INVALID;
  if (next_update != NULL && (!asn1_time_read(next_update, &end) || end < now - SKEW))
    return STAPLE_EXPIRED;
  if (status == V_OCSP_CERTSTATUS_GOOD) return STAPLE_GOOD;
  return status == V_OCSP_CERTSTATUS_REVOKED ? STAPLE_REVOKED : STAPLE_UNKNOWN;
}

static int judge_basic (SSL *ssl, OCSP_BASICRESP *basic, STACK_OF(X509) * chain) {
  X509 *leaf = sk_X509_value(chain, 0), *issuer = sk_X509_value(chain, 1);
  X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
  int i;
  /* the verified chain may sign; a responder of the issuer's has to be verified */
  if (OCSP_basic_verify(basic, chain, store, OCSP_TRUSTOTHER | OCSP_PARTIAL_CHAIN) != 1)
    return STAPLE_INVALID;
  for (i = 0; i < OCSP_resp_count(basic); i++) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
    if (is_about(single, leaf, issuer))
      return state_of(single, verify_time(SSL_get0_param(ssl)));
  }
  return STAPLE_INVALID;
}

static int judge_response (SSL *ssl, const unsigned char *der, long len,
                           STACK_OF(X509) * chain) {
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, len);
  OCSP_BASICRESP *basic = NULL;
  int state = STAPLE_INVALID;
  if (response != NULL &&
      OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
    basic = OCSP_response_get1_basic(response);
  if (basic != NULL && sk_X509_num(chain) >= 2) state = judge_basic(ssl, basic, chain);
  OCSP_BASICRESP_free(basic);
  OCSP_RESPONSE_free(response);
  return state;
}

/* RFC 7633: the certificate itself demands a staple */
static int must_staple (X509 *leaf) {
  TLS_FEATURE *features = X509_get_ext_d2i(leaf, NID_tlsfeature, NULL, NULL);
  int i, found = 0;
  for (i = 0; features != NULL && i < sk_ASN1_INTEGER_num(features); i++)
    found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) ==
             TLSEXT_TYPE_status_request;
  sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
  return found;
}

/* a resumed session showed its staple when it began */
static int on_staple (SSL *ssl, void *arg) {
  const int *mode = arg;
  const judge_Check *check = judge_of(ssl);
  link_Link *link = link_of(ssl);
  unsigned char *der;
  long len = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
  if (check == NULL || link == NULL) return 0;
  if (SSL_session_reused(ssl) || check->chain == NULL) return 1;
  if (len > 0)
    link->staple_state = (unsigned char)judge_response(ssl, der, len, check->chain);
  else if (*mode == STAPLE_REQUIRE || must_staple(sk_X509_value(check->chain, 0)))
    link->staple_state = STAPLE_MISSING;
  queue_clear();
  return check->diagnose || link->staple_state <= STAPLE_GOOD;
}

void staple_ask (SSL_CTX *ctx, const int *mode) {
  union {
    const int *in;
    void *out;
  } arg; /* OpenSSL's argument has no const */
  arg.in = mode;
  SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
  SSL_CTX_set_tlsext_status_cb(ctx, on_staple);
  SSL_CTX_set_tlsext_status_arg(ctx, arg.out);
}

/* it belongs to the context's first certificate, and goes with no other */
static int on_ask (SSL *ssl, void *arg) {
  const link_Link *link = link_of(ssl);
  unsigned char *copy;
  (void)arg;
  if (link == NULL || link->staple == NULL) return SSL_TLSEXT_ERR_NOACK;
  if (SSL_get_certificate(ssl) != SSL_CTX_get0_certificate(SSL_get_SSL_CTX(ssl)))
    return SSL_TLSEXT_ERR_NOACK;
  copy = OPENSSL_memdup(link->staple, link->staple_len);
  if (copy == NULL) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, (int)link->staple_len);
  return SSL_TLSEXT_ERR_OK;
}

void staple_send (SSL_CTX *ctx) {
  SSL_CTX_set_tlsext_status_cb(ctx, on_ask);
}
