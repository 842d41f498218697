/* What other writers commit is seen without being asked for; errors are told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "timefusion/delta/delta_test_table.h"
#include "timefusion/refresh.h"

enum { WAIT_MS_MAX = 20000 };

static uint64_t version_of(struct delta_table *table)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    uint64_t version = snapshot->version;
    delta_snapshot_release(snapshot);
    return version;
}

static bool reaches(struct delta_table *table, uint64_t version)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS_MAX && version_of(table) < version; waited_ms += 2) clock_sleep_ms(2);
    return version_of(table) == version;
}

static struct refresh *must_open(struct delta_table *const *tables, uint32_t count, const struct log *log)
{
    struct refresh *refresh;
    struct err err = { 0 };
    if (!refresh_open(&refresh, &(struct refresh_options){ tables, count, 1, log }, &err)) fail_msg("%s", err.text);
    return refresh;
}

/* Goal: commits of another handle reach both tables that are followed, while ours commits too. Method: commits by turns. */
static void test_others_are_seen(void **state)
{
    struct fixture *fixture = *state;
    struct delta_options other_table = fixture->options;
    other_table.prefix = "other";
    struct delta_table *ours[2] = { test_open(&fixture->options), test_open(&other_table) };
    struct delta_table *theirs[2] = { test_open(&fixture->options), test_open(&other_table) };
    struct refresh *refresh = must_open(ours, 2, &test_log);
    for (uint8_t i = 0; i < 10; i++) {
        must_commit(theirs[0], 1, i, "theirs", i == 0 ? -1 : i, i + 1u);
        must_commit(theirs[1], 1, i, "theirs", i == 0 ? -1 : i, i + 1u);
        assert_true(reaches(ours[0], 2u * i + 1u));
        assert_true(reaches(ours[1], i + 1u));
        must_commit(ours[0], 2, (uint8_t)(100 + i), "ours", i == 0 ? -1 : i, i + 1u);
    }
    refresh_close(refresh);
    for (int i = 0; i < 2; i++) {
        delta_close(ours[i]);
        delta_close(theirs[i]);
    }
}

static uint32_t lines_with(int fd, const char *word)
{
    static char text[65536];
    uint32_t count = 0;
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++) count++;
    return count;
}

/* Goal: a log that cannot be read is told of once, the snapshot stays, and all goes on when it is repaired. Method: a
 * damaged commit, put right later. */
static void test_damage_is_told_once(void **state)
{
    struct fixture *fixture = *state;
    char path[] = "/tmp/mono_refresh_XXXXXX";
    struct err err = { 0 };
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const struct log log = { .fd = fd, .level_min = LOG_INFO };
    struct delta_table *table = test_open(&fixture->options);
    test_put_commit(fixture->store, 1, "{\"add\":");
    struct refresh *refresh = must_open(&table, 1, &log);
    for (int waited_ms = 0; waited_ms < WAIT_MS_MAX && lines_with(fd, "delta.refresh_failed") == 0; waited_ms += 2)
        clock_sleep_ms(2);
    clock_sleep_ms(30); /* some more tries */
    assert_int_equal(lines_with(fd, "delta.refresh_failed"), 1);
    assert_int_equal(version_of(table), 0);
    assert_true(object_put(fixture->store, LOG_FOLDER "00000000000000000001.json", BYTES("{\"commitInfo\":{}}"), &err));
    assert_true(reaches(table, 1));
    for (int waited_ms = 0; waited_ms < WAIT_MS_MAX && lines_with(fd, "delta.refreshed") == 0; waited_ms += 2)
        clock_sleep_ms(2);
    assert_int_equal(lines_with(fd, "delta.refreshed"), 1);
    refresh_close(refresh);
    delta_close(table);
    close(fd);
    unlink(path);
}

int main(void)
{
#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_TABLE(test_others_are_seen),
        WITH_TABLE(test_damage_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
