#include "machine.h"

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "queue.h"

/* a hint: two threads, each with a Lua of its own, may count wrong by a few */
static volatile int alive;

int machine_alive (void) {
  return alive;
}

machine_Machine *machine_new (void) {
  machine_Machine *m = OPENSSL_zalloc(sizeof *m);
  if (m != NULL) alive++;
  return m;
}

static void release_machine (void *obj) {
  machine_Machine *m = obj;
  alive--;
  SSL_free(m->ssl);
  judge_end(&m->check);
  link_clear(&m->link);
  socket_bio_forget(&m->wire);
  BIO_free(m->wire.kernel);
  if (m->wire.socket != NULL) net_release(m->wire.socket);
  if (m->context != NULL) context_release(m->context);
  OPENSSL_clear_free(m->owed, m->owed_len);
  OPENSSL_free(m);
}

const own_Type machine_type = { "lacre.core.engine", release_machine };

machine_Machine *machine_check (lua_State *L) {
  return own_check(L, 1, &machine_type);
}

static int use_memory (machine_Machine *m) {
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  if (in == NULL || out == NULL) {
    BIO_free(in);
    BIO_free(out);
    return 0;
  }
  BIO_set_mem_eof_return(in, -1);
  SSL_set_bio(m->ssl, in, out);
  return 1;
}

/* what is read ahead would be lost to a kernel that decrypts */
static int use_kernel (machine_Machine *m) {
  SSL_set_read_ahead(m->ssl, 0);
  return m->wire.kernel != NULL || socket_bio_use_kernel(&m->wire);
}

static int use_socket (machine_Machine *m) {
  BIO *bio = socket_bio_new(&m->wire);
  if (bio == NULL) return 0;
  if (SSL_get_options(m->ssl) & SSL_OP_ENABLE_KTLS && !use_kernel(m)) {
    BIO_free(bio);
    return 0;
  }
  SSL_set_bio(m->ssl, bio, bio);
  return 1;
}

/* RFC 8446 section 4.3.2: only a server that wants one asks */
static int note_asked (SSL *ssl, void *link) {
  (void)ssl;
  ((link_Link *)link)->was_asked = 1;
  return 1;
}

/* one that diagnoses does not show who it is, unless its context was made for that */
static int start (machine_Machine *m) {
  m->ssl = context_new_ssl(m->context, &m->check, &m->link);
  if (m->ssl == NULL) return 0;
  if (!(m->wire.socket == NULL ? use_memory(m) : use_socket(m))) return 0;
  if (m->context->is_server) SSL_set_accept_state(m->ssl);
  else SSL_set_connect_state(m->ssl);
  if (!m->check.diagnose) return 1;
  if (!m->context->only_looks) SSL_certs_clear(m->ssl);
  SSL_set_cert_cb(m->ssl, note_asked, &m->link);
  return 1;
}

int machine_start (machine_Machine *m, net_Socket *socket) {
  if (socket != NULL) m->wire.socket = net_retain(socket);
  m->wire.records = m->context->is_server && m->context->hello.has_hook;
  return start(m) && SSL_in_before(m->ssl); /* its ends may fail without a word */
}

/* RFC 9525 section 6: an IP address is an iPAddress, anything else a DNS name */
int machine_name (machine_Machine *m, const char *name) {
  X509_VERIFY_PARAM *param = SSL_get0_param(m->ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, name)) return 1;
  queue_clear();
  return X509_VERIFY_PARAM_set1_host(param, name, 0);
}

static int replay (machine_Machine *m) {
  int done;
  if (m->wire.socket != NULL) {
    m->wire.records = 0;
    m->wire.replays = 1;
    return 1;
  }
  done = BIO_write(SSL_get_rbio(m->ssl), m->wire.record, (int)m->wire.record_len) ==
         (int)m->wire.record_len;
  socket_bio_forget(&m->wire);
  return done;
}

/* nothing of the first context stays: SSL_set_SSL_CTX would leave its verification,
** versions and options in force */
int machine_switch (machine_Machine *m, context_Context *context) {
  SSL *before = m->ssl;
  context_retain(context);
  context_release(m->context);
  m->context = context;
  link_drop_hello(&m->link);
  m->link.hello_decision = LINK_ACCEPTED;
  if (!start(m)) {
    if (m->ssl != before) SSL_free(m->ssl);
    m->ssl = before;
    return 0;
  }
  SSL_free(before);
  OPENSSL_free(m->link.staple); /* it is about the certificate of the context before */
  m->link.staple = NULL;
  return replay(m);
}

int machine_put (machine_Machine *m, const char *bytes, size_t len, size_t *done) {
  int result = 1;
  size_t n;
  for (*done = 0; *done < len && result == 1; *done += n) {
    n = 0;
    queue_clear();
    result = SSL_write_ex(m->ssl, bytes + *done, len - *done, &n);
  }
  return result;
}

int machine_take_over (machine_Machine *m, const char *bytes, size_t len) {
  m->owed = OPENSSL_memdup(bytes, len);
  m->owed_len = m->owed == NULL ? 0 : len;
  if (m->owed == NULL) m->state = MACHINE_FAILED;
  return m->owed != NULL;
}

int machine_put_owed (machine_Machine *m) {
  size_t done;
  int result = machine_put(m, m->owed, m->owed_len, &done);
  if (result == 1) {
    OPENSSL_clear_free(m->owed, m->owed_len);
    m->owed = NULL;
    m->owed_len = 0;
  }
  if (result != 1 && done > 0) {
    memmove(m->owed, m->owed + done, m->owed_len - done);
    m->owed_len -= done;
  }
  return result;
}
