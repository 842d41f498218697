#include "web/api/pattern_groups.h"

#include <ctype.h>
#include <stdlib.h>

#include "meta/issue.h"
#include "patterns/group.h"

#define ELEMENT_BYTES 40   /* "pat:" and a UUID */
#define VALUES_MAX    2000 /* of one term, as SQL */

static int id_compare(const void *left, const void *right)
{
    return memcmp(((const struct pattern_seen *)left)->id.bytes, ((const struct pattern_seen *)right)->id.bytes, 16);
}

static int service_compare(const void *left, const void *right, void *ctx)
{
    const struct pattern_seen *seen = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = bytes_compare(seen[a].service, seen[b].service);
    return order != 0 ? order : (a > b) - (a < b);
}

/* What its members say of a group. */
static void group_add(struct pattern_group *group, const struct pattern_seen *seen)
{
    bool is_first = group->member_count++ == 0;
    if (is_first) group->id = seen->id; /* they come by id */
    if (is_first || seen->first_unix_us < group->first_unix_us) {
        group->first_unix_us = seen->first_unix_us;
        if (seen->sample.len > 0) group->sample = seen->sample;
    }
    if (group->sample.len == 0) group->sample = seen->sample;
    if (is_first || seen->last_unix_us > group->last_unix_us) group->last_unix_us = seen->last_unix_us;
    group->has_rest |= seen->is_rest;
}

bool pattern_groups_load(struct api_call *call, struct bytes service, const struct pattern_seen *extra,
                         uint32_t extra_count, struct pattern_groups_all *all, struct err *err)
{
    struct arena *arena = call->arena;
    struct pattern_seen *seen;
    uint32_t count;
    *all = (struct pattern_groups_all){ 0 };
    if (!pattern_templates_read(call->parts->db, call->project.id, service, arena, &seen, &count, err)) return false;
    all->seen = arena_alloc(arena, (count + extra_count) * sizeof *seen);
    if (count > 0) memcpy(all->seen, seen, count * sizeof *seen);
    if (extra_count > 0) memcpy(all->seen + count, extra, extra_count * sizeof *seen);
    all->seen_count = count += extra_count;
    if (count > 1) qsort(all->seen, count, sizeof *seen, id_compare);
    uint32_t *order = arena_alloc(arena, count * sizeof *order);
    for (uint32_t s = 0; s < count; s++) order[s] = s;
    if (count > 1) qsort_r(order, count, sizeof *order, service_compare, all->seen);
    all->group_of = arena_alloc(arena, count * sizeof *all->group_of);
    all->members = arena_alloc(arena, count * sizeof *all->members);
    all->groups = arena_calloc(arena, count * sizeof *all->groups);
    struct bytes *templates = arena_alloc(arena, count * sizeof *templates);
    for (uint32_t from = 0, to; from < count; from = to) {
        struct pattern_groups of_service;
        struct bytes name = all->seen[order[from]].service;
        for (to = from; to < count && bytes_equal(all->seen[order[to]].service, name); to++)
            templates[to] = all->seen[order[to]].template;
        patterns_group(arena, templates + from, to - from, &of_service);
        for (uint32_t s = from; s < to; s++) all->group_of[order[s]] = all->group_count + of_service.group_of[s - from];
        for (uint32_t g = 0; g < of_service.count; g++) {
            struct pattern_group *group = &all->groups[all->group_count++];
            group->service = name;
            group->text = of_service.texts[g];
        }
    }
    for (uint32_t s = 0; s < count; s++) group_add(&all->groups[all->group_of[s]], &all->seen[s]);
    for (uint32_t g = 0, first = 0; g < all->group_count; g++) {
        all->groups[g].first_member = first;
        first += all->groups[g].member_count;
        all->groups[g].member_count = 0;
    }
    for (uint32_t s = 0; s < count; s++) {
        struct pattern_group *group = &all->groups[all->group_of[s]];
        all->members[group->first_member + group->member_count++] = s;
    }
    return true;
}

uint32_t pattern_groups_find(const struct pattern_groups_all *all, struct uuid id)
{
    uint32_t from = 0, to = all->seen_count;
    while (from < to) {
        uint32_t middle = (from + to) / 2;
        int order = memcmp(all->seen[middle].id.bytes, id.bytes, sizeof id.bytes);
        if (order == 0) return middle;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return UINT32_MAX;
}

/* -- pattern:ID ------------------------------------------------------------------------------------------------- */

/* The pattern as an expression over a body as JSON text: for what its rarer templates say, which no list names. */
static struct bytes body_regex(struct arena *arena, struct bytes text)
{
    uint8_t *to = arena_alloc(arena, text.len * 6 + 2), *at = to;
    *at++ = '"'; /* of the whole text, or of a member of an object */
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (text.len - i >= 3 && memcmp(text.ptr + i, "<*>", 3) == 0) {
            memcpy(at, ".+", 2);
            at += 2;
            i += 2;
        } else if (isalnum(c) || c >= 128 || c == '_' || c == ',' || c == ':' || c == '/' || c == '=') {
            *at++ = c;
        } else if (c == ' ') {
            memcpy(at, " +", 2);
            at += 2;
        } else if (c == '"' || c == '\\' || c < ' ') { /* escaped in JSON, however its writer does it */
            memcpy(at, ".{1,6}", 6);
            at += 6;
        } else {
            *at++ = '[';
            if (c == '^') *at++ = '\\';
            if (c == ']') *at++ = '\\';
            *at++ = c;
            *at++ = ']';
        }
    }
    *at++ = '"';
    return bytes_from(to, (size_t)(at - to));
}

static struct bytes element_make(struct arena *arena, const char *head, struct uuid id)
{
    char *text = arena_alloc(arena, ELEMENT_BYTES + 1);
    memcpy(text, head, 4);
    uuid_to_text(id, text + 4);
    return bytes_from(text, ELEMENT_BYTES);
}

struct expanding {
    struct api_call *call;
    struct pattern_groups_all all;
    bool is_loaded;
    size_t bytes;
    struct err *err;
};

/* issue:12 -- any of its fingerprints; one that is not there has no rows. */
static bool issue_expand(struct expanding *expanding, struct search_node *node)
{
    struct api_call *call = expanding->call;
    struct uuid *ids;
    int64_t number = 0;
    uint32_t count;
    if (call->actor->kind == ACTOR_SHARE)
        return err_set(expanding->err, ERR_FORBIDDEN, "a link opens no issues: search without issue:");
    for (size_t i = sizeof "issue:" - 1; i < node->value.len; i++) number = number * 10 + (node->value.ptr[i] - '0');
    if (!issue_fingerprint_ids(call->parts->db, call->project.id, number, VALUES_MAX, call->arena, &ids, &count,
                               expanding->err))
        return false;
    expanding->bytes += (size_t)count * (ELEMENT_BYTES + 4);
    if (expanding->bytes > SEARCH_VALUES_BYTES_MAX)
        return err_set(expanding->err, ERR_TOO_LARGE, "the issues of this search have too many fingerprints");
    struct bytes *values = arena_alloc(call->arena, (count + 1) * sizeof *values);
    for (uint32_t i = 0; i < count; i++) values[i] = element_make(call->arena, "err:", ids[i]);
    node->values = values;
    node->value_count = count;
    return true;
}

static bool node_expand(struct expanding *expanding, struct search_node *node)
{
    struct uuid id;
    if (node == NULL) return true;
    if (!node_expand(expanding, node->left) || !node_expand(expanding, node->right)) return false;
    if (node->kind == SEARCH_TERM && node->is_issue && node->test == SEARCH_IS) return issue_expand(expanding, node);
    if (node->kind != SEARCH_TERM || !node->is_pattern || node->test != SEARCH_IS || node->value.len != ELEMENT_BYTES ||
        !uuid_from_text(bytes_from(node->value.ptr + 4, UUID_TEXT_BYTES), &id))
        return true;
    struct api_call *call = expanding->call;
    if (!expanding->is_loaded &&
        !pattern_groups_load(call, (struct bytes){ 0 }, NULL, 0, &expanding->all, expanding->err))
        return false;
    expanding->is_loaded = true;
    uint32_t found = pattern_groups_find(&expanding->all, id);
    if (found == UINT32_MAX) return true; /* as it was typed: rows may have it */
    const struct pattern_group *group = &expanding->all.groups[expanding->all.group_of[found]];
    uint32_t count = group->member_count < VALUES_MAX ? group->member_count : VALUES_MAX;
    struct bytes *values = arena_alloc(call->arena, count * sizeof *values);
    expanding->bytes += (size_t)count * (ELEMENT_BYTES + 4) + group->text.len * 12;
    if (expanding->bytes > SEARCH_VALUES_BYTES_MAX)
        return err_set(expanding->err, ERR_TOO_LARGE, "the patterns of this search have too many templates");
    for (uint32_t m = 0; m < count; m++)
        values[m] =
            element_make(call->arena, "pat:", expanding->all.seen[expanding->all.members[group->first_member + m]].id);
    node->values = values;
    node->value_count = count;
    /* The pattern's text may be of another time than a link is for. */
    bool may_tell = call->actor->kind != ACTOR_SHARE;
    if (may_tell && (group->has_rest || count < group->member_count))
        node->body_regex = body_regex(call->arena, group->text);
    return true;
}

bool pattern_search_expand(struct api_call *call, struct search_node *root, struct err *err)
{
    struct expanding expanding = { .call = call, .err = err };
    return node_expand(&expanding, root);
}
