/*
** queue: OpenSSL's queue of errors, emptied before what it will tell of. Without Lua.
** ERR_clear_error goes through all sixteen places and frees what is in them, which
** costs as much as a small read; mostly there is nothing, and asking is cheap.
*/
#ifndef lacre_queue_h
#define lacre_queue_h

#include <openssl/err.h>

static inline void queue_clear (void) {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

#endif
