#include "socket_bio.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "quiet.h"

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

int socket_bio_kernel_sends (const socket_bio_Wire *wire) {
  return wire->kernel != NULL && BIO_get_ktls_send(wire->kernel);
}

int socket_bio_kernel_receives (const socket_bio_Wire *wire) {
  return wire->kernel != NULL && BIO_get_ktls_recv(wire->kernel);
}

int socket_bio_use_kernel (socket_bio_Wire *wire) {
  wire->kernel = BIO_new_socket(wire->socket->fd, BIO_NOCLOSE);
  return wire->kernel != NULL;
}

static int is_closed (net_Socket *socket) {
  if (socket->fd < 0) socket->error = EBADF;
  return socket->fd < 0;
}

/* nothing more is read in this step, as if nothing more had come */
static int is_spent (BIO *bio, socket_bio_Wire *wire) {
  if (wire->allowance > 0) return 0;
  wire->socket->error = EAGAIN;
  BIO_set_retry_read(bio);
  return 1;
}

static void spend (socket_bio_Wire *wire, long n) {
  size_t spent = n > 0 ? (size_t)n : 0;
  wire->allowance -= spent < wire->allowance ? spent : wire->allowance;
}

/* what OpenSSL's own BIO did, told as ours */
static int passed (BIO *bio, socket_bio_Wire *wire, int n) {
  wire->socket->error = n < 0 ? errno : 0;
  if (BIO_should_read(wire->kernel)) BIO_set_retry_read(bio);
  if (BIO_should_write(wire->kernel)) BIO_set_retry_write(bio);
  return n;
}

static int kernel_read (BIO *bio, socket_bio_Wire *wire, char *buffer, int size) {
  int n;
  if (is_closed(wire->socket)) return -1;
  n = passed(bio, wire, BIO_read(wire->kernel, buffer, size));
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  spend(wire, n);
  return n;
}

/* OpenSSL writes without MSG_NOSIGNAL */
static int kernel_write (BIO *bio, socket_bio_Wire *wire, const char *bytes, int len) {
  quiet_Pipe pipe;
  int n;
  if (is_closed(wire->socket)) return -1;
  quiet_begin(&pipe);
  n = passed(bio, wire, BIO_write(wire->kernel, bytes, len));
  quiet_end(&pipe);
  return n;
}

long socket_bio_send_file (socket_bio_Wire *wire, SSL *ssl, int file, int64_t from,
                           size_t count) {
  quiet_Pipe pipe;
  long n;
  if (is_closed(wire->socket)) return -1;
  quiet_begin(&pipe);
  n = (long)SSL_sendfile(ssl, file, (off_t)from, count, 0);
  wire->socket->error = n < 0 ? errno : 0;
  quiet_end(&pipe);
  return n;
}

static int bio_read (BIO *bio, char *buffer, int size) {
  socket_bio_Wire *wire = BIO_get_data(bio);
  long n;
  BIO_clear_retry_flags(bio);
  if (wire->replays) return (int)replay(wire, buffer, (size_t)size);
  if (is_spent(bio, wire)) return -1;
  if (socket_bio_kernel_receives(wire)) return kernel_read(bio, wire, buffer, size);
  n = net_read(wire->socket, buffer, (size_t)size);
  spend(wire, n);
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
  if (socket_bio_kernel_sends(wire)) return kernel_write(bio, wire, bytes, len);
  n = net_write(wire->socket, bytes, (size_t)len);
  if (n < 0 && net_would_block(wire->socket->error)) BIO_set_retry_write(bio);
  return (int)n;
}

/* keys for the kernel, and control records through it, are nobody's business but
** OpenSSL's and its BIO's */
static long bio_ctrl (BIO *bio, int command, long number, void *pointer) {
  socket_bio_Wire *wire = BIO_get_data(bio);
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  if (command == BIO_CTRL_FLUSH) return 1;
  if (wire->kernel == NULL || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP)
    return 0;
  return BIO_ctrl(wire->kernel, command, number, pointer);
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_method (void) {
  BIO_METHOD *m = BIO_meth_new(
      BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "lacre socket");
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
