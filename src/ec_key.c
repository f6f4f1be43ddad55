#include "ec_key.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

/* a number as parameters have it: in the order of this machine */
static int to_native (const unsigned char *secret, size_t len,
                      unsigned char native[EC_KEY_FIELD]) {
  BIGNUM *n = BN_bin2bn(secret, (int)len, NULL);
  int good = n != NULL && BN_bn2nativepad(n, native, (int)len) > 0;
  BN_clear_free(n);
  return good;
}

EVP_PKEY *ec_key_make (const char *group, const unsigned char *point, size_t point_len,
                       const unsigned char *secret, size_t secret_len) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  unsigned char native[EC_KEY_FIELD], own_point[EC_KEY_POINT];
  char own_group[16]; /* parameters are not const */
  OSSL_PARAM params[4], *p = params;
  int selection = secret == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
  EVP_PKEY *pkey = NULL;
  memcpy(own_group, group, strlen(group) + 1);
  memcpy(own_point, point, point_len);
  *p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, own_group, 0);
  *p++ =
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, own_point, point_len);
  if (secret != NULL)
    *p++ = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, secret_len);
  *p = OSSL_PARAM_construct_end();
  if (context != NULL && (secret == NULL || to_native(secret, secret_len, native)) &&
      EVP_PKEY_fromdata_init(context) == 1 &&
      EVP_PKEY_fromdata(context, &pkey, selection, params) != 1)
    pkey = NULL;
  OPENSSL_cleanse(native, sizeof native);
  EVP_PKEY_CTX_free(context);
  return pkey;
}
