/* wal_fixture.h -- for the tests of the log: records whose bytes follow from a number, and what came of each.
 *
 * Record k has key k as the low half of its hash, and body_bytes_of(k) bytes that body_fill makes from k: so a
 * delivered record can be checked without keeping what was appended. Thread: locked inside. */
#pragma once
#include "base/disk_sim.h"
#include "buffer/buffer.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

#define KEYS_MAX         16384u
#define TIME_OF_KEY(key) (INT64_C(1700000000000000) + (int64_t)(key)*1000)

enum outcome { OUTCOME_NONE, OUTCOME_STORED, OUTCOME_REPEATED, OUTCOME_FAILED };

struct log_fixture {
    struct disk_sim *sim;
    struct buffer *buffer;
    struct buffer_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t done_count;
    enum outcome outcomes[KEYS_MAX];
    uint32_t delivered_count;
    uint32_t delivered[KEYS_MAX]; /* keys in the order of delivery */
    uint64_t position_last;       /* delivered */
    bool sound;                   /* every delivered record had the right bytes, fields and position */
    struct err failure;           /* of the last failed append */
    uint32_t gate_opened;         /* times */
    bool gate_closed;             /* done waits: what is appended meanwhile becomes one batch */
};

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

static inline size_t body_bytes_of(uint32_t key)
{
    return key % 100;
}

static inline void body_fill(uint32_t key, uint8_t *body, size_t len)
{
    uint32_t state = key * 2654435761u + 1;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        body[i] = (uint8_t)(state >> 24);
    }
}

static inline struct buffer_record record_of(uint32_t key, struct bytes body)
{
    struct buffer_record record = {
        .signal = (enum buffer_signal)(1 + key % 4),
        .encoding = (enum buffer_encoding)(key % 4),
        .format = (enum buffer_format)(key % 2),
        .hash = { key, ~(uint64_t)key },
        .received_unix_us = TIME_OF_KEY(key),
        .body = body,
    };
    memset(record.project_id.bytes, (int)(key % 251), 16);
    memset(record.key_id.bytes, (int)(key % 241), 16);
    return record;
}

struct request { /* what an appender keeps until done and sink */
    struct log_fixture *log;
    uint32_t key;
    uint8_t body[];
};

static inline void fixture_done(void *ctx, const struct err *err, bool repeated)
{
    struct request *request = ctx;
    struct log_fixture *log = request->log;
    pthread_mutex_lock(&log->lock);
    if (err != NULL) log->failure = *err;
    log->outcomes[request->key] = err ? OUTCOME_FAILED : repeated ? OUTCOME_REPEATED : OUTCOME_STORED;
    log->done_count++;
    pthread_cond_broadcast(&log->changed);
    for (uint32_t opened = log->gate_opened; log->gate_closed && log->gate_opened == opened;)
        pthread_cond_wait(&log->changed, &log->lock);
    pthread_mutex_unlock(&log->lock);
    if (err != NULL || repeated) free(request); /* else the sink takes it */
}

static inline void fixture_record(void *ctx, const struct buffer_record *record, void *request)
{
    struct log_fixture *log = ctx;
    uint32_t key = (uint32_t)record->hash.lo;
    uint8_t body[128];
    struct bytes expected_body = { body, 0 };
    bool sound = key < KEYS_MAX;
    if (sound && record->body.len == body_bytes_of(key)) {
        expected_body.len = body_bytes_of(key);
        body_fill(key, body, expected_body.len);
        struct buffer_record expected = record_of(key, expected_body);
        sound = bytes_equal(record->body, expected_body) && hash128_equal(record->hash, expected.hash) &&
                uuid_equal(record->project_id, expected.project_id) && uuid_equal(record->key_id, expected.key_id) &&
                record->signal == expected.signal && record->encoding == expected.encoding &&
                record->format == expected.format && record->received_unix_us == expected.received_unix_us;
    } else if (sound && request != NULL) { /* of another size: the test says so by handing the request */
        sound = record->body.ptr == ((struct request *)request)->body;
    } else {
        sound = false;
    }
    pthread_mutex_lock(&log->lock);
    if (log->position_last != 0 && record->position != log->position_last + 1) sound = false;
    log->position_last = record->position;
    log->sound = log->sound && sound && log->delivered_count < KEYS_MAX;
    if (log->delivered_count < KEYS_MAX) log->delivered[log->delivered_count++] = key;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    free(request);
}

/* A fixture on a disk of its own; sim is the fixture's from here on. */
static inline struct log_fixture *fixture_create(struct disk_sim *sim)
{
    struct log_fixture *log = calloc(1, sizeof *log);
    assert_non_null(log);
    log->sim = sim;
    log->sound = true;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->changed, NULL);
    log->options = (struct buffer_options){
        .dir = "/log",
        .segment_bytes = 8192,
        .disk_bytes_max = 1 << 20,
        .pending_bytes_max = 1 << 20,
        .record_bytes_max = 65536,
        .disk = disk_sim_disk(sim),
        .sink = { fixture_record, log },
        .log = &quiet,
    };
    return log;
}

static inline void fixture_destroy(struct log_fixture *log)
{
    buffer_close(log->buffer);
    disk_sim_destroy(log->sim);
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->changed);
    free(log);
}

static inline struct disk_sim *sim_with_folder(void)
{
    struct disk_sim *sim = disk_sim_create(512);
    struct disk *disk = disk_sim_disk(sim);
    struct err err;
    assert_true(disk->ops->mkdir(disk, "/log", &err));
    assert_true(disk->ops->sync_dir(disk, "/", &err));
    return sim;
}

static inline bool log_open(struct log_fixture *log, struct err *err)
{
    *err = (struct err){ .code = ERR_OK };
    assert_null(log->buffer);
    if (!buffer_open(&log->buffer, &log->options, err)) return false;
    if (buffer_start(log->buffer, err)) return true;
    buffer_close(log->buffer);
    log->buffer = NULL;
    return false;
}

static inline void log_close(struct log_fixture *log)
{
    buffer_close(log->buffer);
    log->buffer = NULL;
}

static inline bool log_append_sized(struct log_fixture *log, uint32_t key, size_t body_bytes, struct err *err)
{
    struct request *request = malloc(sizeof *request + body_bytes);
    assert_non_null(request);
    *request = (struct request){ log, key };
    body_fill(key, request->body, body_bytes);
    struct buffer_record record = record_of(key, bytes_from(request->body, body_bytes));
    *err = (struct err){ .code = ERR_OK };
    bool taken = buffer_append(log->buffer, &record, request, fixture_done, request, err);
    if (!taken) free(request);
    return taken;
}

static inline bool log_append(struct log_fixture *log, uint32_t key, struct err *err)
{
    return log_append_sized(log, key, body_bytes_of(key), err);
}

static inline void log_wait_done(struct log_fixture *log, uint32_t count)
{
    pthread_mutex_lock(&log->lock);
    while (log->done_count < count) pthread_cond_wait(&log->changed, &log->lock);
    pthread_mutex_unlock(&log->lock);
}

static inline void log_wait_delivered(struct log_fixture *log, uint32_t count)
{
    pthread_mutex_lock(&log->lock);
    while (log->delivered_count < count) pthread_cond_wait(&log->changed, &log->lock);
    pthread_mutex_unlock(&log->lock);
}

static inline void log_gate(struct log_fixture *log, bool closed)
{
    pthread_mutex_lock(&log->lock);
    log->gate_closed = closed;
    if (!closed) log->gate_opened++;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

/* Appends one record and waits for its answer and, when it was stored, for its delivery. */
static inline enum outcome log_append_wait(struct log_fixture *log, uint32_t key)
{
    struct err err;
    pthread_mutex_lock(&log->lock);
    uint32_t done = log->done_count, delivered = log->delivered_count;
    log->outcomes[key] = OUTCOME_NONE;
    pthread_mutex_unlock(&log->lock);
    if (!log_append(log, key, &err)) return OUTCOME_FAILED;
    log_wait_done(log, done + 1);
    pthread_mutex_lock(&log->lock);
    enum outcome outcome = log->outcomes[key];
    pthread_mutex_unlock(&log->lock);
    if (outcome == OUTCOME_STORED) log_wait_delivered(log, delivered + 1);
    return outcome;
}

static inline int log_setup(void **state)
{
    struct log_fixture *log = fixture_create(sim_with_folder());
    struct err err;
    assert_true(log_open(log, &err));
    *state = log;
    return 0;
}

static inline int log_teardown(void **state)
{
    fixture_destroy(*state);
    return 0;
}

/* Another fixture over a copy of the disk as it reads now. */
static inline struct log_fixture *copy_of(struct log_fixture *log)
{
    return fixture_create(disk_sim_crash(log->sim, DISK_SIM_SEED_KEEP_ALL));
}

static inline void append_keys(struct log_fixture *log, uint32_t first, uint32_t count)
{
    for (uint32_t key = first; key < first + count; key++) assert_int_equal(log_append_wait(log, key), OUTCOME_STORED);
}

static inline void assert_delivered(const struct log_fixture *log, uint32_t first, uint32_t count)
{
    assert_true(log->sound);
    assert_int_equal(log->delivered_count, count);
    for (uint32_t i = 0; i < count; i++) assert_int_equal(log->delivered[i], first + i);
}

static inline uint64_t file_count(struct log_fixture *log)
{
    struct buffer_stats stats;
    buffer_stats(log->buffer, &stats);
    return stats.files;
}

static inline bool exists(struct log_fixture *log, const char *path)
{
    uint64_t len;
    return disk_sim_bytes(log->sim, path, &len) != NULL;
}
