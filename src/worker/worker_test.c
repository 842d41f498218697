/* Records to visible rows to Delta, on real folders: segments, flush, snapshots, replay. */
#include "base/clock.h"
#include "base/disk.h"
#include "timefusion/batch/batch.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"
#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"
#include "worker/worker_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    struct log log;
    struct object_store *store;
    struct timefusion *timefusion;
    struct worker *worker;
    struct uuid buffer_id, project_id, quiet_project_id;
    uint32_t quiet_flush_ms;
    uint64_t position, columns_bytes_max;
    atomic_uint_fast64_t released;
    atomic_bool is_lost;
    struct worker_memory memory;
    uint64_t marked[1000];
    struct {
        uint64_t position;
        bool is_final;
        size_t note_bytes, body_bytes;
    } moved[1000];
    uint32_t marked_count, moved_count;
    const uint64_t *marks;
    uint32_t mark_count;
    uint64_t position_end;
};

static bool on_mark(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count, struct err *err)
{
    struct fixture *fixture = ctx;
    (void)err;
    assert_true(atomic_load(&fixture->released) < position);
    for (uint32_t f = 0; f < count && fixture->marked_count < COUNT_OF(fixture->marked); f++)
        fixture->marked[fixture->marked_count++] = failed[f].record.position;
    return true;
}
static bool on_release(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count,
                       struct err *err)
{
    struct fixture *fixture = ctx;
    (void)err;
    for (uint32_t f = 0; f < count && fixture->moved_count < COUNT_OF(fixture->moved); f++) {
        fixture->moved[fixture->moved_count].position = failed[f].record.position;
        fixture->moved[fixture->moved_count].is_final = failed[f].is_final;
        fixture->moved[fixture->moved_count].note_bytes = failed[f].note.len;
        fixture->moved[fixture->moved_count].body_bytes = failed[f].record.body.len;
        fixture->moved_count++;
    }
    atomic_store(&fixture->released, position);
    return true;
}
static void on_lost(void *ctx, const struct err *err)
{
    (void)err;
    atomic_store(&((struct fixture *)ctx)->is_lost, true);
}

/* What a process does at start, but for the log: records come from the test. */
static void parts_open(struct fixture *fixture, uint32_t flush_ms)
{
    struct err err = { 0 };
    char tables[100];
    snprintf(tables, sizeof tables, "%s/tables", fixture->dir);
    assert_true(object_store_open_folder(&fixture->store, tables, &disk_real, &err));
    struct timefusion_options options = { .dir = fixture->dir,
                                          .store = fixture->store,
                                          .disk = &disk_real,
                                          .footer_bytes_max = 1 << 20,
                                          .log = &fixture->log };
    if (!timefusion_open(&fixture->timefusion, &options, &err)) fail_msg("%s", err.text);
    struct flush_owner partition = { 0 };
    flush_app_id(fixture->buffer_id, 0, partition.app_id);
    flush_owner_read(fixture->timefusion, &partition);
    fixture->memory = (struct worker_memory){ .columns_bytes_max =
                                                  fixture->columns_bytes_max ? fixture->columns_bytes_max : 64 << 20 };
    struct worker_options worker_options = {
        .timefusion = fixture->timefusion,
        .partition = partition,
        .marks = fixture->marks,
        .mark_count = fixture->mark_count,
        .position_end = fixture->position_end,
        .source = { .mark = on_mark, .release = on_release, .lost = on_lost, .ctx = fixture },
        .memory = &fixture->memory,
        .queue_bytes_max = 64 << 20,
        .attribute_keys_max = 1000,
        .publish_ms = 20,
        .flush_ms = flush_ms,
        .quiet_project_id = fixture->quiet_project_id,
        .quiet_flush_ms = fixture->quiet_flush_ms,
        .log = &fixture->log,
    };
    assert_true(worker_open(&fixture->worker, &worker_options, &err));
}

static void parts_close(struct fixture *fixture)
{
    worker_close(fixture->worker);
    timefusion_close(fixture->timefusion);
    object_store_close(fixture->store);
}

static int fixture_setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/monoscope-worker-XXXXXX");
    if (!mkdtemp(fixture->dir)) return -1;
    fixture->log = (struct log){ .fd = 2, .level_min = LOG_WARN };
    fixture->buffer_id = uuid_random();
    fixture->project_id = uuid_random();
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    int failed = system(command);
    free(fixture);
    return failed;
}

/* A record of `count` spans that begin at start_us, one microsecond apart. */
static struct buf record_body(uint64_t position, uint32_t count, int64_t start_us)
{
    struct buf request = message(), resource_spans = message(), scope_spans = message(), resource = message(),
               attribute = message(), value = message();
    put_text(&value, 1, "shop");
    put_text(&attribute, 1, "service.name");
    put_message(&attribute, 2, &value);
    put_message(&resource, 1, &attribute);
    put_message(&resource_spans, 1, &resource);
    for (uint32_t s = 0; s < count; s++) {
        struct buf span = message();
        uint64_t ids[3] = { position * 1000003 + s, position + 1, position * 1000003 + s + 1 };
        put_bytes(&span, 1, ids, 16);
        put_bytes(&span, 2, &ids[2], 8);
        put_text(&span, 5, "GET /");
        put_varint(&span, 6, 2);
        put_fixed64(&span, 7, (uint64_t)(start_us + s) * 1000);
        put_fixed64(&span, 8, (uint64_t)(start_us + s) * 1000 + 500000);
        put_message(&scope_spans, 2, &span);
    }
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    return request;
}

static struct buffer_record record_of(struct fixture *fixture, struct buf *body)
{
    return (struct buffer_record){ .position = ++fixture->position,
                                   .signal = BUFFER_SIGNAL_TRACES,
                                   .project_id = fixture->project_id,
                                   .received_unix_us = clock_unix_us(),
                                   .body = buf_bytes(body) };
}

static void record_push(struct fixture *fixture, uint32_t count, int64_t start_us)
{
    struct err err = { 0 };
    struct buf body = record_body(fixture->position + 1, count, start_us);
    struct buffer_record record = record_of(fixture, &body);
    struct inbound *inbound;
    assert_true(inbound_from_record(&record, &inbound, &err));
    worker_push(fixture->worker, &record, inbound);
    buf_deinit(&body);
}

struct seen {
    uint64_t rows, files, segments;
};
static struct seen rows_seen(struct fixture *fixture)
{
    struct err err = { 0 };
    struct timefusion_snapshot *snapshot;
    struct seen seen = { 0 };
    assert_true(
        timefusion_snapshot_acquire(fixture->timefusion, SCHEMA_LOGS_AND_SPANS, fixture->project_id, &snapshot, &err));
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        const struct parquet_footer *footer;
        if (!timefusion_file_footer(snapshot->files[f], &footer, &err)) fail_msg("%s", err.text);
        assert_int_equal(footer->row_count, snapshot->files[f]->row_count);
        seen.rows += footer->row_count;
        seen.segments += snapshot->files[f]->origin == TIMEFUSION_SEGMENT;
    }
    seen.files = snapshot->file_count;
    timefusion_snapshot_release(snapshot);
    return seen;
}

static void wait_rows(struct fixture *fixture, uint64_t rows)
{
    uint64_t until_ns = clock_mono_ns() + 120000000000ull;
    while (rows_seen(fixture).rows != rows && clock_mono_ns() < until_ns) clock_sleep_ms(5);
    assert_int_equal(rows_seen(fixture).rows, rows);
}

/* Goal: rows are visible without a flush, in few files, and in Delta alone after one; the position is released.
 * Method: 200 small records, counted through snapshots; then a flush. */
static void test_rows_become_visible_then_durable(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct worker_stats stats;
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    int64_t now_us = clock_unix_us();
    for (uint32_t r = 0; r < 200; r++) {
        record_push(fixture, 50, now_us);
        if (r % 10 == 0) clock_sleep_ms(25);
    }
    wait_rows(fixture, 10000);
    struct seen seen = rows_seen(fixture);
    assert_int_equal(seen.segments, seen.files);
    assert_in_range(seen.files, 1, 20);
    worker_stats(fixture->worker, &stats);
    assert_in_range(stats.visible.count, 10, 200); /* once a published segment */
    assert_true(stats.visible.sum_s > 0);
    assert_int_equal(atomic_load(&fixture->released), 0);
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    seen = rows_seen(fixture);
    assert_int_equal(seen.rows, 10000);
    assert_int_equal(seen.files, 1);
    assert_int_equal(seen.segments, 0);
    assert_int_equal(atomic_load(&fixture->released), 200);
    parts_close(fixture);
}

/* A record of rows that SQL has written: spans, logs and a point. */
static struct buffer_record rows_record(struct fixture *fixture, struct batch *batch, uint32_t count)
{
    struct err err = { 0 };
    int64_t now_us = clock_unix_us();
    batch_init(batch, BATCH_BYTES_MAX);
    for (uint32_t r = 0; r < count; r++) {
        batch_row_begin(batch, SCHEMA_LOGS_AND_SPANS, now_us + r);
        batch_put_text(batch, LOGS_AND_SPANS_id, BYTES("00000000-0000-4000-8000-000000000001"));
        batch_put_text(batch, LOGS_AND_SPANS_name, BYTES("work"));
        if (r % 2 == 0) batch_put_int(batch, LOGS_AND_SPANS_duration, 1000);
        batch_put_text(batch, LOGS_AND_SPANS_attributes, BYTES("{\"k\":[1,{\"a\":null}],\"http.route\":\"/x\"}"));
        batch_put_text(batch, LOGS_AND_SPANS_resource___service___name, BYTES("shop"));
        assert_true(batch_row_end(batch, &err));
    }
    batch_row_begin(batch, SCHEMA_METRICS, now_us);
    batch_put_text(batch, METRICS_id, BYTES("00000000-0000-4000-8000-000000000002"));
    batch_put_text(batch, METRICS_metric_name, BYTES("m"));
    assert_true(batch_row_end(batch, &err));
    struct buffer_record record = record_of(fixture, &batch->bytes);
    record.signal = BUFFER_SIGNAL_ROWS;
    return record;
}

/* Goal: rows of SQL are visible when worker_show answers, though nothing is published by time; what is cut in half becomes no
 * row; a replay after the flush makes none twice. Method: 8 s between publishes, fewer to answer; snapshots after each step. */
static void test_rows_of_sql_are_shown_when_asked(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct worker_stats stats;
    struct batch batch, damaged;
    parts_open(fixture, 3600000);
    fixture->worker->options.publish_ms = 8000;
    fixture->worker->publish_due_ns = clock_mono_ns() + UINT64_C(8000000000);
    assert_true(worker_start(fixture->worker, &err));
    struct buffer_record record = rows_record(fixture, &batch, 5000); /* more than one request of them */
    worker_push_rows(fixture->worker, &record);
    if (!worker_show(fixture->worker, fixture->project_id, fixture->position, 7000, &err)) fail_msg("%s", err.text);
    assert_int_equal(rows_seen(fixture).rows, 5000);
    assert_false(worker_show(fixture->worker, fixture->project_id, fixture->position + 1, 10, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    struct buffer_record half = rows_record(fixture, &damaged, 100);
    half.body.len -= 7;
    worker_push_rows(fixture->worker, &half);
    err = (struct err){ 0 };
    if (!worker_flush(fixture->worker, NULL, 30000, &err)) fail_msg("%s", err.text);
    assert_int_equal(rows_seen(fixture).rows, 5000);
    assert_int_equal(fixture->marked_count, 1);
    worker_stats(fixture->worker, &stats);
    assert_int_equal(stats.failed, 1);
    parts_close(fixture);

    parts_open(fixture, 3600000);
    assert_true(worker_replay(fixture->worker, &record, &err));
    assert_true(worker_start(fixture->worker, &err));
    assert_int_equal(rows_seen(fixture).rows, 5000);
    parts_close(fixture);
    batch_deinit(&batch);
    batch_deinit(&damaged);
}

#ifdef __SANITIZE_THREAD__ /* forty times as slow: too few for a flush of itself */
enum { MANY_RECORDS = 60, IS_FLUSHED = 0 };
#else
enum { MANY_RECORDS = 300, IS_FLUSHED = 1 };
#endif

/* Goal: row groups are sealed, joined and flushed by size; counts never go down on the way.
 * Method: 1.5 million rows in records of 5,000, a count through snapshots after each. */
static void test_many_rows_are_sealed_joined_and_flushed_by_size(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct worker_stats stats;
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    int64_t now_us = clock_unix_us();
    uint64_t last = 0;
    for (uint32_t r = 0; r < MANY_RECORDS; r++) {
        record_push(fixture, 5000, now_us + r);
        uint64_t rows = rows_seen(fixture).rows;
        assert_true(rows >= last);
        last = rows;
    }
    wait_rows(fixture, MANY_RECORDS * 5000);
    for (uint32_t waits = 0; waits < 30000; waits++) { /* begun by the rows' number, it may still be under way */
        worker_stats(fixture->worker, &stats);
        if (!IS_FLUSHED || stats.flushes > 0) break;
        clock_sleep_ms(1);
    }
    assert_true(!IS_FLUSHED || stats.flushes > 0);
    assert_true(!IS_FLUSHED || atomic_load(&fixture->released) > 0);
    if (!worker_flush(fixture->worker, NULL, 30000, &err)) fail_msg("%s", err.text);
    assert_int_equal(rows_seen(fixture).rows, MANY_RECORDS * 5000);
    assert_false(atomic_load(&fixture->is_lost));
    parts_close(fixture);
}

/* Goal: a replay of records that Delta holds adds nothing; of those it does not hold, all.
 * Method: flush at position 3, two more records, close without a flush, replay all five. */
static void test_replay_skips_what_the_table_holds(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    int64_t now_us = clock_unix_us();
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    for (uint32_t r = 0; r < 3; r++) record_push(fixture, 100, now_us);
    wait_rows(fixture, 300);
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    for (uint32_t r = 0; r < 2; r++) record_push(fixture, 100, now_us);
    wait_rows(fixture, 500);
    parts_close(fixture);

    fixture->position = 0;
    parts_open(fixture, 3600000);
    assert_int_equal(rows_seen(fixture).rows, 300);
    for (uint32_t r = 0; r < 5; r++) {
        struct buf body = record_body(r + 1, 100, now_us);
        struct buffer_record record = record_of(fixture, &body);
        if (!worker_replay(fixture->worker, &record, &err)) fail_msg("%s", err.text);
        buf_deinit(&body);
    }
    assert_true(worker_start(fixture->worker, &err));
    assert_int_equal(rows_seen(fixture).rows, 500); /* at once: the ports open after this */
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    assert_int_equal(rows_seen(fixture).rows, 500);
    assert_int_equal(atomic_load(&fixture->released), 5);
    parts_close(fixture);
}

/* Goal: rows of different days go to files of their own, and one flush commits them together.
 * Method: a record each for three days; the table's version grows by one. */
static void test_days_are_apart_and_one_commit(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    int64_t now_us = clock_unix_us(), day_us = 86400000000ll;
    struct delta_table *delta = timefusion_delta(fixture->timefusion, SCHEMA_LOGS_AND_SPANS);
    struct delta_snapshot *before = delta_snapshot_acquire(delta);
    for (int d = 0; d < 3; d++) record_push(fixture, 10, now_us - d * day_us);
    wait_rows(fixture, 30);
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    struct delta_snapshot *after = delta_snapshot_acquire(delta);
    assert_int_equal(after->version, before->version + 1);
    assert_int_equal(after->file_count, 3);
    delta_snapshot_release(before);
    delta_snapshot_release(after);
    parts_close(fixture);
}

/* Goal: a snapshot's files stay readable though a flush has taken them from the list.
 * Method: hold a snapshot over a flush, read a file's footer bytes after it. */
static void test_snapshot_outlives_the_flush(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct timefusion_snapshot *snapshot;
    uint8_t magic[4];
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    record_push(fixture, 1000, clock_unix_us());
    wait_rows(fixture, 1000);
    assert_true(
        timefusion_snapshot_acquire(fixture->timefusion, SCHEMA_LOGS_AND_SPANS, fixture->project_id, &snapshot, &err));
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    assert_int_equal(snapshot->file_count, 1);
    assert_int_equal(snapshot->files[0]->origin, TIMEFUSION_SEGMENT);
    if (!timefusion_file_read(snapshot->files[0], snapshot->files[0]->bytes - 4, magic, 4, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(magic, "PAR1", 4);
    timefusion_snapshot_release(snapshot);
    assert_int_equal(rows_seen(fixture).segments, 0);
    parts_close(fixture);
}

/* Goal: many busy projects stay under the memory for columns, and no row is lost by it.
 * Method: 30 projects share 4 MB, 2,000 rows each in turns; the held bytes are asked for all along. */
static void test_columns_stay_under_their_memory(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct worker_stats stats;
    struct uuid projects[30];
    uint64_t held_max = 0;
    fixture->columns_bytes_max = 4 << 20;
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    for (uint32_t p = 0; p < COUNT_OF(projects); p++) projects[p] = uuid_random();
    int64_t now_us = clock_unix_us();
    for (uint32_t r = 0; r < 20; r++) {
        for (uint32_t p = 0; p < COUNT_OF(projects); p++) {
            fixture->project_id = projects[p];
            record_push(fixture, 100, now_us);
        }
        clock_sleep_ms(30);
        worker_stats(fixture->worker, &stats);
        if (stats.columns_bytes > held_max) held_max = stats.columns_bytes;
    }
    for (uint32_t p = 0; p < COUNT_OF(projects); p++) {
        fixture->project_id = projects[p];
        wait_rows(fixture, 2000);
    }
    worker_stats(fixture->worker, &stats);
    assert_true(stats.sealed > 0);
    assert_in_range(held_max, 1, 4 << 20);
    if (!worker_flush(fixture->worker, NULL, 20000, &err)) fail_msg("%s", err.text);
    for (uint32_t p = 0; p < COUNT_OF(projects); p++) {
        fixture->project_id = projects[p];
        assert_int_equal(rows_seen(fixture).rows, 2000);
    }
    parts_close(fixture);
}

/* Goal: rows of the quiet project alone start no flush until their own, longer time; another project's rows take them
 * along; how long rows took to be visible is told of the others alone.
 * Method: a flush time of 50 ms against an hour; twenty times that passes with quiet rows only. */
static void test_quiet_rows_alone_do_not_flush(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct worker_stats stats;
    struct uuid loud = fixture->project_id, quiet = uuid_random();
    fixture->quiet_project_id = quiet;
    fixture->quiet_flush_ms = 3600000;
    parts_open(fixture, 50);
    assert_true(worker_start(fixture->worker, &err));
    int64_t now_us = clock_unix_us();
    fixture->project_id = quiet;
    for (uint32_t r = 0; r < 20; r++) {
        record_push(fixture, 10, now_us);
        clock_sleep_ms(50);
    }
    wait_rows(fixture, 200);
    worker_stats(fixture->worker, &stats);
    assert_int_equal(stats.flushes, 0);
    assert_int_equal(stats.visible.count, 0);
    assert_int_equal(stats.position_pushed, 20);

    fixture->project_id = loud;
    record_push(fixture, 10, now_us);
    uint64_t until_ns = clock_mono_ns() + 120000000000ull;
    while (atomic_load(&fixture->released) < 21 && clock_mono_ns() < until_ns) clock_sleep_ms(5);
    assert_int_equal(atomic_load(&fixture->released), 21);
    fixture->project_id = quiet;
    assert_int_equal(rows_seen(fixture).segments, 0);
    worker_stats(fixture->worker, &stats);
    assert_true(stats.flushes >= 1);
    assert_int_equal(stats.flush_times.count, stats.flushes);
    assert_in_range(stats.visible.count, 0, 1); /* the flush may have been first */
    assert_int_equal(stats.position_flushed, 21);
    parts_close(fixture);

    /* When its own time has come, it flushes alone. */
    fixture->quiet_flush_ms = 100;
    parts_open(fixture, 50);
    assert_true(worker_start(fixture->worker, &err));
    record_push(fixture, 10, now_us);
    until_ns = clock_mono_ns() + 120000000000ull;
    while (atomic_load(&fixture->released) < 22 && clock_mono_ns() < until_ns) clock_sleep_ms(5);
    assert_int_equal(atomic_load(&fixture->released), 22);
    parts_close(fixture);
}

static void bytes_offer(struct fixture *fixture, struct bytes body, const struct err *why)
{
    struct buffer_record record = { .position = ++fixture->position,
                                    .signal = BUFFER_SIGNAL_TRACES,
                                    .project_id = fixture->project_id,
                                    .received_unix_us = clock_unix_us(),
                                    .body = body };
    while (!worker_offer(fixture->worker, &record, BYTES("note"), why)) clock_sleep_ms(1);
}

static void spans_offer(struct fixture *fixture, uint32_t count)
{
    struct buf body = record_body(fixture->position + 1, count, clock_unix_us());
    bytes_offer(fixture, buf_bytes(&body), NULL);
    buf_deinit(&body);
}

static int64_t logs_txn(struct fixture *fixture)
{
    struct flush_owner owner = { 0 };
    flush_app_id(fixture->buffer_id, 0, owner.app_id);
    flush_owner_read(fixture->timefusion, &owner);
    return owner.txn[SCHEMA_LOGS_AND_SPANS];
}

/* Goal: what cannot become rows is told before and after the commit it belongs to, and holds up nothing.
 * Method: bytes that are no request, a request without a record, one that the caller cannot read, among good ones. */
static void test_what_fails_is_handed_on_with_its_cut(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 }, unreadable = { .code = ERR_INPUT, .text = "no header" };
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    spans_offer(fixture, 10);
    bytes_offer(fixture, BYTES("this is no protobuf"), NULL);
    spans_offer(fixture, 10);
    bytes_offer(fixture, BYTES(""), NULL);
    bytes_offer(fixture, BYTES("whatever"), &unreadable);
    spans_offer(fixture, 10);
    wait_rows(fixture, 30);
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    assert_int_equal(rows_seen(fixture).rows, 30);
    assert_int_equal(fixture->marked_count, 3);
    assert_int_equal(fixture->moved_count, 3);
    const bool is_final[] = { false, true, true };
    const uint64_t positions[] = { 2, 4, 5 }, lens[] = { 19, 0, 8 };
    for (uint32_t m = 0; m < 3; m++) {
        assert_int_equal(fixture->marked[m], positions[m]);
        assert_int_equal(fixture->moved[m].position, positions[m]);
        assert_int_equal(fixture->moved[m].is_final, is_final[m]);
        assert_int_equal(fixture->moved[m].body_bytes, lens[m]);
        assert_int_equal(fixture->moved[m].note_bytes, 4);
    }
    assert_int_equal(logs_txn(fixture), 6);
    /* Nothing but failures: the table says all the same how far it has come. */
    bytes_offer(fixture, BYTES("no protobuf either"), NULL);
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    assert_int_equal(logs_txn(fixture), 7);
    assert_int_equal(fixture->moved_count, 4);
    parts_close(fixture);
}

/* Goal: failed records never pile up: their number and bytes bring on cuts, and all of them get through.
 * Method: 900 of them at once, nothing else. */
static void test_many_failures_are_cut_early(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct worker_stats stats;
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    for (uint32_t r = 0; r < 900; r++) bytes_offer(fixture, BYTES("this is no protobuf"), NULL);
    if (!worker_flush(fixture->worker, NULL, 30000, &err)) fail_msg("%s", err.text);
    worker_stats(fixture->worker, &stats);
    assert_int_equal(stats.failed, 900);
    assert_true(stats.flushes >= 900 / WORKER_FAILED_MAX);
    assert_int_equal(fixture->moved_count, 900);
    for (uint32_t m = 0; m < 900; m++) assert_int_equal(fixture->moved[m].position, m + 1);
    parts_close(fixture);
}

/* Goal: a record that failed before its table's commit, and had not gone on when its owner ended, goes on with the next.
 * Method: the first owner is ended between commit and release; the next gets the mark and all records again. */
static void test_marked_records_go_on_with_the_next_owner(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    spans_offer(fixture, 10);
    bytes_offer(fixture, BYTES("this is no protobuf"), NULL);
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    parts_close(fixture);

    const uint64_t marks[] = { 2 };
    fixture->marks = marks;
    fixture->mark_count = 1;
    fixture->position = fixture->moved_count = fixture->marked_count = 0;
    atomic_store(&fixture->released, 0);
    parts_open(fixture, 3600000);
    assert_true(worker_start(fixture->worker, &err));
    spans_offer(fixture, 10); /* the table has both */
    bytes_offer(fixture, BYTES("this is no protobuf"), NULL);
    spans_offer(fixture, 10);
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    assert_int_equal(rows_seen(fixture).rows, 20);
    assert_int_equal(fixture->moved_count, 1);
    assert_int_equal(fixture->moved[0].position, 2);
    parts_close(fixture);
}

/* Goal: until it has come to where the partition ended when it was taken over, a worker is not cut by time.
 * Method: flushes are due every 50 ms; three records below that position, then the one at it. */
static void test_no_cut_below_what_may_have_been_shown(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    fixture->position_end = 4;
    parts_open(fixture, 50);
    assert_true(worker_start(fixture->worker, &err));
    for (uint32_t r = 0; r < 3; r++) spans_offer(fixture, 10);
    wait_rows(fixture, 30);
    clock_sleep_ms(300);
    assert_int_equal(atomic_load(&fixture->released), 0);
    spans_offer(fixture, 10);
    for (uint32_t waits = 0; waits < 10000 && atomic_load(&fixture->released) < 4; waits++) clock_sleep_ms(1);
    assert_int_equal(atomic_load(&fixture->released), 4);
    parts_close(fixture);
}

/* Goal: a worker that does not know yet where its partition ended after the fence is not cut, not even when it is asked; once
 * it knows, it is. */
static void test_no_cut_before_the_end_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    fixture->position_end = WORKER_END_UNKNOWN;
    parts_open(fixture, 50);
    assert_true(worker_start(fixture->worker, &err));
    for (uint32_t r = 0; r < 3; r++) spans_offer(fixture, 10);
    wait_rows(fixture, 30);
    assert_false(worker_flush(fixture->worker, NULL, 200, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_false(worker_is_settled(fixture->worker));
    assert_int_equal(atomic_load(&fixture->released), 0);
    worker_settle(fixture->worker, 3);
    worker_settle(fixture->worker, 1000); /* it was told */
    err = (struct err){ 0 };
    if (!worker_flush(fixture->worker, NULL, 10000, &err)) fail_msg("%s", err.text);
    assert_true(worker_is_settled(fixture->worker));
    assert_int_equal(rows_seen(fixture).rows, 30);
    parts_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_become_visible_then_durable, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rows_of_sql_are_shown_when_asked, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_many_rows_are_sealed_joined_and_flushed_by_size, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_replay_skips_what_the_table_holds, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_days_are_apart_and_one_commit, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_snapshot_outlives_the_flush, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_columns_stay_under_their_memory, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_rows_alone_do_not_flush, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_fails_is_handed_on_with_its_cut, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_many_failures_are_cut_early, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_marked_records_go_on_with_the_next_owner, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_cut_below_what_may_have_been_shown, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_cut_before_the_end_is_told, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
