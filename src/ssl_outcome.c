#include "ssl_outcome.h"

#include <openssl/err.h>

static ssl_Outcome of_queue (void) {
  unsigned long code = ERR_peek_error();
  return ERR_GET_LIB(code) == ERR_LIB_SSL &&
                 ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING
             ? SSL_OUTCOME_CUT
             : SSL_OUTCOME_FAILED;
}

ssl_Outcome ssl_outcome (const SSL *ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_NONE: return SSL_OUTCOME_DONE;
  case SSL_ERROR_WANT_READ: return SSL_OUTCOME_WANT_READ;
  case SSL_ERROR_WANT_WRITE: return SSL_OUTCOME_WANT_WRITE;
  case SSL_ERROR_WANT_RETRY_VERIFY: return SSL_OUTCOME_WANT_VERIFY;
  case SSL_ERROR_WANT_CLIENT_HELLO_CB: return SSL_OUTCOME_WANT_HELLO;
  case SSL_ERROR_ZERO_RETURN: return SSL_OUTCOME_CLOSED;
  case SSL_ERROR_SYSCALL: return SSL_OUTCOME_SYSTEM;
  default: return of_queue();
  }
}
