/* Replays: which sessions were recorded, what of them has come, their events a segment at a time, deleting them. */
#include "base/clock.h"
#include "meta/replay.h"
#include "meta/replay_settings.h"
#include "replay/replay_batch.h"
#include "replay/replay_mask.h"
#include "timefusion/object/object.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include "worker/replay/replay_ranges.h"
#include "worker/replay/replay_segments.h"
#include "worker/replay/replay_unpack.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DELETE_SESSIONS_MAX = 1000, SEGMENT_NAME_BYTES_MAX = 256 };
#define SEGMENT_BYTES_MAX ((size_t)256 << 20) /* as it is kept, compressed */
#define RANGE_DEFAULT_US  (INT64_C(24) * 3600 * 1000000)

/* ---- the list ---- */

/* Texts with the sign behind each, and perhaps one before the first. */
static yyjson_mut_val *texts_json(struct api_call *call, struct bytes texts, uint8_t sign)
{
    yyjson_mut_val *list = yyjson_mut_arr(call->json);
    for (size_t from = 0, at = 0; at < texts.len; at++) {
        if (texts.ptr[at] != sign) continue;
        if (at > from) yyjson_mut_arr_add_strn(call->json, list, (const char *)texts.ptr + from, at - from);
        from = at + 1;
    }
    return list;
}

static yyjson_mut_val *backend_json(struct api_call *call, const struct replay_backend *backend)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_sint(call->json, object, "spans", backend->span_count);
    yyjson_mut_obj_add_sint(call->json, object, "errors", backend->error_count);
    yyjson_mut_obj_add_val(call->json, object, "services", texts_json(call, backend->services, '\n'));
    yyjson_mut_obj_add_val(call->json, object, "traces", texts_json(call, backend->traces, ' '));
    api_put_time(call, object, "looked_at", backend->looked_unix_us);
    return object;
}

static yyjson_mut_val *session_json(struct api_call *call, const struct replay_session *session)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *user = yyjson_mut_obj(call->json);
    api_put_text(call, object, "session", session->id);
    api_put_time(call, object, "from", session->first_unix_us);
    api_put_time(call, object, "to", session->last_unix_us);
    api_put_text(call, object, "service", session->service);
    api_put_text(call, object, "version", session->version);
    api_put_text(call, object, "environment", session->environment);
    api_put_text(call, user, "id", session->user_id);
    api_put_text(call, user, "name", session->user_name);
    api_put_text(call, user, "email", session->user_email);
    yyjson_mut_obj_add_val(call->json, object, "user", user);
    api_put_text(call, object, "user_agent", session->user_agent);
    api_put_text(call, object, "landing_url", session->landing_url);
    yyjson_mut_obj_add_sint(call->json, object, "events", session->event_count);
    yyjson_mut_obj_add_sint(call->json, object, "pages", session->page_count);
    yyjson_mut_obj_add_sint(call->json, object, "clicks", session->click_count);
    yyjson_mut_obj_add_sint(call->json, object, "rage_clicks", session->rage_click_count);
    yyjson_mut_obj_add_sint(call->json, object, "errors", session->error_count);
    yyjson_mut_obj_add_sint(call->json, object, "failed_requests", session->failed_request_count);
    yyjson_mut_obj_add_sint(call->json, object, "stored_bytes", session->byte_count);
    yyjson_mut_obj_add_bool(call->json, object, "is_complete", session->is_complete);
    yyjson_mut_obj_add_val(call->json, object, "backend", backend_json(call, &session->backend));
    return object;
}

static bool filter_read(struct api_call *call, struct replay_filter *filter)
{
    if (!api_query_range(call, clock_unix_us(), RANGE_DEFAULT_US, &filter->from_unix_us, &filter->to_unix_us))
        return false;
    filter->session = api_query(call, "session");
    filter->user = api_query(call, "user");
    filter->service = api_query(call, "service");
    filter->environment = api_query(call, "environment");
    filter->text = api_query(call, "page_url");
    filter->has_errors = api_query_bool(call, "has_errors");
    filter->has_rage_clicks = api_query_bool(call, "has_rage_clicks");
    filter->has_failed_requests = api_query_bool(call, "has_failed_requests");
    filter->duration_min_us = api_query_int(call, "min_seconds", 0) * 1000000;
    return true;
}

void api_replay_list(struct api_call *call)
{
    struct api_page page;
    struct replay_filter filter = { 0 };
    struct replay_session *sessions;
    struct err err = { 0 };
    uint32_t count;
    if (!filter_read(call, &filter) || !api_page_read(call, 2, &page)) return;
    filter.limit = page.limit + 1;
    if (!page.is_first) {
        if (!api_page_number_read(page.after[0], &filter.after_unix_us) || !replay_id_is_valid(page.after[1])) {
            (void)api_page_wrong(call);
            return;
        }
        filter.after_id = page.after[1];
    }
    if (!replay_list(call->parts->db, call->project.id, &filter, call->arena, &sessions, &count, &err)) {
        api_fail(call, &err);
        return;
    }
    for (uint32_t s = 0; s < count; s++) {
        const struct bytes keys[] = { api_page_number(call, sessions[s].last_unix_us), sessions[s].id };
        if (!api_page_add(&page, session_json(call, &sessions[s]), keys)) break;
    }
    api_page_answer(call, &page);
}

/* ---- one session ---- */

struct range {
    struct bytes tab;
    struct replay_range at;
};

static int range_compare(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    int order = bytes_compare(a->tab, b->tab);
    if (order == 0) order = bytes_compare(a->at.recording, b->at.recording);
    return order != 0 ? order : (a->at.from > b->at.from) - (a->at.from < b->at.from);
}

static struct range *ranges_read(struct api_call *call, const struct replay_segment *segments, uint32_t segment_count,
                                 uint32_t *count)
{
    uint32_t most = 0;
    for (uint32_t s = 0; s < segment_count; s++) most += replay_ranges_count(segments[s].ranges);
    struct range *ranges = arena_calloc(call->arena, (most + 1) * sizeof *ranges);
    *count = 0;
    for (uint32_t s = 0; s < segment_count; s++) {
        struct bytes rest = segments[s].ranges;
        while (replay_ranges_next(&rest, &ranges[*count].at)) ranges[(*count)++].tab = segments[s].tab_id;
    }
    if (*count > 1) qsort(ranges, *count, sizeof *ranges, range_compare);
    return ranges;
}

static void gap_add(struct api_call *call, yyjson_mut_val *gaps, int64_t from, int64_t to)
{
    yyjson_mut_val *gap = yyjson_mut_arr(call->json);
    yyjson_mut_arr_add_sint(call->json, gap, from);
    yyjson_mut_arr_add_sint(call->json, gap, to);
    yyjson_mut_arr_append(gaps, gap);
}

/* Of each recording what has come of it, and which batches have not. */
static yyjson_mut_val *recordings_json(struct api_call *call, const struct replay_session *of,
                                       const struct range *ranges, uint32_t count)
{
    yyjson_mut_val *list = yyjson_mut_arr(call->json);
    for (uint32_t r = 0; r < count;) {
        yyjson_mut_val *object = yyjson_mut_obj(call->json), *gaps = yyjson_mut_arr(call->json);
        const struct range *first = &ranges[r];
        bool has_snapshot = false, is_ended = false, is_numbered = true;
        int64_t next = 0;
        for (; r < count && bytes_equal(ranges[r].tab, first->tab) &&
               bytes_equal(ranges[r].at.recording, first->at.recording);
             r++) {
            is_numbered &= !ranges[r].at.is_unnumbered;
            if (is_numbered && ranges[r].at.from > next) gap_add(call, gaps, next, ranges[r].at.from - 1);
            if (ranges[r].at.to >= next) next = ranges[r].at.to + 1;
            has_snapshot |= ranges[r].at.has_snapshot;
            is_ended |= ranges[r].at.is_last;
        }
        api_put_text(call, object, "recording", first->at.recording);
        api_put_text(call, object, "tab", first->tab);
        yyjson_mut_obj_add_val(call->json, object, "batches",
                               is_numbered ? yyjson_mut_sint(call->json, next) : yyjson_mut_null(call->json));
        yyjson_mut_obj_add_bool(call->json, object, "has_snapshot", has_snapshot);
        yyjson_mut_obj_add_bool(call->json, object, "is_ended", is_ended);
        yyjson_mut_obj_add_val(call->json, object, "gaps", gaps);
        /* What is missing of a session that goes on may be on its way: sent again, or in a flush. */
        bool is_whole = has_snapshot && yyjson_mut_arr_size(gaps) == 0;
        yyjson_mut_obj_add_str(call->json, object, "missing",
                               is_whole          ? "nothing"
                               : !has_snapshot   ? "snapshot"
                               : of->is_complete ? "lost"
                                                 : "waiting");
        yyjson_mut_arr_append(list, object);
    }
    return list;
}

static bool session_find(struct api_call *call, struct replay_session *session, struct replay_segment **segments,
                         uint32_t *count)
{
    struct err err = { 0 };
    if (replay_read(call->parts->db, call->project.id, api_path(call, "replay"), call->arena, session, segments, count,
                    &err))
        return true;
    api_fail(call, &err);
    return false;
}

/* Does the caller see recordings without their texts? False: it was answered. */
static bool masked_find(struct api_call *call, bool *is_masked)
{
    enum access_role own, from;
    struct err err = { 0 };
    if (!access_role_of(call->parts->db, call->actor, call->project.id, &own, &err) ||
        !replay_unmasked_role(call->parts->db, call->project.id, &from, &err)) {
        api_fail(call, &err);
        return false;
    }
    *is_masked = own < from;
    return true;
}

void api_replay_get(struct api_call *call)
{
    struct replay_session session;
    struct replay_segment *segments;
    uint32_t count, range_count;
    bool is_masked;
    if (!session_find(call, &session, &segments, &count) || !masked_find(call, &is_masked)) return;
    yyjson_mut_val *object = session_json(call, &session), *list = yyjson_mut_arr(call->json);
    for (uint32_t s = 0; s < count; s++) {
        yyjson_mut_val *segment = yyjson_mut_obj(call->json);
        api_put_text(call, segment, "name", segments[s].name);
        api_put_text(call, segment, "tab", segments[s].tab_id);
        api_put_time(call, segment, "from", segments[s].first_unix_us);
        api_put_time(call, segment, "to", segments[s].last_unix_us);
        yyjson_mut_obj_add_sint(call->json, segment, "events", segments[s].event_count);
        yyjson_mut_obj_add_sint(call->json, segment, "stored_bytes", segments[s].byte_count);
        yyjson_mut_arr_append(list, segment);
    }
    yyjson_mut_obj_add_bool(call->json, object, "is_masked", is_masked);
    yyjson_mut_obj_add_val(call->json, object, "segments", list);
    const struct range *ranges = ranges_read(call, segments, count, &range_count);
    yyjson_mut_obj_add_val(call->json, object, "recordings", recordings_json(call, &session, ranges, range_count));
    api_answer(call, object);
}

/* ---- a segment's events ---- */

static bool store_is_here(struct api_call *call)
{
    if (call->parts->objects) return true;
    api_fail_with(call, ERR_UNSUPPORTED, "this process has no object store: ask one with role worker or query");
    return false;
}

/* Lines become the elements of an array. */
struct elements {
    struct api_call *call;
    bool has_any, is_masked;
    struct buf masked; /* one of them */
};
static bool element_write(void *ctx, struct bytes batch, struct err *err)
{
    struct elements *elements = ctx;
    if (elements->has_any && !api_stream_write(elements->call, BYTES(","), err)) return false;
    elements->has_any = true;
    if (!elements->is_masked) return api_stream_write(elements->call, batch, err);
    elements->masked.len = 0;
    return replay_mask(batch, &elements->masked, err) &&
           api_stream_write(elements->call, buf_bytes(&elements->masked), err);
}

#define NO_SEGMENT "the session has no such segment: segments are joined, ask for the session again"

static bool segment_name_is_valid(struct bytes name)
{
    bool is_valid = name.len <= SEGMENT_NAME_BYTES_MAX;
    for (size_t at = 0; is_valid && at < name.len; at += REPLAY_ID_BYTES_MAX) {
        size_t len = name.len - at < REPLAY_ID_BYTES_MAX ? name.len - at : REPLAY_ID_BYTES_MAX;
        is_valid = replay_id_is_valid(bytes_from(name.ptr + at, len));
    }
    return is_valid && name.len > 0;
}

void api_replay_segment(struct api_call *call)
{
    struct replay_session session;
    struct replay_segment *segments;
    struct err err = { 0 };
    struct buf packed;
    uint32_t count;
    struct elements elements = { .call = call };
    if (!session_find(call, &session, &segments, &count) || !store_is_here(call) ||
        !masked_find(call, &elements.is_masked))
        return;
    /* One that has been joined with others since has no row any more, and is there for a while for who knew it. */
    if (!segment_name_is_valid(api_path(call, "segment"))) {
        api_fail_with(call, ERR_NOT_FOUND, NO_SEGMENT);
        return;
    }
    buf_init(&packed, SEGMENT_BYTES_MAX);
    buf_init(&elements.masked, 2 * REPLAY_BATCH_BYTES_MAX);
    const char *key = replay_key(call->arena, call->project.id, session.id, api_path(call, "segment"));
    if (!object_get(call->parts->objects, key, SEGMENT_BYTES_MAX, &packed, &err) ||
        !api_stream_begin(call, "application/json", &err)) {
        if (err.code == ERR_NOT_FOUND) err_set(&err, ERR_NOT_FOUND, NO_SEGMENT);
        api_fail(call, &err);
    } else {
        bool ok = api_stream_write(call, BYTES("{\"batches\":["), &err) &&
                  replay_unpack(buf_bytes(&packed), element_write, &elements, &err) &&
                  api_stream_write(call, BYTES("]}"), &err);
        api_stream_end(call, ok);
    }
    buf_deinit(&packed);
    buf_deinit(&elements.masked);
}

/* ---- deleting ---- */

static bool nothing_more(struct db_session *session, void *ctx, struct err *err)
{
    (void)session, (void)ctx, (void)err;
    return true;
}

/* Objects and rows first: the entry in the audit log tells what has been done. */
static bool deleted_note(struct api_call *call, const char *kind, struct bytes what)
{
    char object[REPLAY_TEXT_BYTES_MAX + 1];
    snprintf(object, sizeof object, "%.*s", (int)what.len, (const char *)what.ptr);
    struct people_change change = { nothing_more,
                                    NULL,
                                    { .action = "replay.delete",
                                      .object_kind = kind,
                                      .object = object,
                                      .project_id = &call->project.id,
                                      .details = BYTES("") } };
    return people_transaction(call, &change);
}

void api_replay_delete(struct api_call *call)
{
    struct replay_session session;
    struct replay_segment *segments;
    struct err err = { 0 };
    uint32_t count;
    if (!store_is_here(call) || !session_find(call, &session, &segments, &count)) return;
    if (!replay_session_delete(call->parts->objects, call->parts->db, call->project.id, session.id, true, &err)) {
        api_fail(call, &err);
    } else if (deleted_note(call, "session", session.id)) {
        api_answer_none(call);
    }
}

void api_replay_delete_user(struct api_call *call)
{
    struct replay_filter filter = { .to_unix_us = INT64_MAX,
                                    .user = api_query(call, "user"),
                                    .service = BYTES(""),
                                    .environment = BYTES(""),
                                    .session = BYTES(""),
                                    .text = BYTES(""),
                                    .limit = DELETE_SESSIONS_MAX };
    struct replay_session *sessions;
    struct err err = { 0 };
    uint32_t count, deleted = 0;
    if (!store_is_here(call)) return;
    if (filter.user.len == 0) {
        api_fail_at(call, "?user", "of whom? An id, a name or an e-mail address, as the page told it");
        return;
    }
    bool ok = replay_list(call->parts->db, call->project.id, &filter, call->arena, &sessions, &count, &err);
    for (; ok && deleted < count; deleted += ok)
        ok = replay_session_delete(call->parts->objects, call->parts->db, call->project.id, sessions[deleted].id, true,
                                   &err);
    if (!ok) {
        api_fail(call, &err);
        return;
    }
    if (count > 0 && !deleted_note(call, "user", filter.user)) return;
    yyjson_mut_val *object = yyjson_mut_obj(call->json);
    yyjson_mut_obj_add_uint(call->json, object, "deleted", deleted);
    yyjson_mut_obj_add_bool(call->json, object, "has_more", count == DELETE_SESSIONS_MAX);
    api_answer(call, object);
}
