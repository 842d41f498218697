/* threads: none */
/* The log of statements: what is kept, in which order, of whom; what goes when it is too old or too much. On both databases. */
#include "meta/meta_fixture.h"

#include "base/clock.h"
#include "meta/statement_log.h"

#define DAY_US INT64_C(86400000000)

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop, lobby;
    struct statement_log *log;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, &fixture->lobby);
    fixture->db = meta_db(fixture->meta);
    fixture->log = statement_log_create(
        &(struct statement_log_options){ .db = fixture->db, .days = 10, .rows_max = 1500, .log = &db_fixture_log });
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    statement_log_destroy(fixture->log);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, struct uuid project_id, int64_t at_unix_us, const char *statement,
                const char *sqlstate)
{
    statement_log_add(fixture->log, &(struct statement_row){ .project_id = project_id,
                                                             .at_unix_us = at_unix_us,
                                                             .actor_kind = BYTES("key"),
                                                             .actor_id = BYTES("k-1"),
                                                             .actor_name = BYTES("of CI"),
                                                             .address = BYTES("::1"),
                                                             .via = BYTES("sql"),
                                                             .operation = BYTES("SELECT"),
                                                             .statement = bytes_of_text(statement),
                                                             .session = 7,
                                                             .duration_us = 1500,
                                                             .row_count = 3,
                                                             .sqlstate = bytes_of_text(sqlstate) });
}

static void save(struct fixture *fixture)
{
    struct err err = { 0 };
    if (!statement_log_save(fixture->log, &err)) fail_msg("%s", err.text);
}

struct seen {
    char text[400];
    uint32_t count;
    int64_t last;
};

static bool see(void *ctx, const struct statement_row *row)
{
    struct seen *seen = ctx;
    size_t len = strlen(seen->text);
    if (seen->count++ < 5)
        snprintf(seen->text + len, sizeof seen->text - len, "%.*s ",
                 (int)(row->statement.len < 30 ? row->statement.len : 30), (const char *)row->statement.ptr);
    assert_true(row->session == 7 && row->duration_us == 1500 && row->row_count == 3 && row->actor_name.len == 5);
    seen->last = row->number;
    return true;
}

static struct seen list(struct fixture *fixture, struct statement_filter filter)
{
    struct seen seen = { 0 };
    struct err err = { 0 };
    if (filter.count_max == 0) filter.count_max = 10000;
    if (!statement_log_list(fixture->db, &filter, see, &seen, &err)) fail_msg("%s", err.text);
    return seen;
}

/* Goal: newest first, of the project alone, by actor, outcome, duration and place; texts that are no UTF-8 or too long do not
 * refuse a row. Method: known rows. */
static void test_list(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_us = clock_unix_us();
    char many[3 * STATEMENT_BYTES_MAX];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    add(fixture, fixture->shop.id, now_us, "first", "00000");
    add(fixture, fixture->lobby.id, now_us, "foreign", "00000");
    add(fixture, fixture->shop.id, now_us + 1, "bad", "42703");
    add(fixture, fixture->shop.id, now_us + 2, "\xff", "00000");
    add(fixture, fixture->shop.id, now_us + 3, many, "00000");
    assert_int_equal(list(fixture, (struct statement_filter){ .project_id = fixture->shop.id }).count, 0); /* not yet */
    save(fixture);
    struct seen all = list(fixture, (struct statement_filter){ .project_id = fixture->shop.id });
    assert_string_equal(all.text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ? bad first ");
    struct statement_filter filter = { .project_id = fixture->shop.id, .is_failed = true };
    assert_string_equal(list(fixture, filter).text, "bad ");
    filter = (struct statement_filter){ .project_id = fixture->shop.id, .count_max = 2 };
    filter.before = list(fixture, filter).last;
    assert_string_equal(list(fixture, filter).text, "bad first ");
    filter = (struct statement_filter){ .project_id = fixture->shop.id, .actor = BYTES("nobody") };
    assert_int_equal(list(fixture, filter).count, 0);
    filter = (struct statement_filter){ .project_id = fixture->shop.id, .duration_us_min = 1501 };
    assert_int_equal(list(fixture, filter).count, 0);
    filter = (struct statement_filter){ .project_id = fixture->shop.id,
                                        .from_unix_us = now_us + 1,
                                        .to_unix_us = now_us + 2 };
    assert_string_equal(list(fixture, filter).text, "bad ");
}

/* Goal: what is older than it may be, and what is more than there may be, goes. Method: rows of twenty days ago and more than
 * the bound; the sweep is with the first save. */
static void test_sweep(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_us = clock_unix_us();
    for (int i = 0; i < 2500; i++) add(fixture, fixture->shop.id, now_us, "of now", "00000"); /* several transactions */
    for (int i = 0; i < 3; i++) add(fixture, fixture->shop.id, now_us - 20 * DAY_US, "old", "00000");
    save(fixture);
    struct seen kept = list(fixture, (struct statement_filter){ .project_id = fixture->shop.id });
    assert_int_equal(kept.count, 1500);
    assert_string_equal(kept.text, "of now of now of now of now of now ");
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_list, setup, teardown), DB_BOTH(test_sweep, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
