/* mask.h -- what a message says without what varies in it: its template.
 *
 *   "user 4711 took 35ms from 10.0.0.9:51122"  --mask_text-->  "user <*> took <*> from <*>"
 *
 * Masked as <*>: numbers with their sign and unit; hex, UUIDs and other runs of letters and digits mixed; IP and MAC
 * addresses, times, dates (names of months and days beside numbers too), lists of numbers; e-mail addresses; suffixes
 * of Kubernetes pods. Of "worker12" and "Base64Decoder" the number alone goes. A URL's query and colours of terminals
 * are left out. Of a JSON object the keys stay. Words in quotes stay: they are as often the message as its values;
 * which of them vary is seen when many templates stand beside each other (group.h).
 * Rules for users, with examples: docs/patterns.md. A changed rule changes the hashes made of templates, so it is a new
 * PATTERNS_VERSION.
 *
 * Pure, one pass, no allocation: MASK_BYTES_MAX of the template count, and as much of the text as makes them,
 * at most 4 KiB. Text is any bytes. Thread: any. */
#pragma once
#include "base/bytes.h"

#define PATTERNS_VERSION 1
#define MASK_BYTES_MAX   512
#define MASK_ROOM_BYTES  (MASK_BYTES_MAX + 192) /* what is written aside the result */

/* At most MASK_BYTES_MAX bytes, in room. */
struct bytes mask_text(uint8_t room[MASK_ROOM_BYTES], struct bytes text);
