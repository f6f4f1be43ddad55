/*
** light: a certificate that is read without its key being decoded. Without Lua.
** It keeps its encoding and is read through an X509 in a library context without
** providers: on OpenSSL 3.0 decoding the key is five sixths of parsing. The full
** X509, which stores, contexts and verifications need, is made when it is asked for.
*/
#ifndef lacre_light_h
#define lacre_light_h

#include <stddef.h>

#include <openssl/x509.h>

typedef struct light_Cert {
  X509 *light;                 /* owned; NULL where only the full one was needed */
  X509 *full;                  /* owned; NULL until it is needed */
  X509_EXTENSIONS *extensions; /* owned; NULL until glance.h is asked */
  unsigned char *der;          /* owned, or at `room`; NULL until it is needed */
  size_t len;
  unsigned char room[]; /* for an encoding: one allocation less */
} light_Cert;

/* one with room for an encoding, to be written to `der`; NULL without memory */
light_Cert *light_new (size_t len);

/* reads it: 1, or 0 with a reason in OpenSSL's queue */
int light_read (light_Cert *c);

/* one of a full certificate, which it takes a reference to; NULL without memory */
light_Cert *light_wrap (X509 *full);

/* one of an encoding that was made here and is good: it is read when somebody asks;
** NULL without memory */
light_Cert *light_keep (const unsigned char *der, size_t len);

/* whether OpenSSL has parsed it */
int light_is_read (const light_Cert *c);

/* what fields are read from; NULL without memory. The queue is left empty */
X509 *light_fields (light_Cert *c);

/* 1, with `full` there; 0 without memory. The queue is left empty */
int light_ensure_full (light_Cert *c);

/* 1, with `der` there; 0 without memory */
int light_ensure_der (light_Cert *c);

void light_free (light_Cert *c);

#endif
