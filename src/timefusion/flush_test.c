/* Owners of a partition: one at a time may commit, and what the one before committed is known. */
#include "base/disk.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { PROCESSES = 3 };
/* Several processes over one folder of tables, each with its own view of the logs. */
struct fixture {
    char dir[64];
    struct log log;
    struct object_store *stores[PROCESSES];
    struct timefusion *timefusions[PROCESSES];
    struct parquet_writer *writer;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    char tables[100], local[100];
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/monoscope-flush-XXXXXX");
    if (!mkdtemp(fixture->dir)) return -1;
    fixture->log = (struct log){ .fd = 2, .level_min = LOG_WARN };
    snprintf(tables, sizeof tables, "%s/tables", fixture->dir);
    for (uint32_t p = 0; p < PROCESSES; p++) {
        snprintf(local, sizeof local, "%s/%u", fixture->dir, p);
        assert_true(disk_real.ops->mkdir(&disk_real, local, &err));
        assert_true(object_store_open_folder(&fixture->stores[p], tables, &disk_real, &err));
        struct timefusion_options options = { .dir = local,
                                              .store = fixture->stores[p],
                                              .disk = &disk_real,
                                              .footer_bytes_max = 1 << 20,
                                              .log = &fixture->log };
        if (!timefusion_open(&fixture->timefusions[p], &options, &err)) fail_msg("%s", err.text);
    }
    fixture->writer = parquet_writer_create();
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[100];
    for (uint32_t p = 0; p < PROCESSES; p++) {
        timefusion_close(fixture->timefusions[p]);
        object_store_close(fixture->stores[p]);
    }
    parquet_writer_destroy(fixture->writer);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    int failed = system(command);
    free(fixture);
    return failed;
}

static struct flush_owner owner_of(const char *app_id)
{
    struct flush_owner owner = { 0 };
    snprintf(owner.app_id, sizeof owner.app_id, "%s", app_id);
    return owner;
}

/* One log record's row, of record `position`, on its way to the table. */
static bool row_flush(struct fixture *fixture, uint32_t process, struct flush_owner *owner, uint64_t position,
                      struct err *err)
{
    const struct schema_table *table = schema_table(SCHEMA_LOGS_AND_SPANS);
    struct columns *columns = columns_create(table);
    columns_row_begin(columns, 1764000000000000 + (int64_t)position);
    columns_put_text(columns, LOGS_AND_SPANS_id, bytes_of_text("00000000-0000-0000-0000-000000000001"));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, NULL, 0);
    columns_row_end(columns);
    struct segments *segments = timefusion_segments(fixture->timefusions[process]);
    struct owner *segments_owner;
    struct owner_options options = { .app_id = owner->app_id, .epoch = OWNER_EPOCH_NEXT, .stored = { -1, -1 } };
    assert_true(owner_open(segments, &options, &segments_owner, err));
    struct flush flush = { .owner = owner, .position = position, .groups = mem_calloc(1, sizeof *flush.groups) };
    flush.groups[flush.group_count++] = (struct flush_group){
        .table = table,
        .project_id = uuid_random(),
        .day = 20416,
        .columns = columns,
        .columns_range = { .low = position - 1, .high = position, .owner = segments_owner },
    };
    bool ok = flush_run(&flush, fixture->timefusions[process], fixture->writer, &fixture->log, err);
    flush_deinit(&flush);
    owner_close(segments, segments_owner);
    return ok;
}

/* Goal: whoever takes a partition over knows all that was committed, and from then on nobody before can commit.
 * Method: two processes take turns; the first goes on as if it had not heard, with rows at positions old and new. */
static void test_former_owner_is_fenced(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct flush_owner first = owner_of("test/0"), second = owner_of("test/0"), other = owner_of("test/1");
    assert_true(flush_fence(fixture->timefusions[0], &first, 1, &err));
    assert_int_equal(first.epoch, 1);
    assert_int_equal(first.txn[SCHEMA_LOGS_AND_SPANS], -1);
    assert_true(row_flush(fixture, 0, &first, 10, &err));
    assert_int_equal(first.txn[SCHEMA_LOGS_AND_SPANS], 10);

    struct flush_owner taken[] = { second, other };
    assert_true(flush_fence(fixture->timefusions[1], taken, 2, &err));
    assert_int_equal(taken[0].epoch, 2);
    assert_int_equal(taken[1].epoch, 1);
    assert_int_equal(taken[0].txn[SCHEMA_LOGS_AND_SPANS], 10);
    assert_int_equal(taken[0].txn[SCHEMA_METRICS], -1);
    assert_int_equal(taken[1].txn[SCHEMA_LOGS_AND_SPANS], -1);

    assert_false(row_flush(fixture, 0, &first, 20, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    err = (struct err){ 0 };
    assert_true(row_flush(fixture, 1, &taken[0], 20, &err));
    assert_false(row_flush(fixture, 0, &first, 20, &err)); /* just where the new one has come to */
    assert_int_equal(err.code, ERR_CONFLICT);
    err = (struct err){ 0 };
    assert_true(row_flush(fixture, 1, &taken[1], 5, &err)); /* the other partition is its own */
}

/* Goal: an owner that was fenced in one table only cannot commit in any more than that, nor can the next one be below it.
 * Method: the first fences; another moves on in the metrics table alone, as a process that died between two commits. */
static void test_epochs_of_the_tables_meet_again(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    uint64_t version;
    struct flush_owner first = owner_of("test/0"), second = owner_of("test/0");
    assert_true(flush_fence(fixture->timefusions[0], &first, 1, &err));
    struct delta_txn_change half = { .app_id = "test/0/owner", .version_before = 1, .version_after = 7 };
    struct delta_change change = { .txns = &half, .txn_count = 1 };
    assert_true(delta_commit(timefusion_delta(fixture->timefusions[1], SCHEMA_METRICS), &change, &version, &err));
    assert_true(row_flush(fixture, 0, &first, 10, &err)); /* logs are not taken over yet */
    assert_true(flush_fence(fixture->timefusions[2], &second, 1, &err));
    assert_int_equal(second.epoch, 8);
    assert_int_equal(second.txn[SCHEMA_LOGS_AND_SPANS], 10);
}

struct racer {
    struct fixture *fixture;
    uint32_t process, won;
    uint64_t epochs[20];
    uint64_t committed[20];
    uint32_t committed_count;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    for (uint32_t i = 0; i < COUNT_OF(racer->epochs); i++) {
        struct err err = { 0 };
        struct flush_owner owner = owner_of("test/0");
        if (!flush_fence(racer->fixture->timefusions[racer->process], &owner, 1, &err)) {
            assert_int_equal(err.code, ERR_CONFLICT);
            continue;
        }
        racer->epochs[racer->won++] = owner.epoch;
        int64_t txn = owner.txn[SCHEMA_LOGS_AND_SPANS];
        uint64_t position = (uint64_t)(txn < 0 ? 0 : txn) + 1;
        if (row_flush(racer->fixture, racer->process, &owner, position, &err)) {
            racer->committed[racer->committed_count++] = position;
        } else {
            assert_int_equal(err.code, ERR_CONFLICT);
        }
    }
    return NULL;
}

/* Goal: no two owners have one epoch, and no position is committed twice, however many take over at once.
 * Method: three processes fence and commit one position each time, as fast as they can. */
static void test_everybody_takes_over_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct racer racers[PROCESSES] = { 0 };
    pthread_t threads[PROCESSES];
    struct parquet_writer *shared = fixture->writer;
    struct fixture own[PROCESSES];
    for (uint32_t p = 0; p < PROCESSES; p++) {
        own[p] = *fixture;
        own[p].writer = parquet_writer_create();
        racers[p] = (struct racer){ .fixture = &own[p], .process = p };
        assert_int_equal(pthread_create(&threads[p], NULL, race, &racers[p]), 0);
    }
    for (uint32_t p = 0; p < PROCESSES; p++) pthread_join(threads[p], NULL);
    bool seen[1000] = { false }, was_committed[1000] = { false };
    uint32_t committed_count = 0;
    for (uint32_t p = 0; p < PROCESSES; p++) {
        parquet_writer_destroy(own[p].writer);
        for (uint32_t i = 0; i < racers[p].won; i++) {
            assert_true(racers[p].epochs[i] < COUNT_OF(seen) && !seen[racers[p].epochs[i]]);
            assert_true(i == 0 || racers[p].epochs[i] > racers[p].epochs[i - 1]);
            seen[racers[p].epochs[i]] = true;
        }
        for (uint32_t i = 0; i < racers[p].committed_count; i++) {
            assert_false(was_committed[racers[p].committed[i]]);
            was_committed[racers[p].committed[i]] = true;
            committed_count++;
        }
    }
    fixture->writer = shared;
    struct err err = { 0 };
    struct flush_owner last = owner_of("test/0");
    assert_true(flush_fence(fixture->timefusions[0], &last, 1, &err));
    assert_int_equal(last.txn[SCHEMA_LOGS_AND_SPANS], committed_count); /* positions were taken one after the other */
    assert_true(committed_count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_former_owner_is_fenced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_epochs_of_the_tables_meet_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_everybody_takes_over_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
