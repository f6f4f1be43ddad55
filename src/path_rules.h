/*
** path_rules: what a verified path has to hold to beyond OpenSSL's checks. No Lua.
** Name constraints are critical, not empty, and in CA certificates alone (RFC 5280
** 4.2.1.10), policy constraints critical (4.2.1.11); and a wildcard that covers a
** name which an issuer excludes is excluded too, or the exclusion would be empty.
** Serial numbers are positive and of 20 octets at most (4.1.2.2); no key is of DSA.
*/
#ifndef lacre_path_rules_h
#define lacre_path_rules_h

#include <openssl/x509.h>

/* X509_V_OK, or what is wrong with a path (leaf first; also of codes.h), and in *depth
** where. With `strict` the rules of form are kept, by the first `bound` certificates */
int path_rules_check (const STACK_OF(X509) * chain, int strict, int bound, int *depth);

#endif
