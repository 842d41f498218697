/* threads: none */
#include "base/json_flat.h"
#include "base/json_object.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the three above */
#include <cmocka.h>

enum { TEXT_BYTES_MAX = 4096 };

/* What both ways say: "-" nothing, else "=" and the value. */
static void said(char out[TEXT_BYTES_MAX], struct bytes json, struct bytes path, bool as_text, bool is_whole)
{
    struct buf value;
    buf_init(&value, TEXT_BYTES_MAX - 2);
    bool ok =
        is_whole ? json_attribute_whole(json, path, as_text, &value) : json_attribute(json, path, as_text, &value);
    snprintf(out, TEXT_BYTES_MAX, "%s%.*s", ok ? "=" : "-", (int)value.len,
             value.len > 0 ? (const char *)value.ptr : "");
    buf_deinit(&value);
}

static void same(const char *json, const char *path)
{
    char whole[TEXT_BYTES_MAX], found[TEXT_BYTES_MAX];
    for (int as_text = 0; as_text < 2; as_text++) {
        said(whole, bytes_of_text(json), bytes_of_text(path), as_text, true);
        said(found, bytes_of_text(json), bytes_of_text(path), as_text, false);
        if (strcmp(whole, found) != 0) print_error("%s of %s\n", path, json);
        assert_string_equal(whole, found);
    }
}

/* Goal: what the place alone tells is what a reader of the whole text finds.
 * Method: texts where a name stands inside others, in values, in objects within, by escapes, and cut at every byte. */
static void test_places(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"http.route\":\"/cart/{id}\",\"a\":1,\"a.b\":2}",
        "{\"x\":\"\\\"a\\\":5\",\"a\":7}",
        "{\"x\":\"a\",\"y\":[\"a\",\"b\"],\"a\":null}",
        "{\"x\":{\"a\":1},\"a\":2}",
        "{\"x\":[{\"a\":1}],\"a\":true}",
        "{\"a\":{\"b\":{\"c\":3}}}",
        "{\"a.b.c\":1,\"a\":{\"z\":2}}",
        "{ \"a\" : \"q\\u00e9\" , \"b\":\"q\303\251\"}",
        "{\"\\u0061\":4}",
        "{\"aa\":1,\"ba\":2,\"a b\":3}",
        "{\"a\":1e5,\"b\":-0.10}",
        "{\"a\":\"\"}",
        "{\"b\\\\\":\"a\",\"a\":\"\\\\\"}",
        "{\"a\":[1,2],\"b\":[]}",
        "{\"a\":1,\"a\":2}",
        "{\"q\":\"x,{\\\"a\\\":9}\",\"a\":1}",
        "{}",
        "[]",
        "\"a\"",
        "",
    };
    static const char *const paths[] = { "a",   "b",  "a.b",      "a.b.c", "http", "http.route", "x", "x.a",
                                         "a b", "aa", "\303\251", "z",     "" };
    for (size_t t = 0; t < COUNT_OF(texts); t++)
        for (size_t p = 0; p < COUNT_OF(paths); p++) same(texts[t], paths[p]);
    struct bytes value;
    bool is_string;
    for (size_t t = 0; t < COUNT_OF(texts); t++) { /* of a text that is cut nothing is read beyond its end */
        size_t len = strlen(texts[t]);
        for (size_t cut = 0; cut <= len; cut++) {
            uint8_t *copy = malloc(cut + 1);
            memcpy(copy, texts[t], cut);
            for (size_t p = 0; p < COUNT_OF(paths); p++)
                if (json_flat_find(bytes_from(copy, cut), bytes_of_text(paths[p]), &value, &is_string) ==
                    JSON_FLAT_FOUND)
                    assert_true(value.ptr >= copy && value.ptr + value.len <= copy + cut);
            free(copy);
        }
    }
}

static uint64_t random_state = 20261127;
static uint32_t random_below(uint32_t n)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)((z ^ (z >> 27)) * 0x94D049BB133111EBu >> 33) % n;
}

static char *value_put(char *at, int depth);
static char *object_put(char *at, int depth)
{
    static const char *const keys[] = { "a",      "b",          "a.b",          "a.b.c",
                                        "http",   "http.route", "http.route.x", "tenant.plan",
                                        "x\\\"a", "\\u0061.b",  "a\\\\",        "k\303\251" };
    uint32_t used = 0, count = random_below(depth == 0 ? 9 : 3);
    *at++ = '{';
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = random_below(COUNT_OF(keys));
        if (used >> key & 1 || (key == 9 && used >> 2 & 1) || (key == 2 && used >> 9 & 1))
            continue; /* names are unique */
        if (used != 0) *at++ = ',';
        used |= 1u << key;
        at += sprintf(at, "%s\"%s\"%s:%s", random_below(9) == 0 ? " " : "", keys[key], random_below(9) == 0 ? "\n" : "",
                      random_below(9) == 0 ? " " : "");
        at = value_put(at, depth + 1);
    }
    *at++ = '}';
    return at;
}

static char *value_put(char *at, int depth)
{
    static const char *const values[] = { "1",
                                          "-2.50",
                                          "1e400",
                                          "true",
                                          "null",
                                          "\"\"",
                                          "\"a\"",
                                          "\"a\\\"b\"",
                                          "\"\\\"a\\\":1\"",
                                          "\",{\"",
                                          "\"{a}\"",
                                          "\"http.route\"",
                                          "\"\303\251\"",
                                          "\"\\u00e9\"",
                                          "\"enterprise\"",
                                          "[]" };
    uint32_t kind = random_below(24);
    if (kind == 20 && depth < 4) return object_put(at, depth);
    if (kind == 21 && depth < 4) {
        *at++ = '[';
        at = value_put(at, depth + 1);
        *at++ = ',';
        at = object_put(at, depth + 1);
        *at++ = ']';
        return at;
    }
    return stpcpy(at, values[random_below(COUNT_OF(values))]);
}

/* Goal: the same, of whatever objects there may be. Method: 50,000 random ones, seven paths each. */
static void test_random(void **state)
{
    (void)state;
    static const char *const paths[] = { "a", "a.b", "http", "http.route", "tenant.plan", "b", "a.b.c" };
    char text[TEXT_BYTES_MAX];
    struct bytes value;
    bool is_string;
    uint32_t sure = 0, all = 0;
    for (uint32_t round = 0; round < 50000; round++) {
        *object_put(text, 0) = '\0';
        for (size_t p = 0; p < COUNT_OF(paths); p++) {
            same(text, paths[p]);
            all++;
            sure +=
                json_flat_find(bytes_of_text(text), bytes_of_text(paths[p]), &value, &is_string) != JSON_FLAT_UNSURE;
        }
    }
    assert_true(sure * 6 > all); /* else little was tested */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_places), cmocka_unit_test(test_random) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
