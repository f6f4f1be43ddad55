/*
** codes: OpenSSL's, the system's and the resolver's numbers as lacre's codes.
** Tables only. A code is the stable name that programs compare; a reason is the
** symbol of the number it came from. Never a version test: numbers that this
** OpenSSL does not have are simply absent from its tables.
*/
#ifndef lacre_codes_h
#define lacre_codes_h

typedef struct codes_Row {
  int number;
  const char *reason; /* "X509_V_ERR_CERT_HAS_EXPIRED", "ECONNREFUSED" */
  const char *code;   /* "cert_expired", "connection_refused" */
} codes_Row;

typedef struct codes_Alert {
  int number;
  const char *name;      /* RFC 8446 section 6: "unknown_ca" */
  const char *at_client; /* the code when a client received it */
  const char *at_server;
} codes_Alert;

/* X509_V_ERR_*; unknown numbers are cert_invalid. Never NULL */
const codes_Row *codes_verify (int number);

/* what is wrong with a path by our own rules, beside X509_V_ERR_* */
enum { CODES_SERIAL_NUMBER = 10001 };

/* errno; unknown numbers are io_error. Never NULL */
const codes_Row *codes_errno (int number);

/* EAI_*; unknown numbers are dns_failure. Never NULL */
const codes_Row *codes_resolver (int number);

/* a reason of an OpenSSL library (ERR_LIB_*), or NULL where no row rules */
const codes_Row *codes_openssl (int library, int reason);

/* an alert's row; unknown numbers are handshake_failed. Never NULL */
const codes_Alert *codes_alert (int number);

#endif
