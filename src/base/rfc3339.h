/* rfc3339.h -- times as they are written for machines and read from anybody: 2026-11-27T02:00:00.123456Z.
 * Thread: any. Source: RFC 3339, 5.6. Read: any offset, T or a blank, up to 9 digits of a second of which 6 count. */
#pragma once
#include "base/bytes.h"

#define RFC3339_BYTES 32
void rfc3339_write(int64_t unix_us, char text[RFC3339_BYTES]);
void rfc3339_write_seconds(int64_t unix_us, char text[RFC3339_BYTES]); /* without the part of a second */
MUST_CHECK bool rfc3339_read(struct bytes text, int64_t *unix_us);
/* The same, or now, or now-90s, now-15m, now-6h, now-7d. */
MUST_CHECK bool rfc3339_read_relative(struct bytes text, int64_t now_unix_us, int64_t *unix_us);
