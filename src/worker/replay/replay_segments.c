#include "worker/replay/replay_segments.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "replay/replay_batch.h"
#include "timefusion/object/object.h"
#include "worker/replay/replay_ranges.h"

#define WRITES_AT_ONCE   8u
#define OBJECT_BYTES_MAX (1u << 30)
#define GZIP_WINDOW_BITS 31 /* 15, and 16 for gzip's head */
#define GZIP_LEVEL       6
#define RANGES_BYTES_MAX (4u << 20)

struct line {
    const struct replay_item *item;
    struct replay_batch batch;
};

static int tab_compare(const struct line *a, const struct line *b)
{
    int order = memcmp(a->item->project_id.bytes, b->item->project_id.bytes, sizeof a->item->project_id.bytes);
    if (order == 0) order = bytes_compare(a->batch.session, b->batch.session);
    return order != 0 ? order : bytes_compare(a->batch.tab, b->batch.tab);
}

/* 0: they are the same batch. Those without a number are known by their time: two of one moment are told apart by what they hold. */
static int batch_compare(const struct line *a, const struct line *b)
{
    int order = tab_compare(a, b);
    if (order == 0) order = bytes_compare(a->batch.recording, b->batch.recording);
    if (order == 0) order = a->batch.is_numbered - b->batch.is_numbered;
    if (order == 0) order = (a->batch.sequence > b->batch.sequence) - (a->batch.sequence < b->batch.sequence);
    if (order != 0 || a->batch.is_numbered) return order;
    return bytes_compare(bytes_from(a->item->packed, a->item->packed_len),
                         bytes_from(b->item->packed, b->item->packed_len));
}

static int line_compare(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    int order = batch_compare(a, b);
    return order != 0 ? order : (a->item > b->item) - (a->item < b->item);
}

const char *replay_prefix(struct arena *arena, struct uuid project_id, struct bytes session)
{
    char project[UUID_TEXT_BYTES + 1];
    uuid_to_text(project_id, project);
    return arena_printf(arena, "replay/%s/%.*s/", project, (int)session.len, (const char *)session.ptr);
}

const char *replay_key(struct arena *arena, struct uuid project_id, struct bytes session, struct bytes name)
{
    return arena_printf(arena, "%s%.*s%s", replay_prefix(arena, project_id, session), (int)name.len,
                        (const char *)name.ptr, REPLAY_SEGMENT_SUFFIX);
}

static void counts_add(struct replay_session *session, const struct replay_batch *batch)
{
    session->event_count += batch->event_count;
    session->page_count += batch->page_count;
    session->click_count += batch->click_count;
    session->rage_click_count += batch->rage_click_count;
    session->error_count += batch->error_count;
    session->failed_request_count += batch->failed_request_count;
}

/* twice: what is in the lines that are left out; NULL: nobody asks.
 * What was acknowledged was read once already, by ingest; what cannot be read again is of a record that nobody wrote. */
static uint32_t lines_read(const struct replay_delta *delta, struct arena *arena, struct line *lines,
                           struct replay_session *twice)
{
    struct buf body;
    uint32_t count = 0;
    buf_init(&body, REPLAY_BATCH_BYTES_MAX);
    for (uint32_t i = 0; i < delta->count; i++) {
        struct err ignored = { 0 };
        body.len = 0;
        lines[count].item = &delta->items[i];
        count += replay_delta_unpack(&delta->items[i], &body) &&
                 replay_batch_read(buf_bytes(&body), arena, &lines[count].batch, &ignored);
    }
    buf_deinit(&body);
    if (count > 1) qsort(lines, count, sizeof *lines, line_compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || batch_compare(&lines[kept - 1], &lines[i]) != 0) {
            lines[kept++] = lines[i];
        } else if (twice) {
            counts_add(twice, &lines[i].batch);
        }
    return kept;
}

/* ---- one object ---- */

struct run {
    const struct line *lines;
    uint32_t count;
    struct replay_segment *segment;
    const char *key;
    struct err err;
};

static bool deflate_line(z_stream *stream, struct bytes bytes, int flush, struct buf *out)
{
    stream->next_in = (Bytef *)(uintptr_t)bytes.ptr;
    stream->avail_in = (uInt)bytes.len;
    int code;
    do {
        if (!buf_reserve(out, 65536)) return false;
        stream->next_out = out->ptr + out->len;
        stream->avail_out = 65536;
        code = deflate(stream, flush);
        out->len += 65536 - stream->avail_out;
    } while (stream->avail_out == 0 || (flush == Z_FINISH && code != Z_STREAM_END));
    return true;
}

static bool run_pack(const struct run *run, struct buf *out)
{
    z_stream stream = { 0 };
    struct buf line;
    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    buf_init(&line, REPLAY_BATCH_BYTES_MAX + 1);
    bool ok = true;
    for (uint32_t l = 0; ok && l < run->count; l++) {
        line.len = 0;
        ok = replay_delta_unpack(run->lines[l].item, &line);
        if (!ok) break;
        replay_batch_line(line.ptr, line.len);
        ok = buf_add(&line, "\n", 1) && deflate_line(&stream, buf_bytes(&line), Z_NO_FLUSH, out);
    }
    ok = ok && deflate_line(&stream, BYTES(""), Z_FINISH, out);
    deflateEnd(&stream);
    buf_deinit(&line);
    return ok;
}

struct writing {
    struct object_store *objects;
    struct run *runs;
    atomic_bool is_failed;
};

static void run_write(void *ctx, uint32_t number)
{
    struct writing *writing = ctx;
    struct run *run = &writing->runs[number];
    struct buf packed;
    if (atomic_load(&writing->is_failed)) return;
    buf_init(&packed, OBJECT_BYTES_MAX);
    bool ok = run_pack(run, &packed) || err_set(&run->err, ERR_MEMORY, "there is no room for a segment of a replay");
    run->segment->byte_count = (int64_t)packed.len;
    ok = ok && object_put(writing->objects, run->key, buf_bytes(&packed), &run->err);
    if (!ok) atomic_store(&writing->is_failed, true);
    buf_deinit(&packed);
}

/* ---- what is told of them ---- */

static bool range_goes_on(const struct replay_range *range, const struct replay_batch *batch)
{
    return bytes_equal(range->recording, batch->recording) && range->is_unnumbered == !batch->is_numbered &&
           (range->is_unnumbered || range->to + 1 == batch->sequence);
}

static struct bytes ranges_of(const struct run *run, struct arena *arena)
{
    struct buf text;
    buf_init(&text, RANGES_BYTES_MAX);
    for (uint32_t l = 0; l < run->count;) {
        const struct replay_batch *first = &run->lines[l].batch;
        struct replay_range range = { .recording = first->recording,
                                      .from = first->sequence,
                                      .to = first->sequence - 1 };
        range.is_unnumbered = !first->is_numbered;
        for (; l < run->count && range_goes_on(&range, &run->lines[l].batch); l++) {
            range.to = run->lines[l].batch.sequence;
            range.has_snapshot |= run->lines[l].batch.has_snapshot;
            range.is_last |= run->lines[l].batch.is_last;
        }
        (void)!replay_ranges_put(&text, &range);
    }
    struct bytes kept = arena_copy(arena, buf_bytes(&text));
    buf_deinit(&text);
    return kept;
}

static void segment_fill(struct run *run, const char *suffix, struct arena *arena)
{
    const struct replay_batch *first = &run->lines[0].batch;
    struct replay_segment *segment = run->segment;
    *segment = (struct replay_segment){ .project_id = run->lines[0].item->project_id,
                                        .session_id = first->session,
                                        .tab_id = first->tab,
                                        .first_unix_us = INT64_MAX,
                                        .last_unix_us = INT64_MIN,
                                        .ranges = ranges_of(run, arena) };
    for (uint32_t l = 0; l < run->count; l++) {
        const struct replay_batch *batch = &run->lines[l].batch;
        if (batch->first_unix_ms * 1000 < segment->first_unix_us) segment->first_unix_us = batch->first_unix_ms * 1000;
        if (batch->last_unix_ms * 1000 > segment->last_unix_us) segment->last_unix_us = batch->last_unix_ms * 1000;
        segment->event_count += batch->event_count;
    }
    const char *name = arena_printf(arena, "%.*s-%s", (int)first->tab.len, (const char *)first->tab.ptr, suffix);
    segment->name = bytes_of_text(name);
    run->key = replay_key(arena, segment->project_id, segment->session_id, segment->name);
}

static void text_keep(struct bytes *kept, struct bytes text)
{
    if (text.len > 0) *kept = text;
}

/* Of all lines of a session, in whichever order they came. */
static void session_add(struct replay_session *session, const struct replay_batch *batch, struct bytes *urls,
                        int64_t *landed_unix_ms)
{
    replay_traces_add((uint8_t *)(uintptr_t)session->traces.ptr, &session->traces.len, batch->traces);
    for (uint32_t u = 0; u < batch->url_count; u++) replay_url_add(urls, &session->url_count, batch->urls[u]);
    if (batch->first_unix_ms * 1000 < session->first_unix_us) session->first_unix_us = batch->first_unix_ms * 1000;
    if (batch->last_unix_ms * 1000 > session->last_unix_us) session->last_unix_us = batch->last_unix_ms * 1000;
    text_keep(&session->service, batch->service);
    text_keep(&session->version, batch->version);
    text_keep(&session->environment, batch->environment);
    text_keep(&session->user_id, batch->user_id);
    text_keep(&session->user_name, batch->user_name);
    text_keep(&session->user_email, batch->user_email);
    text_keep(&session->user_agent, batch->user_agent);
    if (batch->url.len > 0 && batch->first_unix_ms < *landed_unix_ms) {
        session->landing_url = batch->url;
        *landed_unix_ms = batch->first_unix_ms;
    }
    counts_add(session, batch);
}

static size_t sessions_make(const struct line *lines, uint32_t count, const struct replay_segment *segments,
                            size_t segment_count, struct arena *arena, struct replay_session *sessions)
{
    size_t made = 0;
    struct bytes *urls = NULL;
    int64_t landed_unix_ms = INT64_MAX;
    for (uint32_t l = 0; l < count; l++) {
        struct replay_session *session = made > 0 ? &sessions[made - 1] : NULL;
        if (!session || !uuid_equal(session->project_id, lines[l].item->project_id) ||
            !bytes_equal(session->id, lines[l].batch.session)) {
            session = &sessions[made++];
            landed_unix_ms = INT64_MAX;
            urls = arena_alloc(arena, REPLAY_URLS_MAX * sizeof *urls);
            *session = (struct replay_session){ .project_id = lines[l].item->project_id,
                                                .id = lines[l].batch.session,
                                                .urls = urls,
                                                .traces.ptr =
                                                    arena_alloc(arena, (size_t)REPLAY_TRACES_MAX * REPLAY_TRACE_BYTES),
                                                .first_unix_us = INT64_MAX,
                                                .last_unix_us = INT64_MIN };
            struct bytes *const texts[] = { &session->service,    &session->version,    &session->environment,
                                            &session->user_id,    &session->user_name,  &session->user_email,
                                            &session->user_agent, &session->landing_url };
            for (size_t t = 0; t < COUNT_OF(texts); t++) *texts[t] = BYTES("");
        }
        session_add(session, &lines[l].batch, urls, &landed_unix_ms);
    }
    for (size_t s = 0, at = 0; s < segment_count; s++) { /* both are in one order */
        while (!uuid_equal(sessions[at].project_id, segments[s].project_id) ||
               !bytes_equal(sessions[at].id, segments[s].session_id))
            at++;
        sessions[at].byte_count += segments[s].byte_count;
        sessions[at].loose_bytes += segments[s].byte_count;
        sessions[at].loose_count++;
    }
    return made;
}

static uint32_t lines_keep_out(struct line *lines, uint32_t count, const struct replay_names *kept_out)
{
    uint32_t kept = 0;
    for (uint32_t l = 0; l < count; l++)
        if (!replay_is_kept_out(kept_out, lines[l].item->project_id, lines[l].batch.session)) lines[kept++] = lines[l];
    return kept;
}

bool replay_segments_write(struct object_store *objects, const struct replay_delta *delta,
                           const struct replay_names *kept_out, struct arena *arena, struct replay_changes *changes,
                           struct err *err)
{
    struct line *lines = arena_calloc(arena, delta->count * sizeof *lines);
    uint32_t count = lines_keep_out(lines, lines_read(delta, arena, lines, NULL), kept_out), run_count = 0;
    struct run *runs = arena_calloc(arena, (count + 1) * sizeof *runs);
    struct replay_segment *segments = arena_calloc(arena, (count + 1) * sizeof *segments);
    struct replay_session *sessions = arena_calloc(arena, (count + 1) * sizeof *sessions);
    const char *suffix = arena_printf(arena, "%" PRIu64 "-%" PRIu64 "-%016" PRIx64, changes->move.before + 1,
                                      changes->move.position, hash64_of(bytes_of_text(changes->move.app_id)));
    for (uint32_t l = 0; l < count;) {
        struct run *run = &runs[run_count];
        *run = (struct run){ .lines = &lines[l], .segment = &segments[run_count++] };
        while (l < count && tab_compare(run->lines, &lines[l]) == 0) l++, run->count++;
        segment_fill(run, suffix, arena);
    }
    struct writing writing = { .objects = objects, .runs = runs };
    parallel_run(run_count, WRITES_AT_ONCE, run_write, &writing);
    for (uint32_t r = 0; r < run_count; r++) {
        if (runs[r].err.code == ERR_OK) continue;
        *err = runs[r].err;
        return false;
    }
    changes->segments = segments;
    changes->segment_count = run_count;
    changes->sessions = sessions;
    changes->session_count = sessions_make(lines, count, segments, run_count, arena, sessions);
    return true;
}

bool replay_segment_join(struct object_store *objects, const struct replay_delta *delta, int64_t events,
                         const char *suffix, struct arena *arena, struct replay_segment *segment,
                         struct replay_session *twice, struct err *err)
{
    struct line *lines = arena_calloc(arena, delta->count * sizeof *lines);
    uint32_t count = lines_read(delta, arena, lines, twice);
    struct run run = { .lines = lines, .count = count, .segment = segment };
    if (count == 0 || tab_compare(&lines[0], &lines[count - 1]) != 0)
        return err_set(err, ERR_CORRUPT, "segments of one tab have batches of another, or none");
    segment_fill(&run, suffix, arena);
    if (segment->event_count + twice->event_count != events)
        return err_set(err, ERR_CORRUPT, "segments have %" PRId64 " events, their rows say %" PRId64,
                       segment->event_count + twice->event_count, events);
    struct writing writing = { .objects = objects, .runs = &run };
    run_write(&writing, 0);
    if (run.err.code == ERR_OK) return true;
    *err = run.err;
    return false;
}

/* ---- deleting ---- */

struct doomed {
    struct arena *arena;
    const char **keys;
    uint32_t count, cap;
};
static bool doomed_add(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    struct doomed *doomed = ctx;
    (void)bytes, (void)modified_unix_us;
    if (doomed->count == doomed->cap) {
        doomed->cap = doomed->cap ? doomed->cap * 2 : 64;
        doomed->keys = mem_realloc(doomed->keys, doomed->cap * sizeof *doomed->keys);
    }
    doomed->keys[doomed->count++] = arena_printf(doomed->arena, "%s", key);
    return true;
}

struct forgetting {
    struct uuid project_id;
    struct bytes session;
    bool is_asked;
};
static bool forget_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct forgetting *forgetting = ctx;
    return (!forgetting->is_asked ||
            replay_keep_out(session, forgetting->project_id, forgetting->session, clock_unix_us(), err)) &&
           replay_forget(session, forgetting->project_id, forgetting->session, err);
}

static bool objects_delete(struct object_store *objects, const char *prefix, struct arena *arena, struct err *err)
{
    struct doomed doomed = { .arena = arena };
    bool ok = object_list(objects, prefix, doomed_add, &doomed, err) &&
              (doomed.count == 0 || object_delete_many(objects, doomed.keys, doomed.count, err));
    free(doomed.keys);
    return ok;
}

/* Once more behind the rows: somebody may have been joining segments meanwhile. */
bool replay_session_delete(struct object_store *objects, struct db *db, struct uuid project_id, struct bytes session,
                           bool is_asked, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct forgetting forgetting = { project_id, session, is_asked };
    const char *prefix = replay_prefix(&arena, project_id, session);
    bool ok = objects_delete(objects, prefix, &arena, err) && db_transaction(db, forget_run, &forgetting, err) &&
              objects_delete(objects, prefix, &arena, err);
    arena_deinit(&arena);
    return ok;
}
