#include "asn1_time.h"

#include <time.h>

/* days since 1970-01-01 in the proleptic Gregorian calendar; March comes first,
** so that the leap day is the last of its year */
static int64_t days_of (int64_t year, int month, int day) {
  int64_t era, of_era, of_year;
  if (month <= 2) {
    year--;
    month += 12;
  }
  era = (year >= 0 ? year : year - 399) / 400;
  of_era = year - era * 400;
  of_year = (153 * (month - 3) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int asn1_time_read (const ASN1_TIME *time, int64_t *seconds) {
  struct tm tm;
  if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1) return 0;
  *seconds = days_of((int64_t)tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 86400 +
             tm.tm_hour * 3600L + tm.tm_min * 60L + tm.tm_sec;
  return 1;
}
