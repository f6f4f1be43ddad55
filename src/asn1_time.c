#include "asn1_time.h"

#include <stdio.h>
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

typedef struct Date {
  int year, month, day;
} Date;

/* the other way; years are not negative */
static Date date_of (int64_t days) {
  int64_t era, of_era, of_year, year;
  Date date;
  days += 719468;
  era = (days >= 0 ? days : days - 146096) / 146097;
  of_era = days - era * 146097;
  year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  of_year = of_era - (365 * year + year / 4 - year / 100);
  date.month = (int)((5 * of_year + 2) / 153);
  date.day = (int)(of_year - (153 * date.month + 2) / 5 + 1);
  date.month += date.month < 10 ? 3 : -9;
  date.year = (int)(year + era * 400 + (date.month <= 2));
  return date;
}

void asn1_time_write (int64_t seconds, char text[ASN1_TIME_SIZE]) {
  int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
  unsigned of_day = (unsigned)(seconds - days * 86400);
  Date date = date_of(days);
  unsigned year = (unsigned)date.year;
  int is_short = year >= 1950 && year < 2050;
  snprintf(text, ASN1_TIME_SIZE,
           is_short ? "%02u%02u%02u%02u%02u%02uZ" : "%04u%02u%02u%02u%02u%02uZ",
           is_short ? year % 100 : year % 10000, (unsigned)date.month % 100,
           (unsigned)date.day % 100, of_day / 3600 % 100, of_day / 60 % 60,
           of_day % 60);
}
