/* A batch without its page's texts: none of them is left, and all else is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "replay/replay_mask.h"

static void check(const char *batch, const char *wanted)
{
    struct buf out;
    struct err err = { 0 };
    buf_init(&out, 1 << 20);
    if (!replay_mask(bytes_of_text(batch), &out, &err)) fail_msg("%s", err.text);
    if (!bytes_equal(buf_bytes(&out), bytes_of_text(wanted)))
        fail_msg("is     %.*s\nwanted %s", (int)out.len, (const char *)out.ptr, wanted);
    buf_deinit(&out);
}

static void test_mask(void **state)
{
    (void)state;
    check("{\"session\":\"s\",\"user\":{\"id\":\"42\"},\"events\":[{\"type\":4,\"timestamp\":1.50,\"data\":{\"href\":"
          "\"/a\"}},"
          "{\"type\":2,\"data\":{\"node\":{\"type\":0,\"id\":1,\"childNodes\":[{\"type\":2,\"id\":2,\"tagName\":\"p\","
          "\"attributes\":"
          "{\"class\":\"c\",\"title\":\"ab "
          "c\",\"rr_width\":\"7px\",\"data-x\":\"y\",\"disabled\":true},\"childNodes\":[{\"type\":3,\"id\":3,"
          "\"textContent\":\"\\n T\\u00e4 "
          "\\ud83d\\ude00x\"}]},{\"type\":2,\"id\":4,\"tagName\":\"style\",\"attributes\":{\"_cssText\":\"p {}\"},"
          "\"childNodes\":[{\"type\":3,\"id\":5,\"textContent\":\"p { "
          "}\"}]},{\"type\":3,\"id\":6,\"isStyle\":true,\"textContent\":\"b {}\"}]}}}]}",
          "{\"session\":\"s\",\"user\":{\"id\":\"42\"},\"events\":[{\"type\":4,\"timestamp\":1.50,\"data\":{\"href\":"
          "\"/a\"}},"
          "{\"type\":2,\"data\":{\"node\":{\"type\":0,\"id\":1,\"childNodes\":[{\"type\":2,\"id\":2,\"tagName\":\"p\","
          "\"attributes\":"
          "{\"class\":\"c\",\"title\":\"** "
          "*\",\"rr_width\":\"7px\",\"data-x\":\"*\",\"disabled\":true},\"childNodes\":[{\"type\":3,\"id\":3,"
          "\"textContent\":\"\\n ** "
          "**\"}]},{\"type\":2,\"id\":4,\"tagName\":\"style\",\"attributes\":{\"_cssText\":\"p {}\"},"
          "\"childNodes\":[{\"type\":3,\"id\":5,\"textContent\":\"p { "
          "}\"}]},{\"type\":3,\"id\":6,\"isStyle\":true,\"textContent\":\"b {}\"}]}}}]}");
    check("{\"events\":[{\"type\":3,\"data\":{\"source\":0,\"adds\":[{\"parentId\":1,\"node\":{\"type\":3,\"id\":9,"
          "\"textContent\":\"ab\"}}],"
          "\"texts\":[{\"id\":3,\"value\":\"cd\"},{\"id\":3,\"value\":null}],\"attributes\":[{\"id\":2,\"attributes\":{"
          "\"alt\":\"ef\",\"style\":{\"top\":\"1px\"}}}]}},"
          "{\"type\":3,\"data\":{\"source\":5,\"id\":2,\"text\":\"gh\",\"isChecked\":false}},{\"type\":3,\"data\":{"
          "\"source\":3,\"text\":\"x\"}},"
          "{\"type\":5,\"data\":{\"tag\":\"console\",\"payload\":{\"text\":\"told\"}}}]}",
          "{\"events\":[{\"type\":3,\"data\":{\"source\":0,\"adds\":[{\"parentId\":1,\"node\":{\"type\":3,\"id\":9,"
          "\"textContent\":\"**\"}}],"
          "\"texts\":[{\"id\":3,\"value\":\"**\"},{\"id\":3,\"value\":null}],\"attributes\":[{\"id\":2,\"attributes\":{"
          "\"alt\":\"**\",\"style\":{\"top\":\"1px\"}}}]}},"
          "{\"type\":3,\"data\":{\"source\":5,\"id\":2,\"text\":\"**\",\"isChecked\":false}},{\"type\":3,\"data\":{"
          "\"source\":3,\"text\":\"x\"}},"
          "{\"type\":5,\"data\":{\"tag\":\"console\",\"payload\":{\"text\":\"told\"}}}]}");
}

/* Goal: what cannot be masked is not shown. */
static void test_refused(void **state)
{
    (void)state;
    static const char *const lines[] = { "", "{", "[]", "7" };
    struct buf out, deep;
    struct err err;
    buf_init(&out, 1 << 20);
    buf_init(&deep, 1 << 20);
    for (size_t l = 0; l < COUNT_OF(lines); l++) {
        assert_false(replay_mask(bytes_of_text(lines[l]), &out, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
    }
    assert_true(buf_printf(&deep, "{\"events\":[{\"type\":2,\"data\":{\"node\":"));
    for (int n = 0; n < 5000; n++) assert_true(buf_printf(&deep, "{\"childNodes\":["));
    for (int n = 0; n < 5000; n++) assert_true(buf_printf(&deep, "]}"));
    assert_true(buf_printf(&deep, "}}]}"));
    assert_false(replay_mask(buf_bytes(&deep), &out, &err));
    assert_int_equal(out.len, 0);
    buf_deinit(&deep);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_mask), cmocka_unit_test(test_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
