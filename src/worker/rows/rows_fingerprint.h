/* rows_fingerprint.h -- where an exception comes from.
 *
 *   stack trace  --fingerprint_frame-->  "com.acme.Cart.add(Cart.java:<*>)", the first frame of the program's own
 *
 * Rules for users: docs/rows.md. Pure, no allocation. Text is any bytes. Thread: any. */
#pragma once
#include "patterns/mask.h"

/* The template of the innermost frame that is not of a language's library or a well-known framework; of the innermost
 * when all are; empty when none is found. Of Java, Kotlin, .NET, JavaScript, Python, Go, Ruby, PHP. */
struct bytes fingerprint_frame(uint8_t room[MASK_ROOM_BYTES], struct bytes stacktrace);
