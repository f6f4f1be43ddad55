/*
** detour: other paths from a certificate to an anchor, after one that ended badly.
** OpenSSL follows the first issuer of a fitting name and does not come back; here
** certificates of its path are left out, deepest first, and it is asked again. Each
** path is judged whole, so what is found is as good as if it had been the first.
*/
#ifndef lacre_detour_h
#define lacre_detour_h

#include <openssl/x509_vfy.h>

/* judges what a fresh context was initialised with: 1 good, 0 not, -1 no memory */
typedef int detour_Try (X509_STORE_CTX *ctx, void *arg);

/* tries other paths than that of `ctx`, which failed, until one is good: 1; 0 where
** there is none, or not within a bounded number of them; -1 when memory ran out */
int detour_find (X509_STORE_CTX *ctx, detour_Try *judge, void *arg);

/* judges the certificate with no candidates beside it */
int detour_alone (X509_STORE_CTX *ctx, detour_Try *judge, void *arg);

#endif
