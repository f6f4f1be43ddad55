#include "path_rules.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "codes.h"

#define SERIAL_OCTETS 20

typedef struct Text {
  const char *s;
  size_t len;
} Text;

static Text text_of (const ASN1_STRING *string) {
  Text t;
  t.s = (const char *)ASN1_STRING_get0_data(string);
  t.len = (size_t)ASN1_STRING_length(string);
  return t;
}

/* ASCII, without regard to case */
static int is_same (const char *a, const char *b, size_t len) {
  size_t i;
  for (i = 0; i < len; i++) {
    int x = (unsigned char)a[i], y = (unsigned char)b[i];
    if (x >= 'A' && x <= 'Z') x += 'a' - 'A';
    if (y >= 'A' && y <= 'Z') y += 'a' - 'A';
    if (x != y) return 0;
  }
  return 1;
}

/* whether "*.parent" stands for a name at or above which `base` excludes all */
static int covers (Text wildcard, Text base) {
  Text parent = { wildcard.s + 1, wildcard.len - 1 }; /* ".parent" */
  size_t label;
  if (wildcard.len < 3 || memcmp(wildcard.s, "*.", 2) != 0) return 0;
  if (base.len <= parent.len) return 0;
  label = base.len - parent.len;
  return is_same(base.s + label, parent.s, parent.len) &&
         memchr(base.s, '.', label) == NULL;
}

/* no name constraint says anything of names that are none */
static int is_malformed (const GENERAL_NAME *name) {
  Text t;
  const char *at;
  if (name->type == GEN_DNS) {
    t = text_of(name->d.dNSName);
    return t.len == 0 || t.s[0] == '.';
  }
  if (name->type != GEN_EMAIL) return 0;
  t = text_of(name->d.rfc822Name);
  at = t.len == 0 ? NULL : memchr(t.s, '@', t.len);
  if (at == NULL) return 1;
  t.len -= (size_t)(at + 1 - t.s);
  return t.len == 0 || memchr(at + 1, '@', t.len) != NULL;
}

static int check_excluded (const NAME_CONSTRAINTS *limits, const GENERAL_NAME *name) {
  int i;
  for (i = 0; i < sk_GENERAL_SUBTREE_num(limits->excludedSubtrees); i++) {
    const GENERAL_NAME *base =
        sk_GENERAL_SUBTREE_value(limits->excludedSubtrees, i)->base;
    if (base->type == GEN_DNS && name->type == GEN_DNS &&
        covers(text_of(name->d.dNSName), text_of(base->d.dNSName)))
      return X509_V_ERR_EXCLUDED_VIOLATION;
  }
  return X509_V_OK;
}

static int check_names (const NAME_CONSTRAINTS *limits, const GENERAL_NAMES *names) {
  int i, error = X509_V_OK;
  for (i = 0; error == X509_V_OK && i < sk_GENERAL_NAME_num(names); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    error = is_malformed(name) ? X509_V_ERR_UNSUPPORTED_NAME_SYNTAX
                               : check_excluded(limits, name);
  }
  return error;
}

/* RFC 5280 4.1.2.2: positive, and not longer than 20 octets */
static int is_serial (const X509 *x) {
  const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
  const unsigned char *octets = ASN1_STRING_get0_data(serial);
  int len = ASN1_STRING_length(serial);
  if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || len > SERIAL_OCTETS) return 0;
  return len > 1 || (len == 1 && octets[0] != 0);
}

/* RFC 5280 4.2.2.1: one description at least */
static int has_broken_access (const X509 *x) {
  AUTHORITY_INFO_ACCESS *access;
  int count;
  if (X509_get_ext_by_NID(x, NID_info_access, -1) < 0) return 0;
  access = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
  count = sk_ACCESS_DESCRIPTION_num(access);
  AUTHORITY_INFO_ACCESS_free(access);
  return count < 1;
}

/* DSA signs nothing any more: FIPS 186-5 ended it, TLS 1.3 never had it */
static int is_ended (const X509 *x) {
  ASN1_OBJECT *kind;
  return X509_PUBKEY_get0_param(&kind, NULL, NULL, NULL, X509_get_X509_PUBKEY(x)) ==
             1 &&
         OBJ_obj2nid(kind) == NID_dsa;
}

static int check_form (const X509 *x, const NAME_CONSTRAINTS *limits, int is_critical,
                       int is_ca) {
  int at = X509_get_ext_by_NID(x, NID_policy_constraints, -1);
  if (at >= 0 && !X509_EXTENSION_get_critical(X509_get_ext(x, at)))
    return X509_V_ERR_INVALID_EXTENSION;
  if (!is_serial(x)) return CODES_SERIAL_NUMBER;
  if (has_broken_access(x)) return X509_V_ERR_INVALID_EXTENSION;
  if (limits == NULL) return X509_V_OK;
  if (!is_critical || !is_ca) return X509_V_ERR_INVALID_EXTENSION;
  if (sk_GENERAL_SUBTREE_num(limits->permittedSubtrees) <= 0 &&
      sk_GENERAL_SUBTREE_num(limits->excludedSubtrees) <= 0)
    return X509_V_ERR_INVALID_EXTENSION;
  return X509_V_OK;
}

/* the names of a path's leaf, which its limits are for */
static int check_limits (const NAME_CONSTRAINTS *limits, const X509 *leaf) {
  int found = -1, error;
  GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &found, NULL);
  if (names == NULL) return found == -1 ? X509_V_OK : X509_V_ERR_INVALID_EXTENSION;
  error = check_names(limits, names);
  GENERAL_NAMES_free(names);
  return error;
}

static int check_one (X509 *x, const X509 *leaf, int strict) {
  int is_critical = -1, error = X509_V_OK;
  NAME_CONSTRAINTS *limits =
      X509_get_ext_d2i(x, NID_name_constraints, &is_critical, NULL);
  /* -1 is absence; what is there and cannot be read is no freedom */
  if (limits == NULL && is_critical != -1) return X509_V_ERR_INVALID_EXTENSION;
  if (strict) error = check_form(x, limits, is_critical == 1, X509_check_ca(x) > 0);
  if (error == X509_V_OK && limits != NULL && x != leaf)
    error = check_limits(limits, leaf);
  NAME_CONSTRAINTS_free(limits);
  return error;
}

int path_rules_check (const STACK_OF(X509) * chain, int strict, int bound, int *depth) {
  int i, error = X509_V_OK;
  X509 *leaf = sk_X509_value(chain, 0);
  *depth = 0;
  /* OpenSSL has read the extensions that it knows, names among them */
  if (X509_get_extension_flags(leaf) & EXFLAG_INVALID)
    return X509_V_ERR_INVALID_EXTENSION;
  for (i = 0; error == X509_V_OK && i < sk_X509_num(chain); i++) {
    *depth = i;
    error = check_one(sk_X509_value(chain, i), leaf, strict && i < bound);
    if (error == X509_V_OK && strict && is_ended(sk_X509_value(chain, i)))
      error = i == 0 ? X509_V_ERR_EE_KEY_TOO_SMALL : X509_V_ERR_CA_KEY_TOO_SMALL;
  }
  return error;
}
