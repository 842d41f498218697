/* JSON of values and JSON objects in log bodies. */
#include "worker/rows/rows_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/rows/rows_id.h"

static const char *compacted(const char *text, struct bytes *message)
{
    static uint8_t room[4096];
    struct json_object object = json_compact_object(room, bytes_of_text(text));
    if (message != NULL) *message = object.message;
    if (object.end == NULL) return NULL;
    assert_true((size_t)(object.end - room) <= strlen(text));
    *object.end = '\0';
    return (const char *)room;
}

/* Goal: what is a JSON object comes back without its white space, and nothing else counts as one. */
static void test_compact_object(void **state)
{
    (void)state;
    static const char *const objects[][2] = {
        { "{}", "{}" },
        { " \n{ }\t", "{}" },
        { "{\"a\" : [ 1 , -0 , 1.5e+10 , 0.25E-3 ] , \"b\" : { \"c\" : null } }",
          "{\"a\":[1,-0,1.5e+10,0.25E-3],\"b\":{\"c\":null}}" },
        { "{\"a\":true,\"a\":false}", "{\"a\":true,\"a\":false}" },
        { "{\"\\u0000\\ud83d\\uDE00\\\"\\/\":\" two  spaces \"}",
          "{\"\\u0000\\ud83d\\uDE00\\\"\\/\":\" two  spaces \"}" },
        { "{\"a\":[[],{},[{}]]}", "{\"a\":[[],{},[{}]]}" },
    };
    static const char *const others[] = {
        "",
        " ",
        "[]",
        "1",
        "\"{}\"",
        "{",
        "}",
        "{}x",
        "{} {}",
        "{a:1}",
        "{'a':1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":[1}",
        "{\"a\":1]",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":tru}",
        "{\"a\":NaN}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"b}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "{[1]}",
        "{\"a\":\"\\",
    };
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        const char *text = compacted(objects[i][0], NULL);
        assert_non_null(text);
        assert_string_equal(text, objects[i][1]);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (compacted(others[i], NULL) != NULL) fail_msg("taken as an object: %s", others[i]);
    }
}

/* Goal: depth is bounded at 64 levels. */
static void test_compact_depth(void **state)
{
    (void)state;
    for (size_t depth = 63; depth <= 65; depth++) {
        char text[256] = "{\"a\":";
        size_t at = 5;
        for (size_t i = 1; i < depth; i++) text[at++] = '[';
        for (size_t i = 1; i < depth; i++) text[at++] = ']';
        text[at++] = '}';
        text[at] = '\0';
        assert_true((compacted(text, NULL) != NULL) == (depth <= JSON_OBJECT_DEPTH_MAX));
    }
}

/* Goal: an object's message is the best named text of its top level, and comes out without escapes. */
static void test_message_of_object(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "{\"text\":\"c\",\"msg\":\"b\",\"message\":\"a\"}", "a" },
        { "{\"msg\":\"\",\"error\":\"e\"}", "e" },
        { "{\"x\":{\"message\":\"inner\"},\"message\":{\"y\":1}}", "" },
        { "{\"message\":\"\\\"q\\\"\\n\\u00e9\\u20ac\\ud83d\\ude00\"}", "\"q\"\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes message;
        uint8_t plain[64];
        assert_non_null(compacted(cases[i][0], &message));
        size_t len = (size_t)(json_unescape(plain, message) - plain);
        assert_int_equal(len, strlen(cases[i][1]));
        assert_memory_equal(plain, cases[i][1], len);
    }
}

static void assert_value(struct otlp_value value, const char *text)
{
    uint8_t room[512];
    size_t len = (size_t)(json_put_value(room, &value) - room);
    assert_true(len <= json_value_bytes_max(&value));
    assert_int_equal(len, strlen(text));
    assert_memory_equal(room, text, len);
}

/* Goal: types survive: a double stays one, an integer too; bytes are base64 of any length. */
static void test_values(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } doubles[] = { { 0, "0.0" },
                    { -0.0, "-0.0" },
                    { 3, "3.0" },
                    { -12, "-12.0" },
                    { 0.25, "0.25" },
                    { NAN, "\"NaN\"" },
                    { INFINITY, "\"Infinity\"" } };
    for (size_t i = 0; i < COUNT_OF(doubles); i++) {
        assert_value((struct otlp_value){ .type = OTLP_DOUBLE, .number = doubles[i].number }, doubles[i].text);
    }
    /* With an exponent, however it is written, no point is needed. */
    uint8_t room[64] = { 0 };
    *json_put_number(room, 1e300) = '\0';
    assert_non_null(strchr((const char *)room, 'e'));
    assert_true(strtod((const char *)room, NULL) == 1e300 && strstr((const char *)room, ".0") == NULL);
    assert_value((struct otlp_value){ .type = OTLP_INT, .integer = INT64_MAX }, "9223372036854775807");
    assert_value((struct otlp_value){ .type = OTLP_EMPTY }, "null");
    static const char *const base64[] = { "\"\"", "\"Zg==\"", "\"Zm8=\"", "\"Zm9v\"", "\"Zm9vYg==\"" };
    for (size_t i = 0; i < COUNT_OF(base64); i++) {
        assert_value((struct otlp_value){ .type = OTLP_BYTES, .bytes = bytes_from("foob", i) }, base64[i]);
    }
    /* The smallest entries have the largest JSON for their size: an empty key with an empty value. */
    assert_value((struct otlp_value){ .type = OTLP_KVLIST, .bytes = BYTES("\x0a\x00\x0a\x00") },
                 "{\"\":null,\"\":null}");
    assert_value((struct otlp_value){ .type = OTLP_ARRAY, .bytes = BYTES("\x0a\x00\x0a\x02\x2a\x00") }, "[null,[]]");
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } times[] = { { 0, "\"1970-01-01T00:00:00.000000000Z\"" },
                  { 951868799999999999u, "\"2000-02-29T23:59:59.999999999Z\"" },
                  { 951868800000000000u, "\"2000-03-01T00:00:00.000000000Z\"" },
                  { 1798761599000000001u, "\"2026-12-31T23:59:59.000000001Z\"" },
                  { UINT64_MAX, "\"2554-07-21T23:34:33.709551615Z\"" } };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        uint8_t room[JSON_TIME_BYTES];
        assert_int_equal(json_put_time(room, times[i].ns) - room, JSON_TIME_BYTES);
        assert_memory_equal(room, times[i].text, JSON_TIME_BYTES);
    }
}

/* Goal: the encoded form that ids are made of is as rows_id.h draws it. */
static void test_id_encoding(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct otlp_value list = { .type = OTLP_ARRAY,
                               .bytes = BYTES("\x0a\x03\x0a\x01"
                                              "a"
                                              "\x0a\x02\x18\x01"
                                              "\x0a\x12\x32\x10\x0a\x07\x0a\x01"
                                              "k"
                                              "\x12\x02\x10\x01\x0a\x05\x0a\x01"
                                              "e"
                                              "\x12\x00") };
    static const char expected[] = "05000000030100000001610300000000000000010600000002000000016b0201000000016500";
    struct bytes encoded = id_encode_value(&arena, &list);
    uint8_t hex[256];
    hex_put(hex, encoded.ptr, encoded.len);
    assert_int_equal(2 * encoded.len, strlen(expected));
    assert_memory_equal(hex, expected, strlen(expected));

    /* More keys than the small sort takes, and equal ones: these keep their order. */
    struct otlp_attribute attributes[80];
    char keys[80][4];
    for (uint32_t i = 0; i < 80; i++) {
        keys[i][0] = (char)('a' + (i * 7) % 20);
        keys[i][1] = '\0';
        attributes[i] = (struct otlp_attribute){ bytes_of_text(keys[i]), { .type = OTLP_INT, .integer = i } };
    }
    for (uint32_t count = 20; count <= 80; count += 60) {
        encoded = id_encode_attributes(&arena, attributes, count);
        assert_int_equal(encoded.len, count * (4 + 1 + 1 + 8));
        for (uint32_t i = 1; i < count; i++) {
            const uint8_t *before = encoded.ptr + (i - 1) * 14, *here = encoded.ptr + i * 14;
            assert_true(before[4] < here[4] || (before[4] == here[4] && before[13] < here[13]));
        }
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compact_object),
        cmocka_unit_test(test_compact_depth),
        cmocka_unit_test(test_message_of_object),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_id_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
