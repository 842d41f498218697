/* rows_fingerprint.h -- what a message says without what varies in it, and where an exception comes from.
 *
 *   "user 4711 took 35ms from 10.0.0.9:51122"  --fingerprint_template-->  "user <*> took <*> from <*>"
 *   stack trace  --fingerprint_frame-->  "com.acme.Cart.add(Cart.java:<*>)", the first frame of the program's own
 *
 * Masked as <*>: numbers with their sign and unit; hex, UUIDs and other runs of letters and digits mixed; IP and MAC
 * addresses, times, dates (names of months and days beside numbers too), lists of numbers; e-mail addresses; suffixes
 * of Kubernetes pods. Of "worker12" and "Base64Decoder" the number alone goes. A URL's query and colours of terminals
 * are left out. Of a JSON object the keys stay. Words in quotes stay: they are as often the message as its values.
 * Rules for users, with examples: docs/rows.md. A changed rule changes the hashes made of templates.
 *
 * Pure, one pass, no allocation: FINGERPRINT_BYTES_MAX of the template count, and as much of the text as makes them,
 * at most 4 KiB. Text is any bytes. Thread: any. */
#pragma once
#include "base/bytes.h"

#define FINGERPRINT_BYTES_MAX  512
#define FINGERPRINT_ROOM_BYTES (FINGERPRINT_BYTES_MAX + 192) /* what is written aside the result */

/* At most FINGERPRINT_BYTES_MAX bytes, in room. */
struct bytes fingerprint_template(uint8_t room[FINGERPRINT_ROOM_BYTES], struct bytes text);
/* The template of the innermost frame that is not of a language's library or a well-known framework; of the innermost
 * when all are; empty when none is found. Of Java, Kotlin, .NET, JavaScript, Python, Go, Ruby, PHP. */
struct bytes fingerprint_frame(uint8_t room[FINGERPRINT_ROOM_BYTES], struct bytes stacktrace);
