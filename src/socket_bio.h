/*
** socket_bio: OpenSSL's reads and writes through a counted Socket. No signal, no
** descriptor of its own: when the socket is closed it fails, whoever has the
** number by then. The first bytes that come are kept: they tell a peer that
** speaks HTTP or SSH from one that speaks TLS. Where the kernel is to encrypt,
** OpenSSL's own BIO stands behind: it alone knows how to hand keys and control
** records over.
*/
#ifndef lacre_socket_bio_h
#define lacre_socket_bio_h

#include <openssl/ssl.h>

#include "net.h"

#define SOCKET_BIO_OPENING 16

typedef struct socket_bio_Wire {
  net_Socket *socket; /* owned reference; NULL over memory */
  BIO *kernel;        /* owned; NULL unless the kernel is asked to encrypt */
  char *record;       /* owned; all that came, while somebody may want to begin anew */
  size_t record_len, replayed;
  size_t allowance; /* bytes that may still be read in this step */
  unsigned char records, replays;
  unsigned char opening_len;
  char opening[SOCKET_BIO_OPENING];
} socket_bio_Wire;

/* OpenSSL reads on over what it ignores (HelloRequests, alerts), as long as it comes:
** a step ends after so much, and who waits looks at the clock and lets others go on */
#define SOCKET_BIO_ALLOWANCE 131072

#define SOCKET_BIO_RECORD 65536 /* a ClientHello, and what comes with it */

/* forgets the record */
void socket_bio_forget (socket_bio_Wire *wire);

/* keeps the first bytes of the peer, and all of them while it records */
void socket_bio_note (socket_bio_Wire *wire, const char *bytes, size_t len);

/* a BIO over a wire that outlives it; NULL when memory ran out */
BIO *socket_bio_new (socket_bio_Wire *wire);

/* offers the kernel the keys of a connected socket; 0 when memory ran out. Whether it
** takes them is OpenSSL's and the kernel's to say, later */
int socket_bio_use_kernel (socket_bio_Wire *wire);

/* whether the kernel encrypts what is sent, decrypts what comes */
int socket_bio_kernel_sends (const socket_bio_Wire *wire);
int socket_bio_kernel_receives (const socket_bio_Wire *wire);

/* bytes of a file by way of the kernel, which must be sending: as SSL_sendfile */
long socket_bio_send_file (socket_bio_Wire *wire, SSL *ssl, int file, int64_t from,
                           size_t count);

#endif
