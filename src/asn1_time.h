/*
** asn1_time: ASN.1 times as seconds since 1970. Without Lua.
** The calendar is computed here, so that years 1 to 9999 work whatever time_t
** is and whatever the time zone. RFC 5280 4.1.2.5: UTCTime up to 2049.
*/
#ifndef lacre_asn1_time_h
#define lacre_asn1_time_h

#include <stdint.h>

#include <openssl/asn1.h>

/* 1, or 0 where the time cannot be read */
int asn1_time_read (const ASN1_TIME *time, int64_t *seconds);

#endif
