/* Log patterns: what lines say, how often, what is new and what has changed. Of all lines from what the worker counted; of those
 * that a search finds from the rows, by their element "pat:". */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "patterns/change.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/pattern_rows.h"
#include "web/api/sql_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { STEPS = 60, LIMIT = 100, IDS_MAX = 200 };

struct tally {
    int64_t count, before;
    int64_t by_level[PATTERN_LEVELS];
    int64_t *steps; /* NULL: none in the range */
    enum pattern_change change;
    bool is_new;
    double score;
};
struct listing {
    struct api_call *call;
    struct count_range range;
    struct pattern_groups_all all;
    struct tally *tallies; /* of each group */
    uint32_t level;        /* only it; PATTERN_LEVELS: all */
    int64_t total, others;
    struct bytes service, text, sort; /* empty: any, all, by count */
    int64_t new_since_us, limit, offset;
    bool is_shared; /* for who has a link: nothing of other times than the link's */
};

static bool time_read(struct listing *listing, const char *name, struct bytes text, int64_t *unix_us)
{
    if (text.len == 0 || rfc3339_read(text, unix_us)) return true;
    api_fail_at(listing->call, name, "it is no time: 2026-11-27T02:00:00Z");
    return false;
}

static bool range_fit(struct listing *listing, int64_t from_us, int64_t to_us)
{
    if (from_us >= to_us || from_us < 0) {
        api_fail_at(listing->call, listing->call->body ? "/from" : "?from",
                    "from must be before to, and not before 1970");
        return false;
    }
    listing->range = (struct count_range){ .from_unix_us = from_us, .to_unix_us = to_us };
    count_range_fit(&listing->range, clock_unix_us(), STEPS);
    return true;
}

static void figure_add(struct listing *listing, struct tally *tally, uint32_t step, uint32_t level, int64_t rows)
{
    if (listing->level != PATTERN_LEVELS && level != listing->level) return;
    if (step == UINT32_MAX) {
        if (tally) tally->before += rows;
        return;
    }
    listing->total += rows;
    if (!tally) {
        listing->others += rows;
        return;
    }
    if (!tally->steps) tally->steps = arena_calloc(listing->call->arena, listing->range.steps * sizeof *tally->steps);
    tally->count += rows;
    tally->by_level[level] += rows;
    if (step < listing->range.steps) tally->steps[step] += rows;
}

/* -- from what was counted -------------------------------------------------------------------------------------- */

static bool counted_read(struct listing *listing, struct err *err)
{
    struct pattern_figure *figures;
    uint32_t count;
    struct bytes service = listing->service;
    if (!pattern_groups_load(listing->call, service, NULL, 0, &listing->all, err) ||
        !pattern_figures_read(listing->call->parts->db, listing->call->project.id, &listing->range,
                              listing->call->arena, &figures, &count, err))
        return false;
    listing->tallies = arena_calloc(listing->call->arena, listing->all.group_count * sizeof *listing->tallies);
    for (uint32_t f = 0; f < count; f++) {
        uint32_t found = pattern_groups_find(&listing->all, figures[f].id);
        if (found == UINT32_MAX && service.len > 0) continue; /* another's */
        struct tally *tally = found == UINT32_MAX ? NULL : &listing->tallies[listing->all.group_of[found]];
        figure_add(listing, tally, figures[f].step, figures[f].level, figures[f].row_count);
    }
    return true;
}

/* -- from rows -------------------------------------------------------------------------------------------------- */

/* The condition of q, or "" for all. False: the client was told. */
static bool search_condition(struct api_call *call, struct bytes *condition)
{
    struct search_node *root;
    struct search_problem problem;
    struct err err = { 0 };
    if (!search_parse(call->arena, api_query(call, "q"), &root, &problem)) {
        api_fail_at(call, "?q", "at characters %u to %u: %s", problem.from, problem.to, problem.text);
        return false;
    }
    if (!pattern_search_expand(call, root, &err)) {
        api_fail(call, &err);
        return false;
    }
    *condition = search_sql(call->arena, root);
    return true;
}

/* Templates that the database does not have (yet, or any more) are named by their rows. */
static bool asked_read(struct listing *listing, struct bytes condition, struct err *err)
{
    struct pattern_rows rows = { 0 };
    struct pattern_seen *extra = NULL;
    uint32_t extra_count = 0;
    struct pattern_groups_all known = { 0 };
    struct api_call *call = listing->call;
    bool ok = pattern_rows_count(call, &listing->range, listing->service, condition, &rows, err) &&
              pattern_groups_load(call, (struct bytes){ 0 }, NULL, 0, &known, err) &&
              pattern_rows_name(call, &listing->range, &rows, &known, &extra, &extra_count, err);
    listing->all = known;
    if (ok && extra_count > 0)
        ok = pattern_groups_load(call, (struct bytes){ 0 }, extra, extra_count, &listing->all, err);
    if (ok) listing->tallies = arena_calloc(call->arena, listing->all.group_count * sizeof *listing->tallies);
    for (uint32_t f = 0; ok && f < rows.count; f++) {
        const struct pattern_rows_found *one = &rows.at[f];
        uint32_t found = pattern_groups_find(&listing->all, one->id);
        struct tally *tally = found == UINT32_MAX ? NULL : &listing->tallies[listing->all.group_of[found]];
        figure_add(listing, tally, one->step, one->level, one->rows);
    }
    free(rows.at);
    return ok;
}

/* -- the list --------------------------------------------------------------------------------------------------- */

/* A pattern is new when its service said something else before: of a service that begins, nothing is. And none has changed
 * of one that said nothing in the range before. */
static void changes_find(struct listing *listing)
{
    int64_t first_us = INT64_MAX, before = 0;
    uint32_t service_from = 0;
    for (uint32_t g = 0; g < listing->all.group_count; g++) {
        const struct pattern_group *group = &listing->all.groups[g];
        bool is_next = g == 0 || !bytes_equal(group->service, listing->all.groups[service_from].service);
        if (is_next) {
            service_from = g;
            first_us = INT64_MAX;
            before = 0;
            for (uint32_t o = g; o < listing->all.group_count; o++) {
                const struct pattern_group *other = &listing->all.groups[o];
                if (!bytes_equal(other->service, group->service)) break;
                if (other->first_unix_us < first_us) first_us = other->first_unix_us;
                before += listing->tallies[o].before;
            }
        }
        struct tally *tally = &listing->tallies[g];
        if (before > 0) tally->change = pattern_change_of(tally->count, tally->before, &tally->score);
        tally->is_new = !listing->is_shared && group->first_unix_us >= listing->range.from_unix_us &&
                        first_us < listing->range.from_unix_us && tally->count > 0;
    }
}

static int order_by_count(const void *left, const void *right, void *ctx)
{
    const struct listing *listing = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int64_t of_a = listing->tallies[a].count, of_b = listing->tallies[b].count;
    if (of_a != of_b) return of_a > of_b ? -1 : 1;
    return (a > b) - (a < b);
}
static int order_by_new(const void *left, const void *right, void *ctx)
{
    const struct listing *listing = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int64_t of_a = listing->all.groups[a].first_unix_us, of_b = listing->all.groups[b].first_unix_us;
    if (of_a != of_b) return of_a > of_b ? -1 : 1;
    return order_by_count(left, right, ctx);
}
static int order_by_change(const void *left, const void *right, void *ctx)
{
    const struct listing *listing = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const struct tally *of_a = &listing->tallies[a], *of_b = &listing->tallies[b];
    if (of_a->is_new != of_b->is_new) return of_a->is_new ? -1 : 1;
    if (fabs(of_a->score) != fabs(of_b->score)) return fabs(of_a->score) > fabs(of_b->score) ? -1 : 1;
    return order_by_count(left, right, ctx);
}

static bool holds(struct bytes text, struct bytes part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (strncasecmp((const char *)text.ptr + i, (const char *)part.ptr, part.len) == 0) return true;
    return false;
}

static yyjson_mut_val *pattern_json(struct listing *listing, uint32_t g)
{
    struct api_call *call = listing->call;
    const struct pattern_group *group = &listing->all.groups[g];
    const struct tally *tally = &listing->tallies[g];
    static const char *const changes[PATTERN_CHANGES] = { "same", "more", "less", "gone" };
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", group->id);
    api_put_text(call, object, "service", group->service);
    api_put_text(call, object, "text", group->text);
    api_put_text(call, object, "sample", listing->is_shared ? (struct bytes){ 0 } : group->sample);
    yyjson_mut_obj_add_sint(call->json, object, "count", tally->count);
    yyjson_mut_obj_add_real(call->json, object, "share",
                            listing->total > 0 ? (double)tally->count / (double)listing->total : 0);
    yyjson_mut_obj_add_sint(call->json, object, "before", tally->before);
    yyjson_mut_obj_add_str(call->json, object, "change", tally->is_new ? "new" : changes[tally->change]);
    yyjson_mut_obj_add_real(call->json, object, "score", round(tally->score * 100) / 100);
    yyjson_mut_val *by_level = yyjson_mut_obj_add_obj(call->json, object, "levels");
    for (uint32_t level = 0; level < PATTERN_LEVELS; level++)
        if (tally->by_level[level] > 0)
            yyjson_mut_obj_add_sint(call->json, by_level, pattern_levels[level], tally->by_level[level]);
    yyjson_mut_val *counts = yyjson_mut_obj_add_arr(call->json, object, "counts");
    for (uint32_t s = 0; s < listing->range.steps; s++)
        yyjson_mut_arr_add_sint(call->json, counts, tally->steps ? tally->steps[s] : 0);
    api_put_time(call, object, "first_seen", listing->is_shared ? 0 : group->first_unix_us);
    api_put_time(call, object, "last_seen", listing->is_shared ? 0 : group->last_unix_us);
    yyjson_mut_obj_add_uint(call->json, object, "templates", group->member_count);
    yyjson_mut_val *ids = yyjson_mut_obj_add_arr(call->json, object, "ids");
    for (uint32_t m = 0; m < group->member_count && m < IDS_MAX; m++) {
        char text[UUID_TEXT_BYTES + 1];
        uuid_to_text(listing->all.seen[listing->all.members[group->first_member + m]].id, text);
        yyjson_mut_arr_add_strcpy(call->json, ids, text);
    }
    return object;
}

static void list_answer(struct listing *listing)
{
    struct api_call *call = listing->call;
    struct bytes text = listing->text;
    bool by_change = bytes_equal(listing->sort, BYTES("change")), by_new = bytes_equal(listing->sort, BYTES("new"));
    uint32_t *order = arena_alloc(call->arena, (listing->all.group_count + 1) * sizeof *order), count = 0;
    changes_find(listing);
    for (uint32_t g = 0; g < listing->all.group_count; g++) {
        const struct pattern_group *group = &listing->all.groups[g];
        const struct tally *tally = &listing->tallies[g];
        bool is_there = tally->count > 0 || (by_change && tally->before > 0);
        if (!is_there || group->first_unix_us < listing->new_since_us) continue;
        if (text.len > 0 && !holds(group->text, text) && (listing->is_shared || !holds(group->sample, text))) continue;
        order[count++] = g;
    }
    if (count > 1)
        qsort_r(order, count, sizeof *order,
                by_change ? order_by_change
                : by_new  ? order_by_new
                          : order_by_count,
                listing);
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    api_put_time(call, answer, "from", listing->range.from_unix_us);
    api_put_time(call, answer, "to", listing->range.to_unix_us);
    yyjson_mut_obj_add_sint(call->json, answer, "step_seconds", listing->range.step_us / 1000000);
    yyjson_mut_obj_add_sint(call->json, answer, "lines", listing->total);
    yyjson_mut_obj_add_sint(call->json, answer, "others", listing->others);
    yyjson_mut_obj_add_uint(call->json, answer, "patterns", count);
    yyjson_mut_val *items = yyjson_mut_obj_add_arr(call->json, answer, "items");
    for (int64_t i = listing->offset; i < count && i < listing->offset + listing->limit; i++)
        yyjson_mut_arr_append(items, pattern_json(listing, order[i]));
    api_answer(call, answer);
}

/* condition: of SQL; empty: all lines, as they were counted. */
static void listing_answer(struct listing *listing, struct bytes condition)
{
    struct err err = { 0 };
    if (condition.len == 0 ? counted_read(listing, &err) : asked_read(listing, condition, &err)) {
        list_answer(listing);
    } else if (condition.len == 0) {
        api_fail(listing->call, &err);
    } else {
        sql_fail(listing->call, &err);
    }
}

void api_pattern_list(struct api_call *call)
{
    struct listing listing = { .call = call,
                               .level = PATTERN_LEVELS,
                               .service = api_query(call, "service"),
                               .text = api_query(call, "text"),
                               .sort = api_query(call, "sort"),
                               .new_since_us = INT64_MIN,
                               .limit = api_query_int(call, "pattern_limit", LIMIT),
                               .offset = api_query_int(call, "offset", 0) };
    struct bytes level = api_query(call, "pattern_level"), condition = { 0 };
    int64_t to_us = clock_unix_us(), from_us;
    if (level.len > 0) listing.level = pattern_level_of(level);
    if (!api_query_time(call, "to", &to_us)) return;
    from_us = to_us - PATTERN_HOUR_US;
    if (!api_query_time(call, "from", &from_us) || !api_query_time(call, "new_since", &listing.new_since_us)) return;
    if (!range_fit(&listing, from_us, to_us)) return;
    if (api_query(call, "q").len == 0 || search_condition(call, &condition)) listing_answer(&listing, condition);
}

void api_pattern_search(struct api_call *call)
{
    struct listing listing = { .call = call,
                               .level = PATTERN_LEVELS,
                               .text = api_body_text(call, "text"),
                               .sort = api_body_text(call, "sort"),
                               .new_since_us = INT64_MIN,
                               .limit = api_body_int(call, "limit", LIMIT),
                               .offset = api_body_int(call, "offset", 0) };
    int64_t to_us = clock_unix_us(), from_us;
    if (!time_read(&listing, "/to", api_body_text(call, "to"), &to_us)) return;
    from_us = to_us - PATTERN_HOUR_US;
    if (!time_read(&listing, "/from", api_body_text(call, "from"), &from_us) ||
        !time_read(&listing, "/new_since", api_body_text(call, "new_since"), &listing.new_since_us) ||
        !range_fit(&listing, from_us, to_us))
        return;
    struct bytes where = api_body_text(call, "where");
    listing.is_shared = call->actor->kind == ACTOR_SHARE;
    if (listing.is_shared) listing.new_since_us = INT64_MIN;
    listing_answer(&listing, listing.is_shared && where.len == 0 ? BYTES("true") : where);
}
