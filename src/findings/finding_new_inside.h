/* finding_new_inside.h -- how any thing that is new becomes a finding, and ends; errors and patterns say which things there are. */
#pragma once
#include "findings/finding_new.h"
#include "meta/db_rows.h"

/* A finding of a new thing, as it is stored. */
struct new_known {
    enum detect_kind kind;
    struct watch_subject subject;
    bool is_up;
    int64_t begin_unix_us, found_unix_us, end_unix_us;
    double effect;
};
struct new_looking {
    struct arena arena;
    struct db *db;
    struct uuid project_id;
    int64_t to_unix_us;   /* a whole minute */
    struct db_rows known; /* of struct new_known: of the last hours, and those that go on */
    watch_tell_fn *tell;
    void *ctx;
};
struct new_thing {
    int64_t first_unix_us, last_unix_us;
    double rows, effect;
    bool is_up, is_done; /* done: somebody has settled it */
};

/* Is it worth telling people; or too seldom for that, and its first hour is over? Neither: later, perhaps. */
bool new_is_up(const struct new_thing *thing);
bool new_is_late(const struct new_looking *looking, const struct new_thing *thing);
/* What was first seen before can be no thing of a finding that goes on. */
int64_t new_since_unix_us(const struct new_looking *looking);
void new_open(struct new_looking *looking, enum detect_kind kind, const struct watch_subject *subject,
              const struct new_thing *thing);
/* Unless it goes on. thing NULL: there is nothing left of it. */
void new_end(struct new_looking *looking, const struct new_known *known, const struct new_thing *thing);

MUST_CHECK bool new_errors_look(struct new_looking *looking, struct err *err);
MUST_CHECK bool new_patterns_look(struct new_looking *looking, struct err *err);
