#include "codes.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>

#include <openssl/asn1err.h>
#include <openssl/cryptoerr.h>
#include <openssl/decodererr.h>
#include <openssl/err.h>
#include <openssl/evperr.h>
#include <openssl/pemerr.h>
#include <openssl/pkcs12err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509err.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* clang-format off */

#define V(name, code) { X509_V_ERR_##name, "X509_V_ERR_" #name, code }

static const codes_Row verify_rows[] = {
  V(UNABLE_TO_GET_ISSUER_CERT, "unknown_issuer"),
  V(UNABLE_TO_GET_CRL, "crl_missing"),
  V(UNABLE_TO_DECRYPT_CERT_SIGNATURE, "cert_signature_invalid"),
  V(UNABLE_TO_DECRYPT_CRL_SIGNATURE, "crl_invalid"),
  V(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, "cert_signature_invalid"),
  V(CERT_SIGNATURE_FAILURE, "cert_signature_invalid"),
  V(CRL_SIGNATURE_FAILURE, "crl_invalid"),
  V(CERT_NOT_YET_VALID, "cert_not_yet_valid"),
  V(CERT_HAS_EXPIRED, "cert_expired"),
  V(CRL_NOT_YET_VALID, "crl_invalid"),
  V(CRL_HAS_EXPIRED, "crl_expired"),
  V(ERROR_IN_CERT_NOT_BEFORE_FIELD, "cert_malformed"),
  V(ERROR_IN_CERT_NOT_AFTER_FIELD, "cert_malformed"),
  V(ERROR_IN_CRL_LAST_UPDATE_FIELD, "crl_invalid"),
  V(ERROR_IN_CRL_NEXT_UPDATE_FIELD, "crl_invalid"),
  V(DEPTH_ZERO_SELF_SIGNED_CERT, "self_signed"),
  V(SELF_SIGNED_CERT_IN_CHAIN, "untrusted_root"),
  V(UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown_issuer"),
  V(UNABLE_TO_VERIFY_LEAF_SIGNATURE, "unknown_issuer"),
  V(CERT_CHAIN_TOO_LONG, "chain_too_long"),
  V(CERT_REVOKED, "cert_revoked"),
  V(NO_ISSUER_PUBLIC_KEY, "cert_signature_invalid"),
  V(PATH_LENGTH_EXCEEDED, "path_length_exceeded"),
  V(INVALID_PURPOSE, "wrong_purpose"),
  V(CERT_UNTRUSTED, "cert_rejected"),
  V(CERT_REJECTED, "cert_rejected"),
  V(SUBJECT_ISSUER_MISMATCH, "unknown_issuer"),
  V(AKID_SKID_MISMATCH, "unknown_issuer"),
  V(AKID_ISSUER_SERIAL_MISMATCH, "unknown_issuer"),
  V(KEYUSAGE_NO_CERTSIGN, "invalid_ca"),
  V(UNABLE_TO_GET_CRL_ISSUER, "crl_missing"),
  V(UNHANDLED_CRITICAL_EXTENSION, "unhandled_critical_extension"),
  V(KEYUSAGE_NO_CRL_SIGN, "crl_invalid"),
  V(UNHANDLED_CRITICAL_CRL_EXTENSION, "crl_invalid"),
  V(INVALID_NON_CA, "invalid_ca"),
  V(PROXY_PATH_LENGTH_EXCEEDED, "path_length_exceeded"),
  V(KEYUSAGE_NO_DIGITAL_SIGNATURE, "wrong_purpose"),
  V(PROXY_CERTIFICATES_NOT_ALLOWED, "cert_rejected"),
  V(INVALID_EXTENSION, "cert_malformed"),
  V(INVALID_POLICY_EXTENSION, "policy_violation"),
  V(NO_EXPLICIT_POLICY, "policy_violation"),
  V(DIFFERENT_CRL_SCOPE, "crl_missing"),
  V(UNSUPPORTED_EXTENSION_FEATURE, "unsupported_algorithm"),
  V(UNNESTED_RESOURCE, "policy_violation"),
  V(PERMITTED_VIOLATION, "name_constraint_violation"),
  V(EXCLUDED_VIOLATION, "name_constraint_violation"),
  V(SUBTREE_MINMAX, "name_constraint_violation"),
  V(APPLICATION_VERIFICATION, "verify_rejected"),
  V(UNSUPPORTED_CONSTRAINT_TYPE, "name_constraint_violation"),
  V(UNSUPPORTED_CONSTRAINT_SYNTAX, "name_constraint_violation"),
  V(UNSUPPORTED_NAME_SYNTAX, "name_constraint_violation"),
  V(CRL_PATH_VALIDATION_ERROR, "crl_invalid"),
  V(PATH_LOOP, "path_loop"),
  V(SUITE_B_INVALID_VERSION, "policy_violation"),
  V(SUITE_B_INVALID_ALGORITHM, "policy_violation"),
  V(SUITE_B_INVALID_CURVE, "policy_violation"),
  V(SUITE_B_INVALID_SIGNATURE_ALGORITHM, "policy_violation"),
  V(SUITE_B_LOS_NOT_ALLOWED, "policy_violation"),
  V(SUITE_B_CANNOT_SIGN_P_384_WITH_P_256, "policy_violation"),
  V(HOSTNAME_MISMATCH, "hostname_mismatch"),
  V(EMAIL_MISMATCH, "email_mismatch"),
  V(IP_ADDRESS_MISMATCH, "hostname_mismatch"),
  V(DANE_NO_MATCH, "dane_mismatch"),
  V(EE_KEY_TOO_SMALL, "weak_key"),
  V(CA_KEY_TOO_SMALL, "weak_key"),
  V(CA_MD_TOO_WEAK, "weak_signature"),
  V(INVALID_CALL, "internal_error"),
  V(STORE_LOOKUP, "internal_error"),
  V(NO_VALID_SCTS, "ct_insufficient"),
  V(PROXY_SUBJECT_NAME_VIOLATION, "name_constraint_violation"),
  V(OCSP_VERIFY_NEEDED, "ocsp_missing"),
  V(OCSP_VERIFY_FAILED, "ocsp_invalid"),
  V(OCSP_CERT_UNKNOWN, "ocsp_unknown"),
  V(UNSUPPORTED_SIGNATURE_ALGORITHM, "unsupported_algorithm"),
  V(SIGNATURE_ALGORITHM_MISMATCH, "cert_malformed"),
  V(SIGNATURE_ALGORITHM_INCONSISTENCY, "cert_malformed"),
  V(INVALID_CA, "invalid_ca"),
  V(PATHLEN_INVALID_FOR_NON_CA, "cert_nonconforming"),
  V(PATHLEN_WITHOUT_KU_KEY_CERT_SIGN, "cert_nonconforming"),
  V(KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, "cert_nonconforming"),
  V(ISSUER_NAME_EMPTY, "cert_nonconforming"),
  V(SUBJECT_NAME_EMPTY, "cert_nonconforming"),
  V(MISSING_AUTHORITY_KEY_IDENTIFIER, "cert_nonconforming"),
  V(MISSING_SUBJECT_KEY_IDENTIFIER, "cert_nonconforming"),
  V(EMPTY_SUBJECT_ALT_NAME, "cert_nonconforming"),
  V(EMPTY_SUBJECT_SAN_NOT_CRITICAL, "cert_nonconforming"),
  V(CA_BCONS_NOT_CRITICAL, "cert_nonconforming"),
  V(AUTHORITY_KEY_IDENTIFIER_CRITICAL, "cert_nonconforming"),
  V(SUBJECT_KEY_IDENTIFIER_CRITICAL, "cert_nonconforming"),
  V(CA_CERT_MISSING_KEY_USAGE, "cert_nonconforming"),
  V(EXTENSIONS_REQUIRE_VERSION_3, "cert_nonconforming"),
  V(EC_KEY_EXPLICIT_PARAMS, "cert_nonconforming"),
  { CODES_SERIAL_NUMBER, "LACRE_ERR_SERIAL_NUMBER", "cert_nonconforming" },
#ifdef X509_V_ERR_RPK_UNTRUSTED
  V(RPK_UNTRUSTED, "rpk_untrusted"),
#endif
#ifdef X509_V_ERR_OCSP_RESP_INVALID
  V(OCSP_RESP_INVALID, "ocsp_invalid"),
  V(OCSP_SIGNATURE_FAILURE, "ocsp_invalid"),
  V(OCSP_NOT_YET_VALID, "ocsp_invalid"),
  V(OCSP_HAS_EXPIRED, "ocsp_expired"),
  V(OCSP_NO_RESPONSE, "ocsp_missing"),
#endif
#ifdef X509_V_ERR_CRL_VERIFY_FAILED
  V(CRL_VERIFY_FAILED, "crl_invalid"),
#endif
#ifdef X509_V_ERR_EMPTY_AUTHORITY_KEY_IDENTIFIER
  V(EMPTY_AUTHORITY_KEY_IDENTIFIER, "cert_nonconforming"),
#endif
#ifdef X509_V_ERR_AKID_ISSUER_SERIAL_NOT_PAIRED
  V(AKID_ISSUER_SERIAL_NOT_PAIRED, "cert_nonconforming"),
#endif
#ifdef X509_V_ERR_DUPLICATE_EXTENSION
  V(DUPLICATE_EXTENSION, "cert_nonconforming"),
#endif
};

#define E(name, code) { name, #name, code }

static const codes_Row errno_rows[] = {
  E(ECONNREFUSED, "connection_refused"), E(ECONNRESET, "connection_reset"),
  E(ECONNABORTED, "connection_reset"), E(EPIPE, "connection_reset"),
  E(EHOSTUNREACH, "host_unreachable"), E(EHOSTDOWN, "host_unreachable"),
  E(ENETUNREACH, "network_unreachable"), E(ENETDOWN, "network_unreachable"),
  E(EADDRINUSE, "address_in_use"), E(EADDRNOTAVAIL, "address_unavailable"),
  E(EACCES, "permission_denied"), E(EPERM, "permission_denied"),
  E(EROFS, "permission_denied"), E(EMFILE, "too_many_files"),
  E(ENFILE, "too_many_files"), E(ETIMEDOUT, "connect_timeout"),
  E(ENOENT, "file_not_found"), E(ENOTDIR, "file_not_found"),
  E(EEXIST, "file_exists"), E(EISDIR, "is_directory"),
  E(EBADF, "closed"), E(ENOTCONN, "closed"),
  E(ENOSPC, "io_error"), E(EDQUOT, "io_error"), E(EIO, "io_error"),
  E(EFBIG, "io_error"), E(ENAMETOOLONG, "io_error"), E(ELOOP, "io_error"),
  E(EINVAL, "io_error"), E(ENOTSOCK, "io_error"), E(ENOBUFS, "io_error"),
  E(EAFNOSUPPORT, "address_unavailable"), E(EINTR, "io_error"),
};

static const codes_Row resolver_rows[] = {
  E(EAI_NONAME, "host_not_found"), E(EAI_AGAIN, "dns_failure"),
  E(EAI_FAIL, "dns_failure"), E(EAI_SYSTEM, "dns_failure"),
  E(EAI_FAMILY, "dns_failure"), E(EAI_SERVICE, "dns_failure"),
#ifdef EAI_NODATA
  E(EAI_NODATA, "host_not_found"),
#endif
#ifdef EAI_ADDRFAMILY
  E(EAI_ADDRFAMILY, "host_not_found"),
#endif
};

typedef struct LibraryRow {
  int library; /* ERR_LIB_* */
  codes_Row row; /* number 0: any reason of that library not listed before */
} LibraryRow;

#define S(name, code) { ERR_LIB_SSL, { SSL_R_##name, "SSL_R_" #name, code } }
#define R(lib, name, code) { ERR_LIB_##lib, { lib##_R_##name, #lib "_R_" #name, code } }
#define ANY(lib, code) { ERR_LIB_##lib, { 0, NULL, code } }

static const LibraryRow openssl_rows[] = {
  S(CERTIFICATE_VERIFY_FAILED, "cert_invalid"),
  S(UNSUPPORTED_PROTOCOL, "protocol_version"), S(VERSION_TOO_LOW, "protocol_version"),
  S(NO_PROTOCOLS_AVAILABLE, "protocol_version"),
  S(WRONG_SSL_VERSION, "protocol_version"), S(UNKNOWN_PROTOCOL, "protocol_version"),
  S(WRONG_VERSION_NUMBER, "not_tls"), S(HTTP_REQUEST, "not_tls"),
  S(HTTPS_PROXY_REQUEST, "not_tls"), S(PACKET_LENGTH_TOO_LONG, "not_tls"),
  S(BAD_PROTOCOL_VERSION_NUMBER, "not_tls"),
  S(NO_SHARED_CIPHER, "no_shared_cipher"), S(NO_CIPHER_MATCH, "no_shared_cipher"),
  S(NO_CIPHERS_AVAILABLE, "no_shared_cipher"),
  S(NO_SUITABLE_KEY_SHARE, "no_shared_group"),
#ifdef SSL_R_NO_SUITABLE_GROUPS
  S(NO_SUITABLE_GROUPS, "no_shared_group"),
#endif
  S(NO_SUITABLE_SIGNATURE_ALGORITHM, "no_shared_sigalg"),
  S(NO_SHARED_SIGNATURE_ALGORITHMS, "no_shared_sigalg"),
  S(WRONG_SIGNATURE_TYPE, "no_shared_sigalg"),
  S(NO_APPLICATION_PROTOCOL, "alpn_mismatch"),
  S(PEER_DID_NOT_RETURN_A_CERTIFICATE, "client_cert_required"),
  S(EE_KEY_TOO_SMALL, "weak_key"), S(CA_KEY_TOO_SMALL, "weak_key"),
  S(DH_KEY_TOO_SMALL, "weak_key"), S(CA_MD_TOO_WEAK, "weak_signature"),
  S(UNSAFE_LEGACY_RENEGOTIATION_DISABLED, "unsafe_renegotiation"),
  S(INVALID_STATUS_RESPONSE, "ocsp_invalid"),
  S(INAPPROPRIATE_FALLBACK, "downgrade_detected"),
  S(DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "bad_record"),
  S(DATA_LENGTH_TOO_LONG, "bad_record"), S(ENCRYPTED_LENGTH_TOO_LONG, "bad_record"),
  S(UNEXPECTED_MESSAGE, "protocol_error"), S(BAD_EXTENSION, "protocol_error"),
  S(LENGTH_MISMATCH, "protocol_error"), S(INVALID_ALERT, "protocol_error"),
  S(APPLICATION_DATA_AFTER_CLOSE_NOTIFY, "protocol_error"),
  S(UNEXPECTED_RECORD, "protocol_error"), S(BAD_RECORD_TYPE, "protocol_error"),
  S(LENGTH_TOO_SHORT, "protocol_error"), S(BAD_LENGTH, "protocol_error"),
  S(UNEXPECTED_EOF_WHILE_READING, "unexpected_eof"),
  S(PROTOCOL_IS_SHUTDOWN, "closed"), S(UNINITIALIZED, "handshake_incomplete"),
  ANY(SSL, "handshake_failed"),

  R(PEM, BAD_PASSWORD_READ, "password_required"),
  R(PEM, BAD_DECRYPT, "bad_password"), R(PEM, NO_START_LINE, "bad_pem"),
  ANY(PEM, "bad_pem"),
  R(EVP, BAD_DECRYPT, "bad_password"),
  R(EVP, OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE, "unsupported_key_type"),
  R(EVP, UNSUPPORTED_ALGORITHM, "unsupported"), R(EVP, DECODE_ERROR, "bad_der"),
  R(PKCS12, MAC_VERIFY_FAILURE, "bad_password"),
  R(PKCS12, PKCS12_CIPHERFINAL_ERROR, "bad_password"),
  ANY(PKCS12, "bad_der"),
  R(X509, KEY_VALUES_MISMATCH, "key_mismatch"),
  R(X509, KEY_TYPE_MISMATCH, "key_mismatch"),
  { ERR_LIB_OSSL_DECODER, { ERR_R_UNSUPPORTED, "ERR_R_UNSUPPORTED", "unsupported_key_type" } },
  ANY(OSSL_DECODER, "bad_der"), ANY(ASN1, "bad_der"),
};

#define H "handshake_failed"
#define REJECTED "client_cert_rejected", "server_cert_rejected"

/* at a client, a complaint about certificates concerns the one it sent */
static const codes_Alert alert_rows[] = {
  { 0, "close_notify", "closed", "closed" },
  { 10, "unexpected_message", "protocol_error", "protocol_error" },
  { 20, "bad_record_mac", "bad_record", "bad_record" },
  { 21, "decryption_failed", "bad_record", "bad_record" },
  { 22, "record_overflow", "bad_record", "bad_record" },
  { 40, "handshake_failure", H, H },
  { 42, "bad_certificate", REJECTED }, { 43, "unsupported_certificate", REJECTED },
  { 44, "certificate_revoked", REJECTED }, { 45, "certificate_expired", REJECTED },
  { 46, "certificate_unknown", REJECTED },
  { 47, "illegal_parameter", "protocol_error", "protocol_error" },
  { 48, "unknown_ca", REJECTED }, { 49, "access_denied", REJECTED },
  { 50, "decode_error", "protocol_error", "protocol_error" },
  { 51, "decrypt_error", REJECTED },
  { 70, "protocol_version", "protocol_version", "protocol_version" },
  { 71, "insufficient_security", "no_shared_cipher", "no_shared_cipher" },
  { 80, "internal_error", H, H },
  { 86, "inappropriate_fallback", "downgrade_detected", "downgrade_detected" },
  { 90, "user_canceled", H, H },
  { 100, "no_renegotiation", "unsafe_renegotiation", "unsafe_renegotiation" },
  { 109, "missing_extension", "protocol_error", "protocol_error" },
  { 110, "unsupported_extension", "protocol_error", "protocol_error" },
  { 112, "unrecognized_name", "unrecognized_name", "unrecognized_name" },
  { 113, "bad_certificate_status_response", "ocsp_invalid", "ocsp_invalid" },
  { 115, "unknown_psk_identity", H, H },
  { 116, "certificate_required", "client_cert_required", "client_cert_required" },
  { 120, "no_application_protocol", "alpn_mismatch", "alpn_mismatch" },
  { 121, "ech_required", H, H },
};

/* clang-format on */

static const codes_Row *find (const codes_Row *rows, size_t n, int number,
                              const codes_Row *otherwise) {
  size_t i;
  for (i = 0; i < n; i++)
    if (rows[i].number == number) return &rows[i];
  return otherwise;
}

const codes_Row *codes_verify (int number) {
  static const codes_Row unknown = { 0, "X509_V_ERR_UNSPECIFIED", "cert_invalid" };
  return find(verify_rows, COUNT(verify_rows), number, &unknown);
}

const codes_Row *codes_errno (int number) {
  static const codes_Row unknown = { 0, NULL, "io_error" };
  return find(errno_rows, COUNT(errno_rows), number, &unknown);
}

const codes_Row *codes_resolver (int number) {
  static const codes_Row unknown = { 0, NULL, "dns_failure" };
  return find(resolver_rows, COUNT(resolver_rows), number, &unknown);
}

const codes_Row *codes_openssl (int library, int reason) {
  size_t i;
  for (i = 0; i < COUNT(openssl_rows); i++) {
    const LibraryRow *r = &openssl_rows[i];
    if (r->library == library && (r->row.number == reason || r->row.number == 0))
      return &r->row;
  }
  return NULL;
}

const codes_Alert *codes_alert (int number) {
  static const codes_Alert unknown = { -1, "unknown", H, H };
  size_t i;
  for (i = 0; i < COUNT(alert_rows); i++)
    if (alert_rows[i].number == number) return &alert_rows[i];
  return &unknown;
}
