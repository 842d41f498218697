/* fingerprint.h -- which errors are the same without looking at any other: a pure, versioned function of one event.
 *
 *   event --fingerprint_of--> key: 128 bits, and why: what went into it
 *
 * The first that applies:
 *   1. a rule of the project (rules.h)
 *   2. a known error of a framework or a transport (known.h): the entry and the service
 *   3. the stack: types and texts of all in-app frames of the whole chain, of all frames where none is in app; with the
 *      message's template where neither type nor frames tell much
 *   4. the message: types and templates
 *   5. the place: of a failed span without an exception its name
 * Equal keys are equal errors; what should be together in spite of different keys is for the groups made of them.
 * Versioned: a change of any rule in this folder that changes a key is a new ERRORS_VERSION, and the version is part of
 * the key, so that no group changes its meaning.
 * Thread: any; no allocation but from the arena. */
#pragma once
#include "base/hash.h"
#include "errors/error_event.h"

#define ERRORS_VERSION 1

enum fingerprint_by {
    FINGERPRINT_BY_RULE,
    FINGERPRINT_BY_KNOWN,
    FINGERPRINT_BY_STACK,
    FINGERPRINT_BY_MESSAGE,
    FINGERPRINT_BY_PLACE
};

struct known;             /* known.h */
struct fingerprint_rules; /* rules.h */
struct fingerprint {
    struct hash128 key;
    enum fingerprint_by by;
    const struct known *known; /* of BY_KNOWN; else NULL */
    uint32_t rule_line;        /* of BY_RULE: its line in the project's rules, from 1 */
};
/* rules: NULL when the project has none. */
struct fingerprint fingerprint_of(struct arena *arena, const struct error_event *event,
                                  const struct fingerprint_rules *rules);
/* What was used, line by line, as text for a person: "type  java.lang.IllegalStateException", "frame  com.acme.Cart.add",
 * "left out  3 frames of java.base" ... */
struct bytes fingerprint_why(struct arena *arena, const struct error_event *event,
                             const struct fingerprint *fingerprint);
