/* date.h -- days of the Gregorian calendar: counted from 1970-01-01, and as text.
 *
 *   20779 --date_text--> "2026-11-22" --date_parse--> 20779
 *
 * Thread: pure functions. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#pragma once
#include "base/bytes.h"

int64_t date_days(int64_t year, uint32_t month, uint32_t day);
void date_of_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day);
void date_text(int32_t day, char text[16]);
MUST_CHECK bool date_parse(const char *text, int32_t *day); /* exactly that form, a day that exists */
/* From the text at *at, which then is behind it. */
MUST_CHECK bool date_take(const char **at, int64_t *days);
MUST_CHECK bool date_digits_take(const char **at, uint32_t count, uint32_t *number); /* exactly count digits */
