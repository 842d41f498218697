/* The power goes after every single operation on the disk of a scenario that appends, rotates, releases, trims, closes
 * and opens again; each time in many ways. In this scenario record k is the kth append, so its position is k too. */
#include "buffer/wal/wal_fixture.h"

struct promise {
    uint32_t tried;        /* keys 1 to tried were handed to the log */
    uint32_t acknowledged; /* keys 1 to that were answered as stored */
    uint32_t release_tried, released;
};

/* One record by itself, then count - 1 more in one batch. false: the log failed. */
static bool burst(struct log_fixture *log, struct promise *promise, uint32_t count)
{
    struct err err;
    uint32_t done_before = log->done_count, taken = 0;
    log_gate(log, true);
    for (uint32_t i = 0; i < count; i++) {
        if (!log_append(log, promise->tried + 1, &err)) break;
        promise->tried++;
        taken++;
        if (i == 0) log_wait_done(log, done_before + 1); /* the writer now waits in done */
    }
    log_gate(log, false);
    log_wait_done(log, done_before + taken);
    for (uint32_t key = promise->acknowledged + 1; key <= promise->tried; key++) {
        if (log->outcomes[key] != OUTCOME_STORED) return false;
        assert_int_equal(promise->acknowledged, key - 1); /* in order */
        promise->acknowledged = key;
    }
    return taken == count;
}

static bool release(struct log_fixture *log, struct promise *promise, uint32_t position)
{
    struct err err;
    promise->release_tried = position;
    if (!buffer_release(log->buffer, position, &err)) return false;
    promise->released = position;
    return true;
}

/* Ends early when the power goes. */
static void scenario(struct log_fixture *log, struct promise *promise)
{
    struct err err;
    if (!log_open(log, &err)) return;
    for (int i = 0; i < 3; i++)
        if (!burst(log, promise, 1)) return;
    for (int i = 0; i < 4; i++)
        if (!burst(log, promise, 16)) return;
    if (!release(log, promise, 40)) return;
    if (!burst(log, promise, 40)) return;
    if (!release(log, promise, promise->acknowledged)) return;
    log_close(log);
    log->position_last = 0;
    if (!log_open(log, &err)) return;
    for (int i = 0; i < 2; i++)
        if (!burst(log, promise, 25)) return;
    if (!release(log, promise, promise->acknowledged - 10)) return;
    if (!burst(log, promise, 5)) return;
    log_close(log);
}

static void check(struct log_fixture *after, const struct promise *promise, const char *where)
{
    struct err err;
    if (!log_open(after, &err)) fail_msg("%s: %s", where, err.text);
    uint64_t released = buffer_position_released(after->buffer), last = buffer_position_last(after->buffer);
    if (!after->sound) fail_msg("%s: a record came back changed or out of order", where);
    if (released != promise->released && released != promise->release_tried)
        fail_msg("%s: released %d, told %d", where, (int)released, (int)promise->released);
    if (last < promise->acknowledged || last > promise->tried)
        fail_msg("%s: last is %d; %d acknowledged, %d tried", where, (int)last, (int)promise->acknowledged,
                 (int)promise->tried);
    if (after->delivered_count != last - released) fail_msg("%s: %d delivered", where, (int)after->delivered_count);
    for (uint32_t i = 0; i < after->delivered_count; i++) assert_int_equal(after->delivered[i], released + 1 + i);

    /* What was acknowledged is known as a repeat; a new one follows without a gap. */
    for (uint32_t key = 1; key <= promise->acknowledged; key++)
        if (!log_append(after, key, &err)) fail_msg("%s: %s", where, err.text);
    log_wait_done(after, promise->acknowledged);
    for (uint32_t key = 1; key <= promise->acknowledged; key++)
        if (after->outcomes[key] != OUTCOME_REPEATED) fail_msg("%s: record %d is stored twice", where, (int)key);
    if (log_append_wait(after, 5000) != OUTCOME_STORED) fail_msg("%s: takes no more: %s", where, after->failure.text);
    assert_int_equal(after->position_last, last + 1);
    assert_true(after->sound);

    /* Nothing that was cut comes back behind it. */
    log_close(after);
    after->position_last = 0;
    after->delivered_count = 0;
    if (!log_open(after, &err)) fail_msg("%s, again: %s", where, err.text);
    if (!after->sound || after->delivered_count != last + 1 - released ||
        buffer_position_last(after->buffer) != last + 1)
        fail_msg("%s, again: %d delivered", where, (int)after->delivered_count);
    for (uint32_t i = 0; i < after->delivered_count - 1; i++) assert_int_equal(after->delivered[i], released + 1 + i);
    assert_int_equal(after->delivered[after->delivered_count - 1], 5000);
}

#ifdef __SANITIZE_THREAD__
#define SEEDS 6u /* ThreadSanitizer makes each look 20 times slower */
#else
#define SEEDS 24u
#endif

/* Goal: the power may go at any moment, twice, and what was promised holds.
 * Method: for every n, run the scenario until its nth operation on the disk; for every seed look at what may be left,
 * both at once and after a second power cut during the first repair. */
static void test_power_cut_after_every_operation(void **state)
{
    (void)state;
    bool complete = false;
    uint32_t cuts = 0;
    for (uint64_t n = 0; !complete; n++) {
        assert_true(n < 2000);
        struct promise promise = { 0 };
        struct log_fixture *log = fixture_create(sim_with_folder());
        disk_sim_stop_after(log->sim, n);
        uint64_t before = disk_sim_operations(log->sim);
        scenario(log, &promise);
        complete = disk_sim_operations(log->sim) - before < n;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            char where[80];
            snprintf(where, sizeof where, "cut after operation %d, seed %d", (int)n, (int)seed);
            struct disk_sim *left = disk_sim_crash(log->sim, seed);
            struct log_fixture *repair = fixture_create(left);
            disk_sim_stop_after(left, (n + seed) % 7);
            struct err err;
            if (log_open(repair, &err))
                log_close(repair);
            else
                assert_int_equal(err.code, ERR_IO); /* the power went again */
            struct log_fixture *after = fixture_create(disk_sim_crash(left, seed * 31 + n));
            check(after, &promise, where);
            fixture_destroy(after);
            fixture_destroy(repair);

            after = fixture_create(disk_sim_crash(log->sim, seed));
            check(after, &promise, where);
            fixture_destroy(after);
            cuts += 2;
        }
        fixture_destroy(log);
    }
    print_message("%u power cuts\n", cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_power_cut_after_every_operation) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
