/* worker_records.c -- records in: those whose tables have them are skipped, those that cannot become rows are held. */
#include "base/clock.h"
#include "worker/worker_inside.h"
#include <stdlib.h>

#define FAILED_CUT_NS       1000000000ull
#define FAILED_CUT_EVERY_NS 10000000000ull

/* One piece of memory: what a record holds behind it, body then note. */
struct raw {
    struct buffer_record record;
    struct bytes note;
    struct err why; /* ERR_OK: it can be read, as far as is known */
    uint8_t bytes[];
};

static struct raw *raw_create(const struct buffer_record *record, struct bytes note, const struct err *why)
{
    struct raw *raw = mem_alloc(sizeof *raw + record->body.len + note.len);
    raw->record = *record;
    raw->record.body = bytes_from(raw->bytes, record->body.len);
    raw->note = bytes_from(raw->bytes + record->body.len, note.len);
    raw->why = why ? *why : (struct err){ 0 };
    if (record->body.len > 0) memcpy(raw->bytes, record->body.ptr, record->body.len);
    if (note.len > 0) memcpy(raw->bytes + record->body.len, note.ptr, note.len);
    return raw;
}

void worker_item_free(struct item *item)
{
    inbound_release(item->inbound);
    free(item->raw);
    free(item);
}

void worker_failed_deinit(struct failed_list *list)
{
    for (uint32_t f = 0; f < list->count; f++) {
        free(list->owned[f]);
        free((char *)list->at[f].reason);
    }
    free(list->at);
    free(list->owned);
    *list = (struct failed_list){ 0 };
}

/* What is held has its bounds: then the flush comes early, and what it waits for is waited for. False only when we stop. */
static bool failed_make_room(struct worker *worker)
{
    const struct failed_list *list = &worker->failed;
    while (list->count >= WORKER_FAILED_MAX || list->bytes >= WORKER_FAILED_BYTES) {
        if (atomic_load(&worker->stops)) return false;
        worker->flush_wanted = true;
        worker_cut_if_due(worker, clock_mono_ns());
        if (list->count > 0) clock_sleep_ms(20);
    }
    return true;
}

/* It is on its way again only once a cut has passed it: that comes soon, and when many fail not too often. */
static void cut_hasten(struct worker *worker)
{
    uint64_t soon_ns = clock_mono_ns() + FAILED_CUT_NS;
    if (soon_ns < worker->cut_mono_ns + FAILED_CUT_EVERY_NS) soon_ns = worker->cut_mono_ns + FAILED_CUT_EVERY_NS;
    if (soon_ns < worker->flush_due_ns) worker->flush_due_ns = soon_ns;
}

/* Takes raw. */
static void record_fail(struct worker *worker, struct raw *raw, const struct err *why, bool is_final)
{
    struct failed_list *list = &worker->failed;
    if (!failed_make_room(worker)) { /* it comes again with the replay */
        free(raw);
        return;
    }
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 8;
        list->at = mem_realloc(list->at, list->cap * sizeof *list->at);
        list->owned = mem_realloc(list->owned, list->cap * sizeof *list->owned);
    }
    list->owned[list->count] = raw;
    list->at[list->count++] = (struct worker_failed){
        .record = raw->record, .note = raw->note, .reason = mem_strdup(why->text), .is_final = is_final
    };
    list->bytes += raw->record.body.len;
    worker->counted.failed++;
    cut_hasten(worker);
    if (list->count >= WORKER_FAILED_MAX / 2 || list->bytes >= WORKER_FAILED_BYTES / 2) worker->flush_wanted = true;
}

static bool is_marked(const struct worker *worker, uint64_t position)
{
    for (uint32_t m = 0; m < worker->options.mark_count; m++)
        if (worker->options.marks[m] == position) return true;
    return false;
}

static bool is_stored_in(const struct worker *worker, const struct buffer_record *record, enum schema_table_id table)
{
    return worker->txn[table] >= 0 && record->position <= (uint64_t)worker->txn[table];
}

/* Of its rows, what a table's txn says is for good. What SQL has written may be of both tables. */
static bool is_stored(const struct worker *worker, const struct buffer_record *record)
{
    if (record->signal == BUFFER_SIGNAL_ROWS)
        return is_stored_in(worker, record, SCHEMA_LOGS_AND_SPANS) && is_stored_in(worker, record, SCHEMA_METRICS);
    return is_stored_in(worker, record,
                        record->signal == BUFFER_SIGNAL_METRICS ? SCHEMA_METRICS : SCHEMA_LOGS_AND_SPANS);
}

/* Rows that SQL has written: some thousand at a time, each table as far as it lacks them. */
static bool written_read(struct worker *worker, const struct buffer_record *record, bool is_replay, struct err *why)
{
    const struct otlp_request *request;
    if (!worker->written) worker->written = written_create();
    if (!written_begin(worker->written, record->body, record->received_unix_us, why)) return false;
    while (written_next(worker->written, &request)) {
        bool is_there = is_stored_in(worker, record, written_table(worker->written));
        if (is_there && !worker_taps_lack(worker, record->position)) continue;
        worker_record_work(worker, record->position, record->project_id, request, is_replay, is_there, worker->written);
    }
    return true;
}

/* The record becomes rows, or says why not. */
static bool record_read(struct worker *worker, const struct buffer_record *record, bool is_replay, bool *is_final,
                        struct err *why)
{
    const struct otlp_request *request;
    *is_final = false;
    if (record->signal == BUFFER_SIGNAL_ROWS) return written_read(worker, record, is_replay, why);
    if (!inbound_reader_read(worker->reader, record, &request, why)) return false;
    if (otlp_record_count(request) == 0) {
        *is_final = true;
        return err_set(why, ERR_INPUT, "no span, log record or data point of it can be kept%s%.150s",
                       request->rejected_count > 0 ? ": " : "",
                       request->rejected_count > 0 ? request->rejected_reason : "");
    }
    worker_record_work(worker, record->position, record->project_id, request, is_replay, false, NULL);
    return true;
}

/* The tables have its rows; taps may lack them. What cannot be read has gone on, or its mark says that it has not. */
static void record_read_for_taps(struct worker *worker, const struct buffer_record *record)
{
    struct err ignored = { 0 };
    const struct otlp_request *request;
    if (record->signal == BUFFER_SIGNAL_ROWS) {
        (void)!written_read(worker, record, true, &ignored);
        return;
    }
    if (inbound_reader_read(worker->reader, record, &request, &ignored))
        worker_record_work(worker, record->position, record->project_id, request, true, true, NULL);
}

/* Takes raw, or copies record when there is none and it must be kept. */
static void record_take(struct worker *worker, const struct buffer_record *record, struct raw *raw, bool is_replay)
{
    struct err why = { 0 };
    bool is_final = false, ok = true;
    if (is_stored(worker, record)) {
        if (is_marked(worker, record->position))
            ok = err_set(&why, ERR_INPUT, "it could not be stored before the partition had another owner");
        else if ((!raw || raw->why.code == ERR_OK) && worker_taps_lack(worker, record->position))
            record_read_for_taps(worker, record);
    } else if (raw && raw->why.code != ERR_OK) {
        why = raw->why;
        is_final = true;
        ok = false;
    } else {
        ok = record_read(worker, record, is_replay, &is_final, &why);
    }
    if (!ok) {
        if (!raw) raw = raw_create(record, (struct bytes){ 0 }, NULL);
        record_fail(worker, raw, &why, is_final);
    } else {
        free(raw);
    }
    worker->position = record->position;
}

void worker_item_work(struct worker *worker, struct item *item)
{
    if (!item->inbound && !item->raw) {
        if (item->position > 0) worker->position = item->position;
    } else if (item->inbound) {
        worker_record_work(worker, item->position, item->project_id, inbound_request(item->inbound), false, false,
                           NULL);
    } else {
        struct buffer_record record = item->raw->record;
        record_take(worker, &record, item->raw, false);
        item->raw = NULL;
    }
    worker_item_free(item);
}

bool worker_replay(struct worker *worker, const struct buffer_record *record, struct err *err)
{
    (void)err; /* the disk of the segments refuses: later may work */
    assert(!worker->thread_runs);
    worker->position_pushed = record->position;
    while (!worker_taps_have_room(worker)) {
        worker->flush_wanted = true;
        worker_cut_if_due(worker, clock_mono_ns());
        clock_sleep_ms(RETRY_MS);
    }
    record_take(worker, record, NULL, true);
    worker_memory_bound(worker);
    if (worker->flush_wanted) worker_cut_if_due(worker, clock_mono_ns());
    return true;
}

static void pushed_note(struct worker *worker, uint64_t position)
{
    pthread_mutex_lock(&worker->lock);
    worker->position_pushed = position;
    pthread_mutex_unlock(&worker->lock);
}

void worker_push(struct worker *worker, const struct buffer_record *record, struct inbound *inbound)
{
    struct item *item = mem_alloc(sizeof *item);
    *item = (struct item){ .position = record->position, .project_id = record->project_id, .inbound = inbound };
    pushed_note(worker, record->position);
    if (!queue_push_wait(worker->queue, item, inbound_bytes(inbound)))
        worker_item_free(item); /* closing: the log has it */
}

static void raw_push(struct worker *worker, struct raw *raw)
{
    struct item *item = mem_alloc(sizeof *item);
    *item = (struct item){ .position = raw->record.position, .raw = raw };
    pushed_note(worker, raw->record.position);
    if (!queue_push_wait(worker->queue, item, raw->record.body.len)) worker_item_free(item); /* closing: it is kept */
}

void worker_push_rows(struct worker *worker, const struct buffer_record *record)
{
    raw_push(worker, raw_create(record, (struct bytes){ 0 }, NULL));
}

bool worker_offer(struct worker *worker, const struct buffer_record *record, struct bytes note, const struct err *why)
{
    if (!queue_has_room(worker->queue, record->body.len)) return false;
    raw_push(worker, raw_create(record, note, why)); /* nobody else pushes: there is room still */
    return true;
}

void worker_pass(struct worker *worker, uint64_t position)
{
    struct item *item = mem_alloc(sizeof *item);
    *item = (struct item){ .position = position };
    pushed_note(worker, position);
    if (!queue_push_wait(worker->queue, item, 0)) worker_item_free(item);
}

uint64_t worker_queue_bytes(struct worker *worker)
{
    return queue_weight(worker->queue);
}
