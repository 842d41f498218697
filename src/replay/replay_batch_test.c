/* What is read of a replay's batch, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "replay/replay_batch.h"

#define HEAD "\"session\":\"s1\",\"tab\":\"t1\",\"recording\":\"r1\",\"sequence\":3"
#define META "{\"type\":4,\"timestamp\":1790000000500,\"data\":{\"href\":\"https://shop.example/a\"}}"

static bool read(const char *text, struct arena *arena, struct replay_batch *batch, struct err *err)
{
    *err = (struct err){ 0 };
    return replay_batch_read(bytes_of_text(text), arena, batch, err);
}

/* Goal: times, counts and texts are those of the events and of the head. */
static void test_read(void **state)
{
    (void)state;
    struct arena arena;
    struct replay_batch batch;
    struct err err;
    arena_init(&arena, 1 << 20);
    assert_true(
        read("{" HEAD ",\"isLast\":true,\"service\":{\"name\":\"page\",\"version\":\"1\",\"environment\":\"e\"},"
             "\"user\":{\"id\":\"42\",\"name\":\"Ann\\u0000\",\"email\":7},\"userAgent\":\"X\",\"more\":[1],"
             "\"events\":[" META ","
             "{\"type\":2,\"timestamp\":1790000000400.75,\"data\":{}},"
             "{\"type\":3,\"timestamp\":1790000000900,\"data\":{\"source\":2,\"type\":2}},"
             "{\"type\":3,\"timestamp\":1790000000901,\"data\":{\"source\":2,\"type\":1}},"
             "{\"type\":3,\"timestamp\":1790000000902,\"data\":{\"source\":5,\"type\":2}},"
             "{\"type\":5,\"timestamp\":1790000000903,\"data\":{\"tag\":\"error\",\"payload\":"
             "{\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"}}},"
             "{\"type\":5,\"timestamp\":1790000000903,\"data\":{\"tag\":\"network\",\"payload\":{\"status\":200,"
             "\"trace_id\":"
             "\"0AF7651916CD43DD8448EB211C80319C\"}}},"
             "{\"type\":5,\"timestamp\":1790000000904,\"data\":{\"tag\":\"rage_click\"}},"
             "{\"type\":5,\"timestamp\":1790000000904,\"data\":{\"tag\":\"navigation\",\"payload\":{\"url\":\"/b\"}}},"
             "{\"type\":5,\"timestamp\":1790000000904,\"data\":{\"tag\":\"network\",\"payload\":{\"status\":0}}},"
             "{\"type\":5,\"timestamp\":1790000000904,\"data\":{\"tag\":\"network\",\"payload\":{\"status\":503,"
             "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"}}},"
             "{\"type\":5,\"timestamp\":1790000000904,\"data\":{\"tag\":\"network\",\"payload\":{\"status\":304}}},"
             "{\"type\":5,\"timestamp\":1790000000904,\"data\":{\"tag\":\"network\",\"payload\":[]}},"
             "{\"type\":5,\"timestamp\":1790000000905,\"data\":\"error\"}," META "]}",
             &arena, &batch, &err));
    assert_int_equal(batch.sequence, 3);
    assert_true(batch.is_last && batch.has_snapshot);
    assert_int_equal(batch.first_unix_ms, 1790000000400);
    assert_int_equal(batch.last_unix_ms, 1790000000905);
    assert_int_equal(batch.event_count, 15);
    assert_int_equal(batch.page_count, 1);
    assert_int_equal(batch.failed_request_count, 2);
    assert_int_equal(batch.click_count, 1);
    assert_int_equal(batch.error_count, 1);
    assert_int_equal(batch.rage_click_count, 1);
    assert_true(bytes_equal(batch.session, BYTES("s1")) && bytes_equal(batch.user_id, BYTES("42")));
    assert_true(bytes_equal(batch.user_name, BYTES("Ann ")) && batch.user_email.len == 0);
    assert_true(bytes_equal(batch.url, BYTES("https://shop.example/a")));
    assert_true(
        bytes_equal(batch.traces, BYTES("0af7651916cd43dd8448eb211c80319c "))); /* one is named twice, one is none */
    assert_int_equal(batch.url_count, 2);                                       /* one is told twice */
    assert_true(bytes_equal(batch.urls[0], BYTES("https://shop.example/a")) && bytes_equal(batch.urls[1], BYTES("/b")));
    arena_deinit(&arena);
}

/* Goal: without a number a batch has the time of its first event, and none of its snapshots is taken for the first of a page. */
static void test_unnumbered(void **state)
{
    (void)state;
    struct arena arena;
    struct replay_batch batch;
    struct err err;
    arena_init(&arena, 1 << 20);
    assert_true(read("{\"session\":\"s1\",\"tab\":\"t1\",\"recording\":\"r1\",\"events\":[" META
                     ",{\"type\":3,\"timestamp\":1790000000100}]}",
                     &arena, &batch, &err));
    assert_false(batch.is_numbered);
    assert_int_equal(batch.sequence, 1790000000100);
    assert_int_equal(batch.page_count, 0);
    assert_true(read("{" HEAD ",\"events\":[" META "]}", &arena, &batch, &err) && batch.is_numbered);
    arena_deinit(&arena);
}

/* Goal: what is no batch is refused with words that say where. */
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "", "is JSON" },
        { "{", "byte 1" },
        { "[]", "object" },
        { "{}", "\"session\"" },
        { "{\"session\":\"a/b\"}", "\"session\"" },
        { "{\"session\":\"a\",\"tab\":\"\"}", "\"tab\"" },
        { "{\"session\":\"a\",\"tab\":\"b\",\"recording\":\"c\",\"sequence\":-1}", "\"sequence\"" },
        { "{\"session\":\"a\",\"tab\":\"b\",\"recording\":\"c\",\"sequence\":null}", "\"sequence\"" },
        { "{" HEAD "}", "\"events\"" },
        { "{" HEAD ",\"events\":[]}", "\"events\"" },
        { "{" HEAD ",\"events\":[" META ",7]}", "events[1]" },
        { "{" HEAD ",\"events\":[{\"type\":9,\"timestamp\":1790000000000}]}", "events[0]" },
        { "{" HEAD ",\"events\":[{\"type\":3,\"timestamp\":\"1790000000000\"}]}", "timestamp" },
        { "{" HEAD ",\"events\":[{\"type\":3,\"timestamp\":1e300}]}", "timestamp" },
    };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct arena arena;
        struct replay_batch batch;
        struct err err;
        arena_init(&arena, 1 << 20);
        if (read(cases[c].text, &arena, &batch, &err)) fail_msg("taken: %s", cases[c].text);
        assert_int_equal(err.code, ERR_INPUT);
        if (!strstr(err.text, cases[c].words)) fail_msg("%s: %s", cases[c].text, err.text);
        arena_deinit(&arena);
    }
}

/* Goal: long texts are cut at a character; a batch is a line. */
static void test_bounds(void **state)
{
    (void)state;
    struct arena arena;
    struct replay_batch batch;
    struct err err;
    char text[8192], name[REPLAY_TEXT_BYTES_MAX + 3];
    arena_init(&arena, 1 << 20);
    memset(name, 'x', sizeof name);
    memcpy(name + REPLAY_TEXT_BYTES_MAX - 1, "\xc3\xa4", 3);
    snprintf(text, sizeof text, "{" HEAD ",\n\"user\":{\"id\":\"%s\"},\r\n\"events\":[" META "]}", name);
    assert_true(read(text, &arena, &batch, &err));
    assert_int_equal(batch.user_id.len, REPLAY_TEXT_BYTES_MAX - 1);
    replay_batch_line((uint8_t *)text, strlen(text));
    assert_null(strpbrk(text, "\r\n"));
    assert_true(read(text, &arena, &batch, &err));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_unnumbered),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
