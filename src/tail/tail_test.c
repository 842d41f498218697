/* Tails by hand: what fits comes, once, in order; what is not read in time is counted; who left may come again; limits hold. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tail/tail.h"
#include "timefusion/columns/columns.h"

enum {
    UNHURRIED = 1000
}; /* percent: under a sanitizer matching takes more than its share, and rows would be skipped */

static const struct uuid shop = { { 1 } }, other = { { 2 } };

static void row_add(struct columns *columns, const char *service, const char *name)
{
    if (columns_row_count(columns) == COLUMNS_ROWS_MAX) columns_reset(columns);
    columns_row_begin(columns, 1767225600000000);
    columns_put_text(columns, LOGS_AND_SPANS_id, BYTES("00000000-0000-0000-0000-000000000001"));
    columns_put_text(columns, LOGS_AND_SPANS_kind, BYTES("log"));
    columns_put_text(columns, LOGS_AND_SPANS_resource___service___name, bytes_of_text(service));
    columns_put_text(columns, LOGS_AND_SPANS_name, bytes_of_text(name));
    columns_put_text(columns, LOGS_AND_SPANS_attributes, BYTES("{\"order.id\":7}"));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, NULL, 0);
    columns_row_end(columns);
}

static void send(struct tails *tails, struct columns *columns, struct uuid project, const char *service,
                 const char *name)
{
    void *record = tails_begin(tails, project);
    row_add(columns, service, name);
    if (!record) return;
    tails_row(record, columns);
    tails_end(record);
}

static struct tail_reader opened(struct tails *tails, struct uuid project, const char *search, const char *columns)
{
    struct tail_ask ask = { project, bytes_of_text(search), BYTES(""), bytes_of_text(columns) };
    struct tail_reader reader;
    struct tail_problem problem;
    struct err err = { 0 };
    if (!tails_open(tails, &ask, &reader, &problem, &err)) fail_msg("%s", err.text);
    return reader;
}

static uint32_t read_all(struct tail_reader *reader, struct buf *out, uint64_t *dropped)
{
    struct tail_batch batch;
    uint32_t rows = 0;
    out->len = 0;
    do {
        assert_true(tail_read(reader, ',', out, 1 << 20, &batch));
        rows += batch.rows;
        *dropped += batch.dropped;
    } while (batch.rows > 0);
    return rows;
}

static void test_rows_come(void **state)
{
    (void)state;
    struct tails *tails = tails_create(&(struct tails_options){ .bytes_max = 1 << 20, .matching_percent = UNHURRIED });
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct buf out;
    uint64_t dropped = 0;
    buf_init(&out, 64 << 20);
    assert_null(tails_begin(tails, shop));
    struct tail_reader cart = opened(tails, shop, "service:cart", "order.id,name,trace_id"),
                       all = opened(tails, shop, "", ""), foreign = opened(tails, other, "", "");
    send(tails, columns, shop, "cart", "one");
    send(tails, columns, shop, "pay", "two");
    send(tails, columns, shop, "cart", "three \"quoted\"\n");
    assert_int_equal(read_all(&foreign, &out, &dropped), 0);
    assert_int_equal(read_all(&all, &out, &dropped), 3);
    assert_int_equal(read_all(&cart, &out, &dropped), 2);
    out.ptr[out.len] = '\0';
    assert_non_null(
        strstr((char *)out.ptr, "\"cols\":[\"7\",\"one\",null]},{\"timestamp\":\"2026-01-01T00:00:00.000000Z\""));
    assert_non_null(strstr((char *)out.ptr, "\"name\":\"three \\\"quoted\\\"\\n\""));
    assert_int_equal(dropped, 0);
    tail_leave(&cart);
    tail_leave(&all);
    tail_leave(&foreign);
    buf_deinit(&out);
    columns_destroy(columns);
    tails_destroy(tails);
}

/* Goal: rows read + dropped = matched, whatever the sizes; the newest are there. */
static void test_slow(void **state)
{
    (void)state;
    struct tails *tails = tails_create(&(struct tails_options){ .bytes_max = 1, .matching_percent = UNHURRIED });
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct tail_reader reader = opened(tails, shop, "", "");
    struct tail_counts counts;
    struct buf out;
    uint64_t dropped = 0, rows = 0;
    static char long_name[20000];
    buf_init(&out, 64 << 20);
    memset(long_name, 'x', sizeof long_name - 1);
    for (int n = 0; n < 3000; n++) {
        send(tails, columns, shop, "cart", n % 7 == 0 ? long_name : "short");
        if (n % 500 == 0) rows += read_all(&reader, &out, &dropped);
    }
    send(tails, columns, shop, "cart", "the last");
    rows += read_all(&reader, &out, &dropped);
    out.ptr[out.len] = '\0';
    assert_non_null(strstr((char *)out.ptr, "the last"));
    tail_counts(reader.tail, &counts);
    assert_int_equal(counts.matched + counts.skipped, 3001);
    assert_int_equal(rows + dropped, counts.matched);
    assert_int_equal(dropped, counts.dropped);
    assert_true(dropped > 0 && rows > 0);
    tail_leave(&reader);
    buf_deinit(&out);
    columns_destroy(columns);
    tails_destroy(tails);
}

static void test_come_again(void **state)
{
    (void)state;
    struct tails *tails = tails_create(&(struct tails_options){ .bytes_max = 1 << 20, .matching_percent = UNHURRIED });
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct tail_reader first = opened(tails, shop, "service:cart", ""), again, third;
    struct tail_ask ask = *tail_asked(first.tail), foreign = ask;
    struct uuid id = tail_id(first.tail);
    struct tail_batch batch;
    struct buf out;
    uint64_t dropped = 0;
    buf_init(&out, 1 << 20);
    send(tails, columns, shop, "cart", "one");
    send(tails, columns, shop, "cart", "two");
    foreign.project_id = other;
    assert_false(tails_resume(tails, id, 0, &foreign, &again));
    assert_true(tails_resume(tails, id, 1, &ask, &again)); /* the first one does not know yet that its client is gone */
    assert_false(tail_read(&first, ',', &out, 1 << 20, &batch));
    tail_leave(&first);
    assert_int_equal(read_all(&again, &out, &dropped), 1);
    tail_leave(&again);
    send(tails, columns, shop, "cart", "three");
    assert_true(tails_resume(tails, id, 2, &ask, &third));
    assert_int_equal(read_all(&third, &out, &dropped), 1);
    tail_leave(&third);
    buf_deinit(&out);
    columns_destroy(columns);
    tails_destroy(tails);
}

static void test_limits(void **state)
{
    (void)state;
    struct tails *tails =
        tails_create(&(struct tails_options){ .bytes_max = 1 << 20, .tails_max = 3, .project_tails_max = 2 });
    struct tail_reader a = opened(tails, shop, "", ""), b = opened(tails, shop, "", ""),
                       c = opened(tails, other, "", ""), d;
    struct tail_ask ask = { .project_id = shop },
                    wrong = { .project_id = shop, .search = BYTES("a"), .columns = BYTES("x y") };
    struct tail_problem problem;
    struct err err = { 0 };
    assert_false(tails_open(tails, &ask, &d, &problem, &err));
    assert_int_equal(err.code, ERR_QUOTA);
    ask.project_id = (struct uuid){ { 3 } };
    assert_false(tails_open(tails, &ask, &d, &problem, &err));
    assert_int_equal(err.code, ERR_QUOTA);
    tail_leave(&a); /* who left makes room */
    ask.project_id = shop;
    assert_true(tails_open(tails, &ask, &d, &problem, &err));
    tail_leave(&d);
    assert_false(tails_open(tails, &wrong, &d, &problem, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(problem.where, "cols");
    wrong.search = BYTES("(");
    assert_false(tails_open(tails, &wrong, &d, &problem, &err));
    assert_string_equal(problem.where, "q");
    tail_leave(&b);
    tail_leave(&c);
    tails_destroy(tails);
}

struct race {
    struct tails *tails;
    atomic_bool stops;
    uint64_t sent;
};

static void *sender(void *arg)
{
    struct race *race = arg;
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    while (!atomic_load(&race->stops)) {
        send(race->tails, columns, shop, "cart", "row");
        race->sent++;
    }
    columns_destroy(columns);
    return NULL;
}

/* Goal: tails may come and go while two workers write. Method: for ThreadSanitizer, and the counts are right. */
static void test_threads(void **state)
{
    (void)state;
    struct tails *tails = tails_create(&(struct tails_options){ .bytes_max = 1 << 20 });
    struct race races[2] = { { .tails = tails }, { .tails = tails } };
    pthread_t threads[2];
    struct buf out;
    buf_init(&out, 64 << 20);
    for (int t = 0; t < 2; t++) pthread_create(&threads[t], NULL, sender, &races[t]);
    for (int round = 0; round < 200; round++) {
        struct tail_reader reader = opened(tails, shop, round % 2 ? "service:cart" : "row", "");
        struct tail_counts counts;
        uint64_t dropped = 0, rows = 0;
        for (int turn = 0; turn < 5; turn++) rows += read_all(&reader, &out, &dropped);
        tail_counts(reader.tail, &counts);
        assert_true(rows + dropped <= counts.matched);
        tail_leave(&reader);
    }
    for (int t = 0; t < 2; t++) {
        atomic_store(&races[t].stops, true);
        pthread_join(threads[t], NULL);
    }
    buf_deinit(&out);
    tails_destroy(tails);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come), cmocka_unit_test(test_slow),    cmocka_unit_test(test_come_again),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
