#include "signature.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rsa.h>

int signature_set_padding (EVP_PKEY_CTX *context, const char *padding) {
  if (padding == NULL) return 1;
  if (strcmp(padding, "pss") != 0)
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

int signature_make (EVP_PKEY *pkey, const char *hash, const char *padding,
                    const void *data, size_t len, unsigned char **signature,
                    size_t *signature_len) {
  EVP_MD_CTX *digest = EVP_MD_CTX_new();
  EVP_PKEY_CTX *context;
  size_t room = 0;
  int good = 0;
  *signature = NULL;
  if (digest == NULL ||
      EVP_DigestSignInit_ex(digest, &context, hash, NULL, NULL, pkey, NULL) != 1 ||
      !signature_set_padding(context, padding) ||
      EVP_DigestSign(digest, NULL, &room, data, len) != 1)
    goto end;
  *signature = OPENSSL_malloc(room);
  *signature_len = room;
  /* out of memory, ECDSA succeeds with a size of -1: OpenSSL up to 3.0.22 at least */
  good = *signature != NULL &&
         EVP_DigestSign(digest, *signature, signature_len, data, len) == 1 &&
         *signature_len <= room;
end:
  EVP_MD_CTX_free(digest);
  if (good) return 1;
  OPENSSL_free(*signature);
  *signature = NULL;
  return 0;
}
