/* origin.h -- which web pages may use a browser key: origins as browsers send them in the Origin header.
 *
 *   "https://shop.example http://localhost:3000"   a list, single spaces between
 *   "*.shop.example" as the host: any below shop.example, not itself; "*" alone: every page
 *
 * An origin is scheme "://" host [":" port], in lower case, without a path; a default port is left out, as browsers do.
 * Pure functions. Thread: any. Source: RFC 6454, 6.2; Fetch standard, "Origin" header. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define ORIGINS_BYTES 512

/* Writes the list that commas or blanks separate as one of this form: lower case, default ports and repeats left out.
 * ERR_INPUT names the origin that is none. An empty list is fine. */
MUST_CHECK bool origins_read(const char *text, char origins[ORIGINS_BYTES], struct err *err);
/* Is the page's origin in the list? "null" (a file, a sandboxed frame) is only in "*". */
bool origins_hold(const char *origins, struct bytes origin);
