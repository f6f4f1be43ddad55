#include "detour.h"

#include <openssl/x509.h>

#define MOST 32 /* a peer chooses what it sends, and not how long it is judged */

typedef struct Search {
  X509_STORE_CTX *origin;
  const STACK_OF(X509) * candidates; /* borrowed from it */
  STACK_OF(X509) * excluded;         /* each borrowed, too */
  detour_Try *judge;
  void *arg;
  int left; /* paths that may still be tried */
} Search;

static int has (const STACK_OF(X509) * list, const X509 *x) {
  int i;
  for (i = 0; i < sk_X509_num(list); i++)
    if (X509_cmp(sk_X509_value(list, i), x) == 0) return 1;
  return 0;
}

/* whether another candidate than `used` bears the name of the issuer of `x` */
static int has_other (const Search *s, const X509 *x, const X509 *used) {
  const X509_NAME *name = X509_get_issuer_name(x);
  int i;
  for (i = 0; i < sk_X509_num(s->candidates); i++) {
    const X509 *other = sk_X509_value(s->candidates, i);
    if (X509_NAME_cmp(X509_get_subject_name(other), name) == 0 &&
        X509_cmp(other, used) != 0 && X509_cmp(other, x) != 0 &&
        !has(s->excluded, other))
      return 1;
  }
  return 0;
}

/* borrows its certificates */
static STACK_OF(X509) * remaining(const Search *s) {
  STACK_OF(X509) *list = sk_X509_new_null();
  int i;
  for (i = 0; list != NULL && i < sk_X509_num(s->candidates); i++) {
    X509 *x = sk_X509_value(s->candidates, i);
    if (has(s->excluded, x) || sk_X509_push(list, x)) continue;
    sk_X509_free(list);
    list = NULL;
  }
  return list;
}

static int prepare (const Search *s, X509_STORE_CTX *ctx, STACK_OF(X509) * list) {
  X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
  if (param != NULL &&
      X509_VERIFY_PARAM_set1(param, X509_STORE_CTX_get0_param(s->origin)) == 1 &&
      X509_STORE_CTX_init(ctx, X509_STORE_CTX_get0_store(s->origin),
                          X509_STORE_CTX_get0_cert(s->origin), list) == 1) {
    X509_STORE_CTX_set0_param(ctx, param);
    return 1;
  }
  X509_VERIFY_PARAM_free(param);
  return 0;
}

/* one path without what is excluded; where it fails, `chain` and its `untrusted` */
static int attempt (Search *s, STACK_OF(X509) * *chain, int *untrusted) {
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  STACK_OF(X509) *list = remaining(s);
  int result = -1;
  if (ctx != NULL && list != NULL && prepare(s, ctx, list))
    result = s->judge(ctx, s->arg);
  if (result == 0) {
    *chain = X509_STORE_CTX_get1_chain(ctx);
    *untrusted = X509_STORE_CTX_get_num_untrusted(ctx);
  }
  X509_STORE_CTX_free(ctx);
  sk_X509_free(list);
  return result;
}

static int search (Search *s, const STACK_OF(X509) * chain, int untrusted) {
  int i, result = 0;
  for (i = untrusted - 1; result == 0 && i > 0 && s->left > 0; i--) {
    STACK_OF(X509) *next = NULL;
    X509 *used = sk_X509_value(chain, i);
    int n = 0;
    if (!has_other(s, sk_X509_value(chain, i - 1), used)) continue;
    s->left--;
    if (!sk_X509_push(s->excluded, used)) return -1;
    result = attempt(s, &next, &n);
    if (result == 0 && next != NULL) result = search(s, next, n);
    sk_X509_pop_free(next, X509_free);
    (void)sk_X509_pop(s->excluded);
  }
  return result;
}

int detour_find (X509_STORE_CTX *ctx, detour_Try *judge, void *arg) {
  STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
  int result = -1, untrusted = X509_STORE_CTX_get_num_untrusted(ctx);
  Search s;
  s.origin = ctx;
  s.candidates = X509_STORE_CTX_get0_untrusted(ctx);
  s.judge = judge;
  s.arg = arg;
  s.left = MOST;
  if (chain == NULL || s.candidates == NULL) return 0;
  s.excluded = sk_X509_new_null();
  if (s.excluded != NULL) result = search(&s, chain, untrusted);
  sk_X509_free(s.excluded);
  return result;
}

int detour_alone (X509_STORE_CTX *ctx, detour_Try *judge, void *arg) {
  X509_STORE_CTX *alone = X509_STORE_CTX_new();
  Search s;
  int result = -1;
  s.origin = ctx;
  if (alone != NULL && prepare(&s, alone, NULL)) result = judge(alone, arg);
  X509_STORE_CTX_free(alone);
  return result;
}
