/* What is made of another recorder's batch is one of ours, its events as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "replay/replay_batch.h"
#include "replay/rrweb_batch.h"

#define EVENT                                                                                              \
    "{\"type\":2,\"timestamp\":1790000000400.7500,\"data\":{\"big\":123456789012345678901234567890,\"a\":" \
    "\"\\u00e4\\n\"}}"

static bool convert(const char *text, struct buf *out, struct err *err)
{
    *err = (struct err){ 0 };
    out->len = 0;
    return rrweb_batch_convert(bytes_of_text(text), BYTES("Mozilla/5.0"), out, err);
}

/* Goal: all that is told is taken over, and the events are as they were, to the digit. */
static void test_convert(void **state)
{
    (void)state;
    struct arena arena;
    struct replay_batch batch;
    struct buf out;
    struct err err;
    arena_init(&arena, 1 << 20);
    buf_init(&out, 1 << 20);
    assert_true(convert("{\"events\":[" EVENT
                        "],\"sessionId\":\"s1\",\"tabId\":\"t1\",\"timestamp\":\"2026-11-28T10:00:00Z\","
                        "\"eventCount\":1,\"user\":{\"id\":\"7\",\"name\":\"Ann\",\"email\":5},\"userId\":\"42\"}",
                        &out, &err));
    if (!bytes_equal(buf_bytes(&out),
                     BYTES("{\"session\":\"s1\",\"tab\":\"t1\",\"recording\":\"t1\",\"userAgent\":\"Mozilla/5.0\","
                           "\"user\":{\"id\":\"42\",\"name\":\"Ann\"},\"events\":["
                           "{\"type\":2,\"timestamp\":1790000000400.7500,\"data\":{"
                           "\"big\":123456789012345678901234567890,\"a\":\"\xc3\xa4\\n\"}}]}")))
        fail_msg("%.*s", (int)out.len, (const char *)out.ptr);
    assert_true(replay_batch_read(buf_bytes(&out), &arena, &batch, &err));
    assert_true(!batch.is_numbered && batch.has_snapshot && bytes_equal(batch.user_id, BYTES("42")));
    buf_deinit(&out);
    arena_deinit(&arena);
}

/* Goal: the least that is taken: a session and events. A tab that cannot be an id is none. */
static void test_least(void **state)
{
    (void)state;
    struct buf out;
    struct err err;
    buf_init(&out, 1 << 20);
    static const char *const tabs[] = { "", ",\"tabId\":null", ",\"tabId\":\"a/b\"" };
    for (size_t t = 0; t < COUNT_OF(tabs); t++) {
        char text[400];
        struct arena arena;
        struct replay_batch batch;
        arena_init(&arena, 1 << 20);
        snprintf(text, sizeof text, "{\"sessionId\":\"s1\"%s,\"events\":[" EVENT "]}", tabs[t]);
        assert_true(convert(text, &out, &err) && replay_batch_read(buf_bytes(&out), &arena, &batch, &err));
        assert_true(bytes_equal(batch.tab, BYTES("rrweb")) && bytes_equal(batch.recording, BYTES("rrweb")));
        arena_deinit(&arena);
    }
    buf_deinit(&out);
}

/* Goal: what is none is refused with words; what has no events is for replay_batch_read. */
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = { { "", "is JSON" },
                  { "[]", "\"sessionId\"" },
                  { "{\"session\":\"s1\",\"events\":[]}", "\"sessionId\"" },
                  { "{\"sessionId\":\"a b\"}", "\"sessionId\"" } };
    struct buf out;
    struct err err;
    buf_init(&out, 64);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        assert_false(convert(cases[c].text, &out, &err));
        assert_int_equal(err.code, ERR_INPUT);
        if (!strstr(err.text, cases[c].words)) fail_msg("%s: %s", cases[c].text, err.text);
    }
    assert_false(convert("{\"sessionId\":\"s1\",\"events\":[" EVENT "]}", &out, &err)); /* no room */
    assert_int_equal(err.code, ERR_TOO_LARGE);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert),
        cmocka_unit_test(test_least),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
