/* pattern_names.h -- which templates a partition keeps: a flood of words must not become a flood of rows in the database.
 *
 *   template --pattern_names_find--> itself, while its service has few (PATTERN_FREE)
 *                                    the pattern that it fits, once its service has many that differ in words
 *                                    itself, up to PATTERN_SERVICE_MAX and PATTERN_PROJECT_MAX
 *                                    "(other)" of its service
 *
 * Patterns are found as readers find them (patterns/group.h), of those kept so far; one counts when it has
 * PATTERN_MEMBERS_MIN of them. So what counts under a pattern's rest is of the same pattern when it is read.
 * Learned anew after a restart and every day: what was kept then is kept again.
 * Thread: one owner. Memory: texts of what is kept, PATTERN_NAMES_BYTES_MAX, then all is learned anew. */
#pragma once
#include "base/bytes.h"
#include "base/uuid.h"

#define PATTERN_FREE            256
#define PATTERN_MEMBERS_MIN     64
#define PATTERN_SERVICE_MAX     2000
#define PATTERN_PROJECT_MAX     10000
#define PATTERN_SERVICES_MAX    1000 /* of a project; templates of further ones are "(other)" */
#define PATTERN_NAMES_BYTES_MAX (4u << 20)

struct pattern_names;
struct pattern_names *pattern_names_create(void);
void pattern_names_destroy(struct pattern_names *names); /* NULL is fine */
/* As of now: a new day is begun. To be called before each record. */
void pattern_names_begin(struct pattern_names *names, int64_t now_unix_us);
/* What the template counts under: id and text, borrowed until the next call; *is_rest: not itself. */
struct pattern_name {
    struct uuid id;
    struct bytes service, template;
    bool is_rest;
};
struct pattern_name pattern_names_find(struct pattern_names *names, struct uuid project_id, struct uuid id,
                                       struct bytes service, struct bytes template);
