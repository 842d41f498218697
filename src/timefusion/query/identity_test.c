#define FIXTURE_STEP_US 1000000 /* a row a second */
#include "timefusion/query/identity.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FILES     24
#define FILE_ROWS 500 /* three hours and twenty minutes in all */
#define ROWS      (FILES * FILE_ROWS)
#define ALL       "attributes___session___id, attributes___user___id, attributes___user___email, attributes___user___name"

struct row {
    const char *trace, *session, *user, *email, *name; /* NULL: none */
};

/* By hand, in the first rows. The letters are traces, a row a second from the top. */
static const struct row by_hand[] = {
    { "a", NULL, NULL, NULL, NULL },    /* 0: the backend comes first */
    { "a", NULL, NULL, NULL, NULL },    /* 1 */
    { "a", "s1", "u1", NULL, NULL },    /* 2: the browser's root ends last */
    { "b", "s2", "u1", NULL, NULL },    /* 3: the browser comes first */
    { "b", NULL, NULL, NULL, NULL },    /* 4 */
    { "c", NULL, NULL, NULL, NULL },    /* 5: nobody's */
    { "d", NULL, "u2", "u2@x", NULL },  /* 6: two users: the earliest row stands */
    { "d", NULL, "u3", NULL, "three" }, /* 7 */
    { "d", NULL, NULL, NULL, NULL },    /* 8 */
    { "e", NULL, NULL, "u5@x", NULL },  /* 9: one user, told in two rows */
    { "e", NULL, "u5", NULL, NULL },    /* 10 */
    { "e", NULL, NULL, NULL, NULL },    /* 11 */
    { "f", NULL, NULL, "f@x", NULL },   /* 12: two users, the earliest without an id */
    { "f", NULL, "u6", "g@x", NULL },   /* 13 */
    { "f", NULL, NULL, NULL, NULL },    /* 14 */
    { NULL, NULL, NULL, NULL, NULL },   /* 15: a log without a trace */
    { NULL, "s9", "u1", NULL, NULL },   /* 16: and one with a user */
    { "h", NULL, NULL, NULL, NULL },    /* 17: its user comes an hour later to the second, as row 3617 */
    { "i", NULL, NULL, NULL, NULL },    /* 18: an hour and two seconds later, as row 3620: nobody's */
    { "j", "s7", NULL, NULL, NULL },    /* 19: its user is told in row 3000, from which row 6500 is not an hour away */
};
#define HAND_ROWS COUNT_OF(by_hand)
#define HOUR_ROW  3617
#define LATE_ROW  3620

static uint64_t mixed(uint64_t n)
{
    n = (n ^ n >> 31) * 0x9E3779B97F4A7C15u;
    return (n ^ n >> 29) * 0xBF58476D1CE4E5B9u >> 33;
}

/* The others: traces of some ten rows within a few minutes, of which some have users, some several. */
static struct row row_of(uint64_t n, char room[5][64])
{
    struct row row = { 0 };
    if (n < HAND_ROWS) return by_hand[n];
    if (n == HOUR_ROW) return (struct row){ .trace = "h", .user = "hour" };
    if (n == 3000) return (struct row){ .trace = "j", .user = "u7" };
    if (n == 6500) return (struct row){ .trace = "j" };
    if (n == LATE_ROW) return (struct row){ .trace = "i", .user = "late" };
    if (mixed(n) % 20 == 0) return row;
    uint64_t trace = n / 100 * 10 + mixed(n + 7) % 10;
    snprintf(room[0], 64, "%032" PRIx64, trace);
    row.trace = room[0];
    if (mixed(trace) % 3 == 0) return row;
    snprintf(room[1], 64, "r%" PRIu64, trace % 50);
    uint64_t user = 100 + (mixed(trace) + (mixed(trace) % 7 == 0 ? mixed(n) % 2 : 0)) % 40;
    snprintf(room[2], 64, "u%" PRIu64, user);
    snprintf(room[3], 64, "u%" PRIu64 "@x", user);
    snprintf(room[4], 64, "name of u%" PRIu64, user);
    if (mixed(n * 3) % 6 == 0) row.session = room[1];
    if (mixed(n * 5) % 6 == 0) row.user = room[2];
    if (mixed(n * 7) % 9 == 0) row.email = room[3];
    if (mixed(n * 11) % 9 == 0) row.name = room[4];
    return row;
}

static void row_put(struct columns *columns, uint64_t n)
{
    char room[5][64], text[64], id[UUID_TEXT_BYTES + 1];
    struct row row = row_of(n, room);
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US);
    uuid_to_text(fixture_id(n), id);
    fixture_put(columns, "id", bytes_of_text(id));
    fixture_put(columns, "name", fixture_text(text, sizeof text, "row %" PRIu64, n));
    fixture_put(columns, "kind", bytes_of_text(n % 3 ? "server" : "log"));
    fixture_put(columns, "resource___service___name", bytes_of_text(n % 3 ? "cart" : "web"));
    if (row.trace) fixture_put(columns, "context___trace_id", bytes_of_text(row.trace));
    if (row.session) fixture_put(columns, "attributes___session___id", bytes_of_text(row.session));
    if (row.user) fixture_put(columns, "attributes___user___id", bytes_of_text(row.user));
    if (row.email) fixture_put(columns, "attributes___user___email", bytes_of_text(row.email));
    if (row.name) fixture_put(columns, "attributes___user___name", bytes_of_text(row.name));
    fixture_put(columns, "attributes", BYTES("{\"n\":1}"));
    struct bytes summary[1] = { BYTES("kind;neutral=>row") };
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("summary")), summary, 1);
    columns_row_end(columns);
}

/* The other project has the same traces; its own user is in trace c, which is nobody's in the first. */
static void other_row_put(struct columns *columns, uint64_t n)
{
    static const struct row rows[] = { { "a", NULL, NULL, NULL, NULL }, { "c", "spy", "spy", NULL, NULL } };
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US);
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(fixture_id(n), id);
    fixture_put(columns, "id", bytes_of_text(id));
    fixture_put(columns, "name", BYTES("other"));
    fixture_put(columns, "context___trace_id", bytes_of_text(rows[n].trace));
    if (rows[n].session) fixture_put(columns, "attributes___session___id", bytes_of_text(rows[n].session));
    if (rows[n].user) fixture_put(columns, "attributes___user___id", bytes_of_text(rows[n].user));
    struct bytes summary[1] = { BYTES("kind;neutral=>row") };
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("summary")), summary, 1);
    columns_row_end(columns);
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    fixture_open(fixture, 0, 0);
    for (uint32_t f = 0; f < FILES; f++)
        fixture_publish_rows(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, (uint64_t)f * FILE_ROWS, FILE_ROWS, f,
                             row_put);
    fixture_publish_rows(fixture, fixture->other_project, SCHEMA_LOGS_AND_SPANS, 0, 2, 1, other_row_put);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static char *ask(struct query_session *session, uint32_t *files, const char *sql)
{
    struct buf out;
    buf_init(&out, 64u << 20);
    fixture_must(session, sql, &out, files);
    char *text = mem_strdup((const char *)out.ptr);
    buf_deinit(&out);
    return text;
}

static void expect(struct query_session *session, const char *sql, const char *wanted)
{
    char *text = ask(session, NULL, sql);
    if (strcmp(text, wanted) != 0) fprintf(stderr, "%s\n", sql);
    assert_string_equal(text, wanted);
    free(text);
}

#define TOP "timestamp < '2025-11-22 00:00:19+00'"

/* Goal: each row shows its own values and those of its trace, and never parts of two users.
 * Method: rows by hand, in every place of a trace; the whole table of what must be seen. */
static void test_values(void **state)
{
    struct fixture *fixture = *state;
    static const char wanted[] = "row 0|s1|u1|NULL|NULL\n"
                                 "row 1|s1|u1|NULL|NULL\n"
                                 "row 2|s1|u1|NULL|NULL\n"
                                 "row 3|s2|u1|NULL|NULL\n"
                                 "row 4|s2|u1|NULL|NULL\n"
                                 "row 5|NULL|NULL|NULL|NULL\n"
                                 "row 6|NULL|u2|u2@x|NULL\n"
                                 "row 7|NULL|u3|NULL|three\n"
                                 "row 8|NULL|u2|u2@x|NULL\n"
                                 "row 9|NULL|u5|u5@x|NULL\n"
                                 "row 10|NULL|u5|u5@x|NULL\n"
                                 "row 11|NULL|u5|u5@x|NULL\n"
                                 "row 12|NULL|NULL|f@x|NULL\n"
                                 "row 13|NULL|u6|g@x|NULL\n"
                                 "row 14|NULL|u6|g@x|NULL\n"
                                 "row 15|NULL|NULL|NULL|NULL\n"
                                 "row 16|s9|u1|NULL|NULL\n"
                                 "row 17|NULL|hour|NULL|NULL\n"
                                 "row 18|NULL|NULL|NULL|NULL\n";
    /* Joined; walked; and walked by a statement whose ORDER BY names who it is of. */
    expect(fixture->session,
           "select name, " ALL " from (select * from otel_logs_and_spans where " TOP ") t order by timestamp", wanted);
    expect(fixture->session, "select name, " ALL " from otel_logs_and_spans where " TOP " order by timestamp limit 19",
           wanted);
    expect(fixture->session,
           "select name, " ALL " from otel_logs_and_spans where " TOP
           " order by timestamp, attributes___user___id limit 19",
           wanted);
    expect(fixture->session,
           "select name, " ALL " from telemetry where " TOP " and kind <> 'metric' order by timestamp limit 19",
           wanted);
    /* One field alone is told from the same rows as all. */
    expect(fixture->session,
           "select name, attributes___user___email from otel_logs_and_spans where context___trace_id = 'd' order by 1",
           "row 6|u2@x\nrow 7|NULL\nrow 8|u2@x\n");
    expect(fixture->session,
           "select name, attributes___session___id from otel_logs_and_spans where context___trace_id in ('a', 'b', "
           "'c') order by timestamp",
           "row 0|s1\nrow 1|s1\nrow 2|s1\nrow 3|s2\nrow 4|s2\nrow 5|NULL\n");
}

/* Goal: asking for a user finds the rows of its traces, before and after the row that says so. */
static void test_asked(void **state)
{
    struct fixture *fixture = *state;
    struct query_session *session = fixture->session;
    expect(session, "select name from otel_logs_and_spans where attributes___user___id = 'u1' order by timestamp",
           "row 0\nrow 1\nrow 2\nrow 3\nrow 4\nrow 16\n");
    expect(session,
           "select name from otel_logs_and_spans where attributes___user___id = 'u1' order by timestamp desc limit 3",
           "row 16\nrow 4\nrow 3\n");
    expect(session,
           "select name from otel_logs_and_spans where attributes___user___id in ('u3', 'u1') and "
           "attributes___session___id = 's2' order by timestamp",
           "row 3\nrow 4\n");
    expect(session,
           "select name from otel_logs_and_spans where attributes___session___id = any(array['s1']) order by timestamp",
           "row 0\nrow 1\nrow 2\n");
    expect(session, "select name from otel_logs_and_spans where attributes___user___email = 'u5@x' order by timestamp",
           "row 9\nrow 10\nrow 11\n");
    expect(session, "select name from otel_logs_and_spans where attributes___user___id = 'u2' order by timestamp",
           "row 6\nrow 8\n");
    expect(session, "select count(*) from otel_logs_and_spans where attributes___user___id = 'nobody'", "0\n");
    expect(session, "select count(*) from otel_logs_and_spans where attributes___user___id = null", "0\n");
    expect(session, "select count(*) from otel_logs_and_spans where attributes___user___id = 'it''s; --'", "0\n");
    expect(session, "select count(*) from otel_logs_and_spans where attributes___user___hash = 'x'", "0\n");
    expect(session,
           "select a.name, b.name from otel_logs_and_spans a join otel_logs_and_spans b on a.context___trace_id = "
           "b.context___trace_id and a.attributes___user___id = 'u5' and b.attributes___user___email = 'u5@x' where "
           "a.timestamp < b.timestamp order by 1, 2",
           "row 10|row 11\nrow 9|row 10\nrow 9|row 11\n");
}

/* Goal: `attributes` is what was sent, by every path to it. */
static void test_sent(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture->session,
           "select name, attributes, attributes->>'user.id', attributes->'user'->>'id', attributes->'user', "
           "attributes->>'session.id' from otel_logs_and_spans where context___trace_id = 'a' order by timestamp",
           "row 0|{\"n\":1}|NULL|NULL|NULL|NULL\nrow 1|{\"n\":1}|NULL|NULL|NULL|NULL\n"
           "row 2|{\"n\":1,\"session\":{\"id\":\"s1\"},\"user\":{\"id\":\"u1\"}}|u1|u1|{\"id\":\"u1\"}|s1\n");
    expect(fixture->session,
           "select name from otel_logs_and_spans where attributes->>'user.id' = 'u1' order by timestamp",
           "row 2\nrow 3\nrow 16\n");
}

/* Goal: a value is for rows up to an hour away, whatever time is asked for and however. */
static void test_window(void **state)
{
    struct query_session *session = ((struct fixture *)*state)->session;
    static const char *const conditions[] = {
        "true",
        "timestamp < '2025-11-22 00:00:30+00'",
        "timestamp <= '2025-11-22 00:00:18+00'",
        "timestamp < '2025-11-22 00:00:30+00' and timestamp > '2025-11-22 00:00:10+00'",
        "date = '2025-11-22'",
        "attributes___user___id = 'hour' or name = 'row 18'",
        "context___trace_id in ('h', 'i')",
    };
    char sql[500];
    for (size_t i = 0; i < COUNT_OF(conditions); i++) {
        for (int form = 0; form < 3; form++) {
            snprintf(sql, sizeof sql,
                     form == 0   ? "select name, attributes___user___id from otel_logs_and_spans where name in ('row "
                                   "17', 'row 18') and (%s) order by timestamp"
                     : form == 1 ? "select name, attributes___user___id from otel_logs_and_spans where name in ('row "
                                   "17', 'row 18') and (%s) order by timestamp limit 2"
                                 : "select name, attributes___user___id from (select * from otel_logs_and_spans) t "
                                   "where name in ('row 17', 'row 18') and (%s) order by timestamp",
                     conditions[i]);
            expect(session, sql, "row 17|hour\nrow 18|NULL\n");
        }
    }
    /* A session and a user each have their own hours, whichever of them are named. */
    expect(session, "select attributes___session___id from otel_logs_and_spans where name = 'row 6500'", "NULL\n");
    expect(session, "select attributes___user___id from otel_logs_and_spans where name = 'row 6500'", "u7\n");
    for (int form = 0; form < 2; form++) {
        snprintf(sql, sizeof sql,
                 "select name, attributes___session___id, attributes___user___id from otel_logs_and_spans where %s "
                 "order by timestamp",
                 form ? "context___trace_id = 'j'" : "name in ('row 19', 'row 3000', 'row 6500')");
        expect(session, sql, "row 19|s7|u7\nrow 3000|s7|u7\nrow 6500|NULL|u7\n");
    }
    expect(session, "select name from otel_logs_and_spans where attributes___session___id = 's7' order by timestamp",
           "row 19\nrow 3000\n");
    expect(session, "select name from otel_logs_and_spans where attributes___user___id = 'hour' order by timestamp",
           "row 17\nrow 3617\n");
    expect(session, "select name from otel_logs_and_spans where attributes___user___id = 'late'", "row 3620\n");
    expect(session,
           "select name from otel_logs_and_spans where attributes___user___id = 'hour' and timestamp < '2025-11-22 "
           "00:00:18+00'",
           "row 17\n");
}

/* Goal: one project's users never show in another's rows, whatever traces they share. */
static void test_other_project(void **state)
{
    struct fixture *fixture = *state;
    struct query_session *other;
    struct err err = { .code = ERR_OK };
    assert_true(query_session_open(&other, fixture->engine, fixture->other_project, "tester", &err));
    expect(other, "select context___trace_id, " ALL " from otel_logs_and_spans where name = 'other' order by 1",
           "a|NULL|NULL|NULL|NULL\nc|spy|spy|NULL|NULL\n");
    expect(other, "select count(*) from otel_logs_and_spans where attributes___user___id = 'u1'", "0\n");
    expect(other, "select count(*) from otel_logs_and_spans where attributes___user___id = 'spy'", "1\n");
    expect(fixture->session, "select count(*) from otel_logs_and_spans where attributes___user___id = 'spy'", "0\n");
    query_session_close(other);
}

#ifdef __SANITIZE_ADDRESS__ /* many times as slow: the release build asks all */
enum { QUESTIONS = 15 };
#else
enum { QUESTIONS = 45 };
#endif

/* Goal: however a question is put, and so however it is planned (values at hand, joined, walked, pruned), its answer is the
 * same; and no row is lost or doubled.
 * Method: each in a form that is planned so, and in one that is not, over users of one, several and no trace. */
static void test_ways_agree(void **state)
{
    struct fixture *fixture = *state;
    static const char *const columns[] = { "attributes___user___id", "attributes___session___id",
                                           "attributes___user___email" };
    static const char *const formats[] = { "u%u", "r%u", "u%u@x" };
    static const char *const times[] = { "true", "timestamp >= '2025-11-22 01:00:00+00'",
                                         "timestamp between '2025-11-22 00:20:00+00' and '2025-11-22 02:00:00+00'" };
    uint32_t found = 0;
    for (uint32_t i = 0; i < QUESTIONS; i++) {
        char value[32], fast[900], slow[900];
        const char *column = columns[i % 3], *time = times[i / 3 % 3];

        snprintf(value, sizeof value, formats[i % 3], i % 3 == 1 ? i : 100 + i % 41);
        const char *direction = i % 2 ? "desc" : "";
        snprintf(fast, sizeof fast,
                 "select name, " ALL " from otel_logs_and_spans where %s = '%s' and %s order by timestamp %s", column,
                 value, time, direction);
        snprintf(slow, sizeof slow,
                 "select name, " ALL " from otel_logs_and_spans where %s || '' = '%s' and %s order by timestamp %s",
                 column, value, time, direction);
        char *a = ask(fixture->session, NULL, fast), *b = ask(fixture->session, NULL, slow);
        assert_string_equal(a, b);
        found += a[0] != '\0';
        free(b);
        /* Its first rows, walked. */
        strcat(fast, " limit 7");
        b = ask(fixture->session, NULL, fast);
        assert_int_equal(strncmp(a, b, strlen(b)), 0);
        assert_true(a[0] == '\0' || b[0] != '\0');
        free(a);
        free(b);
        /* A page of all rows, walked and not. */
        snprintf(fast, sizeof fast,
                 "select name, " ALL
                 " from otel_logs_and_spans where %s and kind = 'log' order by timestamp %s limit 40 offset %u",
                 time, direction, i * 3);
        snprintf(slow, sizeof slow,
                 "select name, " ALL " from (select * from otel_logs_and_spans where %s) t where kind = 'log' order by "
                 "timestamp %s limit 40 offset %u",
                 time, direction, i * 3);
        a = ask(fixture->session, NULL, fast);
        b = ask(fixture->session, NULL, slow);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    assert_true(found > QUESTIONS * 2 / 3);
    expect(fixture->session,
           "select count(*), count(distinct name) from (select " ALL ", name from otel_logs_and_spans) t",
           "12000|12000\n");
    expect(fixture->session,
           "select sum(n) from (select attributes___user___id, count(*) as n from otel_logs_and_spans group by 1) t",
           "12000\n");
}

/* Goal: what a user's rows are is found in few files, and who does not ask pays nothing. */
static void test_files(void **state)
{
    struct fixture *fixture = *state;
    uint32_t files = 0;
    free(ask(fixture->session, &files, "select name from otel_logs_and_spans where attributes___user___id = 'u5'"));
    assert_int_equal(files, 1);
    free(ask(fixture->session, &files, "select name from otel_logs_and_spans where attributes___user___id = 'nobody'"));
    assert_int_equal(files, 0);
    free(ask(fixture->session, &files, "select * from otel_logs_and_spans where context___trace_id = 'e'"));
    assert_int_equal(files, 1);
    char *plan = ask(fixture->session, NULL, "explain select name from otel_logs_and_spans where kind = 'log'");
    assert_null(strstr(plan, "whose"));
    assert_null(strstr(plan, "JOIN"));
    free(plan);
    plan = ask(fixture->session, NULL, "explain select name, attributes___user___id from otel_logs_and_spans");
    assert_non_null(strstr(plan, "whose a trace is: 24"));
    assert_non_null(strstr(plan, "JOIN"));
    free(plan);
    plan =
        ask(fixture->session, NULL, "explain select name from otel_logs_and_spans where attributes___user___id = 'u5'");
    assert_non_null(strstr(plan, "whose a trace is: 1"));
    assert_null(strstr(plan, "JOIN"));
    free(plan);
}

/* Goal: a damaged file that says whose a trace is takes nothing else along, and is named.
 * Method: overwrite the end of the file with row 3617, which names the user of row 17. */
static void test_damaged(void **state)
{
    (void)state;
    struct fixture fixture;
    struct query_statement *statement;
    struct query_cursor *cursor;
    const struct query_chunk *chunk;
    const char *const *warnings;
    struct timefusion_snapshot *snapshot;
    struct err err = { .code = ERR_OK };
    char command[300];
    fixture_open(&fixture, 0, 0);
    for (uint32_t f = 0; f < 12; f++)
        fixture_publish_rows(&fixture, fixture.project, SCHEMA_LOGS_AND_SPANS, (uint64_t)f * FILE_ROWS, FILE_ROWS, f,
                             row_put);
    assert_true(
        timefusion_snapshot_acquire(fixture.timefusion, SCHEMA_LOGS_AND_SPANS, fixture.project, &snapshot, &err));
    snprintf(command, sizeof command,
             "f=$(find '%s/local' -name '*%s') && printf 'xxxxxxxxxxxx' | dd of=$f bs=1 seek=$(($(stat -c %%s $f) - "
             "12)) conv=notrunc 2>/dev/null",
             fixture.dir, snapshot->files[12 - 1 - HOUR_ROW / FILE_ROWS]->name);
    timefusion_snapshot_release(snapshot);
    assert_int_equal(system(command), 0);
    static const struct {
        const char *sql;
        bool is_null; /* the first row's value */
    } statements[] = {
        { "select attributes___user___id from otel_logs_and_spans where name = 'row 17'", true },
        { "select attributes___user___id from otel_logs_and_spans where context___trace_id = 'h'", true },
        { "select attributes___user___id from otel_logs_and_spans where attributes___user___id in ('hour', 'u5')",
          false },
        { "select attributes___user___id from otel_logs_and_spans order by timestamp limit 5000", false }, /* walked */
    };
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        assert_true(query_prepare(fixture.session, bytes_of_text(statements[i].sql), NULL, 0, &statement, &err));
        if (!query_execute(statement, NULL, 0, &cursor, &err)) fail_msg("%s", err.text);
        assert_true(query_fetch(cursor, &chunk, &err));
        assert_non_null(chunk);
        assert_int_equal(query_chunk_value(chunk, 0, 0).is_null, statements[i].is_null);
        if (query_cursor_warnings(cursor, &warnings) != 1) fail_msg("not one warning: %s", statements[i].sql);
        assert_non_null(strstr(warnings[0], "up to 500 rows are missing"));
        query_cursor_close(cursor);
        query_statement_close(statement);
    }
    fixture_close(&fixture);
}

/* Goal: a map gives back what was put, refuses what is too much, and is found by its number alone. */
static void test_map(void **state)
{
    (void)state;
    char trace[40], value[40];
    struct identity_map *map = identity_map_create(1000, 3);
    for (uint32_t i = 0; i < 1000; i++) {
        struct bytes key = fixture_text(trace, sizeof trace, "%032" PRIx64, i);
        for (uint32_t field = 0; field < 3; field++) {
            struct bytes text = fixture_text(value, sizeof value, "v%" PRIu64, i * 3 + field);
            if (i % 3 != field) assert_true(identity_map_put(map, key, field, text, i, i + 10));
        }
    }
    assert_int_equal(identity_map_count(map), 1000);
    assert_false(identity_map_put(map, BYTES("one more"), 0, BYTES("x"), 0, 1));
    for (uint32_t i = 0; i < 1001; i++) {
        struct bytes key = fixture_text(trace, sizeof trace, "%032" PRIx64, i);
        for (uint32_t field = 0; field < 3; field++) {
            struct bytes got = identity_map_get(map, key, i + 10, field);
            bool is_there = i < 1000 && i % 3 != field;
            assert_int_equal(got.ptr != NULL, is_there);
            if (is_there) assert_true(bytes_equal(got, fixture_text(value, sizeof value, "v%" PRIu64, i * 3 + field)));
            assert_null(identity_map_get(map, key, (int64_t)i - 1, field).ptr);
            assert_null(identity_map_get(map, key, i + 11, field).ptr);
        }
    }
    struct identity_maps *maps = identity_maps_create();
    uint64_t number = identity_maps_add(maps, map);
    assert_true(number > 0);
    map = identity_map_create(1, 1);
    assert_true(identity_map_put(map, BYTES(""), 0, BYTES(""), 0, 0)); /* empty is not none */
    assert_non_null(identity_map_get(map, BYTES(""), 0, 0).ptr);
    assert_int_not_equal(identity_maps_add(maps, map), number);
    identity_maps_drop(maps, number);
    identity_maps_drop(maps, number);
    identity_maps_drop(maps, number + 1);
    identity_maps_destroy(maps);
    map = identity_map_create(4, 1);
    uint8_t *large = mem_calloc(1, IDENTITY_MAP_BYTES_MAX);
    assert_false(identity_map_put(map, BYTES("a"), 0, bytes_from(large, IDENTITY_MAP_BYTES_MAX), 0, 0));
    assert_true(identity_map_put(map, BYTES("a"), 0, bytes_from(large, IDENTITY_MAP_BYTES_MAX / 2), 0, 0));
    assert_false(identity_map_put(map, BYTES("b"), 0, bytes_from(large, IDENTITY_MAP_BYTES_MAX / 2), 0, 0));
    assert_null(identity_map_get(map, BYTES("b"), 0, 0).ptr);
    free(large);
    identity_map_destroy(map);
}

/* Goal: times that meet become one, and the count of files to read follows them. */
static void test_ranges(void **state)
{
    struct fixture *fixture = *state;
    struct identity_range ranges[] = { { 50, 60 }, { 10, 20 }, { 15, 30 }, { 30, 35 }, { 12, 14 }, { 61, 70 } };
    assert_int_equal(identity_ranges_merge(ranges, 6), 3);
    assert_true(ranges[0].from_us == 10 && ranges[0].to_us == 35);
    assert_true(ranges[1].from_us == 50 && ranges[1].to_us == 60);
    assert_true(ranges[2].from_us == 61 && ranges[2].to_us == 70);
    assert_int_equal(identity_ranges_merge(ranges, 0), 0);
    uint32_t files = 0;
    char *text =
        ask(fixture->session, &files, "select name from otel_logs_and_spans where attributes___user___id = 'u5'");
    assert_true(files <= 8); /* of 24; an hour is 7.2 files, and row 10 is in the first */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),        cmocka_unit_test(test_asked),      cmocka_unit_test(test_sent),
        cmocka_unit_test(test_window),        cmocka_unit_test(test_files),      cmocka_unit_test(test_map),
        cmocka_unit_test(test_other_project), cmocka_unit_test(test_ways_agree), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
