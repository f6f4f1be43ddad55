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

#define ASN1_TIME_FIRST (-62167219200) /* the first second of year 0 */
#define ASN1_TIME_LAST 253402300799    /* the last of year 9999 */
#define ASN1_TIME_SIZE 16

/* writes a time between those two as text with its NUL: "YYMMDDhhmmssZ" from 1950 to
** 2049, with four digits of the year before and afterwards */
void asn1_time_write (int64_t seconds, char text[ASN1_TIME_SIZE]);

#endif
