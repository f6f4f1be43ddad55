#include "base64.h"

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { OTHER = -1, SPACE = -2, PADDING = -3 };

static int value_of (char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  if (c == '=') return PADDING;
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' ? SPACE : OTHER;
}

ptrdiff_t base64_decode (const char *text, size_t len, unsigned char *out) {
  unsigned long group = 0;
  size_t i, n = 0, digits = 0, padding = 0;
  for (i = 0; i < len; i++) {
    int value = value_of(text[i]);
    if (value == SPACE) continue;
    if (value == OTHER || (value != PADDING && padding > 0)) return -1;
    if (value == PADDING) padding++;
    group = (group << 6 | (unsigned long)(value < 0 ? 0 : value)) & 0xffffff;
    if (++digits % 4 != 0) continue;
    out[n++] = (unsigned char)(group >> 16);
    out[n++] = (unsigned char)(group >> 8 & 0xff);
    out[n++] = (unsigned char)(group & 0xff);
  }
  if (digits % 4 != 0 || padding > 2) return -1;
  return (ptrdiff_t)(n - padding);
}

size_t base64_encode (const unsigned char *bytes, size_t len, char *out) {
  size_t i, n = 0;
  for (i = 0; i < len; i += 3) {
    size_t left = len - i;
    unsigned long group = (unsigned long)bytes[i] << 16;
    if (left > 1) group |= (unsigned long)bytes[i + 1] << 8;
    if (left > 2) group |= bytes[i + 2];
    out[n++] = alphabet[group >> 18];
    out[n++] = alphabet[group >> 12 & 63];
    out[n++] = (char)(left > 1 ? alphabet[group >> 6 & 63] : '=');
    out[n++] = (char)(left > 2 ? alphabet[group & 63] : '=');
  }
  return n;
}
