/* Errors in memory: the same in any order, in parts or as one, bounded when kinds come in floods; events cut, users up to a number. */
#include "base/utf8.h"
#include "meta/db_fixture.h"
#include "meta/tap_position.h"
#include "worker/errors/error_delta.h"
#include "worker/errors/error_held.h"
#include "worker/errors/error_users.h"
#include "worker/otlp/otlp_encode.h"

#define NOW_US  INT64_C(1795744860000000)
#define PROJECT ((struct uuid){ { 7 } })
enum { ROWS = 3000, KINDS = 12, PARTS = 7 };

static const uint8_t secret[32] = { 3 };

/* A row with one error, all of it made of two numbers. */
struct made {
    char element[4 + UUID_TEXT_BYTES + 1], message[64], user[24], release[16], service[24];
    struct rows_error error;
    struct rows_row row;
};
static void row_make(struct made *made, uint32_t kind, uint32_t n)
{
    static const char *const environments[] = { "", "production", "staging" };
    struct uuid id = { { 5, (uint8_t)kind, (uint8_t)(kind >> 8), (uint8_t)(kind >> 16) } };
    memset(made, 0, sizeof *made);
    memcpy(made->element, "err:", 4);
    uuid_to_text(id, made->element + 4);
    snprintf(made->message, sizeof made->message, "order %u was lost", n % 50);
    snprintf(made->user, sizeof made->user, "user%u", n % 37);
    snprintf(made->release, sizeof made->release, "1.%u", n % 3);
    snprintf(made->service, sizeof made->service, "service%u", kind % 3);
    made->error = (struct rows_error){ .hash = bytes_from(made->element, 4 + UUID_TEXT_BYTES),
                                       .by = FINGERPRINT_BY_STACK,
                                       .source = { .type = BYTES("shop.Lost"),
                                                   .message = bytes_of_text(made->message),
                                                   .stacktrace = BYTES("shop.Lost\n\tat shop.Cart.pay(Cart.java:12)"),
                                                   .service = bytes_of_text(made->service),
                                                   .language = BYTES("java") } };
    made->row = (struct rows_row){ .kind = ROWS_SERVER,
                                   .timestamp_us = NOW_US + (int64_t)(n % 400) * 1000000, /* several at one time */
                                   .errors = &made->error,
                                   .error_count = 1,
                                   .release = n % 5 == 0 ? BYTES("") : bytes_of_text(made->release),
                                   .environment = bytes_of_text(environments[n % 3]),
                                   .user_id = n % 4 == 0 ? BYTES("") : bytes_of_text(made->user),
                                   .session_id = n % 8 == 0 ? BYTES("") : BYTES("session"),
                                   .trace_id = BYTES("0af7651916cd43dd8448eb211c80319c") };
}

static void row_add(struct error_delta *delta, struct error_names *names, uint32_t kind, uint32_t n)
{
    struct made made;
    row_make(&made, kind, n);
    error_delta_row(delta, names, PROJECT, &made.row, 0);
}

static void delta_store(struct db *db, struct error_delta *delta, uint64_t position)
{
    struct err err = { 0 };
    struct error_changes changes = {
        .app_id = "app", .owner = { { 1 } }, .position_before = position - 1, .position = position
    };
    error_delta_changes(delta, &changes);
    if (!error_store(db, &changes, NOW_US, &err)) fail_msg("%s", err.text);
    error_delta_reset(delta);
}

static bool text_read(void *ctx, struct db_row *row, struct err *err)
{
    struct buf *dump = ctx;
    (void)err;
    for (size_t v = 0; v < row->value_count; v++) {
        const struct db_value *value = &row->values[v];
        char text[UUID_TEXT_BYTES + 1];
        struct bytes put = value->bytes;
        if (value->type == DB_INTEGER) {
            snprintf(text, sizeof text, "%lld", (long long)value->integer);
            put = bytes_of_text(text);
        } else if (value->type == DB_UUID) {
            uuid_to_text(value->uuid, text);
            put = bytes_of_text(text);
        }
        assert_true(buf_add(dump, put.ptr, put.len) && buf_add(dump, "|", 1));
    }
    return buf_add(dump, "\n", 1);
}

/* All that the tables hold. */
static void dump(struct db *db, struct buf *into)
{
    static const char *const tables[] = {
        "SELECT service, family, language, made_by, first_event, last_event, first_unix_us, last_unix_us, total_count "
        "FROM error_fingerprints ORDER BY id",
        "SELECT at_unix_us, environment, row_count FROM error_minutes ORDER BY fingerprint_id, at_unix_us, environment",
        "SELECT at_unix_us, environment, row_count FROM error_hours ORDER BY fingerprint_id, at_unix_us, environment",
        "SELECT release, environment, first_unix_us, last_unix_us, row_count FROM error_releases ORDER BY "
        "fingerprint_id, release, environment",
        "SELECT user_hash, first_unix_us, last_unix_us FROM error_users ORDER BY fingerprint_id, user_hash",
    };
    buf_init(into, 64 << 20);
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        struct err err = { 0 };
        if (!db_read(db, tables[t], DB_NO_VALUES, text_read, into, &err)) fail_msg("%s", err.text);
    }
}

static int setup(void **state)
{
    struct db_fixture *fixture = db_fixture_setup(state);
    db_fixture_open(fixture);
    return 0;
}
static int teardown(void **state)
{
    db_fixture_teardown(*state);
    return 0;
}

static void tables_empty(struct db *db)
{
    static const char *const tables[] = { "tap_positions", "error_fingerprints", "error_minutes",
                                          "error_hours",   "error_releases",     "error_users" };
    struct err err = { 0 };
    uint64_t position;
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[t]);
        db_fixture_run(db, sql);
    }
    assert_true(tap_position_take(db, ERROR_TAP, "app", (struct uuid){ { 1 } }, NOW_US, &position, &err));
}

/* Goal: what the tables hold does not depend on the order of rows, nor on which are added up in memory and which in the
 * database. Method: the same rows as one delta; then shuffled over several, which are merged or stored by chance. */
static void test_any_order(void **state)
{
    struct db_fixture *fixture = *state;
    struct buf whole, parts;
    uint32_t order[ROWS];
    uint64_t random = 11; /* a seed */
    struct error_delta *delta = error_delta_create(), *deltas[PARTS];
    struct error_names *names[PARTS];
    for (int p = 0; p < PARTS; p++) {
        deltas[p] = error_delta_create();
        names[p] = error_names_create(secret);
        error_names_begin(names[p], NOW_US, NULL);
    }
    for (uint32_t n = 0; n < ROWS; n++) {
        order[n] = n;
        row_add(delta, names[0], n % KINDS, n);
    }
    tables_empty(fixture->db);
    delta_store(fixture->db, delta, 1);
    dump(fixture->db, &whole);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT CAST(SUM(total_count) AS bigint) FROM error_fingerprints"),
                     ROWS);
    assert_int_equal(db_fixture_number(fixture->db, "SELECT CAST(SUM(row_count) AS bigint) FROM error_releases"),
                     ROWS - ROWS / 5);
    for (int round = 0; round < 3; round++) {
        uint64_t position = 0;
        for (uint32_t n = ROWS - 1; n > 0; n--) {
            uint32_t other = (uint32_t)(encode_random(&random) % (n + 1)), swap = order[n];
            order[n] = order[other];
            order[other] = swap;
        }
        tables_empty(fixture->db);
        for (uint32_t n = 0; n < ROWS; n++) {
            int p = (int)(encode_random(&random) % PARTS);
            row_add(deltas[p], names[p], order[n] % KINDS, order[n]);
            if (n % 100 != 99) continue;
            int from = (int)(encode_random(&random) % PARTS);
            if (from != p && encode_random(&random) % 3 != 0)
                error_delta_merge(deltas[p], deltas[from]);
            else
                delta_store(fixture->db, deltas[from], ++position);
        }
        for (int p = 0; p < PARTS; p++) delta_store(fixture->db, deltas[p], ++position);
        dump(fixture->db, &parts);
        assert_int_equal(whole.len, parts.len);
        assert_memory_equal(whole.ptr, parts.ptr, whole.len);
        buf_deinit(&parts);
    }
    buf_deinit(&whole);
    error_delta_destroy(delta);
    for (int p = 0; p < PARTS; p++) {
        error_delta_destroy(deltas[p]);
        error_names_destroy(names[p]);
    }
}

/* Goal: a flood of kinds is bounded, said, and does not hide another service's errors; every error still counts once. What was
 * kept stays kept; a new day begins anew; too many environments and releases are one.
 * Method: more kinds than a service may have, of two services; then the same day's next rows, and the next day's. */
static void test_flood(void **state)
{
    struct error_delta *delta = error_delta_create();
    struct error_names *names = error_names_create(secret);
    struct error_changes changes = { 0 };
    uint64_t counted = 0, others = 0;
    (void)state;
    error_names_begin(names, NOW_US, NULL);
    for (uint32_t kind = 0; kind < 3 * (ERROR_SERVICE_MAX + 200); kind += 3) row_add(delta, names, kind, 1);
    row_add(delta, names, 1, 1);
    row_add(delta, names, 0, 1);
    assert_int_equal(error_delta_rest(delta), 200);
    error_delta_changes(delta, &changes);
    assert_int_equal(changes.fingerprint_count, ERROR_SERVICE_MAX + 2);
    for (size_t f = 0; f < changes.fingerprint_count; f++) {
        const struct error_counted *one = &changes.fingerprints[f];
        counted += (uint64_t)one->row_count;
        if (one->made_by != FINGERPRINT_BY_PLACE) continue;
        others += (uint64_t)one->row_count;
        assert_true(bytes_equal(one->service, BYTES("service0")));
        char *text = bytes_to_text(one->first_event);
        assert_non_null(strstr(text, "\"type\":\"(other)\""));
        assert_null(strstr(text, "stacktrace"));
        free(text);
    }
    assert_int_equal(counted, ERROR_SERVICE_MAX + 202);
    assert_int_equal(others, 200);
    error_delta_reset(delta);

    error_names_begin(names, NOW_US + ERROR_DAY_US, NULL);
    row_add(delta, names, 3 * (ERROR_SERVICE_MAX + 100), 1);
    assert_int_equal(error_delta_rest(delta), 0);

    uint32_t environments = 0, releases = 0;
    for (uint32_t n = 0; n < ERROR_RELEASES_MAX + 10; n++) {
        char text[20];
        struct bytes name = bytes_from(text, (size_t)snprintf(text, sizeof text, "name %u", n));
        environments += bytes_equal(error_names_environment(names, PROJECT, name), name);
        releases += bytes_equal(error_names_release(names, PROJECT, name), name);
    }
    assert_int_equal(environments, ERROR_ENVIRONMENTS_MAX - 1); /* "production" is one */
    assert_int_equal(releases, ERROR_RELEASES_MAX - 1);
    error_names_destroy(names);
    error_delta_destroy(delta);
}

static bool has_text(const struct error_counted *counted, const char *needle)
{
    char *text = bytes_to_text(counted->first_event);
    bool has = strstr(text, needle) != NULL;
    free(text);
    return has;
}

/* Goal: whatever bytes are sent, an event is bounded and text that a database takes.
 * Method: a stack of 100 KB with lines, one without, one of bytes that are no characters, with NULs. */
static void test_any_bytes(void **state)
{
    enum { STACK = 99999 };
    static uint8_t stack[STACK];
    struct error_names *names = error_names_create(secret);
    (void)state;
    error_names_begin(names, NOW_US, NULL);
    for (int how = 0; how < 4; how++) {
        struct error_delta *delta = error_delta_create();
        struct error_changes changes = { 0 };
        struct made made;
        for (size_t i = 0; i < STACK; i++)
            stack[i] = how == 0   ? (i % 80 == 79 ? '\n' : 'a')
                       : how == 1 ? 'b'
                       : how == 2 ? (uint8_t)(i * 7)
                                  : (uint8_t)("\xE2\x82\xAC"[i % 3]);
        row_make(&made, 1, 1);
        made.error.source.stacktrace = bytes_from(stack, STACK);
        made.error.source.message = bytes_from(stack, STACK);
        made.error.source.type = bytes_from(stack, STACK);
        made.error.source.service = bytes_from(stack, STACK);
        made.row.environment = made.row.release = made.row.user_id = bytes_from(stack, STACK);
        error_delta_row(delta, names, PROJECT, &made.row, 0);
        error_delta_changes(delta, &changes);
        assert_int_equal(changes.fingerprint_count, 1);
        struct error_counted *counted = &changes.fingerprints[0];
        struct bytes texts[] = { counted->first_event, counted->service, changes.counts[0].environment,
                                 changes.releases[0].release };
        for (size_t t = 0; t < COUNT_OF(texts); t++) {
            assert_true(utf8_is_valid(texts[t]));
            assert_null(memchr(texts[t].ptr, 0, texts[t].len));
        }
        assert_true(counted->first_event.len > ERROR_EVENT_STACK_BYTES / 2);
        assert_true(counted->first_event.len < 6 * ERROR_EVENT_BYTES_MAX);
        assert_true(has_text(counted, "\"stacktrace_left_out\":"));
        if (how == 0) assert_true(has_text(counted, "a\\naaa") && !has_text(counted, "?"));
        if (how == 3) assert_false(has_text(counted, "?")); /* no character is cut in two */
        error_delta_destroy(delta);
    }
    error_names_destroy(names);
}

static int hash_compare(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Goal: of users those with the least hashes are kept, each with its first and last time, in a bounded table.
 * Method: more of them than are kept, twice, at other times; beside a sorted list. */
static void test_users(void **state)
{
    enum { USERS = 4 * ERROR_USERS_MAX };
    static int64_t hashes[USERS];
    static struct error_user_seen list[USERS];
    struct error_users users = { 0 };
    uint64_t random = 5;
    (void)state;
    for (uint32_t u = 0; u < USERS; u++) hashes[u] = (int64_t)(encode_random(&random) >> 1);
    for (int round = 0; round < 2; round++)
        for (uint32_t u = 0; u < USERS; u++)
            error_users_add(&users, (struct error_user_seen){ hashes[u], 10 - round, 20 + round });
    assert_true(error_users_bytes(&users) <= 192 << 10);
    assert_int_equal(error_users_list(&users, list), ERROR_USERS_MAX);
    qsort(hashes, USERS, sizeof *hashes, hash_compare);
    for (uint32_t u = 0; u < ERROR_USERS_MAX; u++) {
        assert_int_equal(list[u].hash, hashes[u]);
        assert_int_equal(list[u].first_us, 9);
        assert_int_equal(list[u].last_us, 21);
    }
    error_users_deinit(&users);
}

/* Goal: a user is one whatever session; without a user it is the session; another project's are others; too old rows are not counted.
 * Method: hashes side by side; a row before the time. */
static void test_users_and_old_rows(void **state)
{
    struct error_names *names = error_names_create(secret);
    struct error_delta *delta = error_delta_create();
    struct made made;
    (void)state;
    int64_t anna = error_names_user(names, PROJECT, BYTES("anna"), BYTES("1"));
    assert_int_equal(anna, error_names_user(names, PROJECT, BYTES("anna"), BYTES("2")));
    assert_int_not_equal(anna, error_names_user(names, (struct uuid){ { 8 } }, BYTES("anna"), BYTES("1")));
    assert_int_not_equal(anna, error_names_user(names, PROJECT, BYTES(""), BYTES("anna")));
    row_make(&made, 1, 0);
    error_delta_row(delta, names, PROJECT, &made.row, made.row.timestamp_us + 1);
    assert_int_equal(error_delta_skipped(delta), 1);
    made.row.timestamp_us = -1;
    error_delta_row(delta, names, PROJECT, &made.row, INT64_MIN);
    assert_int_equal(error_delta_skipped(delta), 2);
    error_delta_destroy(delta);
    error_names_destroy(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_any_order, setup, teardown),  cmocka_unit_test(test_flood),
        cmocka_unit_test(test_any_bytes),          cmocka_unit_test(test_users),
        cmocka_unit_test(test_users_and_old_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
