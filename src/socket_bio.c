#include "socket_bio.h"

#include <string.h>

#include <openssl/crypto.h>

void socket_bio_forget (socket_bio_Wire *wire) {
  OPENSSL_free(wire->record);
  wire->record = NULL;
  wire->record_len = wire->replayed = 0;
  wire->records = wire->replays = 0;
}

/* too much to be remembered is not remembered at all */
static void record (socket_bio_Wire *wire, const char *bytes, size_t len) {
  char *grown = NULL;
  if (wire->record_len + len <= SOCKET_BIO_RECORD)
    grown = OPENSSL_realloc(wire->record, wire->record_len + len);
  if (grown == NULL) {
    socket_bio_forget(wire);
    return;
  }
  memcpy(grown + wire->record_len, bytes, len);
  wire->record = grown;
  wire->record_len += len;
}

static long replay (socket_bio_Wire *wire, char *buffer, size_t size) {
  size_t left = wire->record_len - wire->replayed, n = size < left ? size : left;
  memcpy(buffer, wire->record + wire->replayed, n);
  wire->replayed += n;
  if (wire->replayed == wire->record_len) socket_bio_forget(wire);
  return (long)n;
}

void socket_bio_note (socket_bio_Wire *wire, const char *bytes, size_t len) {
  size_t room = SOCKET_BIO_OPENING - wire->opening_len, n = len < room ? len : room;
  memcpy(wire->opening + wire->opening_len, bytes, n);
  wire->opening_len = (unsigned char)(wire->opening_len + n);
  if (wire->records) record(wire, bytes, len);
}

static int bio_read (BIO *bio, char *buffer, int size) {
  socket_bio_Wire *wire = BIO_get_data(bio);
  long n;
  BIO_clear_retry_flags(bio);
  if (wire->replays) return (int)replay(wire, buffer, (size_t)size);
  n = net_read(wire->socket, buffer, (size_t)size);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  if (n < 0 && net_would_block(wire->socket->error)) BIO_set_retry_read(bio);
  if (n > 0 && (wire->records || wire->opening_len < SOCKET_BIO_OPENING))
    socket_bio_note(wire, buffer, (size_t)n);
  return (int)n;
}

static int bio_write (BIO *bio, const char *bytes, int len) {
  socket_bio_Wire *wire = BIO_get_data(bio);
  long n;
  BIO_clear_retry_flags(bio);
  n = net_write(wire->socket, bytes, (size_t)len);
  if (n < 0 && net_would_block(wire->socket->error)) BIO_set_retry_write(bio);
  return (int)n;
}

static long bio_ctrl (BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_method (void) {
  BIO_METHOD *m =
      BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lacre socket");
  if (m != NULL && BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
      BIO_meth_set_ctrl(m, bio_ctrl))
    method = m;
  else BIO_meth_free(m);
}

BIO *socket_bio_new (socket_bio_Wire *wire) {
  BIO *bio;
  if (!CRYPTO_THREAD_run_once(&method_once, make_method) || method == NULL) return NULL;
  bio = BIO_new(method);
  if (bio == NULL) return NULL;
  BIO_set_data(bio, wire);
  BIO_set_init(bio, 1);
  return bio;
}
