#include "pem.h"

#include <openssl/crypto.h>

#include "args.h"
#include "base64.h"
#include "fail.h"

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LINE 48 /* bytes that make 64 characters */

typedef struct Line {
  const char *s;
  size_t len; /* without the end of line and white space before it */
} Line;

/* editors on Windows begin a text with a mark of UTF-8 */
static int has_mark (const char *text, size_t len) {
  return len > 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
}

static int next_line (const char *text, size_t len, size_t *pos, Line *line) {
  const char *end;
  if (*pos == 0 && has_mark(text, len)) *pos = 3;
  if (*pos >= len) return 0;
  line->s = text + *pos;
  end = memchr(line->s, '\n', len - *pos);
  line->len = end == NULL ? len - *pos : (size_t)(end - line->s);
  *pos += line->len + (end != NULL);
  while (line->len > 0 && strchr(" \t\r", line->s[line->len - 1]) != NULL &&
         line->s[line->len - 1] != '\0')
    line->len--;
  return 1;
}

/* "-----BEGIN label-----" */
static int is_boundary (const Line *line, const char *start, const char **label,
                        size_t *label_len) {
  size_t n = strlen(start), dashes = sizeof DASHES - 1;
  if (line->len < n + dashes || memcmp(line->s, start, n) != 0) return 0;
  if (memcmp(line->s + line->len - dashes, DASHES, dashes) != 0) return 0;
  *label = line->s + n;
  *label_len = line->len - n - dashes;
  return 1;
}

/* RFC 1421 headers end with an empty line */
static void split_headers (pem_Block *b) {
  size_t pos = 0;
  Line line;
  b->headers = b->body;
  b->headers_len = 0;
  if (!next_line(b->body, b->body_len, &pos, &line) ||
      memchr(line.s, ':', line.len) == NULL)
    return;
  while (next_line(b->body, b->body_len, &pos, &line) && line.len > 0) {
  }
  b->headers_len = pos;
  b->body += pos;
  b->body_len -= pos;
}

static int find_end (const char *text, size_t len, size_t *pos, pem_Block *b) {
  Line line;
  while (next_line(text, len, pos, &line)) {
    const char *label;
    size_t n;
    if (is_boundary(&line, BEGIN, &label, &n)) break; /* read on from there */
    if (!is_boundary(&line, END, &label, &n)) continue;
    if (n != b->label_len || memcmp(label, b->label, n) != 0) return PEM_BROKEN;
    b->body_len = (size_t)(line.s - b->body);
    b->text_len = (size_t)(line.s - b->text) + line.len;
    split_headers(b);
    return PEM_FOUND;
  }
  return PEM_BROKEN;
}

int pem_next (const char *text, size_t len, size_t *pos, pem_Block *b) {
  Line line;
  while (next_line(text, len, pos, &line)) {
    if (!is_boundary(&line, BEGIN, &b->label, &b->label_len)) continue;
    b->text = line.s;
    b->body = text + *pos;
    return find_end(text, len, pos, b);
  }
  return PEM_NONE;
}

int pem_is (const pem_Block *b, const char *label) {
  return b->label_len == strlen(label) && memcmp(b->label, label, b->label_len) == 0;
}

unsigned char *pem_decode (lua_State *L, const pem_Block *b, size_t *len) {
  unsigned char *bytes = lua_newuserdata(L, BASE64_DECODED(b->body_len));
  ptrdiff_t n = base64_decode(b->body, b->body_len, bytes);
  *len = (size_t)n;
  if (n >= 0) return bytes;
  lua_pop(L, 1);
  return NULL;
}

void pem_push (lua_State *L, const char *label, const unsigned char *der, size_t len) {
  size_t size = BASE64_ENCODED(len) + len / LINE + 2, i, n = 0;
  char *text = lua_newuserdata(L, size);
  for (i = 0; i < len; i += LINE) {
    n += base64_encode(der + i, len - i < LINE ? len - i : LINE, text + n);
    text[n++] = '\n';
  }
  lua_pushfstring(L, BEGIN "%s" DASHES "\n", label);
  lua_pushlstring(L, text, n);
  lua_pushfstring(L, END "%s" DASHES "\n", label);
  OPENSSL_cleanse(text, size); /* it may have been a private key */
  lua_concat(L, 3);
  lua_remove(L, -2);
}

/* a failure, and where what follows the broken block begins */
static int push_broken (lua_State *L, size_t pos, const char *message) {
  fail_code(L, "parse", "bad_pem", "%s", message);
  lua_pushinteger(L, (lua_Integer)pos + 1);
  return 3;
}

static int push_parts (lua_State *L, const pem_Block *b, size_t pos) {
  size_t len;
  unsigned char *der;
  lua_pushinteger(L, (lua_Integer)pos + 1);
  lua_pushlstring(L, b->label, b->label_len);
  der = pem_decode(L, b, &len);
  if (der == NULL) return push_broken(L, pos, "a PEM block is not base64");
  lua_pushlstring(L, (char *)der, len);
  OPENSSL_cleanse(der, len);
  lua_remove(L, -2);
  lua_pushlstring(L, b->headers, b->headers_len);
  lua_pushlstring(L, b->text, b->text_len);
  return 5;
}

/* pem.next(text, from) -> next, label, der, headers, block | false | nil, err, next */
static int pem_next_block (lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  size_t pos = args_position(L, 2, len);
  pem_Block b;
  switch (pem_next(text, len, &pos, &b)) {
  case PEM_FOUND: return push_parts(L, &b, pos);
  case PEM_BROKEN:
    return push_broken(L, (size_t)(b.body - text), "a PEM block has no END line");
  default: lua_pushboolean(L, 0); return 1;
  }
}

/* pem.encode(label, der) -> text */
static int pem_encode (lua_State *L) {
  const char *label = args_text(L, 1);
  int len;
  const char *der = args_bytes(L, 2, &len);
  pem_push(L, label, (const unsigned char *)der, (size_t)len);
  return 1;
}

static const luaL_Reg functions[] = {
  { "next", pem_next_block },
  { "encode", pem_encode },
  { NULL, NULL },
};

int pem_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
