/* Certificates issued by a CA, with the extensions that strict verifiers want: for a
** new key, or for a request whose signature is verified first. */

#include "bench.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static X509 *issuer;
static EVP_PKEY *issuer_key;
static char request[4096];

static const struct {
  int nid;
  const char *value;
} extensions[] = {
  { NID_basic_constraints, "critical,CA:FALSE" },
  { NID_key_usage, "critical,digitalSignature" },
  { NID_ext_key_usage, "serverAuth" },
  { NID_subject_key_identifier, "hash" },
  { NID_authority_key_identifier, "keyid" },
};

static void add (X509 *cert, X509_EXTENSION *extension) {
  if (extension == NULL || X509_add_ext(cert, extension, -1) != 1) die("extension");
  X509_EXTENSION_free(extension);
}

static void number (X509 *cert) {
  unsigned char bytes[16];
  BIGNUM *serial;
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) die("random");
  bytes[0] &= 0x7f;
  serial = BN_bin2bn(bytes, sizeof(bytes), NULL);
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
  BN_free(serial);
}

static void issue_for (EVP_PKEY *key, X509_NAME *subject, X509_EXTENSION *names) {
  X509 *cert = X509_new();
  X509V3_CTX ctx;
  unsigned char *der = NULL;
  size_t i;
  X509_set_version(cert, 2);
  number(cert);
  X509_gmtime_adj(X509_getm_notBefore(cert), -300);
  X509_gmtime_adj(X509_getm_notAfter(cert), 90L * 86400);
  X509_set_subject_name(cert, subject);
  X509_set_issuer_name(cert, X509_get_subject_name(issuer));
  X509_set_pubkey(cert, key);
  X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
  for (i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
    add(cert, X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value));
  add(cert, names);
  if (X509_sign(cert, issuer_key, EVP_sha256()) == 0) die("sign");
  if (i2d_X509(cert, &der) <= 0) die("encode");
  OPENSSL_free(der);
  X509_free(cert);
}

static void fresh (void *unused) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509_NAME *subject = X509_NAME_new();
  (void)unused;
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             (const unsigned char *)"bench.test", -1, -1, 0);
  issue_for(key, subject,
            X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:bench.test"));
  X509_NAME_free(subject);
  EVP_PKEY_free(key);
}

static void asked (void *unused) {
  BIO *bio = BIO_new_mem_buf(request, -1);
  X509_REQ *csr = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
  EVP_PKEY *key = X509_REQ_get0_pubkey(csr);
  STACK_OF(X509_EXTENSION) *wanted = X509_REQ_get_extensions(csr);
  int at = X509v3_get_ext_by_NID(wanted, NID_subject_alt_name, -1);
  (void)unused;
  if (X509_REQ_verify(csr, key) != 1) die("request");
  issue_for(key, X509_REQ_get_subject_name(csr),
            X509_EXTENSION_dup(X509v3_get_ext(wanted, at)));
  sk_X509_EXTENSION_pop_free(wanted, X509_EXTENSION_free);
  X509_REQ_free(csr);
  BIO_free(bio);
}

/* VARIANT: key (a new one for each) csr */
void issue (const Bench *b) {
  FILE *f = fopen(data(b, "ecdsa-inter", ".pem"), "r");
  issuer = f == NULL ? NULL : PEM_read_X509(f, NULL, NULL, NULL);
  f = fopen(data(b, "ecdsa-inter", ".key"), "r");
  issuer_key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);
  f = fopen(data(b, "bench", ".csr"), "r");
  if (issuer == NULL || issuer_key == NULL || f == NULL) die("material");
  request[fread(request, 1, sizeof(request) - 1, f)] = '\0';
  repeat(b, strcmp(b->variant, "csr") == 0 ? asked : fresh, NULL);
}
