/* Certificates: read, pinned, made and verified, and the keys and requests beside them.
 */

#include "bench.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

static X509 *load_cert (const Bench *b, const char *name, const char *suffix) {
  BIO *file = BIO_new_file(data(b, name, suffix), "r");
  X509 *x = file == NULL ? NULL : PEM_read_bio_X509(file, NULL, NULL, NULL);
  BIO_free(file);
  if (x == NULL) die(suffix);
  return x;
}

/* -- parse -- */

typedef struct Text {
  char bytes[8192];
  size_t len;
  OSSL_LIB_CTX *light; /* without providers: keys are not decoded */
  long sum;
} Text;

static long seconds_of (const ASN1_TIME *time) {
  struct tm tm;
  if (ASN1_TIME_to_tm(time, &tm) != 1) die("time");
  return (long)timegm(&tm);
}

static long sum_of_subject (X509 *x) {
  X509_NAME *name = X509_get_subject_name(x);
  long sum = 0;
  int i;
  for (i = 0; i < X509_NAME_entry_count(name); i++) {
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
    unsigned char *utf8;
    sum += ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    sum += OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)))[0];
    OPENSSL_free(utf8);
  }
  return sum;
}

static long sum_of_names (X509 *x) {
  GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
  char address[64];
  long sum = 0;
  int i, type;
  for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    const ASN1_STRING *value =
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    sum += ASN1_STRING_length(value);
    if (type == GEN_IPADD)
      sum += inet_ntop(ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6,
                       ASN1_STRING_get0_data(value), address, sizeof address)[0];
  }
  GENERAL_NAMES_free(names);
  return sum;
}

static void parsed (void *what) {
  Text *t = what;
  BIO *bio = BIO_new_mem_buf(t->bytes, (int)t->len);
  X509 *x = X509_new_ex(t->light, NULL);
  if (PEM_read_bio_X509(bio, &x, NULL, NULL) == NULL) die("parse");
  t->sum += sum_of_subject(x) + sum_of_names(x) + seconds_of(X509_get0_notBefore(x)) +
            seconds_of(X509_get0_notAfter(x));
  X509_free(x);
  BIO_free(bio);
}

/* VARIANT: ecdsa rsa */
void parse (const Bench *b) {
  static Text t;
  FILE *file = fopen(data(b, b->variant, "-leaf.pem"), "r");
  if (file == NULL) die("leaf");
  t.len = fread(t.bytes, 1, sizeof t.bytes, file);
  fclose(file);
  t.light = OSSL_LIB_CTX_new();
  OSSL_PROVIDER_load(t.light, "null");
  repeat(b, parsed, &t);
}

/* -- pin -- */

typedef struct Pin {
  X509 *leaf;
  EVP_MD *sha256;
  EVP_MD_CTX *context;
} Pin;

static void pinned (void *what) {
  Pin *p = what;
  unsigned char spki[2048], *end = spki, digest[32], text[64];
  int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(p->leaf), &end);
  if (len <= 0 || EVP_DigestInit_ex(p->context, p->sha256, NULL) != 1 ||
      EVP_DigestUpdate(p->context, spki, (size_t)len) != 1 ||
      EVP_DigestFinal_ex(p->context, digest, NULL) != 1)
    die("pin");
  EVP_EncodeBlock(text, digest, sizeof digest);
}

/* VARIANT: first, of the key of a certificate; kept, the same again from Lua */
void pin (const Bench *b) {
  Pin p;
  p.leaf = load_cert(b, "ecdsa", "-leaf.pem");
  p.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  p.context = EVP_MD_CTX_new();
  repeat(b, pinned, &p);
}

/* -- made -- */

static EVP_PKEY *key;
static unsigned char point[65]; /* its public half */

static void make_key (void) {
  size_t len = sizeof point;
  key = EVP_EC_gen("P-256");
  if (key == NULL || EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
                                                     point, len, &len) != 1)
    die("key");
}

/* without the encoder and the decoder that X509_set_pubkey runs each time */
static void put_key (X509_PUBKEY *into) {
  unsigned char *copy = OPENSSL_memdup(point, sizeof point);
  if (X509_PUBKEY_set0_param(into, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                             OBJ_nid2obj(NID_X9_62_prime256v1), copy,
                             sizeof point) != 1)
    die("public key");
}

static void put_name (X509_NAME *name) {
  const unsigned char *o = (const unsigned char *)"Bench",
                      *cn = (const unsigned char *)"localhost";
  X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8, o, -1, -1, 0);
  X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, cn, -1, -1, 0);
}

static GENERAL_NAMES *alt_names (void) {
  GENERAL_NAMES *names = GENERAL_NAMES_new();
  GENERAL_NAME *dns = GENERAL_NAME_new(), *ip = GENERAL_NAME_new();
  ASN1_IA5STRING *host = ASN1_IA5STRING_new();
  ASN1_STRING_set(host, "localhost", -1);
  GENERAL_NAME_set0_value(dns, GEN_DNS, host);
  GENERAL_NAME_set0_value(ip, GEN_IPADD, a2i_IPADDRESS("127.0.0.1"));
  sk_GENERAL_NAME_push(names, dns);
  sk_GENERAL_NAME_push(names, ip);
  return names;
}

static void extend (X509 *x, int nid, int critical, void *value) {
  if (X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_APPEND) != 1)
    die("extension");
}

static void put_extensions (X509 *x) {
  BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
  ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
  EXTENDED_KEY_USAGE *purposes = EXTENDED_KEY_USAGE_new();
  ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
  AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
  GENERAL_NAMES *names = alt_names();
  unsigned char digest[20];
  EVP_Digest(point, sizeof point, digest, NULL, EVP_sha1(), NULL);
  ASN1_BIT_STRING_set_bit(usage, 0, 1);
  sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_server_auth));
  ASN1_OCTET_STRING_set(id, digest, sizeof digest);
  authority->keyid = ASN1_OCTET_STRING_dup(id);
  extend(x, NID_basic_constraints, 1, constraints);
  extend(x, NID_key_usage, 1, usage);
  extend(x, NID_ext_key_usage, 0, purposes);
  extend(x, NID_subject_key_identifier, 0, id);
  extend(x, NID_authority_key_identifier, 0, authority);
  extend(x, NID_subject_alt_name, 0, names);
  BASIC_CONSTRAINTS_free(constraints);
  ASN1_BIT_STRING_free(usage);
  sk_ASN1_OBJECT_pop_free(purposes, ASN1_OBJECT_free);
  ASN1_OCTET_STRING_free(id);
  AUTHORITY_KEYID_free(authority);
  GENERAL_NAMES_free(names);
}

static void sign_self (BIO *out, const EVP_MD *sha256) {
  X509 *x = X509_new();
  BIGNUM *serial = BN_new();
  BN_rand(serial, 127, 0, 0);
  X509_set_version(x, 2);
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x));
  put_name(X509_get_subject_name(x));
  put_name(X509_get_issuer_name(x));
  X509_gmtime_adj(X509_getm_notBefore(x), -300);
  X509_gmtime_adj(X509_getm_notAfter(x), 30 * 86400);
  put_key(X509_get_X509_PUBKEY(x));
  put_extensions(x);
  if (X509_sign(x, key, sha256) <= 0 || PEM_write_bio_X509(out, x) != 1) die("sign");
  BN_free(serial);
  X509_free(x);
}

static void selfsigned (void *sha256) {
  BIO *out = BIO_new(BIO_s_mem());
  sign_self(out, sha256);
  BIO_free(out);
}

/* VARIANT: p256 */
void selfsign (const Bench *b) {
  make_key();
  repeat(b, selfsigned, EVP_MD_fetch(NULL, "SHA256", NULL));
}

/* VARIANT: selfsign, a key and its certificate written to files, once: the whole of a
** process */
void written (const Bench *b) {
  int fd = open(data(b, "written", ".key"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  BIO *out = BIO_new_fd(fd, BIO_CLOSE);
  make_key();
  if (fd < 0 || PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) != 1)
    die("key");
  BIO_free(out);
  out = BIO_new_file(data(b, "written", ".crt"), "w");
  if (out == NULL) die("certificate");
  sign_self(out, EVP_sha256());
  BIO_free(out);
}

static void requested (void *sha256) {
  X509_REQ *x = X509_REQ_new();
  STACK_OF(X509_EXTENSION) *wishes = NULL;
  GENERAL_NAMES *names = alt_names();
  BIO *out = BIO_new(BIO_s_mem());
  put_name(X509_REQ_get_subject_name(x));
  put_key(X509_REQ_get_X509_PUBKEY(x));
  X509V3_add1_i2d(&wishes, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND);
  X509_REQ_add_extensions(x, wishes);
  if (X509_REQ_sign(x, key, sha256) <= 0 || PEM_write_bio_X509_REQ(out, x) != 1)
    die("sign");
  BIO_free(out);
  GENERAL_NAMES_free(names);
  sk_X509_EXTENSION_pop_free(wishes, X509_EXTENSION_free);
  X509_REQ_free(x);
}

/* VARIANT: p256 */
void csr (const Bench *b) {
  make_key();
  repeat(b, requested, EVP_MD_fetch(NULL, "SHA256", NULL));
}

/* -- verified -- */

typedef struct Path {
  X509_STORE *store;
  X509 *leaf;
  STACK_OF(X509) * others;
} Path;

static void verified (void *what) {
  Path *p = what;
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  if (X509_STORE_CTX_init(ctx, p->store, p->leaf, p->others) != 1) die("init");
  X509_STORE_CTX_set_default(ctx, "ssl_server");
  X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
  if (X509_verify_cert(ctx) != 1) die("verify");
  X509_STORE_CTX_free(ctx);
}

/* VARIANT: ecdsa rsa */
void chain (const Bench *b) {
  Path p;
  p.store = X509_STORE_new();
  p.leaf = load_cert(b, b->variant, "-leaf.pem");
  p.others = sk_X509_new_null();
  sk_X509_push(p.others, load_cert(b, b->variant, "-inter.pem"));
  X509_STORE_add_cert(p.store, load_cert(b, b->variant, "-root.pem"));
  repeat(b, verified, &p);
}

static void generated (void *context) {
  EVP_PKEY *made = NULL;
  if (EVP_PKEY_generate(context, &made) != 1) die("generate");
  EVP_PKEY_free(made);
}

/* VARIANT: p256 */
void keygen (const Bench *b) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (EVP_PKEY_keygen_init(context) != 1 ||
      EVP_PKEY_CTX_set_group_name(context, "P-256") != 1)
    die("keygen");
  repeat(b, generated, context);
}
