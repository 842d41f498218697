/* finding_causes_inside.h -- a reading, for the two files that make it. Thread: the caller's. */
#pragma once
#include "findings/finding_causes.h"
#include "meta/db_rows.h"

struct finding_causes {
    struct arena *arena;
    const struct finding_face *face;
    struct uuid project_id;
    int64_t begin_unix_us, from_unix_us, since_unix_us, to_unix_us;
    uint64_t asks_until_mono_ns; /* one thread looks at all projects: no question about rows begins later */
    struct cause_input input;
    struct db_rows symptoms, deploys, issues, attributes; /* of struct cause_symptom ... */
    struct db_rows asked;                                 /* names of places whose rows were compared: struct bytes */
};
/* finding_causes_rows.c: what only rows know. What fails is left out. */
void finding_releases_ask(struct finding_causes *causes);
void finding_attributes_ask(struct finding_causes *causes, const struct cause *list, uint32_t count);
