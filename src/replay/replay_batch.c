#include "replay/replay_batch.h"

#include <stdio.h>

#include "base/json_object.h"
#include "base/utf8.h"
#include <yyjson.h>

/* 2000 to 2100: a page's clock may be wrong, its events are kept; what is no time at all is refused. */
#define TIME_MIN_MS 946684800000.0
#define TIME_MAX_MS 4102444800000.0

enum { FULL_SNAPSHOT = 2, INCREMENTAL = 3, META = 4, CUSTOM = 5, TYPE_MAX = 6 };
enum { SOURCE_MOUSE_INTERACTION = 2, INTERACTION_CLICK = 2 };

bool replay_id_is_valid(struct bytes id)
{
    if (id.len == 0 || id.len > REPLAY_ID_BYTES_MAX) return false;
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
    }
    return true;
}

void replay_batch_line(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] == '\n' || bytes[i] == '\r') bytes[i] = ' ';
}

/* A text for people, cut at a whole character; what is none is empty. */
static struct bytes words_of(struct arena *arena, yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    if (!yyjson_is_str(value)) return BYTES("");
    struct bytes text = json_text(value);
    size_t len = text.len < REPLAY_TEXT_BYTES_MAX ? text.len : REPLAY_TEXT_BYTES_MAX;
    while (len > 0 && len < text.len && (text.ptr[len] & 0xC0) == 0x80) len--;
    uint8_t *copy = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) copy[i] = text.ptr[i] == '\0' ? ' ' : text.ptr[i]; /* PostgreSQL takes no zeros */
    return bytes_from(copy, len);
}

static bool id_read(struct arena *arena, yyjson_val *root, const char *name, struct bytes *out, struct err *err)
{
    yyjson_val *value = yyjson_obj_get(root, name);
    struct bytes id = yyjson_is_str(value) ? json_text(value) : BYTES("");
    if (!replay_id_is_valid(id))
        return err_set(err, ERR_INPUT, "\"%s\" of a replay's batch is 1 to 64 letters, digits, \"-\" and \"_\"", name);
    *out = arena_copy(arena, id);
    return true;
}

static bool is_custom(yyjson_val *data, const char *tag)
{
    return yyjson_equals_str(yyjson_obj_get(data, "tag"), tag);
}

/* 0: it was not answered. */
static bool has_failed(yyjson_val *request)
{
    yyjson_val *status = yyjson_obj_get(request, "status");
    return yyjson_is_num(status) && (yyjson_get_num(status) <= 0 || yyjson_get_num(status) >= 400);
}

void replay_url_add(struct bytes *urls, uint32_t *count, struct bytes url)
{
    if (url.len == 0 || *count == REPLAY_URLS_MAX) return;
    for (uint32_t u = 0; u < *count; u++)
        if (bytes_equal(urls[u], url)) return;
    urls[(*count)++] = url;
}

void replay_traces_add(uint8_t *traces, size_t *len, struct bytes more)
{
    for (size_t at = 0; at + REPLAY_TRACE_BYTES <= more.len; at += REPLAY_TRACE_BYTES) {
        if (*len == (size_t)REPLAY_TRACES_MAX * REPLAY_TRACE_BYTES) return;
        if (memmem(traces, *len, more.ptr + at, REPLAY_TRACE_BYTES)) continue;
        memcpy(traces + *len, more.ptr + at, REPLAY_TRACE_BYTES);
        *len += REPLAY_TRACE_BYTES;
    }
}

/* The trace of what an event tells of. */
static void trace_read(struct arena *arena, yyjson_val *payload, struct replay_batch *batch)
{
    char id[REPLAY_TRACE_BYTES + 1];
    yyjson_val *value = yyjson_obj_get(payload, "trace_id");
    if (yyjson_get_len(value) != REPLAY_TRACE_BYTES - 1 || !yyjson_is_str(value)) return;
    const char *text = yyjson_get_str(value);
    if (strspn(text, "0123456789abcdef") != REPLAY_TRACE_BYTES - 1) return;
    snprintf(id, sizeof id, "%s ", text);
    if (!batch->traces.ptr) batch->traces.ptr = arena_alloc(arena, (size_t)REPLAY_TRACES_MAX * REPLAY_TRACE_BYTES);
    replay_traces_add((uint8_t *)(uintptr_t)batch->traces.ptr, &batch->traces.len, bytes_of_text(id));
}

/* The address of a page that was shown. */
static struct bytes page_read(struct arena *arena, yyjson_val *object, const char *name, struct replay_batch *batch)
{
    struct bytes url = words_of(arena, object, name);
    if (!batch->urls) batch->urls = arena_alloc(arena, REPLAY_URLS_MAX * sizeof *batch->urls);
    replay_url_add(batch->urls, &batch->url_count, url);
    return url;
}

static bool event_read(struct arena *arena, yyjson_val *event, size_t index, struct replay_batch *batch,
                       struct err *err)
{
    yyjson_val *type = yyjson_obj_get(event, "type"), *at = yyjson_obj_get(event, "timestamp");
    yyjson_val *data = yyjson_obj_get(event, "data");
    double unix_ms = yyjson_is_num(at) ? yyjson_get_num(at) : 0;
    if (!yyjson_is_uint(type) || yyjson_get_uint(type) > TYPE_MAX)
        return err_set(err, ERR_INPUT, "events[%zu] of a replay's batch has no \"type\" from 0 to %d", index, TYPE_MAX);
    if (!(unix_ms >= TIME_MIN_MS && unix_ms <= TIME_MAX_MS))
        return err_set(err, ERR_INPUT, "events[%zu] of a replay's batch has no \"timestamp\" in milliseconds", index);
    int64_t time = (int64_t)unix_ms;
    struct bytes url;
    if (batch->event_count == 0 || time < batch->first_unix_ms) batch->first_unix_ms = time;
    if (batch->event_count == 0 || time > batch->last_unix_ms) batch->last_unix_ms = time;
    batch->event_count++;
    switch (yyjson_get_uint(type)) {
    case FULL_SNAPSHOT: batch->has_snapshot = true; break;
    case INCREMENTAL:
        batch->click_count += yyjson_get_uint(yyjson_obj_get(data, "source")) == SOURCE_MOUSE_INTERACTION &&
                              yyjson_get_uint(yyjson_obj_get(data, "type")) == INTERACTION_CLICK;
        break;
    case META:
        url = page_read(arena, data, "href", batch);
        if (batch->url.len == 0) batch->url = url;
        break;
    case CUSTOM:
        batch->error_count += is_custom(data, "error");
        batch->rage_click_count += is_custom(data, "rage_click");
        if (is_custom(data, "navigation")) {
            batch->page_count++;
            (void)page_read(arena, yyjson_obj_get(data, "payload"), "url", batch);
        }
        if (is_custom(data, "network") || is_custom(data, "error"))
            trace_read(arena, yyjson_obj_get(data, "payload"), batch);
        batch->failed_request_count += is_custom(data, "network") && has_failed(yyjson_obj_get(data, "payload"));
        break;
    default: break;
    }
    return true;
}

static bool root_read(struct arena *arena, yyjson_val *root, struct replay_batch *batch, struct err *err)
{
    if (!id_read(arena, root, "session", &batch->session, err) || !id_read(arena, root, "tab", &batch->tab, err) ||
        !id_read(arena, root, "recording", &batch->recording, err))
        return false;
    yyjson_val *sequence = yyjson_obj_get(root, "sequence"), *events = yyjson_obj_get(root, "events");
    if (sequence && (!yyjson_is_uint(sequence) || yyjson_get_uint(sequence) > INT32_MAX))
        return err_set(err, ERR_INPUT, "\"sequence\" of a replay's batch is its number in the recording, from 0");
    batch->is_numbered = sequence != NULL;
    batch->is_last = yyjson_get_bool(yyjson_obj_get(root, "isLast"));
    yyjson_val *service = yyjson_obj_get(root, "service"), *user = yyjson_obj_get(root, "user");
    batch->service = words_of(arena, service, "name");
    batch->version = words_of(arena, service, "version");
    batch->environment = words_of(arena, service, "environment");
    batch->user_id = words_of(arena, user, "id");
    batch->user_name = words_of(arena, user, "name");
    batch->user_email = words_of(arena, user, "email");
    batch->user_agent = words_of(arena, root, "userAgent");
    batch->url = BYTES("");
    if (!yyjson_is_arr(events) || yyjson_arr_size(events) == 0 || yyjson_arr_size(events) > REPLAY_EVENTS_MAX)
        return err_set(err, ERR_INPUT, "\"events\" of a replay's batch are 1 to %d events of rrweb", REPLAY_EVENTS_MAX);
    size_t index, count;
    yyjson_val *event;
    yyjson_arr_foreach(events, index, count, event)
    {
        if (!event_read(arena, event, index, batch, err)) return false;
    }
    batch->sequence = batch->is_numbered ? (int64_t)yyjson_get_uint(sequence) : batch->first_unix_ms;
    /* A recorder that tells no navigations lives as long as its page. Each new snapshot of one has a Meta event too. */
    if (batch->page_count == 0) batch->page_count = batch->sequence == 0 && batch->url.len > 0;
    return true;
}

bool replay_batch_read(struct bytes body, struct arena *arena, struct replay_batch *batch, struct err *err)
{
    *batch = (struct replay_batch){ 0 };
    if (body.len > REPLAY_BATCH_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a replay's batch has at most %u MiB: send smaller ones",
                       REPLAY_BATCH_BYTES_MAX >> 20);
    yyjson_read_err why;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)body.ptr, body.len, 0, NULL, &why);
    if (!doc) return err_set(err, ERR_INPUT, "a replay's batch is JSON: byte %zu: %s", why.pos, why.msg);
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool ok = yyjson_is_obj(root) ? root_read(arena, root, batch, err)
                                  : err_set(err, ERR_INPUT, "a replay's batch is a JSON object");
    yyjson_doc_free(doc);
    return ok;
}
