/* zone.h -- what a wall clock shows in a time zone, and which instant it means.
 *
 *   "Europe/Berlin" --zone_open: the system's tzdata (RFC 9636)--> zone
 *        2026-10-25 02:30 there <--zone_local, zone_instant--> unix seconds
 *
 * An hour that comes twice is its first one; one that is left out is read by the offset before it, so 02:30 is 03:30.
 * "UTC" and "+05:30" need no file. Thread: any, once it is open. Memory: one allocation, some 20 KiB.
 * Errors: ERR_INPUT for a name that is none or that this machine has no file of; ERR_CORRUPT. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define ZONE_NAME_BYTES 64

struct zone;
struct zone_time {                              /* as a wall clock shows it */
    int year, month, day, hour, minute, second; /* month and day from 1 */
};
MUST_CHECK bool zone_open(struct zone **zone, struct bytes name, struct err *err);
/* The same of a file's bytes. */
MUST_CHECK bool zone_read(struct zone **zone, struct bytes name, struct bytes file, struct err *err);
void zone_close(struct zone *zone); /* NULL is fine */
const char *zone_name(const struct zone *zone);
bool zone_is_fixed(const struct zone *zone); /* UTC, or an offset: SQL need not know it by name */

int32_t zone_offset_s(const struct zone *zone, int64_t unix_s);       /* local = UTC + offset */
struct zone_time zone_local(const struct zone *zone, int64_t unix_s); /* NULL: in UTC */
/* Days and hours may be out of their range and are carried: day 0 is the last of the month before. */
int64_t zone_instant(const struct zone *zone, struct zone_time local);

/* Of the calendar alone. */
int64_t zone_day_number(int year, int month, int day); /* days since 1970-01-01 */
int zone_weekday(int64_t day_number);                  /* 0 Monday to 6 Sunday */
bool zone_date_is(int year, int month, int day);       /* does that day exist */
