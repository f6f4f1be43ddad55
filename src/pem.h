/*
** pem: the textual encoding of RFC 7468, as blocks in a text.
** Finding and decoding are plain C over the caller's bytes; text around and
** between blocks is skipped, as every tool that prints certificates relies on.
** The headers of RFC 1421 (encrypted traditional keys) are kept aside.
*/
#ifndef lacre_pem_h
#define lacre_pem_h

#include "compat.h"

typedef struct pem_Block {
  const char *label;
  size_t label_len;
  const char *headers; /* "Proc-Type: ..." lines, or none */
  size_t headers_len;
  const char *body; /* base64 */
  size_t body_len;
  const char *text; /* the block from its first dash to its last */
  size_t text_len;
} pem_Block;

enum { PEM_NONE, PEM_FOUND, PEM_BROKEN };

/* the next block at or after *pos, which is moved behind it. PEM_BROKEN: a
** block begins and does not end */
int pem_next (const char *text, size_t len, size_t *pos, pem_Block *block);

/* whether a block bears a label */
int pem_is (const pem_Block *block, const char *label);

/* pushes the decoded body as scratch bytes and lends them; NULL, with nothing
** pushed, where it is no base64 */
unsigned char *pem_decode (lua_State *L, const pem_Block *block, size_t *len);

/* pushes a block of a label */
void pem_push (lua_State *L, const char *label, const unsigned char *der, size_t len);

int pem_open (lua_State *L);

#endif
