/* The database's face: the same answers from SQLite and PostgreSQL. */
#include <pthread.h>
#include <stdatomic.h>

#include "meta/db_fixture.h"
#include "meta/db_migrate.h"

static int setup(void **state)
{
    struct db_fixture *fixture = db_fixture_setup(state);
    struct err err = { 0 };
    char sql[1024];
    db_fixture_open(fixture);
    struct buf text;
    buf_init(&text, sizeof sql);
    assert_true(db_dialect("CREATE TABLE things(id {uuid} PRIMARY KEY, number {integer}, ratio {double}, name {text} "
                           "UNIQUE, bytes {bytes}, is_on {boolean} NOT NULL DEFAULT 0, CHECK(number < 1000)) {strict};"
                           "CREATE TABLE parts(thing_id {uuid} NOT NULL REFERENCES things(id), at {integer} NOT NULL,"
                           " count {integer} NOT NULL, PRIMARY KEY(thing_id, at)) {clustered};",
                           fixture->kind, &text, &err));
    if (!db_run_alone(fixture->db, (const char *)text.ptr, &err)) fail_msg("%s", err.text);
    buf_deinit(&text);
    return 0;
}

static int teardown(void **state)
{
    db_fixture_teardown(*state);
    return 0;
}

#define ID_1 "6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b"
#define ID_2 "7f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b"

static struct uuid id_of(const char *text)
{
    struct uuid id;
    assert_true(uuid_from_text(bytes_of_text(text), &id));
    return id;
}

struct thing {
    int64_t number;
    double ratio;
    char name[64];
    uint8_t bytes[8];
    size_t byte_count;
    bool is_on;
    struct uuid id;
    bool has_number;
    int count;
};

static bool thing_read(void *ctx, struct db_row *row, struct err *err)
{
    struct thing *thing = ctx;
    (void)err;
    thing->id = db_row_uuid(row, 0);
    thing->number = db_row_integer(row, 1);
    thing->has_number = !db_row_is_null(row, 1);
    thing->ratio = db_row_real(row, 2);
    db_row_text_copy(row, 3, thing->name, sizeof thing->name);
    struct bytes bytes = db_row_bytes(row, 4);
    assert_true(bytes.len <= sizeof thing->bytes);
    if (bytes.len) memcpy(thing->bytes, bytes.ptr, bytes.len);
    thing->byte_count = bytes.len;
    thing->is_on = db_row_boolean(row, 5);
    thing->count++;
    return true;
}

#define THING_SQL "SELECT id, number, ratio, name, bytes, is_on FROM things WHERE id = $1"

static bool insert_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct thing *thing = ctx;
    /* $2 before $1: SQLite numbers values as they appear. */
    return db_run(session, "INSERT INTO things(number, id, ratio, name, bytes, is_on) VALUES($2, $1, $3, $4, $5, $6)",
                  DB_VALUES(db_uuid(thing->id), thing->has_number ? db_integer(thing->number) : db_null(DB_INTEGER),
                            db_real(thing->ratio), db_text(thing->name),
                            db_bytes(bytes_from(thing->bytes, thing->byte_count)), db_boolean(thing->is_on)),
                  NULL, NULL, NULL, err);
}

/* Goal: every type of value comes back as it went, NULL and emptiness apart. Method: two rows, in and out. */
static void test_values(void **state)
{
    struct db_fixture *fixture = *state;
    struct err err = { 0 };
    struct thing thing = { .id = id_of(ID_1),
                           .number = INT64_MIN,
                           .has_number = true,
                           .ratio = 0.1,
                           .name = "a'b\"\xc3\xa9\\",
                           .bytes = { 0, 255, '\\', 'x' },
                           .byte_count = 4,
                           .is_on = true };
    struct thing other = { .id = id_of(ID_2) }, got = { 0 };
    if (!db_transaction(fixture->db, insert_run, &thing, &err) ||
        !db_transaction(fixture->db, insert_run, &other, &err))
        fail_msg("%s", err.text);
    if (!db_read(fixture->db, THING_SQL, DB_VALUES(db_uuid(thing.id)), thing_read, &got, &err))
        fail_msg("%s", err.text);
    assert_int_equal(got.count, 1);
    assert_true(uuid_equal(got.id, thing.id));
    assert_true(got.number == INT64_MIN && got.has_number && got.ratio == 0.1 && got.is_on);
    assert_string_equal(got.name, thing.name);
    assert_int_equal(got.byte_count, 4);
    assert_memory_equal(got.bytes, thing.bytes, 4);
    got = (struct thing){ .number = 7, .name = "x" };
    assert_true(db_read(fixture->db, THING_SQL, DB_VALUES(db_uuid(other.id)), thing_read, &got, &err));
    assert_true(!got.has_number && got.number == 0 && got.ratio == 0 && got.name[0] == '\0' && got.byte_count == 0);
    assert_int_equal(db_fixture_number(fixture->db,
                                       "SELECT count(*) FROM things WHERE name = '' AND bytes IS NOT NULL"),
                     1);
    /* What PostgreSQL calls numeric and boolean. */
    assert_int_equal(db_fixture_number(fixture->db, "SELECT sum(CAST(2 AS bigint))"), 2);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count(*) > 1 FROM things"), 1);
    assert_int_equal(db_fixture_run(fixture->db, "UPDATE things SET number = 5"), 2);
    assert_int_equal(db_fixture_run(fixture->db, "DELETE FROM things WHERE number = 6"), 0);
}

static void assert_refused(struct db *db, const char *sql, enum err_code code)
{
    struct err err = { 0 };
    if (db_fixture_try(db, sql, &err)) fail_msg("%s was taken", sql);
    if (err.code != code) fail_msg("%s: %s, %s", sql, err_name(err.code), err.text);
}

static bool bad_text_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run(session, "UPDATE things SET name = $1", DB_VALUES(db_text_bytes(*(struct bytes *)ctx)), NULL, NULL,
                  NULL, err);
}

static bool bad_row_read(void *ctx, struct db_row *row, struct err *err)
{
    (void)ctx;
    (void)err;
    (void)db_row_integer(row, 0);
    return true;
}

static bool goes_on_run(struct db_session *session, void *ctx, struct err *err)
{
    struct err first = { 0 };
    (void)ctx;
    (void)!db_run(session, "INSERT INTO things(id) VALUES('" ID_2 "')", DB_NO_VALUES, NULL, NULL, NULL, err);
    (void)!db_run(session, "INSERT INTO things(id) VALUES('" ID_1 "')", DB_NO_VALUES, NULL, NULL, NULL, &first);
    assert_int_equal(first.code, ERR_EXISTS);
    assert_false(db_run(session, "SELECT 1", DB_NO_VALUES, NULL, NULL, NULL, err));
    return true; /* a lie */
}

/* Goal: refusals have the same codes in both, and a transaction with one leaves nothing behind. Method: one of each. */
static void test_refusals(void **state)
{
    struct db_fixture *fixture = *state;
    struct err err = { 0 };
    struct db *db = fixture->db;
    (void)db_fixture_run(db, "INSERT INTO things(id, name, number) VALUES('" ID_1 "', 'a', 1)");
    assert_refused(db, "INSERT INTO things(id) VALUES('" ID_1 "')", ERR_EXISTS);
    assert_refused(db, "INSERT INTO things(id, name) VALUES('" ID_2 "', 'a')", ERR_EXISTS);
    assert_refused(db, "INSERT INTO things(id, number) VALUES('" ID_2 "', 1000)", ERR_INPUT);
    assert_refused(db, "INSERT INTO things(id, is_on) VALUES('" ID_2 "', NULL)", ERR_INPUT);
    assert_refused(db, "INSERT INTO parts(thing_id, at, count) VALUES('" ID_2 "', 1, 1)", ERR_NOT_FOUND);
    assert_refused(db, "SELECT 1 FROM nothing", ERR_INTERNAL);
    assert_refused(db, "SELEKT", ERR_INTERNAL);
    struct bytes bad = BYTES("a\0b");
    assert_false(db_transaction(db, bad_text_run, &bad, &err));
    assert_int_equal(err.code, ERR_INPUT);
    bad = BYTES("\xff");
    assert_false(db_transaction(db, bad_text_run, &bad, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_false(db_read(db, "SELECT name FROM things", DB_NO_VALUES, bad_row_read, NULL, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    err = (struct err){ 0 };
    assert_false(db_transaction(db, goes_on_run, NULL, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM things"), 1);
    static const char *const urls[] = { "", "mysql://a/b", "sqlite://", "postgres://%zz:secret@h/d" };
    for (size_t u = 0; u < COUNT_OF(urls); u++) {
        struct db *none;
        assert_false(db_open(&none, &(struct db_options){ .url = urls[u], .log = &db_fixture_log }, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_null(strstr(err.text, "secret"));
    }
}

struct many {
    struct uuid id;
    size_t count;
    int64_t changed;
};

#define ADD_SQL                                                 \
    "INSERT INTO parts(thing_id, at, count) VALUES($1, $2, $3)" \
    " ON CONFLICT(thing_id, at) DO UPDATE SET count = parts.count + excluded.count"

static bool many_run(struct db_session *session, void *ctx, struct err *err)
{
    struct many *many = ctx;
    struct db_value *values = calloc(3 * many->count, sizeof *values);
    for (size_t i = 0; i < many->count; i++) {
        values[3 * i] = db_uuid(many->id);
        values[3 * i + 1] = db_integer((int64_t)(i % 700));
        values[3 * i + 2] = db_integer(2);
    }
    bool ok = db_run_many(session, ADD_SQL, values, 3, many->count, &many->changed, err);
    free(values);
    return ok;
}

/* Goal: many upserts at once are as if one by one, and all or none. Method: 1,000, twice; then with a thing that is not. */
static void test_many(void **state)
{
    struct db_fixture *fixture = *state;
    struct err err = { 0 };
    struct many many = { .id = id_of(ID_1), .count = 1000 };
    (void)db_fixture_run(fixture->db, "INSERT INTO things(id) VALUES('" ID_1 "')");
    for (int i = 0; i < 2; i++) {
        if (!db_transaction_adding(fixture->db, many_run, &many, &err)) fail_msg("%s", err.text);
        assert_int_equal(many.changed, 1000);
    }
    assert_int_equal(db_fixture_number(fixture->db, "SELECT sum(count) FROM parts"), 4000);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count FROM parts WHERE at = 0"), 8);
    many.id = id_of(ID_2);
    assert_false(db_transaction_adding(fixture->db, many_run, &many, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT sum(count) FROM parts"), 4000);
    many = (struct many){ .id = id_of(ID_1) };
    assert_true(db_transaction(fixture->db, many_run, &many, &err));
    assert_int_equal(many.changed, 0);
}

/* Reads a number and writes one more: wrong if two do it at once. */
static bool increment_run(struct db_session *session, void *ctx, struct err *err)
{
    int64_t number = 0;
    (void)ctx;
    return db_run(session, "SELECT number FROM things WHERE id = $1", DB_VALUES(db_uuid(id_of(ID_1))),
                  db_fixture_number_read, &number, NULL, err) &&
           db_run(session, "UPDATE things SET number = $2 WHERE id = $1",
                  DB_VALUES(db_uuid(id_of(ID_1)), db_integer(number + 1)), NULL, NULL, NULL, err) &&
           db_note_change(session, "things", err);
}

static bool adding_run(struct db_session *session, void *ctx, struct err *err)
{
    (void)ctx;
    return db_run(session, ADD_SQL, DB_VALUES(db_uuid(id_of(ID_1)), db_integer(1), db_integer(1)), NULL, NULL, NULL,
                  err);
}

enum { THREADS = 4, TIMES = 25 };
static void *increments(void *ctx)
{
    for (int i = 0; i < TIMES; i++) {
        struct err err = { 0 };
        if (!db_transaction(ctx, increment_run, NULL, &err) || !db_transaction_adding(ctx, adding_run, NULL, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return ctx;
        }
    }
    return NULL;
}

/* Goal: transactions are as if alone. Method: four threads, each reads a number and writes one more, 25 times; they add to
 * another; changes are noted. */
static void test_transactions_are_alone(void **state)
{
    struct db_fixture *fixture = *state;
    pthread_t threads[THREADS];
    int64_t before, after;
    struct err err = { 0 };
    (void)db_fixture_run(fixture->db, "INSERT INTO things(id, number) VALUES('" ID_1 "', 0)");
    assert_true(db_change_number(fixture->db, "things", &before, &err));
    assert_int_equal(before, 0);
    for (int t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, increments, fixture->db), 0);
    for (int t = 0; t < THREADS; t++) {
        void *failed;
        pthread_join(threads[t], &failed);
        assert_null(failed);
    }
    assert_int_equal(db_fixture_number(fixture->db, "SELECT number FROM things"), THREADS * TIMES);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT count FROM parts"), THREADS * TIMES);
    assert_true(db_change_number(fixture->db, "things", &after, &err));
    assert_int_equal(after, THREADS * TIMES);
    struct db_stats stats;
    db_stats(fixture->db, &stats);
    assert_int_equal(stats.connections_busy, 0);
    assert_true(stats.connections >= 1 && stats.connections <= 8 && !stats.is_away);
}

struct lock_try {
    struct db *other;
    bool waits, got;
};

static bool lock_inner_run(struct db_session *session, void *ctx, struct err *err)
{
    struct lock_try *lock_try = ctx;
    return db_lock_try(session, "job", &lock_try->got, err);
}

static bool lock_outer_run(struct db_session *session, void *ctx, struct err *err)
{
    struct lock_try *lock_try = ctx;
    struct err inner = { 0 };
    if (!db_lock(session, "job", err)) return false;
    if (!db_transaction_adding(lock_try->other, lock_inner_run, lock_try, &inner)) {
        assert_int_equal(inner.code, ERR_BUSY); /* SQLite: nobody else may even begin */
        lock_try->got = false;
    }
    return true;
}

/* Goal: a lock is held by one, and let go with its transaction. Method: a second handle tries inside and after. */
static void test_locks(void **state)
{
    struct db_fixture *fixture = *state;
    struct err err = { 0 };
    struct lock_try lock_try = { 0 };
    struct db_options options = { .url = fixture->url, .wait_ms_max = 100, .log = &db_fixture_log };
    assert_true(db_open(&lock_try.other, &options, &err));
    lock_try.got = true;
    if (!db_transaction_adding(fixture->db, lock_outer_run, &lock_try, &err)) fail_msg("%s", err.text);
    assert_false(lock_try.got);
    assert_true(db_transaction_adding(lock_try.other, lock_inner_run, &lock_try, &err));
    assert_true(lock_try.got);
    db_close(lock_try.other);
}

/* Goal: a statement that takes too long is ended, and the connection is good for the next. Method: one that counts far. */
static void test_slow_statement(void **state)
{
    struct db_fixture *fixture = *state;
    struct err err = { 0 };
    struct db *db;
    struct db_options options = {
        .url = fixture->url, .statement_ms_max = 100, .connections_max = 1, .log = &db_fixture_log
    };
    assert_true(db_open(&db, &options, &err));
    for (int i = 0; i < 2; i++) {
        int64_t number;
        assert_false(
            db_read(db,
                    "WITH RECURSIVE far(n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM far WHERE n "
                    "< 100000000000) SELECT max(n) FROM far",
                    DB_NO_VALUES, db_fixture_number_read, &number, &err));
        if (err.code != ERR_TIMEOUT) fail_msg("%s: %s", err_name(err.code), err.text);
        assert_int_equal(db_fixture_number(db, "SELECT 3"), 3);
    }
    db_close(db);
}

/* -- migrations ------------------------------------------------------------------------------------------------- */

static const struct db_migration first[] = { { 900, "first",
                                               "CREATE TABLE m1(id {integer} PRIMARY KEY) {strict};\n" } };
static const struct db_migration changed[] = { { 900, "first", "CREATE TABLE m1(id {integer} PRIMARY KEY);\n" } };
static const struct db_migration more[] = {
    { 900, "first", "CREATE TABLE m1(id {integer} PRIMARY KEY) {strict};\n" },
    { 901, "second",
      "--sqlite\nCREATE TABLE m2(s TEXT);\n--postgres\nCREATE TABLE m2(p text);\n--both\nINSERT INTO m1 VALUES(1);\n" },
    { 902, "third", "INSERT INTO m1 VALUES(2);\n" },
};
static const struct db_migration broken[] = {
    { 900, "first", "CREATE TABLE m1(id {integer} PRIMARY KEY) {strict};\n" },
    { 901, "second", "CREATE TABLE m2(a {text}) {strict};\n" },
    { 902, "third", "INSERT INTO m1 VALUES(1);\nINSERT INTO m1 VALUES(1);\n" },
};
static const struct db_migration unknown[] = { { 900, "first", "CREATE TABLE m1(id {number} PRIMARY KEY);\n" } };

/* The list with the program's own before it. */
static bool migrate_with(struct db *db, const struct db_migration *list, size_t count, struct err *err)
{
    struct db_migration *all = calloc(db_migration_count + count, sizeof *all);
    memcpy(all, db_migrations, db_migration_count * sizeof *all);
    memcpy(all + db_migration_count, list, count * sizeof *all);
    bool ok = db_migrate_list(db, all, db_migration_count + count, err);
    free(all);
    return ok;
}

/* Goal: migrations run once, all or none; a changed one and one of a newer program are refused; words mean one database's
 * types. Method: lists that grow, break, change and shrink. */
static void test_migrations(void **state)
{
    struct db_fixture *fixture = *state;
    struct db *db = fixture->db;
    struct err err = { 0 };
    assert_false(migrate_with(db, broken, COUNT_OF(broken), &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_non_null(strstr(err.text, "migration 902"));
    assert_refused(db, "SELECT count(*) FROM m1", ERR_INTERNAL);
    assert_false(migrate_with(db, unknown, COUNT_OF(unknown), &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    for (int i = 0; i < 2; i++)
        if (!migrate_with(db, first, COUNT_OF(first), &err)) fail_msg("%s", err.text);
    assert_false(migrate_with(db, changed, COUNT_OF(changed), &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    for (int i = 0; i < 2; i++)
        if (!migrate_with(db, more, COUNT_OF(more), &err)) fail_msg("%s", err.text);
    assert_int_equal(db_fixture_number(db, "SELECT count(*) FROM m1"), 2);
    (void)db_fixture_number(db, fixture->kind == DB_SQLITE ? "SELECT count(s) FROM m2" : "SELECT count(p) FROM m2");
    assert_false(migrate_with(db, first, COUNT_OF(first), &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "newer"));
}

struct opener {
    const char *url;
    bool is_open;
    struct err err;
};

static void *opens(void *ctx)
{
    struct opener *opener = ctx;
    struct db *db;
    opener->is_open = db_open(&db, &(struct db_options){ .url = opener->url, .log = &db_fixture_log }, &opener->err);
    if (opener->is_open) db_close(db);
    return NULL;
}

/* Goal: several processes that start at once on an empty database all find it up to date. Method: four openers. */
static void test_opened_by_many(void **state)
{
    struct db_fixture *fixture = *state;
    char url[256];
    pthread_t threads[THREADS];
    struct opener openers[THREADS] = { 0 };
    db_fixture_url(fixture, url, sizeof url);
    for (int t = 0; t < THREADS; t++) {
        openers[t].url = url;
        assert_int_equal(pthread_create(&threads[t], NULL, opens, &openers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        if (!openers[t].is_open) fail_msg("%s", openers[t].err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_values, setup, teardown),     DB_BOTH(test_refusals, setup, teardown),
        DB_BOTH(test_many, setup, teardown),       DB_BOTH(test_transactions_are_alone, setup, teardown),
        DB_BOTH(test_locks, setup, teardown),      DB_BOTH(test_slow_statement, setup, teardown),
        DB_BOTH(test_migrations, setup, teardown), DB_BOTH(test_opened_by_many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
