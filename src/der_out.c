#include "der_out.h"

#include <string.h>

#include <openssl/crypto.h>

#include "der.h"

#define FIRST_ROOM 1024 /* most certificates; then twice as much each time */

/* room for `len` more; 0 where there is none */
static int reserve (der_Out *out, size_t len) {
  size_t room = out->room == 0 ? FIRST_ROOM : out->room;
  unsigned char *bytes;
  if (out->failed) return 0;
  if (out->room - out->len >= len) return 1;
  while (room - out->len < len) room *= 2;
  bytes = OPENSSL_realloc(out->bytes, room);
  if (bytes == NULL) {
    out->failed = 1;
    return 0;
  }
  out->bytes = bytes;
  out->room = room;
  return 1;
}

void der_out_put (der_Out *out, const void *bytes, size_t len) {
  if (!reserve(out, len)) return;
  if (len > 0) memcpy(out->bytes + out->len, bytes, len);
  out->len += len;
}

/* the octets of a length; how many of them there are */
static size_t put_length (unsigned char octets[8], size_t len) {
  size_t n = 0, rest;
  if (len < 0x80) {
    octets[0] = (unsigned char)len;
    return 1;
  }
  for (rest = len; rest > 0; rest >>= 8) n++;
  octets[0] = (unsigned char)(0x80 | n);
  for (rest = n; rest > 0; rest--, len >>= 8) octets[rest] = (unsigned char)len;
  return n + 1;
}

void der_out_element (der_Out *out, int tag, const void *content, size_t len) {
  unsigned char head[10];
  head[0] = (unsigned char)tag;
  der_out_put(out, head, 1 + put_length(head + 1, len));
  der_out_put(out, content, len);
}

size_t der_out_open (der_Out *out, int tag) {
  unsigned char octet = (unsigned char)tag;
  der_out_put(out, &octet, 1);
  return out->len;
}

void der_out_close (der_Out *out, size_t at) {
  unsigned char octets[9];
  size_t len = out->len - at, n;
  if (out->failed) return;
  n = put_length(octets, len);
  if (!reserve(out, n)) return;
  memmove(out->bytes + at + n, out->bytes + at, len);
  memcpy(out->bytes + at, octets, n);
  out->len += n;
}

static unsigned nibble (char digit) {
  if (digit <= '9') return (unsigned)(digit - '0');
  return (unsigned)((digit | 0x20) - 'a' + 10);
}

void der_out_hex (der_Out *out, const char *text, size_t len) {
  size_t at = der_out_open(out, DER_INTEGER);
  unsigned char octet = 0;
  for (; len > 0 && *text == '0'; len--) text++;
  /* a sign bit of its own, or the number is 0 */
  if (len == 0 || (len % 2 == 0 && nibble(*text) >= 8)) der_out_put(out, "", 1);
  for (; len > 0; len--) {
    octet = (unsigned char)((unsigned)octet << 4 | nibble(*text++));
    if (len % 2 == 1) der_out_put(out, &octet, 1);
  }
  der_out_close(out, at);
}

void der_out_small (der_Out *out, int tag, int value) {
  unsigned char octet = (unsigned char)value;
  der_out_element(out, tag, &octet, 1);
}

void der_out_release (der_Out *out) {
  OPENSSL_clear_free(out->bytes, out->room);
  memset(out, 0, sizeof *out);
}
