#include "base/clock.h"
#include "base/hash.h"
#include "buffer/wal/wal_fixture.h"
#include <errno.h>

/* Goal: what was appended comes to the sink once, in order, and again after a restart, with every field.
 * Method: append over several log files, compare deliveries before and after reopening. */
static void test_append_and_replay(void **state)
{
    struct log_fixture *log = *state;
    append_keys(log, 1, 300);
    assert_delivered(log, 1, 300);
    struct uuid id = buffer_id(log->buffer);
    struct buffer_stats stats;
    buffer_stats(log->buffer, &stats);
    assert_int_equal(stats.records, 300);
    assert_true(stats.files > 3);
    log_close(log);

    struct log_fixture *again = copy_of(log);
    struct err err;
    assert_true(log_open(again, &err));
    assert_delivered(again, 1, 300);
    assert_true(uuid_equal(buffer_id(again->buffer), id));
    assert_int_equal(buffer_position_last(again->buffer), 300);
    append_keys(again, 301, 5);
    assert_delivered(again, 1, 305);
    fixture_destroy(again);
}

/* Goal: nothing is delivered before start, and nothing is taken. */
static void test_nothing_before_start(void **state)
{
    struct log_fixture *log = *state;
    append_keys(log, 1, 10);
    log_close(log);
    struct log_fixture *again = copy_of(log);
    struct err err;
    assert_true(buffer_open(&again->buffer, &again->options, &err));
    assert_int_equal(again->delivered_count, 0);
    assert_int_equal(buffer_position_last(again->buffer), 10);
    assert_false(log_append(again, 11, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_true(buffer_start(again->buffer, &err));
    assert_delivered(again, 1, 10);
    fixture_destroy(again);
}

/* Goal: many appends that come during one sync are made safe by the next one together.
 * Method: hold the disk's sync while 200 appends gather; count syncs. */
static void test_group_commit(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    log_close(log);
    log->options.segment_bytes = 1 << 18;
    log->options.disk_bytes_max = 1 << 20;
    assert_true(log_open(log, &err));
    append_keys(log, 1, 1); /* makes the log file */
    uint64_t syncs = disk_sim_count(log->sim, DISK_SIM_SYNC), writes = disk_sim_count(log->sim, DISK_SIM_WRITE);
    uint64_t begun = syncs;
    disk_sim_hold_syncs(log->sim, true);
    assert_true(log_append(log, 2, &err));
    disk_sim_wait_syncs(log->sim, begun + 1);
    for (uint32_t key = 3; key < 203; key++) assert_true(log_append(log, key, &err));
    assert_int_equal(log->done_count, 1);
    disk_sim_hold_syncs(log->sim, false);
    log_wait_delivered(log, 202);
    assert_int_equal(disk_sim_count(log->sim, DISK_SIM_SYNC) - syncs, 2);
    assert_int_equal(disk_sim_count(log->sim, DISK_SIM_WRITE) - writes, 2);
    assert_delivered(log, 1, 202);
}

/* Goal: a crash at any byte loses the torn record and nothing before it, and invents nothing.
 * Method: write a log in one file without the closing mark, then open a copy cut at every length it can have, and one
 * where everything from that byte on is zeros. */
static void test_replay_after_cut_at_every_byte(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    disk_sim_hold_syncs(log->sim, false);
    append_keys(log, 1, 1);
    disk_sim_hold_syncs(log->sim, true); /* so that one batch holds the rest: none of it is known to be safe */
    uint64_t begun = disk_sim_count(log->sim, DISK_SIM_SYNC);
    assert_true(log_append(log, 2, &err));
    disk_sim_wait_syncs(log->sim, begun + 1);
    const uint32_t last = 24;
    for (uint32_t key = 3; key <= last; key++) assert_true(log_append(log, key, &err));
    disk_sim_hold_syncs(log->sim, false);
    log_wait_delivered(log, last);

    uint64_t ends[25] = { 4096 };
    for (uint32_t key = 1; key <= last; key++) ends[key] = ((ends[key - 1] + 7) & ~7u) + 104 + body_bytes_of(key);
    const char *path = "/log/00000000000000000001.wal";
    for (int zeroed = 0; zeroed < 2; zeroed++) {
        for (uint64_t cut = ends[2]; cut <= ends[last] + 9; cut++) {
            struct log_fixture *copy = copy_of(log);
            uint64_t len;
            uint8_t *bytes = disk_sim_bytes(copy->sim, path, &len);
            assert_non_null(bytes);
            if (zeroed) {
                memset(bytes + cut, 0, len - cut);
            } else {
                struct disk_file *file;
                assert_true(copy->options.disk->ops->open(copy->options.disk, path, DISK_WRITE, &file, &err));
                assert_true(copy->options.disk->ops->truncate(file, cut, &err));
                copy->options.disk->ops->close(file);
            }
            uint32_t whole = 0;
            while (whole < last && ends[whole + 1] <= cut) whole++;
            if (!log_open(copy, &err)) fail_msg("cut at %d: %s", (int)cut, err.text);
            assert_true(copy->sound);
            /* Zeros at the end of a body may be what the body held anyway: then the record is whole. */
            if (zeroed)
                assert_in_range(copy->delivered_count, whole, whole + 1);
            else
                assert_int_equal(copy->delivered_count, whole);
            uint32_t kept = copy->delivered_count;
            append_keys(copy, 1000, 3); /* and it goes on */
            assert_int_equal(copy->position_last, kept + 3);
            log_close(copy);
            fixture_destroy(copy);
        }
    }
}

/* Goal: records that were safe and are missing at the end of the log are damage, not a torn tail.
 * Method: zero the last record: after a close that left its mark, after later records were written, and, for contrast,
 * after a crash where nobody can know. */
static void test_lost_safe_records_are_damage(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 20);
    const char *path = "/log/00000000000000000001.wal";
    uint64_t offset_last = 4096, offset_third = 0;
    for (uint32_t key = 1; key < 20; key++) {
        if (key == 3) offset_third = offset_last;
        offset_last = (offset_last + 104 + body_bytes_of(key) + 7) & ~7u;
    }
    uint64_t len;
    struct log_fixture *crashed = copy_of(log);
    memset(disk_sim_bytes(crashed->sim, path, &len) + offset_last, 0, 104);
    assert_true(log_open(crashed, &err));
    assert_delivered(crashed, 1, 19);
    fixture_destroy(crashed);

    struct log_fixture *middle = copy_of(log);
    memset(disk_sim_bytes(middle->sim, path, &len) + offset_third, 0, 104);
    assert_false(log_open(middle, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "00000000000000000001.wal"));
    char place[32];
    snprintf(place, sizeof place, "byte %d", (int)offset_third);
    assert_non_null(strstr(err.text, place));
    fixture_destroy(middle);

    log_close(log);
    struct log_fixture *closed = copy_of(log);
    memset(disk_sim_bytes(closed->sim, path, &len) + offset_last, 0, 104);
    assert_false(log_open(closed, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    fixture_destroy(closed);
}

#ifdef __SANITIZE_THREAD__
#define FLIP_STEP 7u /* ThreadSanitizer makes each open 20 times slower */
#else
#define FLIP_STEP 1u
#endif

/* Goal: a flipped bit is never delivered; it is an error with words, or it hit what nobody reads.
 * Method: flip each byte (one bit of it) of all files of a closed log in turn and open. */
static void test_bit_flips(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 50); /* two files */
    log_close(log);
    char paths[52][64] = { "/log/released", "/log/id" };
    for (int first = 1; first <= 50; first++) snprintf(paths[first + 1], sizeof paths[0], "/log/%020d.wal", first);
    uint32_t refused = 0, files = 0;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        uint64_t len;
        if (disk_sim_bytes(log->sim, paths[i], &len) == NULL) continue;
        files++;
        for (uint64_t at = 0; at < len; at += FLIP_STEP) {
            if (at >= 64 && at < 4096) continue; /* padding of headers */
            struct log_fixture *copy = copy_of(log);
            uint64_t same;
            disk_sim_bytes(copy->sim, paths[i], &same)[at] ^= (uint8_t)(1u << at % 8);
            if (log_open(copy, &err)) {
                assert_delivered(copy, 1, 50);
            } else {
                assert_int_equal(err.code, ERR_CORRUPT);
                refused++;
            }
            fixture_destroy(copy);
        }
    }
    assert_int_equal(files, 4);
    assert_true(refused > 50 * 104 / FLIP_STEP); /* every byte of a record's header at least */
}

/* Goal: one server at a time, said in words. */
static void test_second_opener_is_refused(void **state)
{
    struct log_fixture *log = *state;
    struct buffer *second = (struct buffer *)1;
    struct err err;
    assert_false(buffer_open(&second, &log->options, &err));
    assert_null(second);
    assert_int_equal(err.code, ERR_BUSY);
    assert_non_null(strstr(err.text, "another server"));
    append_keys(log, 1, 1);
    log_close(log);
    assert_true(log_open(log, &err));
}

/* Goal: released records are not delivered again; their files go; the current one stays; positions go on.
 * Method: release in the middle and at the end, reopen after each. */
static void test_release_and_trim(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 200);
    struct buffer_stats before, after;
    buffer_stats(log->buffer, &before);
    assert_true(buffer_release(log->buffer, 120, &err));
    assert_true(buffer_release(log->buffer, 100, &err)); /* going back is nothing */
    assert_int_equal(buffer_position_released(log->buffer), 120);
    buffer_stats(log->buffer, &after);
    assert_true(after.files < before.files && after.disk_bytes < before.disk_bytes);
    assert_false(buffer_release(log->buffer, 201, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    log_close(log);

    struct log_fixture *again = copy_of(log);
    assert_true(log_open(again, &err));
    assert_delivered(again, 121, 80);
    assert_true(buffer_release(again->buffer, 200, &err));
    buffer_stats(again->buffer, &after);
    assert_int_equal(after.files, 1);
    log_close(again);
    struct log_fixture *empty = copy_of(again);
    assert_true(log_open(empty, &err));
    assert_int_equal(empty->delivered_count, 0);
    assert_int_equal(buffer_position_last(empty->buffer), 200);
    append_keys(empty, 201, 1);
    assert_int_equal(empty->position_last, 201);
    fixture_destroy(empty);
    fixture_destroy(again);
}

/* Goal: after a roll a release of all that there was lets its files go at once, and the log goes on, also after a restart
 * that finds nothing but the new file.
 * Method: rolls of an idle log, twice, of one with records, of one released before; the file is looked for on the disk. */
static void test_roll(void **state)
{
    struct log_fixture *log = *state;
    struct err err = { .code = ERR_OK };
    uint64_t len;
    assert_true(buffer_roll(log->buffer, &err)); /* of a log that has no file yet */
    append_keys(log, 1, 5);
    assert_int_equal(file_count(log), 1);
    assert_true(buffer_roll(log->buffer, &err));
    assert_true(buffer_roll(log->buffer, &err)); /* the file is new already */
    assert_int_equal(file_count(log), 2);
    append_keys(log, 6, 2);
    assert_true(buffer_release(log->buffer, 5, &err));
    assert_int_equal(file_count(log), 1);
    assert_null(disk_sim_bytes(log->sim, "/log/00000000000000000001.wal", &len));
    assert_true(buffer_release(log->buffer, 7, &err)); /* before the roll */
    assert_true(buffer_roll(log->buffer, &err));
    assert_null(disk_sim_bytes(log->sim, "/log/00000000000000000006.wal", &len));
    log_close(log);

    struct log_fixture *again = copy_of(log);
    assert_true(log_open(again, &err));
    assert_int_equal(again->delivered_count, 0);
    assert_int_equal(buffer_position_last(again->buffer), 7);
    append_keys(again, 8, 40);
    assert_int_equal(again->position_last, 47);
    assert_true(buffer_roll(again->buffer, &err));
    log_close(again);
    struct log_fixture *third = copy_of(again);
    assert_true(log_open(third, &err));
    assert_delivered(third, 8, 40);
    fixture_destroy(third);
    fixture_destroy(again);
}

/* Goal: a roll comes through while records never stop coming, and none of them is lost or out of order.
 * Method: the writer is held in the middle of a batch, records gather behind it, a roll is asked for meanwhile. */
static void *roll_run(void *ctx)
{
    struct err err = { .code = ERR_OK };
    return buffer_roll(ctx, &err) ? ctx : NULL;
}

static void test_roll_under_load(void **state)
{
    struct log_fixture *log = *state;
    struct err err = { .code = ERR_OK };
    pthread_t thread;
    void *rolled;
    append_keys(log, 1, 3);
    uint64_t files = file_count(log);
    log_gate(log, true);
    assert_true(log_append(log, 4, &err));
    log_wait_done(log, 4); /* the writer stands in done */
    for (uint32_t key = 5; key < 10; key++) assert_true(log_append(log, key, &err));
    assert_int_equal(pthread_create(&thread, NULL, roll_run, log->buffer), 0);
    for (uint32_t key = 10; key < 15; key++) assert_true(log_append(log, key, &err));
    log_gate(log, false);
    pthread_join(thread, &rolled);
    assert_ptr_equal(rolled, log->buffer);
    log_wait_delivered(log, 14);
    assert_int_equal(file_count(log), files + 1);
    log_close(log);
    struct log_fixture *again = copy_of(log);
    assert_true(log_open(again, &err));
    assert_delivered(again, 1, 14);
    fixture_destroy(again);
}

/* Goal: missing log files are named, never skipped.
 * Method: take away the first, a middle and the last of a log's files, and all of them. */
static void test_missing_files(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 200);
    assert_true(buffer_release(log->buffer, 3, &err));
    log_close(log);
    char paths[16][64];
    uint32_t count = 0;
    for (int first = 1; first <= 200; first++) {
        uint64_t len;
        snprintf(paths[count], sizeof paths[count], "/log/%020d.wal", first);
        if (disk_sim_bytes(log->sim, paths[count], &len) != NULL) count++;
    }
    assert_in_range(count, 3, 15);
    for (uint32_t missing = 0; missing <= count; missing++) {
        struct log_fixture *copy = copy_of(log);
        struct disk *disk = copy->options.disk;
        for (uint32_t i = 0; i < count; i++)
            if (i == missing || missing == count) assert_true(disk->ops->unlink(disk, paths[i], &err));
        assert_false(log_open(copy, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
        fixture_destroy(copy);
    }
    struct log_fixture *copy = copy_of(log);
    struct disk *disk = copy->options.disk;
    assert_true(disk->ops->unlink(disk, "/log/id", &err));
    assert_false(log_open(copy, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    fixture_destroy(copy);
    copy = copy_of(log);
    disk = copy->options.disk;
    assert_true(disk->ops->unlink(disk, "/log/released", &err));
    assert_false(log_open(copy, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    fixture_destroy(copy);
}

static void count_only(void *ctx, const struct buffer_record *record, void *request)
{
    struct log_fixture *log = ctx;
    (void)record;
    pthread_mutex_lock(&log->lock);
    log->delivered_count++;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    free(request);
}

/* Goal: sizes over a limit are told apart: one request too large, the queue too full. A request larger than a log file
 * gets a file of its own. */
static void test_sizes(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    assert_false(log_append_sized(log, 1, 65537, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    append_keys(log, 10, 1);
    assert_true(log_append_sized(log, 11, 65536, &err));
    log_wait_delivered(log, 2);
    append_keys(log, 12, 1);
    assert_true(log->sound);

    uint64_t begun = disk_sim_count(log->sim, DISK_SIM_SYNC);
    disk_sim_hold_syncs(log->sim, true);
    assert_true(log_append_sized(log, 13, 60000, &err));
    disk_sim_wait_syncs(log->sim, begun + 1);
    uint32_t taken = 0;
    while (log_append_sized(log, 100 + taken, 60000, &err)) assert_true(++taken < 100);
    assert_int_equal(err.code, ERR_BUSY);
    assert_in_range(taken, 10, 17);
    disk_sim_hold_syncs(log->sim, false);
    log_wait_delivered(log, 4 + taken);

    /* One that is larger than the queue is taken alone. */
    log_close(log);
    log->options.pending_bytes_max = 1000;
    log->position_last = 0;
    log->delivered_count = 0;
    log->options.sink.record = count_only;
    assert_true(log_open(log, &err));
    uint32_t replayed = log->delivered_count;
    assert_true(buffer_release(log->buffer, buffer_position_last(log->buffer), &err));
    assert_true(log_append_sized(log, 5000, 60000, &err));
    log_wait_delivered(log, replayed + 1);
}

/* Goal: a repeat is answered as stored, counted, not stored again, waits for the first one's sync, and fails with it. */
static void test_repeats(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 3);
    assert_int_equal(log_append_wait(log, 2), OUTCOME_REPEATED);
    struct buffer_stats stats;
    buffer_stats(log->buffer, &stats);
    assert_int_equal(stats.repeats, 1);
    assert_int_equal(stats.records, 3);

    uint32_t done = log->done_count;
    uint64_t begun = disk_sim_count(log->sim, DISK_SIM_SYNC);
    disk_sim_hold_syncs(log->sim, true);
    assert_true(log_append(log, 4, &err));
    disk_sim_wait_syncs(log->sim, begun + 1);
    assert_true(log_append(log, 4, &err));
    clock_sleep_ms(20);
    pthread_mutex_lock(&log->lock);
    assert_int_equal(log->done_count, done); /* the twin waits */
    pthread_mutex_unlock(&log->lock);
    disk_sim_hold_syncs(log->sim, false);
    log_wait_done(log, done + 2);
    assert_int_equal(log->outcomes[4], OUTCOME_REPEATED);
    assert_delivered(log, 1, 4);

    begun = disk_sim_count(log->sim, DISK_SIM_SYNC);
    disk_sim_hold_syncs(log->sim, true);
    disk_sim_fail(log->sim, DISK_SIM_SYNC, 1, 1, EIO);
    assert_true(log_append(log, 5, &err));
    disk_sim_wait_syncs(log->sim, begun + 1);
    assert_true(log_append(log, 5, &err));
    disk_sim_hold_syncs(log->sim, false);
    log_wait_done(log, done + 4);
    assert_int_equal(log->outcomes[5], OUTCOME_FAILED);
    assert_delivered(log, 1, 4);
}

static bool append_at(struct log_fixture *log, uint32_t key, int64_t received_unix_us, enum outcome *outcome)
{
    struct request *request = malloc(sizeof *request + 128);
    assert_non_null(request);
    *request = (struct request){ log, key };
    body_fill(key, request->body, body_bytes_of(key));
    struct buffer_record record = record_of(key, bytes_from(request->body, body_bytes_of(key)));
    record.received_unix_us = received_unix_us;
    struct err err;
    uint32_t done = log->done_count;
    if (!buffer_append(log->buffer, &record, request, fixture_done, request, &err)) return false;
    log_wait_done(log, done + 1);
    *outcome = log->outcomes[key];
    return true;
}

/* Goal: repeats are known for ten minutes, also across restarts and after their log file went; then their side files go.
 * Method: fill files, release all, restart, send everything again; then let time pass. */
static void test_repeats_survive_trim_and_restart(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 200);
    assert_true(buffer_release(log->buffer, 200, &err));
    assert_false(exists(log, "/log/00000000000000000001.wal"));
    assert_true(exists(log, "/log/00000000000000000001.hashes"));

    struct log_fixture *again = copy_of(log); /* a crash, not a close */
    assert_true(log_open(again, &err));
    for (uint32_t key = 1; key <= 200; key++) assert_int_equal(log_append_wait(again, key), OUTCOME_REPEATED);
    assert_int_equal(again->delivered_count, 0);

    enum outcome outcome;
    int64_t later = TIME_OF_KEY(200) + INT64_C(601) * 1000000;
    assert_true(append_at(again, 7, later, &outcome)); /* too long ago: stored anew */
    assert_int_equal(outcome, OUTCOME_STORED);
    log_wait_delivered(again, 1);
    assert_true(buffer_release(again->buffer, 201, &err));
    assert_false(exists(again, "/log/00000000000000000001.hashes"));
    assert_true(append_at(again, 7, later + 1000000, &outcome));
    assert_int_equal(outcome, OUTCOME_REPEATED);
    fixture_destroy(again);
}

/* Goal: what a torn batch left behind the tear never comes back, even when new records end exactly where it begins.
 * Method: one batch of three records of equal size; lose the first; append one of that size; open again. */
static void test_leftovers_behind_a_tear(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    log_gate(log, true);
    assert_true(log_append(log, 110, &err));
    log_wait_done(log, 1);
    for (uint32_t key = 210; key <= 410; key += 100) assert_true(log_append(log, key, &err));
    log_gate(log, false);
    log_wait_delivered(log, 4);
    struct log_fixture *torn = copy_of(log);
    uint64_t len;
    uint8_t *bytes = disk_sim_bytes(torn->sim, "/log/00000000000000000001.wal", &len);
    const size_t record_bytes = 104 + 16; /* bodies of 10 bytes, aligned */
    memset(bytes + 4096 + record_bytes, 0, 104);
    assert_true(log_open(torn, &err));
    assert_int_equal(torn->delivered_count, 1);
    assert_int_equal(log_append_wait(torn, 510), OUTCOME_STORED);
    struct log_fixture *again = copy_of(torn);
    assert_true(log_open(again, &err));
    assert_true(again->sound);
    assert_int_equal(again->delivered_count, 2);
    assert_int_equal(again->delivered[1], 510);
    fixture_destroy(again);
    fixture_destroy(torn);
}

struct appender {
    struct log_fixture *log;
    uint32_t first, count, refused;
    pthread_t thread;
};

static void *appender_run(void *ctx)
{
    struct appender *appender = ctx;
    for (uint32_t i = 0; i < appender->count; i++) {
        struct err err;
        while (!log_append(appender->log, appender->first + i, &err)) {
            if (err.code != ERR_BUSY) return appender;
            appender->refused++;
            clock_sleep_ms(1);
        }
    }
    return NULL;
}

/* Goal: appends from several threads, releases beside them and readers of the counters do not step on each other; each
 * thread's records keep their order.
 * Method: four appenders, one releaser; small queue and disk bounds, so that refusals happen too. */
static void test_many_threads(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    log_close(log);
    log->options.record_bytes_max = 1000;
    log->options.pending_bytes_max = 16384;
    log->options.disk_bytes_max = 8 * 8192;
    assert_true(log_open(log, &err));
    struct appender appenders[4];
    const uint32_t each = 2000;
    for (uint32_t i = 0; i < COUNT_OF(appenders); i++) {
        appenders[i] = (struct appender){ .log = log, .first = i * each, .count = each };
        assert_int_equal(pthread_create(&appenders[i].thread, NULL, appender_run, &appenders[i]), 0);
    }
    for (uint64_t released = 0; released < COUNT_OF(appenders) * each;) {
        struct buffer_stats stats;
        buffer_stats(log->buffer, &stats);
        assert_true(stats.disk_bytes <= log->options.disk_bytes_max);
        pthread_mutex_lock(&log->lock);
        uint64_t delivered = log->position_last;
        pthread_mutex_unlock(&log->lock);
        if (delivered > released) assert_true(buffer_release(log->buffer, released = delivered, &err));
        clock_sleep_ms(1);
    }
    for (uint32_t i = 0; i < COUNT_OF(appenders); i++) {
        void *failure;
        pthread_join(appenders[i].thread, &failure);
        assert_null(failure);
    }
    assert_true(log->sound);
    assert_int_equal(log->delivered_count, COUNT_OF(appenders) * each);
    uint32_t next[COUNT_OF(appenders)] = { 0 };
    for (uint32_t i = 0; i < log->delivered_count; i++) {
        uint32_t thread = log->delivered[i] / each;
        assert_int_equal(log->delivered[i], thread * each + next[thread]++);
    }
}

/* Goal: close answers what was appended before it. */
static void test_close_finishes(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    for (uint32_t key = 1; key <= 500; key++) assert_true(log_append(log, key, &err));
    log_close(log);
    assert_int_equal(log->done_count, 500);
    assert_delivered(log, 1, 500);
}

/* Goal: the bytes of a client cannot pass for records of the log.
 * Method: take a body that is a copy of the log file itself, tear its record, open. */
static void test_body_that_looks_like_a_record(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    log_close(log);
    log->options.segment_bytes = 16384;
    assert_true(log_open(log, &err));
    append_keys(log, 1, 30);
    uint64_t len;
    const char *path = "/log/00000000000000000001.wal";
    const uint8_t *bytes = disk_sim_bytes(log->sim, path, &len);
    uint8_t forged[104];
    memcpy(forged, bytes + 4096, sizeof forged);
    uint64_t far = 1000;
    memcpy(forged + 8, &far,
           8); /* position and durable of a later record; the checksum, without the salt, is of no use */
    memcpy(forged + 16, &far, 8);
    uint64_t unsalted = hash64_of(bytes_from(forged, 96));
    memcpy(forged + 96, &unsalted, 8);

    struct request *request = malloc(sizeof *request + 1040);
    assert_non_null(request);
    *request = (struct request){ log, 31 };
    for (int i = 0; i < 10; i++) memcpy(request->body + i * 104, forged, 104);
    struct buffer_record record = record_of(31, bytes_from(request->body, 1040));
    assert_true(buffer_append(log->buffer, &record, request, fixture_done, request, &err));
    log_wait_delivered(log, 31);
    struct log_fixture *copy = copy_of(log);
    uint8_t *image = disk_sim_bytes(copy->sim, path, &len);
    uint64_t offset = 4096;
    for (uint32_t key = 1; key <= 30; key++) offset = (offset + 104 + body_bytes_of(key) + 7) & ~7u;
    image[offset + 50] ^= 1; /* its own header is torn */
    assert_true(log_open(copy, &err));
    assert_delivered(copy, 1, 30);
    fixture_destroy(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_append_and_replay, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_before_start, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_group_commit, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_replay_after_cut_at_every_byte, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_lost_safe_records_are_damage, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_bit_flips, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_second_opener_is_refused, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_release_and_trim, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_roll, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_roll_under_load, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_missing_files, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_repeats, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_repeats_survive_trim_and_restart, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_leftovers_behind_a_tear, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_many_threads, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_close_finishes, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_body_that_looks_like_a_record, log_setup, log_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
