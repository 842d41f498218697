/* Disks that fail or are full: nothing acknowledged is lost, the log says so, and goes on when it can. */
#include "buffer/wal/wal_fixture.h"
#include <errno.h>

/* Goal: without room for a new file a roll says so and nothing else changes.
 * Method: rolls and records until the log's bound is reached; after a release there is room again. */
static void test_roll_without_room(void **state)
{
    (void)state;
    struct log_fixture *log = fixture_create(sim_with_folder());
    struct err err;
    uint32_t rolls = 0;
    log->options.record_bytes_max = 1000;
    log->options.disk_bytes_max = 4 * log->options.segment_bytes;
    assert_true(log_open(log, &err));
    append_keys(log, 1, 5);
    for (; buffer_roll(log->buffer, &err); rolls++) append_keys(log, (uint32_t)log->position_last + 1, 5);
    assert_int_equal(err.code, ERR_BUSY);
    assert_in_range(rolls, 2, 20);
    assert_int_equal(file_count(log), rolls + 1);
    append_keys(log, (uint32_t)log->position_last + 1, 1);
    assert_true(buffer_release(log->buffer, log->position_last, &err));
    assert_true(buffer_roll(log->buffer, &err));
    assert_int_equal(file_count(log), 1);
    fixture_destroy(log);
}

/* Goal: the log never takes more of the disk than told, refuses with ERR_BUSY, and takes again after a release. */
static void test_disk_bound(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    log_close(log);
    log->options.record_bytes_max = 1000;
    log->options.disk_bytes_max = 5 * 8192;
    assert_true(log_open(log, &err));
    uint32_t key = 1;
    enum outcome outcome;
    struct buffer_stats stats;
    while ((outcome = log_append_wait(log, key)) == OUTCOME_STORED) {
        buffer_stats(log->buffer, &stats);
        assert_true(stats.disk_bytes <= log->options.disk_bytes_max);
        assert_true(++key < 2000);
    }
    assert_false(log_append(log, key, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_true(stats.disk_bytes + 8192 > log->options.disk_bytes_max);
    assert_true(stats.is_full);
    assert_true(buffer_release(log->buffer, key - 1, &err));
    assert_int_equal(log_append_wait(log, key), OUTCOME_STORED);
    /* What it says is what the files have. */
    buffer_stats(log->buffer, &stats);
    assert_false(stats.is_full);
    assert_false(stats.has_failed);
    assert_int_equal(stats.sync_times.count, stats.syncs);
    uint64_t bytes = 0;
    for (uint32_t first = 1; first <= key; first++) {
        char path[64];
        uint64_t len;
        snprintf(path, sizeof path, "/log/%020u.wal", first);
        if (disk_sim_bytes(log->sim, path, &len) != NULL) bytes += len;
    }
    assert_int_equal(bytes, stats.disk_bytes);
}

/* Goal: when the disk fails, nothing unsafe is acknowledged, clients hear ERR_IO, the log takes no more, what was
 * acknowledged before is there after reopening, and the failed sync is not tried again.
 * Method: fail the nth call of each kind, for n up to where nothing fails any more. */
static void test_disk_failures(void **state)
{
    (void)state;
    static const struct {
        enum disk_sim_operation operation;
        int os_errno;
    } kinds[] = { { DISK_SIM_WRITE, ENOSPC }, { DISK_SIM_WRITE, EIO },   { DISK_SIM_SYNC, EIO },
                  { DISK_SIM_SIZE, ENOSPC },  { DISK_SIM_OPEN, EMFILE }, { DISK_SIM_SYNC_DIR, EIO } };
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        bool failed = true, met = true;
        for (uint32_t nth = 1; met; nth++) {
            struct log_fixture *log = fixture_create(sim_with_folder());
            struct err err;
            assert_true(log_open(log, &err));
            disk_sim_fail(log->sim, kinds[kind].operation, nth, 1, kinds[kind].os_errno);
            uint32_t stored = 0;
            failed = met = false;
            for (uint32_t key = 1; key <= 60; key++) {
                enum outcome outcome = log_append_wait(log, key);
                if (outcome == OUTCOME_STORED) stored++;
                assert_true(!failed || outcome == OUTCOME_FAILED); /* once failed, always */
                if (outcome != OUTCOME_FAILED) continue;
                met = true;
                if (!failed) assert_int_equal(log->failure.code, ERR_IO);
                if (log->failure.os_errno == ENOSPC && strstr(log->failure.text, "make log file") != NULL) {
                    assert_int_equal(log_append_wait(log, key),
                                     OUTCOME_STORED); /* no room, nothing written: it goes on */
                    stored++;
                    continue;
                }
                failed = true;
                assert_false(log_append(log, 5000, &err));
                assert_int_equal(err.code, ERR_IO);
                struct buffer_stats stats;
                buffer_stats(log->buffer, &stats);
                assert_true(stats.has_failed);
            }
            disk_sim_fail(log->sim, kinds[kind].operation, 0, 0, 0);
            assert_int_equal(log->delivered_count, stored);
            for (uint64_t seed = 0; seed < 6; seed++) {
                struct log_fixture *copy = fixture_create(disk_sim_crash(log->sim, seed));
                if (!log_open(copy, &err)) fail_msg("kind %zu, call %u, seed %d: %s", kind, nth, (int)seed, err.text);
                assert_in_range(copy->delivered_count, stored, stored + 1); /* the one in doubt: whole or absent */
                assert_delivered(copy, 1, copy->delivered_count);
                fixture_destroy(copy);
            }
            /* The same kernel, a new server: what it then says is stored must survive a power cut. */
            log_close(log);
            struct log_fixture *next = fixture_create(log->sim);
            log->sim = NULL;
            if (!log_open(next, &err)) fail_msg("kind %zu, call %u, again: %s", kind, nth, err.text);
            uint32_t kept = next->delivered_count;
            append_keys(next, 1000, 2);
            for (uint64_t seed = 0; seed < 6; seed++) {
                struct log_fixture *copy = fixture_create(disk_sim_crash(next->sim, seed));
                if (!log_open(copy, &err))
                    fail_msg("kind %zu, call %u, then seed %d: %s", kind, nth, (int)seed, err.text);
                assert_true(copy->sound);
                assert_int_equal(copy->delivered_count, kept + 2);
                fixture_destroy(copy);
            }
            fixture_destroy(next);
            fixture_destroy(log);
            assert_true(nth < 400);
        }
    }
}

/* Goal: a full file system refuses clients, half of nothing is stored, and the log goes on when there is room.
 * Method: one batch that needs a new file in its middle, for which there is no room, several times; then room. */
static void test_out_of_room(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    struct buffer_stats before, stats;
    append_keys(log, 1, 20);
    buffer_stats(log->buffer, &before);
    disk_sim_fail(log->sim, DISK_SIM_SIZE, 1, 3, ENOSPC);
    log_gate(log, true);
    assert_true(log_append(log, 21, &err));
    log_wait_done(log, 21);
    for (uint32_t key = 22; key <= 60; key++) assert_true(log_append(log, key, &err)); /* more than the file holds */
    assert_true(log_append(log, 60, &err));                                            /* a twin of one that fails */
    log_gate(log, false);
    log_wait_done(log, 61);
    uint32_t stored = 21;
    while (log->outcomes[stored + 1] == OUTCOME_STORED) stored++;
    assert_in_range(stored, 22, 40);
    for (uint32_t key = stored + 1; key <= 60; key++) assert_int_equal(log->outcomes[key], OUTCOME_FAILED);
    assert_int_equal(log->failure.code, ERR_IO);
    assert_int_equal(buffer_position_last(log->buffer), stored);
    buffer_stats(log->buffer, &stats);
    assert_int_equal(stats.disk_bytes, before.disk_bytes);
    assert_true(stats.out_of_room_mono_ns > 0);
    assert_false(stats.has_failed);
    for (int i = 0; i < 2; i++) assert_int_equal(log_append_wait(log, 60), OUTCOME_FAILED);

    append_keys(log, stored + 1, 60 - stored); /* sent again, not taken for repeats */
    assert_int_equal(log_append_wait(log, 60), OUTCOME_REPEATED);
    assert_delivered(log, 1, 60);
    buffer_stats(log->buffer, &stats);
    assert_true(stats.out_of_room_mono_ns == 0);
    assert_true(buffer_release(log->buffer, 50, &err)); /* the hashes still belong to the right files */
    struct log_fixture *copy = copy_of(log);
    assert_true(log_open(copy, &err));
    assert_delivered(copy, 51, 10);
    for (uint32_t key = 1; key <= 60; key++) assert_int_equal(log_append_wait(copy, key), OUTCOME_REPEATED);
    fixture_destroy(copy);
}

/* Goal: a release that fails on disk says so, loses nothing, and is not tried again. */
static void test_release_failure(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 50);
    disk_sim_fail(log->sim, DISK_SIM_SYNC, 1, 1, EIO);
    assert_false(buffer_release(log->buffer, 20, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_false(buffer_release(log->buffer, 30, &err));
    assert_int_equal(buffer_position_released(log->buffer), 0);
    append_keys(log, 51, 1);
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct log_fixture *copy = fixture_create(disk_sim_crash(log->sim, seed));
        assert_true(log_open(copy, &err));
        assert_true(copy->sound);
        assert_true(copy->delivered_count == 51 || copy->delivered_count == 31);
        fixture_destroy(copy);
    }
}

/* Goal: when the side file of hashes cannot be written, the log file stays until it can. */
static void test_trim_failure(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    append_keys(log, 1, 100);
    disk_sim_fail(log->sim, DISK_SIM_OPEN, 1, 1, ENOSPC);
    assert_true(buffer_release(log->buffer, 99, &err));
    assert_true(exists(log, "/log/00000000000000000001.wal"));
    assert_true(buffer_release(log->buffer, 100, &err));
    assert_false(exists(log, "/log/00000000000000000001.wal"));
    assert_true(exists(log, "/log/00000000000000000001.hashes"));
}

/* Goal: a log file that was made and never written to takes a record larger than itself.
 * Method: lose all of the second file's records, which nobody knows to be safe; append a large one. */
static void test_large_record_into_an_empty_file(void **state)
{
    struct log_fixture *log = *state;
    struct err err;
    struct buffer_stats stats = { 0 };
    uint32_t key = 0;
    while (stats.files < 2) {
        assert_int_equal(log_append_wait(log, ++key), OUTCOME_STORED);
        buffer_stats(log->buffer, &stats);
    }
    struct log_fixture *copy = copy_of(log);
    char path[64];
    snprintf(path, sizeof path, "/log/%020u.wal", key);
    uint64_t len;
    uint8_t *bytes = disk_sim_bytes(copy->sim, path, &len);
    assert_non_null(bytes);
    memset(bytes + 4096, 0, len - 4096);
    assert_true(log_open(copy, &err));
    assert_delivered(copy, 1, key - 1);
    assert_true(log_append_sized(copy, 5000, 60000, &err));
    log_wait_delivered(copy, key);
    assert_true(copy->sound);
    buffer_stats(copy->buffer, &stats);
    assert_int_equal(stats.files, 2);
    uint64_t len_first, len_second;
    disk_sim_bytes(copy->sim, "/log/00000000000000000001.wal", &len_first);
    disk_sim_bytes(copy->sim, path, &len_second);
    assert_int_equal(stats.disk_bytes, len_first + len_second);
    append_keys(copy, 6000, 3);
    fixture_destroy(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roll_without_room, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_disk_bound, log_setup, log_teardown),
        cmocka_unit_test(test_disk_failures),
        cmocka_unit_test_setup_teardown(test_out_of_room, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_release_failure, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_trim_failure, log_setup, log_teardown),
        cmocka_unit_test_setup_teardown(test_large_record_into_an_empty_file, log_setup, log_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
