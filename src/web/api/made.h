/* made.h -- what people make and keep as code (dashboards, monitors), as answers have it.
 *
 *   kept content, JSON of ours --> slug + content --> + version, author, created_at, changed_at --made_answer--> caller
 *                                   '-- as YAML, when the caller wants it
 *
 * The ETag is of the whole. Thread: the caller's. Memory: the call's. Errors: ERR_CORRUPT, the content cannot be read (the database's
 * fault); a slug that is none is answered. */
#pragma once
#include "web/api/api_call.h"

struct made {
    const char *noun; /* "dashboard" */
    struct bytes slug, content, author;
    int64_t version, created_unix_us, changed_unix_us;
};

/* NULL: it cannot be read. */
yyjson_mut_val *made_content(struct api_call *call, struct bytes text);
/* ERR_CORRUPT of it, false. */
bool made_broken(const char *noun, struct err *err);
void made_answer(struct api_call *call, const struct made *made);
/* Is it still as the caller has read it? False: is_stale, or ERR_CORRUPT. */
MUST_CHECK bool made_is_current(struct api_call *call, const struct made *made, bool *is_stale, struct err *err);
/* Of a PUT: may something have the path's slug, and does the body say none or the same? False: it was answered. */
MUST_CHECK bool made_slug_check(struct api_call *call, struct bytes slug);
