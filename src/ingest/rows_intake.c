#include "ingest/rows_intake.h"
#include "base/clock.h"
#include "buffer/buffer.h"
#include "ingest/rows_redact.h"
#include "meta/meter.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* The appender's and the sink's: the body lives until both have done with it. */
struct rows_stored {
    atomic_uint holders;
    struct bytes body;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t answered;
    bool is_answered;
    struct err err;
};

void rows_stored_release(struct rows_stored *stored)
{
    if (atomic_fetch_sub(&stored->holders, 1) > 1) return;
    free((void *)(uintptr_t)stored->body.ptr);
    pthread_mutex_destroy(&stored->lock);
    pthread_cond_destroy(&stored->answered);
    free(stored);
}

/* On the buffer's thread. */
static void stored_on(void *ctx, const struct err *err, bool is_repeat)
{
    struct rows_stored *stored = ctx;
    bool is_failed = err != NULL && err->code != ERR_OK;
    pthread_mutex_lock(&stored->lock);
    if (is_failed) stored->err = *err;
    stored->is_answered = true;
    pthread_cond_signal(&stored->answered);
    pthread_mutex_unlock(&stored->lock);
    if (is_failed || is_repeat) rows_stored_release(stored); /* the sink never sees it */
}

/* Telemetry is sent again by itself; a person has to be told what to do. is_sure: nothing of it is kept. */
static bool refused(struct err *err, bool is_sure)
{
    if (err->code != ERR_BUSY) return false;
    err->code = ERR_OVERLOADED;
    err_within(err,
               is_sure ? "nothing was written, for it cannot be kept now" : "it is not sure that the rows are kept");
    return err_hint(err, is_sure
                             ? "wait some seconds and run it again"
                             : "look for them, or run it again with ids of your own and ON CONFLICT (id) DO NOTHING");
}

static struct hash128 hash_new(void)
{
    /* Of its own: two statements with the same rows are not one that was sent again. */
    struct uuid random = uuid_random();
    struct hash128 hash;
    static_assert(sizeof hash == sizeof random.bytes, "16 bytes each");
    memcpy(&hash, random.bytes, sizeof hash);
    return hash;
}

static bool rows_append(struct buffer *buffer, const struct rows_arrival *arrival, struct bytes batch, struct err *err)
{
    struct rows_stored *stored = mem_calloc(1, sizeof *stored);
    stored->body = batch;
    atomic_init(&stored->holders, 2);
    pthread_mutex_init(&stored->lock, NULL);
    pthread_cond_init(&stored->answered, NULL);
    struct buffer_record record = {
        .signal = BUFFER_SIGNAL_ROWS,
        .project_id = arrival->project_id,
        .key_id = arrival->key_id,
        .hash = hash_new(),
        .received_unix_us = clock_unix_us(),
        .body = batch,
    };
    bool is_appended = buffer_append(buffer, &record, stored, stored_on, stored, err), ok = is_appended;
    if (ok) {
        pthread_mutex_lock(&stored->lock);
        while (!stored->is_answered) pthread_cond_wait(&stored->answered, &stored->lock);
        pthread_mutex_unlock(&stored->lock);
        ok = stored->err.code == ERR_OK;
        if (!ok) *err = stored->err;
    } else {
        rows_stored_release(stored); /* the sink's */
    }
    rows_stored_release(stored);
    return ok || refused(err, !is_appended);
}

bool rows_intake(const struct rows_intake *intake, const struct rows_arrival *arrival, struct err *err)
{
    struct meter_amounts amounts = {
        .bytes = arrival->batch.len, .logs = arrival->logs, .spans = arrival->spans, .points = arrival->points
    };
    struct bytes batch = arrival->batch;
    uint32_t retry_ms;
    if (intake->meter && !meter_admit(intake->meter, arrival->project_id, arrival->key_id, &retry_ms, err)) {
        free((void *)(uintptr_t)batch.ptr);
        return err_within(err, "nothing was written");
    }
    if (!rows_redact(intake->redactor, arrival->project_id, &batch, &amounts.redacted, err)) return refused(err, true);
    if (intake->meter) meter_charge(intake->meter, arrival->project_id, arrival->key_id, &amounts);
    if (!rows_append(intake->buffer, arrival, batch, err)) return false;
    if (intake->meter) meter_count(intake->meter, arrival->project_id, arrival->key_id, &amounts);
    return true;
}
