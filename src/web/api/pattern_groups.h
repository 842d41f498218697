/* pattern_groups.h -- the log patterns of a project: its templates (meta/pattern.h) put together (patterns/group.h), and what
 * `pattern:ID` means in a search.
 *
 *   templates of the database --pattern_groups_load--> groups, and which of them each template is in
 *
 * Which templates are one pattern is no data of its own: it is made of all templates of the service each time, some 10 ms of
 * 10,000. A pattern has the least of its templates' ids; any of them finds it.
 * Thread: the call's. Memory: the call's. */
#pragma once
#include "meta/pattern.h"
#include "search/search.h"
#include "web/api/api_call.h"

struct pattern_group {
    struct uuid id;
    struct bytes service, text, sample;
    int64_t first_unix_us, last_unix_us;
    bool has_rest;
    uint32_t member_count, first_member; /* in pattern_groups.members */
};
struct pattern_groups_all {
    struct pattern_seen *seen; /* by id */
    uint32_t *group_of;        /* of each seen */
    uint32_t *members;         /* of seen, group by group */
    struct pattern_group *groups;
    uint32_t seen_count, group_count;
};
/* extra: templates that the database does not have, of rows; may be NULL. service: empty for all. */
MUST_CHECK bool pattern_groups_load(struct api_call *call, struct bytes service, const struct pattern_seen *extra,
                                    uint32_t extra_count, struct pattern_groups_all *all, struct err *err);
/* The index of a template in seen; UINT32_MAX: none. */
uint32_t pattern_groups_find(const struct pattern_groups_all *all, struct uuid id);
/* Each `pattern:ID` of a search becomes any of the pattern's templates, each `issue:12` any of the fingerprints; who has
 * a link is told of no issues. */
MUST_CHECK bool pattern_search_expand(struct api_call *call, struct search_node *root, struct err *err);
