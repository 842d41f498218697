#include "buffer/wal/wal.h"
#include "base/clock.h"
#include "base/fail.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define USUAL_BYTES (1u << 20) /* of a request: what still fits tells whether the log is full */

static struct uuid wal_id(struct buffer *buffer)
{
    return wal_of(buffer)->id;
}

static uint64_t wal_position_released(struct buffer *buffer)
{
    struct wal *wal = wal_of(buffer);
    pthread_mutex_lock(&wal->lock);
    uint64_t position = wal->position_released;
    pthread_mutex_unlock(&wal->lock);
    return position;
}

static uint64_t wal_position_last(struct buffer *buffer)
{
    struct wal *wal = wal_of(buffer);
    pthread_mutex_lock(&wal->lock);
    uint64_t position = wal->position_durable;
    pthread_mutex_unlock(&wal->lock);
    return position;
}

static void wal_stats(struct buffer *buffer, struct buffer_stats *stats)
{
    struct wal *wal = wal_of(buffer);
    pthread_mutex_lock(&wal->lock);
    *stats = wal->stats;
    stats->files = wal->segment_count;
    stats->disk_bytes = wal->disk_bytes;
    stats->pending_bytes = wal->pending_bytes;
    stats->position_last = wal->position_durable;
    stats->position_released = wal->position_released;
    stats->has_failed = wal->failure.code != ERR_OK;
    bool fits_current = wal->plan_capacity > 0 && wal->plan_offset + USUAL_BYTES <= wal->plan_capacity;
    stats->is_full =
        !fits_current && wal->disk_bytes - wal->plan_capacity + wal->plan_offset + wal->options.segment_bytes >
                             wal->options.disk_bytes_max;
    pthread_mutex_unlock(&wal->lock);
    histogram_read(&wal->sync_times, &stats->sync_times);
}

/* Under the lock, or before there are threads. */
void wal_remember(struct wal *wal, uint64_t position, struct hash128 hash, int64_t received_unix_us)
{
    if (received_unix_us > wal->newest_unix_us) wal->newest_unix_us = received_unix_us;
    repeats_add(&wal->repeats, hash, wal_second(received_unix_us));
    if (position != wal->hashed_last + 1) wal->hashed_first = position;
    wal->hashed_last = position;
}

/* --- append --- */

static uint64_t append_weight(const struct wal_append *append)
{
    return sizeof *append + (append->repeated ? 0 : append->record.body.len);
}

/* The next record goes into a new log file of at least so many bytes. Under the lock. */
static bool plan_file(struct wal *wal, uint64_t record_bytes, uint64_t *segment_bytes, struct err *err)
{
    uint64_t needed = wal_align(WAL_SEGMENT_HEADER_BYTES + record_bytes);
    uint64_t bytes = needed > wal->options.segment_bytes ? needed : wal->options.segment_bytes;
    /* The full file is cut to size; one without records grows. */
    bool is_empty = wal->plan_offset <= WAL_SEGMENT_HEADER_BYTES;
    uint64_t disk_bytes = wal->disk_bytes - wal->plan_capacity + (is_empty ? 0 : wal->plan_offset);
    if (disk_bytes + bytes > wal->options.disk_bytes_max)
        return err_set(err, ERR_BUSY,
                       "the log is full: its files take %" PRIu64 " of at most %" PRIu64
                       " bytes until more of it has reached the tables",
                       wal->disk_bytes, wal->options.disk_bytes_max);
    wal->disk_bytes = disk_bytes + bytes;
    wal->plan_capacity = *segment_bytes = bytes;
    wal->plan_offset = WAL_SEGMENT_HEADER_BYTES;
    return true;
}

/* Is there a buffer_roll to do, and room for it? Then a new file is planned. Under the lock. */
static bool rolls_plan(struct wal *wal, uint64_t record_bytes, uint64_t *segment_bytes)
{
    if (wal->rolls_planned == wal->rolls_asked) return false;
    wal->rolls_planned = wal->rolls_asked;
    wal->roll_err = wal->failure;
    if (wal->roll_err.code != ERR_OK || wal->plan_offset <= WAL_SEGMENT_HEADER_BYTES) return false; /* it is new */
    return plan_file(wal, record_bytes, segment_bytes, &wal->roll_err);
}

/* Where it goes is settled here, so that a full log is told at once and the writer only follows. Under the lock. */
static bool append_place(struct wal *wal, struct wal_append *append, struct err *err)
{
    uint64_t bytes = WAL_RECORD_HEADER_BYTES + append->record.body.len;
    uint64_t offset = wal_align(wal->plan_offset);
    if (rolls_plan(wal, bytes, &append->segment_bytes)) {
        offset = wal->plan_offset;
    } else if (wal->plan_capacity == 0 || offset + bytes > wal->plan_capacity) {
        if (!plan_file(wal, bytes, &append->segment_bytes, err)) return false;
        offset = wal->plan_offset;
    }
    append->head_bytes = (uint32_t)(offset - wal->plan_offset) + WAL_RECORD_HEADER_BYTES;
    append->offset = offset;
    wal->plan_offset = offset + bytes;
    return true;
}

static bool append_admit(struct wal *wal, struct wal_append *append, struct err *err)
{
    if (wal->failure.code != ERR_OK) {
        *err = wal->failure;
        return err_within(err, "the log takes no more until the server is started again");
    }
    if (wal->state != WAL_RUNNING) return err_set(err, ERR_BUSY, "the log is not running");
    uint32_t second = wal_second(append->record.received_unix_us);
    append->repeated = repeats_has(&wal->repeats, append->record.hash, second);
    uint64_t weight = append_weight(append);
    /* One that is larger than the whole queue is taken when it is alone: its bytes are the appender's anyway. */
    if (wal->pending_bytes > 0 && wal->pending_bytes + weight > wal->options.pending_bytes_max)
        return err_set(err, ERR_BUSY, "the log's queue is full: %" PRIu64 " bytes wait for the disk",
                       wal->pending_bytes);
    if (!append->repeated) {
        if (!append_place(wal, append, err)) return false;
        append->record.position = ++wal->position_last;
        wal_remember(wal, append->record.position, append->record.hash, append->record.received_unix_us);
    }
    wal->pending_bytes += weight;
    return true;
}

static bool wal_append(struct buffer *buffer, const struct buffer_record *record, void *request, buffer_done_fn *done,
                       void *ctx, struct err *err)
{
    struct wal *wal = wal_of(buffer);
    assert(record->signal >= BUFFER_SIGNAL_LOGS && record->signal <= BUFFER_SIGNAL_LAST);
    assert(done != NULL);
    if (record->body.len > wal->options.record_bytes_max)
        return err_set(err, ERR_TOO_LARGE, "the request has %zu bytes; at most %" PRIu32 " are taken", record->body.len,
                       wal->options.record_bytes_max);
    struct wal_append *append = mem_alloc(sizeof *append);
    *append = (struct wal_append){ .record = *record, .request = request, .done = done, .ctx = ctx };
    append->record.position = 0;
    append->body_checksum = wal_body_checksum(record->body); /* the one pass over the body, outside the lock */

    pthread_mutex_lock(&wal->lock);
    bool admitted = append_admit(wal, append, err);
    if (admitted) {
        bool was_empty = wal->pending == NULL;
        *wal->pending_end = append;
        wal->pending_end = &append->next;
        if (was_empty) pthread_cond_signal(&wal->wake);
    }
    pthread_mutex_unlock(&wal->lock);
    if (!admitted) free(append);
    return admitted;
}

/* --- the writer thread --- */

/* A run goes into one log file and is made safe by one sync. */
struct run {
    struct wal_append *first, **end; /* *end: the append after it, or NULL */
    uint32_t record_count;           /* repeats are not written */
    uint64_t weight, body_bytes;
    uint64_t position_last, offset_end;
    int64_t newest_unix_us;
};

static struct run run_begin(struct wal_append **list)
{
    struct run run = { .first = *list, .newest_unix_us = INT64_MIN };
    struct wal_append **at = list;
    for (; *at != NULL; at = &(*at)->next) {
        struct wal_append *append = *at;
        if (append->segment_bytes != 0 && run.record_count > 0) break;
        run.weight += append_weight(append);
        if (append->repeated) continue;
        run.record_count++;
        run.body_bytes += append->record.body.len;
        run.position_last = append->record.position;
        run.offset_end = append->offset + WAL_RECORD_HEADER_BYTES + append->record.body.len;
        if (append->record.received_unix_us > run.newest_unix_us) run.newest_unix_us = append->record.received_unix_us;
    }
    run.end = at;
    return run;
}

/* The record that begins a log file, when the run has one: repeats may stand before it. */
static const struct wal_append *run_rotates(const struct run *run)
{
    for (const struct wal_append *append = run->first; append != *run->end; append = append->next)
        if (!append->repeated) return append->segment_bytes != 0 ? append : NULL;
    return NULL;
}

/* A current file without records, from a crash just after it was made or before a record too large for it: it grows
 * instead of giving way to one of the same name. */
static bool segment_grow(struct wal *wal, uint64_t bytes, struct err *err)
{
    if (!wal->disk->ops->reserve(wal->file, bytes, err) || !wal->disk->ops->sync(wal->file, err)) return false;
    pthread_mutex_lock(&wal->lock);
    wal->segments[wal->segment_count - 1].bytes = bytes;
    pthread_mutex_unlock(&wal->lock);
    return true;
}

/* Every record of the full log file is safe already: only the newest file can have a torn tail. The new file first: when
 * there is no room for it, all is as it was. */
static bool rotate(struct wal *wal, uint64_t first, uint64_t segment_bytes, struct err *err)
{
    struct wal_segment full = { 0 };
    pthread_mutex_lock(&wal->lock);
    if (wal->segment_count > 0) full = wal->segments[wal->segment_count - 1];
    pthread_mutex_unlock(&wal->lock);
    if (full.first == first) return segment_grow(wal, segment_bytes, err);

    uint64_t salt;
    struct disk_file *file;
    if (!wal_segment_create(wal, first, segment_bytes, &file, &salt, err)) return false;
    if (wal->file != NULL) {
        bool cut = wal->disk->ops->truncate(wal->file, full.bytes_used, err);
        wal->disk->ops->forget(wal->file, wal->forget_offset, full.bytes_used - wal->forget_offset);
        wal->disk->ops->close(wal->file);
        wal->forget_offset = 0;
        wal->file = file;
        if (!cut) {
            err->os_errno = EIO; /* a disk that cannot cut a file is not one without room */
            return false;
        }
    }
    wal->file = file;
    pthread_mutex_lock(&wal->lock);
    if (wal->segment_count > 0) wal->segments[wal->segment_count - 1].bytes = full.bytes_used;
    wal_segment_add(wal, (struct wal_segment){ .first = first,
                                               .bytes = segment_bytes,
                                               .bytes_used = WAL_SEGMENT_HEADER_BYTES,
                                               .salt = salt,
                                               .newest_unix_us = INT64_MIN });
    pthread_mutex_unlock(&wal->lock);
    return true;
}

/* Heads and bodies of a run, as one list of parts for one pwrite. */
static uint32_t run_gather(struct wal *wal, const struct run *run, uint64_t durable, uint64_t salt)
{
    if ((size_t)run->record_count * 2 > wal->parts_cap) {
        wal->parts_cap = (size_t)run->record_count * 2;
        wal->parts = mem_realloc(wal->parts, wal->parts_cap * sizeof *wal->parts);
    }
    uint32_t count = 0;
    for (struct wal_append *append = run->first; append != *run->end; append = append->next) {
        if (append->repeated) continue;
        const struct buffer_record *record = &append->record;
        struct wal_record_header header = {
            .position = record->position,
            .durable = durable,
            .received_unix_us = record->received_unix_us,
            .hash = record->hash,
            .project_id = record->project_id,
            .key_id = record->key_id,
            .body_checksum = append->body_checksum,
            .body_bytes = (uint32_t)record->body.len,
            .signal = (uint8_t)record->signal,
            .encoding = (uint8_t)record->encoding,
            .format = (uint8_t)record->format,
        };
        uint32_t padding = append->head_bytes - WAL_RECORD_HEADER_BYTES;
        wal_record_header_write(append->head + padding, &header, salt);
        wal->parts[count++] = bytes_from(append->head, append->head_bytes);
        wal->parts[count++] = record->body;
    }
    return count;
}

/* *out_of_room: the file system is full and nothing was written, so that the log can go on when there is room. */
static bool run_write(struct wal *wal, const struct run *run, bool *out_of_room, struct err *err)
{
    const struct wal_append *rotates = run_rotates(run);
    if (rotates != NULL && !rotate(wal, rotates->record.position, rotates->segment_bytes, err)) {
        *out_of_room = err->os_errno == ENOSPC || err->os_errno == EDQUOT;
        return false;
    }
    pthread_mutex_lock(&wal->lock);
    struct wal_segment *segment = &wal->segments[wal->segment_count - 1];
    uint64_t durable = wal->position_durable, offset = segment->bytes_used, salt = segment->salt;
    assert(run->offset_end <= segment->bytes);
    pthread_mutex_unlock(&wal->lock);

    uint32_t part_count = run_gather(wal, run, durable, salt);
    fail_point("wal.before_write");
    if (!wal->disk->ops->pwrite(wal->file, offset, wal->parts, part_count, err)) return false;
    fail_point("wal.after_write");
    fail_point("wal.before_sync");
    uint64_t begin_ns = clock_mono_ns();
    if (!wal->disk->ops->sync(wal->file, err)) return false;
    histogram_add_ns(&wal->sync_times, clock_mono_ns() - begin_ns);
    fail_point("wal.after_sync");
    return true;
}

static void run_settle(struct wal *wal, const struct run *run)
{
    pthread_mutex_lock(&wal->lock);
    wal->pending_bytes -= run->weight;
    for (struct wal_append *append = run->first; append != *run->end; append = append->next)
        wal->stats.repeats += append->repeated;
    if (run->record_count > 0) {
        struct wal_segment *segment = &wal->segments[wal->segment_count - 1];
        segment->bytes_used = run->offset_end;
        if (run->newest_unix_us > segment->newest_unix_us) segment->newest_unix_us = run->newest_unix_us;
        wal->position_durable = run->position_last;
        wal->stats.records += run->record_count;
        wal->stats.bytes += run->body_bytes;
        wal->stats.syncs++;
    }
    pthread_mutex_unlock(&wal->lock);
}

/* What is safe in the file is read again only after a crash. Without this every request takes fresh pages: with them
 * a request of 450 KB costs 0.7 ms of CPU, without 0.2. */
static void run_forget(struct wal *wal, uint64_t offset_end)
{
    if (offset_end < wal->forget_offset + WAL_FORGET_BYTES) return;
    uint64_t end = offset_end - offset_end % WAL_FORGET_PAGE; /* the page that the next run continues stays */
    wal->disk->ops->forget(wal->file, wal->forget_offset, end - wal->forget_offset);
    wal->forget_offset = end;
}

/* The clients' answers first, then the worker. */
static void run_deliver(struct wal *wal, struct wal_append **list, const struct run *run)
{
    struct wal_append *rest = *run->end;
    fail_point("wal.before_done");
    for (struct wal_append *append = run->first; append != rest; append = append->next)
        append->done(append->ctx, NULL, append->repeated);
    for (struct wal_append *append = run->first, *next; append != rest; append = next) {
        next = append->next;
        if (!append->repeated) wal->options.sink.record(wal->options.sink.ctx, &append->record, append->request);
        free(append);
    }
    *list = rest;
}

/* Takes the plan back to what is on the disk, after a run for which there was no room. Under the lock. */
static void plan_rewind(struct wal *wal)
{
    repeats_drop_newest(&wal->repeats, wal->position_last - wal->position_durable);
    wal->hashed_last -= wal->position_last - wal->position_durable;
    wal->position_last = wal->position_durable;
    wal->plan_offset = wal->plan_capacity = wal->disk_bytes = 0;
    for (uint32_t i = 0; i < wal->segment_count; i++) {
        wal->disk_bytes += wal->segments[i].bytes;
        wal->plan_offset = wal->segments[i].bytes_used;
        wal->plan_capacity = wal->segments[i].bytes;
    }
}

/* Nothing of the list is stored, nor of what waits behind it. Unless there was only no room, nothing more is taken: what
 * the disk holds of this run is known only to the next open. */
static void fail_all(struct wal *wal, struct wal_append *list, bool out_of_room, struct err *err)
{
    err->code = ERR_IO;
    if (!out_of_room)
        log_error(wal->options.log, "wal.failed", log_text("err", err->text));
    else if (!wal->is_out_of_room)
        log_error(wal->options.log, "wal.out_of_room", log_text("err", err->text));
    wal->is_out_of_room = out_of_room;

    pthread_mutex_lock(&wal->lock);
    if (out_of_room) {
        plan_rewind(wal);
        wal->stats.out_of_room_mono_ns = clock_mono_ns();
    } else {
        wal->failure = *err;
    }
    struct wal_append *pending = wal->pending;
    wal->pending = NULL;
    wal->pending_end = &wal->pending;
    wal->pending_bytes = 0;
    pthread_mutex_unlock(&wal->lock);
    for (int i = 0; i < 2; i++, list = pending) {
        for (struct wal_append *append = list, *next; append != NULL; append = next) {
            next = append->next;
            append->done(append->ctx, err, append->repeated);
            free(append);
        }
    }
}

static void room_again(struct wal *wal)
{
    if (!wal->is_out_of_room) return;
    log_info(wal->options.log, "wal.has_room_again");
    wal->is_out_of_room = false;
    pthread_mutex_lock(&wal->lock);
    wal->stats.out_of_room_mono_ns = 0;
    pthread_mutex_unlock(&wal->lock);
}

/* A new log file although nothing waits to be written into it. Appends from then on are placed in it, and their run comes after
 * this. */
static void roll_idle(struct wal *wal, uint64_t first, uint64_t segment_bytes)
{
    struct err err = { .code = ERR_OK };
    if (rotate(wal, first, segment_bytes, &err)) return;
    fail_all(wal, NULL, err.os_errno == ENOSPC || err.os_errno == EDQUOT, &err);
    pthread_mutex_lock(&wal->lock);
    wal->roll_err = err;
    pthread_mutex_unlock(&wal->lock);
}

/* All that was planned when the list was taken is on the disk, or has failed. */
static void rolls_settle(struct wal *wal, uint64_t planned, const struct err *err)
{
    pthread_mutex_lock(&wal->lock);
    if (planned > wal->rolls_done) {
        if (err->code != ERR_OK) wal->roll_err = *err;
        wal->rolls_done = planned;
        pthread_cond_broadcast(&wal->rolled);
    }
    pthread_mutex_unlock(&wal->lock);
}

static bool wal_roll(struct buffer *buffer, struct err *err)
{
    struct wal *wal = wal_of(buffer);
    pthread_mutex_lock(&wal->lock);
    bool ok = wal->state == WAL_RUNNING || err_set(err, ERR_BUSY, "the log is not running");
    if (ok) {
        uint64_t mine = ++wal->rolls_asked;
        pthread_cond_signal(&wal->wake);
        while (wal->rolls_done < mine && wal->state == WAL_RUNNING) pthread_cond_wait(&wal->rolled, &wal->lock);
        ok = wal->rolls_done >= mine || err_set(err, ERR_BUSY, "the log is closing");
        if (ok && wal->roll_err.code != ERR_OK) {
            *err = wal->roll_err;
            ok = false;
        }
    }
    uint64_t released = wal->position_released;
    pthread_mutex_unlock(&wal->lock);
    /* What was released before may go now that it is not the current file any more. */
    return ok && wal_release(buffer, released, err);
}

void *wal_writer(void *ctx)
{
    struct wal *wal = ctx;
    pthread_setname_np(pthread_self(), "wal");
    for (;;) {
        pthread_mutex_lock(&wal->lock);
        while (wal->pending == NULL && wal->state == WAL_RUNNING && wal->rolls_done == wal->rolls_asked)
            pthread_cond_wait(&wal->wake, &wal->lock);
        struct wal_append *list =
            wal->pending; /* all there is, at once: the next batch gathers during this one's sync */
        wal->pending = NULL;
        wal->pending_end = &wal->pending;
        uint64_t segment_bytes = 0, first = wal->position_last + 1;
        bool is_over = list == NULL && wal->state != WAL_RUNNING;
        if (list == NULL && !is_over) (void)rolls_plan(wal, 0, &segment_bytes);
        uint64_t rolls_planned = wal->rolls_planned;
        pthread_mutex_unlock(&wal->lock);
        if (is_over) return NULL;
        if (segment_bytes > 0) roll_idle(wal, first, segment_bytes);
        struct err err = { .code = ERR_OK };

        while (list != NULL) {
            struct run run = run_begin(&list);
            bool out_of_room = false;
            if (run.record_count > 0 && !run_write(wal, &run, &out_of_room, &err)) {
                fail_all(wal, list, out_of_room, &err);
                break;
            }
            if (run.record_count > 0) room_again(wal);
            run_settle(wal, &run);
            run_deliver(wal, &list, &run);
            if (run.record_count > 0) run_forget(wal, run.offset_end);
        }
        rolls_settle(wal, rolls_planned, &err);
    }
}

void wal_close(struct buffer *buffer)
{
    struct wal *wal = wal_of(buffer);
    pthread_mutex_lock(&wal->lock);
    bool running = wal->state == WAL_RUNNING;
    wal->state = WAL_CLOSING;
    pthread_cond_signal(&wal->wake);
    pthread_cond_broadcast(&wal->rolled);
    pthread_mutex_unlock(&wal->lock);
    if (running) pthread_join(wal->writer, NULL);
    assert(wal->pending == NULL);

    /* A mark of how far the log was safe: if the last records rot away, the next open does not take it for a torn tail. */
    struct err err = { .code = ERR_OK };
    if (running && wal->failure.code == ERR_OK && wal->position_durable > wal->slot.durable && !wal->release_failed &&
        !wal_released_write(wal, wal->position_released, wal->position_durable, &err))
        log_warn(wal->options.log, "wal.close_mark_failed", log_text("err", err.text));

    const struct disk_ops *ops = wal->disk->ops;
    if (wal->file != NULL) ops->close(wal->file);
    if (wal->released_file != NULL) ops->close(wal->released_file);
    if (wal->lock_file != NULL) ops->close(wal->lock_file);
    repeats_deinit(&wal->repeats);
    pthread_mutex_destroy(&wal->lock);
    pthread_mutex_destroy(&wal->release_lock);
    pthread_cond_destroy(&wal->wake);
    pthread_cond_destroy(&wal->rolled);
    free(wal->parts);
    free(wal->segments);
    free(wal->hashes_files);
    free(wal->dir);
    free(wal);
}

const struct buffer_ops wal_ops = {
    .id = wal_id,
    .position_released = wal_position_released,
    .position_last = wal_position_last,
    .start = wal_start,
    .append = wal_append,
    .release = wal_release,
    .roll = wal_roll,
    .stats = wal_stats,
    .close = wal_close,
};
