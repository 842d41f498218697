/* One issue: how it is, its events, what is in it and why, what happened to it. */
#include "errors/group.h"
#include "errors/rules.h"
#include "issues/tell.h"
#include "meta/error_rules.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/issues.h"
#include <stdlib.h>
#include <strings.h>

enum { FINGERPRINTS_PAGE = 50 /* each with an event */ };

/* ---- one ---- */

static bool event_put(struct api_call *call, yyjson_mut_val *answer, const char *name, int64_t number, bool is_latest,
                      struct err *err)
{
    struct bytes kept;
    struct uuid id;
    struct issues_event event;
    if (!issue_event(call->parts->db, call->project.id, number, is_latest, call->arena, &kept, &id, err)) return false;
    bool is_there = issues_event_read(call, kept, &event);
    yyjson_mut_obj_add_val(call->json, answer, name, issues_event_json(call, is_there ? &event : NULL, id));
    return true;
}

static bool releases_put(struct api_call *call, yyjson_mut_val *answer, int64_t number, struct err *err)
{
    struct issue_release *releases;
    uint32_t count;
    if (!issue_releases(call->parts->db, call->project.id, number, call->arena, &releases, &count, err)) return false;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, answer, "releases");
    for (uint32_t r = 0; r < count; r++) {
        yyjson_mut_val *release = yyjson_mut_arr_add_obj(call->json, list);
        api_put_text(call, release, "release", releases[r].release);
        api_put_text(call, release, "environment", releases[r].environment);
        api_put_time(call, release, "first_seen", releases[r].first_unix_us);
        api_put_time(call, release, "last_seen", releases[r].last_unix_us);
        yyjson_mut_obj_add_sint(call->json, release, "count", releases[r].count);
    }
    return true;
}

struct environment {
    struct bytes name;
    int64_t count, *steps;
};
static int by_count(const void *left, const void *right)
{
    const struct environment *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return bytes_compare(a->name, b->name);
}

static bool environments_put(struct api_call *call, yyjson_mut_val *answer, int64_t number,
                             const struct count_range *range, struct err *err)
{
    struct issue_step_count *counts;
    uint32_t count, known = 0;
    if (!issue_counts(call->parts->db, call->project.id, number, range, call->arena, &counts, &count, err))
        return false;
    struct environment *environments = arena_calloc(call->arena, (count + 1) * sizeof *environments);
    for (uint32_t c = 0; c < count; c++) {
        uint32_t e = 0;
        while (e < known && !bytes_equal(environments[e].name, counts[c].environment)) e++;
        if (e == known) {
            environments[known++] = (struct environment){
                .name = counts[c].environment,
                .steps = arena_calloc(call->arena, (range->steps + 1) * sizeof(int64_t)),
            };
        }
        environments[e].count += counts[c].count;
        if (counts[c].step < range->steps) environments[e].steps[counts[c].step] += counts[c].count;
    }
    if (known > 1) qsort(environments, known, sizeof *environments, by_count);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, answer, "environments");
    for (uint32_t e = 0; e < known; e++) {
        yyjson_mut_val *put = yyjson_mut_arr_add_obj(call->json, list);
        api_put_text(call, put, "environment", environments[e].name);
        yyjson_mut_obj_add_sint(call->json, put, "count", environments[e].count);
        yyjson_mut_val *steps = yyjson_mut_obj_add_arr(call->json, put, "counts");
        for (uint32_t s = 0; s < range->steps; s++)
            yyjson_mut_arr_add_sint(call->json, steps, environments[e].steps[s]);
    }
    return true;
}

static bool services_put(struct api_call *call, yyjson_mut_val *answer, int64_t number, struct err *err)
{
    struct issue_service *services;
    uint32_t count;
    int64_t fingerprints = 0;
    if (!issue_services(call->parts->db, call->project.id, number, call->arena, &services, &count, err)) return false;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, answer, "services");
    for (uint32_t s = 0; s < count; s++) {
        yyjson_mut_val *service = yyjson_mut_arr_add_obj(call->json, list);
        api_put_text(call, service, "service", services[s].service);
        yyjson_mut_obj_add_sint(call->json, service, "count", services[s].count);
        fingerprints += services[s].fingerprints;
    }
    yyjson_mut_obj_add_sint(call->json, answer, "fingerprints", fingerprints);
    return true;
}

static bool merged_put(struct api_call *call, yyjson_mut_val *answer, int64_t number, struct err *err)
{
    int64_t *numbers;
    uint32_t count;
    if (!issue_merged_numbers(call->parts->db, call->project.id, number, call->arena, &numbers, &count, err))
        return false;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->json, answer, "merged_numbers");
    for (uint32_t n = 0; n < count; n++) yyjson_mut_arr_add_sint(call->json, list, numbers[n]);
    return true;
}

void api_issue_get(struct api_call *call)
{
    struct count_range range;
    struct issue_listed listed;
    struct err err = { 0 };
    int64_t number;
    yyjson_mut_val *answer = yyjson_mut_obj(call->json);
    if (!issues_number(call, &number) || !issues_range(call, &range)) return;
    bool ok = issue_get_listed(call->parts->db, call->project.id, number, &range, api_query(call, "environment"),
                               call->arena, &listed, &err);
    if (ok) {
        number = listed.issue.number;
        yyjson_mut_obj_add_val(call->json, answer, "issue", issues_json(call, &listed, &range));
        yyjson_mut_obj_add_val(call->json, answer, "known",
                               issues_known_json(call, issues_known_find(listed.issue.known_id)));
        ok = merged_put(call, answer, number, &err) && event_put(call, answer, "latest_event", number, true, &err) &&
             event_put(call, answer, "first_event", number, false, &err) && releases_put(call, answer, number, &err) &&
             environments_put(call, answer, number, &range, &err) && services_put(call, answer, number, &err);
    }
    if (!ok) {
        api_fail(call, &err);
        return;
    }
    api_tag(call, issues_tag(call, &listed.issue));
    api_answer(call, answer);
}

/* ---- what is in it ---- */

/* The project's rules as they are now: what they were when a fingerprint was made is not asked, for its id tells. */
static const struct fingerprint_rules *rules_now(struct api_call *call)
{
    struct error_rules_version version;
    const struct fingerprint_rules *rules = NULL;
    struct err ignored = { 0 };
    if (!error_rules_get(call->parts->db, call->project.id, call->arena, &version, &ignored)) return NULL;
    return rules_parse(call->arena, version.body, &rules, &ignored) ? rules : NULL;
}

/* Line by line; empty when the rules of now, or of this program, make another fingerprint of what was kept. */
static struct bytes made_of(struct api_call *call, const struct issue_fingerprint *fingerprint,
                            const struct fingerprint_rules *rules)
{
    struct issues_event event;
    const struct fingerprint_rules *tried[] = { rules, NULL };
    if (!issues_event_read(call, fingerprint->last_event, &event)) return BYTES("");
    if (event.source.service.len == 0) event.source.service = fingerprint->service;
    for (size_t t = rules == NULL; t < COUNT_OF(tried); t++) {
        const struct error_event *read = error_event_read(call->arena, &event.source);
        struct fingerprint made = fingerprint_of(call->arena, read, tried[t]);
        if (uuid_equal(issues_fingerprint_id(call, &made), fingerprint->id))
            return fingerprint_why(call->arena, read, &made);
    }
    return BYTES("");
}

static void likeness_put(struct api_call *call, yyjson_mut_val *object, const struct issue_fingerprint *fingerprint)
{
    static const struct uuid none;
    bool is_like = !uuid_equal(fingerprint->like_id, none);
    if (is_like) {
        yyjson_mut_obj_add_real(call->json, object, "score", fingerprint->score);
        yyjson_mut_obj_add_real(call->json, object, "threshold", fingerprint->threshold);
        api_put_uuid(call, object, "like", fingerprint->like_id);
    } else {
        yyjson_mut_obj_add_null(call->json, object, "score");
        yyjson_mut_obj_add_null(call->json, object, "threshold");
        yyjson_mut_obj_add_null(call->json, object, "like");
    }
}

static void judge_put(struct api_call *call, yyjson_mut_val *object, struct bytes judge)
{
    yyjson_doc *doc = judge.len > 0 ? yyjson_read((const char *)judge.ptr, judge.len, 0) : NULL;
    yyjson_mut_val *value = doc != NULL ? yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc)) : NULL;
    yyjson_mut_obj_add_val(call->json, object, "judge", value != NULL ? value : yyjson_mut_null(call->json));
    yyjson_doc_free(doc);
}

static void number_put(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t number)
{
    if (number > 0)
        yyjson_mut_obj_add_sint(call->json, object, name, number);
    else
        yyjson_mut_obj_add_null(call->json, object, name);
}

static yyjson_mut_val *fingerprint_json(struct api_call *call, const struct issue_fingerprint *fingerprint,
                                        const struct fingerprint_rules *rules)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    uint32_t by = fingerprint->is_pinned ? (uint32_t)GROUP_BY_PERSON : fingerprint->decided_by;
    bool is_grouped = fingerprint->issue > 0 && by < GROUP_BY_COUNT;
    api_put_uuid(call, object, "id", fingerprint->id);
    number_put(call, object, "issue", fingerprint->issue);
    api_put_text(call, object, "title", fingerprint->title);
    api_put_text(call, object, "message", fingerprint->message);
    api_put_text(call, object, "culprit", fingerprint->culprit);
    api_put_text(call, object, "service", fingerprint->service);
    api_put_text(call, object, "language", fingerprint->language);
    api_put_text(call, object, "category", fingerprint->category);
    api_put_time(call, object, "first_seen", fingerprint->first_unix_us);
    api_put_time(call, object, "last_seen", fingerprint->last_unix_us);
    yyjson_mut_obj_add_sint(call->json, object, "count", fingerprint->total_count);
    if (is_grouped)
        yyjson_mut_obj_add_str(call->json, object, "by", group_by_names[by]);
    else
        yyjson_mut_obj_add_null(call->json, object, "by");
    api_put_text(call, object, "why",
                 is_grouped ? tell_why(call->arena, fingerprint)
                            : BYTES("it came just now, and is put into an issue within a second"));
    likeness_put(call, object, fingerprint);
    yyjson_mut_obj_add_bool(call->json, object, "is_pinned", fingerprint->is_pinned);
    number_put(call, object, "moved_from", fingerprint->moved_from);
    judge_put(call, object, fingerprint->judge);
    api_put_text(call, object, "made_of", made_of(call, fingerprint, rules));
    api_put_time(call, object, "decided_at", fingerprint->decided_unix_us);
    return object;
}

/* The number that answers: of one that was merged, the one it went into. False: it was answered. */
static bool number_resolve(struct api_call *call, int64_t *number)
{
    struct issue issue;
    struct err err = { 0 };
    if (!issues_number(call, number)) return false;
    if (issue_get(call->parts->db, call->project.id, *number, call->arena, &issue, &err)) {
        *number = issue.number;
        return true;
    }
    api_fail(call, &err);
    return false;
}

void api_issue_fingerprint_list(struct api_call *call)
{
    struct api_page page;
    struct issue_fingerprint_place place = { 0 };
    struct issue_fingerprint *fingerprints;
    struct err err = { 0 };
    int64_t number;
    uint32_t count;
    if (!api_page_read(call, 2, &page) || !api_page_place(&page, &place.last_unix_us, &place.id) ||
        !number_resolve(call, &number))
        return;
    if (page.limit > FINGERPRINTS_PAGE) page.limit = FINGERPRINTS_PAGE;
    if (!issue_fingerprints(call->parts->db, call->project.id, number, page.is_first ? NULL : &place, page.limit + 1,
                            call->arena, &fingerprints, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    const struct fingerprint_rules *rules = rules_now(call);
    for (uint32_t f = 0; f < count; f++) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(fingerprints[f].id, id);
        const struct bytes keys[] = { api_page_number(call, fingerprints[f].last_unix_us), bytes_of_text(id) };
        if (!api_page_add(&page, fingerprint_json(call, &fingerprints[f], rules), keys)) break;
    }
    api_page_answer(call, &page);
}

void api_error_get(struct api_call *call)
{
    struct bytes text = api_path(call, "fingerprint");
    struct issue_fingerprint fingerprint;
    struct uuid id;
    struct err err = { 0 };
    if (text.len > 4 && strncasecmp((const char *)text.ptr, "err:", 4) == 0)
        text = bytes_from(text.ptr + 4, text.len - 4);
    if (!uuid_from_text(text, &id)) {
        api_fail_with(call, ERR_NOT_FOUND, "there is no such fingerprint: it is a UUID, as rows have it behind err:");
        return;
    }
    if (issue_fingerprint_get(call->parts->db, call->project.id, id, call->arena, &fingerprint, &err)) {
        api_answer(call, fingerprint_json(call, &fingerprint, rules_now(call)));
    } else {
        api_fail(call, &err);
    }
}

/* ---- what happened to it ---- */

static yyjson_mut_val *activity_json(struct api_call *call, const struct issue_activity *activity)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *detail = NULL;
    yyjson_doc *doc = yyjson_read((const char *)activity->detail.ptr, activity->detail.len, 0);
    if (yyjson_is_obj(yyjson_doc_get_root(doc))) detail = yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    api_put_uuid(call, object, "id", activity->id);
    api_put_time(call, object, "at", activity->at_unix_us);
    if (activity->actor.len > 0)
        api_put_text(call, object, "actor", activity->actor);
    else
        yyjson_mut_obj_add_null(call->json, object, "actor");
    yyjson_mut_obj_add_str(call->json, object, "what", issue_happening_names[activity->what]);
    yyjson_mut_obj_add_val(call->json, object, "detail", detail != NULL ? detail : yyjson_mut_obj(call->json));
    return object;
}

void api_issue_activity_list(struct api_call *call)
{
    struct api_page page;
    struct issue_activity_place place = { 0 };
    struct issue_activity *activity;
    struct err err = { 0 };
    int64_t number;
    uint32_t count;
    if (!api_page_read(call, 2, &page) || !api_page_place(&page, &place.at_unix_us, &place.id) ||
        !number_resolve(call, &number))
        return;
    if (!issue_activity_list(call->parts->db, call->project.id, number, page.is_first ? NULL : &place, page.limit + 1,
                             call->arena, &activity, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    for (uint32_t a = 0; a < count; a++) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(activity[a].id, id);
        const struct bytes keys[] = { api_page_number(call, activity[a].at_unix_us), bytes_of_text(id) };
        if (!api_page_add(&page, activity_json(call, &activity[a]), keys)) break;
    }
    api_page_answer(call, &page);
}
