/* threads: none */
/* Log patterns in the database: exact and the same in any order, read by the minute and the hour, deleted at their age; on SQLite
 * and PostgreSQL. */
#include "meta/db_fixture.h"
#include "meta/pattern.h"
#include "meta/tap_position.h"

#define NOW_US  INT64_C(1795744860000000) /* 2026-11-27, a minute after an hour began */
#define PROJECT ((struct uuid){ { 7, 7 } })
#define OTHER   ((struct uuid){ { 8 } })

static int setup(void **state)
{
    struct db_fixture *fixture = db_fixture_setup(state);
    struct err err = { 0 };
    db_fixture_open(fixture);
    for (uint8_t owner = 1; owner <= 2; owner++) {
        char app_id[32];
        uint64_t position = 99;
        snprintf(app_id, sizeof app_id, "app/%u", owner);
        if (!tap_position_take(fixture->db, PATTERN_TAP, app_id, (struct uuid){ { owner } }, NOW_US, &position, &err))
            fail_msg("%s", err.text);
        assert_int_equal(position, 0);
    }
    return 0;
}
static int teardown(void **state)
{
    db_fixture_teardown(*state);
    return 0;
}

static struct pattern_changes changes_of(uint8_t owner, uint64_t before, uint64_t position)
{
    static char app_ids[2][32];
    snprintf(app_ids[owner - 1], sizeof app_ids[0], "app/%u", owner);
    return (struct pattern_changes){
        .app_id = app_ids[owner - 1], .owner = { { owner } }, .position_before = before, .position = position
    };
}

/* count lines of template number n at one time. */
static void lines_store(struct db *db, uint8_t owner, uint64_t position, uint8_t n, int64_t at_us, int64_t count,
                        const char *sample)
{
    struct err err = { 0 };
    struct pattern_template template = { .project_id = PROJECT,
                                         .id = { { n } },
                                         .service = BYTES("cart"),
                                         .template = n == 1 ? BYTES("user <*> paid") : BYTES("it failed"),
                                         .sample = bytes_of_text(sample),
                                         .first_unix_us = at_us,
                                         .last_unix_us = at_us };
    struct pattern_count one = { PROJECT, { { n } }, at_us - at_us % PATTERN_MINUTE_US, 3, count };
    struct pattern_changes changes = changes_of(owner, position - 1, position);
    changes.templates = &template;
    changes.counts = &one;
    changes.template_count = changes.count_count = 1;
    if (!pattern_store(db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
}

static struct pattern_seen seen_of(struct db *db, struct arena *arena, uint8_t n)
{
    struct pattern_seen *seen;
    uint32_t count;
    struct err err = { 0 };
    if (!pattern_templates_read(db, PROJECT, BYTES(""), arena, &seen, &count, &err)) fail_msg("%s", err.text);
    for (uint32_t i = 0; i < count; i++)
        if (seen[i].id.bytes[0] == n) return seen[i];
    fail_msg("there is no template %u", n);
    return (struct pattern_seen){ 0 };
}

/* Goal: what is stored is the same whoever stores it in which order, and counts once.
 * Method: the parts of two partitions in two orders, one part twice, one from behind, one of a former owner. */
static void test_any_order(void **state)
{
    struct db_fixture *fixture = *state;
    struct arena arena;
    struct err err = { 0 };
    arena_init(&arena, 0);
    lines_store(fixture->db, 1, 1, 1, NOW_US + 5, 10, "user 5 paid");
    lines_store(fixture->db, 2, 1, 1, NOW_US, 4, "user 9 paid");
    lines_store(fixture->db, 1, 2, 1, NOW_US, 1, "user 7 paid");
    lines_store(fixture->db, 1, 2, 1, NOW_US, 1, "user 7 paid"); /* the answer to its commit was lost */
    lines_store(fixture->db, 2, 2, 2, NOW_US - PATTERN_HOUR_US, 3, "it failed");
    assert_int_equal(db_fixture_number(fixture->db, "SELECT CAST(SUM(row_count) AS bigint) FROM pattern_minutes"), 18);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT CAST(SUM(row_count) AS bigint) FROM pattern_hours"), 18);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT COUNT(*) FROM pattern_hours"), 2);
    struct pattern_seen seen = seen_of(fixture->db, &arena, 1);
    assert_true(bytes_equal(seen.sample, BYTES("user 7 paid"))); /* of two first ones the lesser */
    assert_int_equal(seen.first_unix_us, NOW_US);
    assert_int_equal(seen.last_unix_us, NOW_US + 5);
    assert_true(bytes_equal(seen.template, BYTES("user <*> paid")));

    struct pattern_changes late = changes_of(1, 1, 3);
    assert_false(pattern_store(fixture->db, &late, NOW_US, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    struct pattern_changes stranger = changes_of(1, 2, 3);
    stranger.owner = (struct uuid){ { 9 } };
    assert_false(pattern_store(fixture->db, &stranger, NOW_US, &err));
    assert_int_equal(err.code, ERR_CONFLICT);

    if (!pattern_samples_forget(fixture->db, OTHER, &err)) fail_msg("%s", err.text);
    assert_true(seen_of(fixture->db, &arena, 1).sample.len > 0);
    if (!pattern_samples_forget(fixture->db, PROJECT, &err)) fail_msg("%s", err.text);
    assert_int_equal(seen_of(fixture->db, &arena, 1).sample.len, 0);
    lines_store(fixture->db, 1, 3, 1, NOW_US + 9, 1, "user 8 paid"); /* the next line brings one again */
    assert_true(bytes_equal(seen_of(fixture->db, &arena, 1).sample, BYTES("user 8 paid")));
    arena_deinit(&arena);
}

static int64_t figures_sum(struct db *db, struct uuid project_id, const struct count_range *range, bool is_before,
                           uint32_t *steps)
{
    struct arena arena;
    struct pattern_figure *figures;
    uint32_t count;
    struct err err = { 0 };
    int64_t sum = 0;
    arena_init(&arena, 0);
    if (!pattern_figures_read(db, project_id, range, &arena, &figures, &count, &err)) fail_msg("%s", err.text);
    *steps = 0;
    for (uint32_t f = 0; f < count; f++) {
        assert_true(figures[f].step < range->steps || figures[f].step == UINT32_MAX);
        assert_int_equal(figures[f].level, 3);
        if ((figures[f].step == UINT32_MAX) != is_before) continue;
        sum += figures[f].row_count;
        *steps |= figures[f].step < 32 ? 1u << figures[f].step : 0;
    }
    arena_deinit(&arena);
    return sum;
}

/* Goal: a range counts what is in it, and what was as long before; by the minute when it is short, else by the hour.
 * Method: a line a minute for three hours. */
static void test_ranges(void **state)
{
    struct db_fixture *fixture = *state;
    uint32_t steps;
    for (int m = 0; m < 180; m++)
        lines_store(fixture->db, 1, (uint64_t)m + 1, 1, NOW_US - m * PATTERN_MINUTE_US, 1, "user 7 paid");
    struct count_range range = { .from_unix_us = NOW_US - PATTERN_HOUR_US, .to_unix_us = NOW_US };
    count_range_fit(&range, NOW_US, 60);
    assert_false(range.by_hours);
    assert_int_equal(range.steps, 60);
    assert_int_equal(range.step_us, PATTERN_MINUTE_US);
    assert_int_equal(figures_sum(fixture->db, PROJECT, &range, false, &steps), 60);
    assert_int_equal(steps, UINT32_MAX);
    assert_int_equal(figures_sum(fixture->db, PROJECT, &range, true, &steps), 60);
    range = (struct count_range){ .from_unix_us = NOW_US - PATTERN_HOUR_US + 5, .to_unix_us = NOW_US - 7 };
    count_range_fit(&range, NOW_US, 7);
    assert_int_equal(range.from_unix_us, NOW_US - PATTERN_HOUR_US);
    assert_int_equal(range.to_unix_us, NOW_US);
    assert_int_equal(range.steps, 7); /* of 9 minutes, the last of 6 */
    assert_int_equal(figures_sum(fixture->db, PROJECT, &range, false, &steps), 60);
    assert_int_equal(steps, 0x7f);
    range = (struct count_range){ .from_unix_us = NOW_US - PATTERN_DAY_US, .to_unix_us = NOW_US + 1 };
    count_range_fit(&range, NOW_US, 60);
    assert_true(range.by_hours);
    assert_int_equal(range.steps, 25);
    assert_int_equal(figures_sum(fixture->db, PROJECT, &range, false, &steps), 180);
    assert_int_equal(figures_sum(fixture->db, OTHER, &range, false, &steps), 0);
}

/* Goal: what is past its time goes, and nothing else. */
static void test_expire(void **state)
{
    struct db_fixture *fixture = *state;
    uint64_t deleted;
    struct err err = { 0 };
    lines_store(fixture->db, 1, 1, 1, NOW_US, 1, "new");
    lines_store(fixture->db, 1, 2, 1, NOW_US - 5 * PATTERN_DAY_US, 1, "old");
    lines_store(fixture->db, 1, 3, 2, NOW_US - 91 * PATTERN_DAY_US, 1, "ancient");
    if (!pattern_expire(fixture->db, 0, NOW_US, &deleted, &err)) fail_msg("%s", err.text);
    assert_int_equal(deleted, 2); /* minutes */
    if (!pattern_expire(fixture->db, 90 * PATTERN_DAY_US, NOW_US, &deleted, &err)) fail_msg("%s", err.text);
    assert_int_equal(deleted, 2); /* an hour, a template */
    assert_int_equal(db_fixture_number(fixture->db, "SELECT COUNT(*) FROM pattern_minutes"), 1);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT COUNT(*) FROM pattern_hours"), 2);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT COUNT(*) FROM pattern_templates"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_any_order, setup, teardown),
        DB_BOTH(test_ranges, setup, teardown),
        DB_BOTH(test_expire, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
