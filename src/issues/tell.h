/* tell.h -- what people are told of an error: the title of an issue, where it comes from, and why a fingerprint is in it.
 *
 *   first event (JSON of meta/error.h) --tell_read--> error_event --tell_of--> title, message, culprit, category
 *   struct issue_fingerprint --tell_why--> "its stack is like that of 8429d7fa40ca5736: 0.74 of the weight ..."
 *
 * Thread: any. Memory: the arena's. Errors: none: what is no JSON is an error of which nothing is known. Texts are UTF-8
 * without control characters, cut to their greatest length. */
#pragma once
#include "errors/fingerprint.h"
#include "meta/issue_owner.h"

#define TELL_TITLE_BYTES   200
#define TELL_MESSAGE_BYTES 500
#define TELL_CULPRIT_BYTES 200

/* As the worker read it. */
const struct error_event *tell_read(struct arena *arena, const struct issue_new *fingerprint);

struct telling {
    struct bytes title;   /* the type; without one the message, or the place */
    struct bytes message; /* a template; of a known error without one what it means */
    struct bytes
        culprit; /* "com.acme.Cart.total (Cart.java)": the innermost frame in app of the root cause; else the place */
    struct bytes category, known_id; /* of a known error */
};
struct telling tell_of(struct arena *arena, const struct error_event *event, enum fingerprint_by made_by);

/* A sentence or two. */
struct bytes tell_why(struct arena *arena, const struct issue_fingerprint *fingerprint);
