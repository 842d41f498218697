/* known.h -- errors of frameworks and transports that say what they are by their name: tier 0.
 *
 *   exception's type (and, of a type that says nothing, its message) --known_find--> an entry of known.tsv
 *
 * All such errors of a service are one, whatever the place: a client that hangs up is no defect of the line that wrote.
 * By exact type first; messages are looked at only where the type says nothing ("Error", "IOException"), and then the
 * whole of them has to fit, so that words within a sentence do not count. Asked of the reported exception; of its root
 * cause where the reported one is of a type that says nothing.
 * The table is src/errors/known.tsv, its tests known_cases.tsv. Thread: any; constant data. */
#pragma once
#include "errors/error_event.h"

struct known {
    const char *id;       /* "broken-pipe": part of fingerprints, so never changed */
    const char *category; /* "client gone": what a person filters by */
    const char *meaning;  /* a line for a person: what it means, what to look at */
    bool is_of_project;   /* one for all services */
};
const struct known *known_find(const struct error_event *event); /* NULL: none */
extern const struct known known_all[];
extern const uint32_t known_count;
