/* Issues as a list, and by what it can be narrowed. */
#include "web/api/issues.h"
#include "base/clock.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t DAY_US = 24 * ISSUE_HOUR_US;

bool issues_number(struct api_call *call, int64_t *number)
{
    struct bytes text = api_path(call, "issue");
    bool ok = text.len > 0 && text.len <= 15;
    *number = 0;
    for (size_t i = 0; ok && i < text.len; i++) {
        ok = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        *number = *number * 10 + (text.ptr[i] - '0');
    }
    if (ok && *number > 0) return true;
    api_fail_with(call, ERR_NOT_FOUND, "there is no such issue: it is known by its number, such as 12");
    return false;
}

bool issues_range(struct api_call *call, struct count_range *range)
{
    int64_t now_us = clock_unix_us(), to_us, from_us;
    if (!api_query_range(call, now_us, DAY_US, &from_us, &to_us)) return false;
    *range = (struct count_range){ .from_unix_us = from_us, .to_unix_us = to_us };
    count_range_fit(range, now_us, ISSUES_STEPS);
    return true;
}

/* ---- one of them, as JSON ---- */

static void count_or_null_put(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t count)
{
    if (count > 0)
        yyjson_mut_obj_add_sint(call->json, object, name, count);
    else
        yyjson_mut_obj_add_null(call->json, object, name);
}

static void ignored_put(struct api_call *call, yyjson_mut_val *object, const struct issue *issue)
{
    const struct issue_ignored *ignored = &issue->ignored;
    if (issue->state != ISSUE_IGNORED) {
        yyjson_mut_obj_add_null(call->json, object, "ignored");
        return;
    }
    yyjson_mut_val *put = yyjson_mut_obj_add_obj(call->json, object, "ignored");
    int64_t events = issue->total_count - ignored->at_count, users = issue->user_count - ignored->at_users;
    api_put_time(call, put, "until", ignored->until_unix_us);
    count_or_null_put(call, put, "events", ignored->until_count);
    count_or_null_put(call, put, "users", ignored->until_users);
    yyjson_mut_obj_add_sint(call->json, put, "events_so_far", events > 0 ? events : 0);
    yyjson_mut_obj_add_sint(call->json, put, "users_so_far", users > 0 ? users : 0);
}

static void assignee_put(struct api_call *call, yyjson_mut_val *object, const struct issue *issue)
{
    static const struct uuid none;
    bool is_user = !uuid_equal(issue->assignee_id, none), is_team = !uuid_equal(issue->team_id, none);
    if (!is_user && !is_team) {
        yyjson_mut_obj_add_null(call->json, object, "assignee");
        return;
    }
    yyjson_mut_val *put = yyjson_mut_obj_add_obj(call->json, object, "assignee");
    yyjson_mut_obj_add_str(call->json, put, "kind", is_user ? "user" : "team");
    api_put_uuid(call, put, "id", is_user ? issue->assignee_id : issue->team_id);
    api_put_text(call, put, "name", issue->assignee_name.len > 0 ? issue->assignee_name : issue->assignee_text);
    api_put_text_or_null(call, put, "email", is_user ? issue->assignee_text : (struct bytes){ 0 });
}

yyjson_mut_val *issues_json(struct api_call *call, const struct issue_listed *listed, const struct count_range *range)
{
    const struct issue *issue = &listed->issue;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "number", issue->number);
    api_put_text(call, object, "title", issue->title);
    api_put_text(call, object, "message", issue->message);
    api_put_text(call, object, "culprit", issue->culprit);
    api_put_text(call, object, "service", issue->service);
    api_put_text(call, object, "language", issue->language);
    api_put_text(call, object, "category", issue->category);
    yyjson_mut_obj_add_str(call->json, object, "state", issue_state_names[issue->state]);
    api_put_time(call, object, "state_since", issue->state_unix_us);
    api_put_text_or_null(call, object, "resolved_in_release",
                         issue->state == ISSUE_RESOLVED ? issue->resolved_in_release : (struct bytes){ 0 });
    ignored_put(call, object, issue);
    assignee_put(call, object, issue);
    api_put_time(call, object, "first_seen", issue->first_unix_us);
    api_put_time(call, object, "last_seen", issue->last_unix_us);
    yyjson_mut_obj_add_sint(call->json, object, "total_count", issue->total_count);
    yyjson_mut_obj_add_sint(call->json, object, "total_users", issue->user_count);
    yyjson_mut_obj_add_sint(call->json, object, "count", listed->count);
    yyjson_mut_obj_add_sint(call->json, object, "users", listed->users);
    yyjson_mut_val *over_time = yyjson_mut_obj_add_obj(call->json, object, "over_time");
    api_put_time(call, over_time, "from", range->from_unix_us);
    api_put_time(call, over_time, "to", range->to_unix_us);
    yyjson_mut_obj_add_sint(call->json, over_time, "step_seconds", range->step_us / 1000000);
    yyjson_mut_val *counts = yyjson_mut_obj_add_arr(call->json, over_time, "counts");
    for (uint32_t s = 0; s < range->steps; s++) yyjson_mut_arr_add_sint(call->json, counts, listed->steps[s]);
    api_put_text_or_null(call, object, "first_release", listed->first_release);
    api_put_text_or_null(call, object, "last_release", listed->last_release);
    return object;
}

yyjson_mut_val *issues_tag(struct api_call *call, const struct issue *issue)
{
    yyjson_mut_val *tag = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, tag, "number", issue->number);
    yyjson_mut_obj_add_int(call->json, tag, "state", issue->state);
    yyjson_mut_obj_add_sint(call->json, tag, "since", issue->state_unix_us);
    yyjson_mut_obj_add_sint(call->json, tag, "until", issue->ignored.until_unix_us);
    yyjson_mut_obj_add_sint(call->json, tag, "until_count", issue->ignored.until_count);
    yyjson_mut_obj_add_sint(call->json, tag, "until_users", issue->ignored.until_users);
    api_put_text(call, tag, "release", issue->resolved_in_release);
    api_put_uuid(call, tag, "assignee", issue->assignee_id);
    api_put_uuid(call, tag, "team", issue->team_id);
    return tag;
}

/* ---- what is asked for ---- */

/* Words with commas between. False: one of them is no state. */
static bool states_read(struct bytes text, uint32_t *states)
{
    *states = text.len == 0 ? ISSUE_STATES_OPEN : 0;
    while (text.len > 0) {
        const uint8_t *comma = memchr(text.ptr, ',', text.len);
        size_t len = comma == NULL ? text.len : (size_t)(comma - text.ptr);
        struct bytes word = bytes_from(text.ptr, len);
        uint32_t found = 0;
        if (bytes_equal(word, BYTES("open"))) found = ISSUE_STATES_OPEN;
        if (bytes_equal(word, BYTES("all"))) found = ISSUE_STATES_ALL;
        for (uint32_t s = 0; s < ISSUE_STATE_COUNT; s++)
            if (bytes_equal(word, bytes_of_text(issue_state_names[s]))) found = 1u << s;
        if (found == 0) return false;
        *states |= found;
        len += comma != NULL;
        text = bytes_from(text.ptr + len, text.len - len);
    }
    return true;
}

/* False: the client was told. */
static bool filter_read(struct api_call *call, struct issue_filter *filter)
{
    struct bytes assignee = api_query(call, "assignee");
    *filter = (struct issue_filter){ .project_id = call->project.id,
                                     .text = api_query(call, "q"),
                                     .service = api_query(call, "service"),
                                     .category = api_query(call, "category"),
                                     .environment = api_query(call, "environment") };
    if (!states_read(api_query(call, "state"), &filter->states)) {
        api_fail_at(call, "?state",
                    "states, with commas between: open, all, new, ongoing, escalating, regressed, "
                    "resolved, ignored");
        return false;
    }
    if (!issues_range(call, &filter->range)) return false;
    if (assignee.len == 0) return true;
    filter->is_unassigned = bytes_equal(assignee, BYTES("nobody"));
    return filter->is_unassigned ||
           issues_assignee(call, "?assignee", assignee, &filter->assignee_id, &filter->team_id);
}

static enum issue_sort sort_of(struct bytes text)
{
    if (bytes_equal(text, BYTES("first"))) return ISSUE_SORT_FIRST;
    if (bytes_equal(text, BYTES("count"))) return ISSUE_SORT_COUNT;
    return bytes_equal(text, BYTES("users")) ? ISSUE_SORT_USERS : ISSUE_SORT_LAST;
}

void api_issue_list(struct api_call *call)
{
    struct api_page page;
    struct issue_filter filter;
    struct issue_listed *issues;
    uint32_t count;
    struct err err = { 0 };
    if (!api_page_read(call, 3, &page) || !filter_read(call, &filter)) return;
    filter.sort = sort_of(api_query(call, "sort"));
    const struct bytes sort = api_page_number(call, filter.sort);
    filter.is_behind = !page.is_first;
    if (filter.is_behind &&
        (!bytes_equal(page.after[0], sort) || !api_page_number_read(page.after[1], &filter.behind_value) ||
         !api_page_number_read(page.after[2], &filter.behind_number))) {
        api_page_wrong(call);
        return;
    }
    if (page.limit > ISSUE_PAGE_MAX) page.limit = ISSUE_PAGE_MAX;
    filter.limit = page.limit + 1;
    if (!issue_list(call->parts->db, &filter, call->arena, &issues, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct bytes keys[] = { sort, api_page_number(call, issues[i].sort_value),
                                      api_page_number(call, issues[i].issue.number) };
        if (!api_page_add(&page, issues_json(call, &issues[i], &filter.range), keys)) break;
    }
    api_page_answer(call, &page);
}

static bool facet_put(struct api_call *call, yyjson_mut_val *answer, const char *name,
                      const struct issue_filter *filter, enum issue_facet_of of, struct err *err)
{
    struct issue_facet *facets;
    uint32_t count;
    struct issue_filter wide = *filter;
    if (of == ISSUE_FACET_STATE) wide.states = ISSUE_STATES_ALL;
    if (of == ISSUE_FACET_SERVICE) wide.service.len = 0;
    if (of == ISSUE_FACET_CATEGORY) wide.category.len = 0;
    if (!issue_facets(call->parts->db, &wide, of, call->arena, &facets, &count, err)) return false;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, answer, name);
    for (uint32_t f = 0; f < count; f++) {
        yyjson_mut_val *facet = yyjson_mut_arr_add_obj(call->json, list);
        api_put_text(call, facet, "value", facets[f].value);
        yyjson_mut_obj_add_sint(call->json, facet, "issues", facets[f].issues);
    }
    return true;
}

void api_issue_facets(struct api_call *call)
{
    struct issue_filter filter;
    struct err err = { 0 };
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    if (!filter_read(call, &filter)) return;
    if (facet_put(call, answer, "states", &filter, ISSUE_FACET_STATE, &err) &&
        facet_put(call, answer, "services", &filter, ISSUE_FACET_SERVICE, &err) &&
        facet_put(call, answer, "categories", &filter, ISSUE_FACET_CATEGORY, &err)) {
        api_answer(call, answer);
    } else {
        api_fail(call, &err);
    }
}
