/* threads: none */
/* YAML as JSON and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "yaml/yaml.h"

static void assert_reads(const char *yaml, const char *json)
{
    struct err err = { 0 };
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *value;
    if (!yaml_read(bytes_of_text(yaml), doc, &value, &err)) fail_msg("%s: %s", yaml, err.text);
    char *text = yyjson_mut_val_write(value, 0, NULL);
    assert_string_equal(text, json);
    free(text);
    yyjson_mut_doc_free(doc);
}

static void assert_refused(const char *yaml, const char *words)
{
    struct err err = { 0 };
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *value;
    if (yaml_read(bytes_of_text(yaml), doc, &value, &err)) fail_msg("%s is read", yaml);
    if (strstr(err.text, words) == NULL) fail_msg("%s: \"%s\" does not say \"%s\"", yaml, err.text, words);
    yyjson_mut_doc_free(doc);
}

/* Goal: what has an equal in JSON is read as that, by the core schema of YAML 1.2. */
static void test_read(void **state)
{
    (void)state;
    assert_reads("title: Web # comment\npanels:\n- {id: a, w: 6}\n- id: b\n",
                 "{\"title\":\"Web\",\"panels\":[{\"id\":\"a\",\"w\":6},{\"id\":\"b\"}]}");
    assert_reads("[no, on, yes, y, 1.2.3, 1_000, 12:30, 0b1, '1', \"true\", <<, =]",
                 "[\"no\",\"on\",\"yes\",\"y\",\"1.2.3\",\"1_000\",\"12:30\",\"0b1\",\"1\",\"true\",\"<<\",\"=\"]");
    assert_reads("[1, -7, +3, 007, 0x1F, 0o17, 18446744073709551615, -9223372036854775808]",
                 "[1,-7,3,7,31,15,18446744073709551615,-9223372036854775808]");
    assert_reads("[.5, 1., 1e3, -2.5E-3, 1.0]", "[0.5,1.0,1000.0,-0.0025,1.0]");
    assert_reads("[null, ~, True, FALSE]", "[null,null,true,false]");
    assert_reads("sql: |\n  SELECT 1\n  FROM t\n", "{\"sql\":\"SELECT 1\\nFROM t\\n\"}");
    assert_reads("a: >-\n  b\n  c\n", "{\"a\":\"b c\"}");
    assert_reads("-\n- a:\n", "[null,{\"a\":null}]");
    assert_reads("", "null");
    assert_reads("# nothing\n", "null");
    assert_reads("--- \na: 1\n...\n", "{\"a\":1}");
}

/* Goal: what has none, or could grow without end, is refused, and where. */
static void test_refused(void **state)
{
    (void)state;
    assert_refused("a: &x [1]\nb: *x\n", "line 1, column 4: anchors");
    assert_refused("- a\n- *x\n", "line 2, column 3: aliases");
    assert_refused("a: !!binary aGk=\n", "line 1, column 4: anchors and tags");
    assert_refused("a: 1\nb: 2\na: 3\n", "line 3, column 1: this key is there already");
    assert_refused("1: a\n", "line 1, column 1: a key is a text");
    assert_refused("? [a]\n: b\n", "a key is a text, neither");
    assert_refused("a: .inf", "no equal in JSON");
    assert_refused("a: 1\n--- \nb: 2\n", "one document");
    assert_refused("a: [1\n", "line 2");
    assert_refused("a: \"\\0\"", "NUL");
    assert_refused("\xFF", "line 1");
    char deep[200];
    memset(deep, '[', sizeof deep);
    deep[YAML_DEPTH_MAX + 1] = '\0';
    assert_refused(deep, "nested deeper");
    char *many = mem_calloc(1, 3 * YAML_VALUES_MAX);
    many[0] = '[';
    for (size_t i = 0; i <= YAML_VALUES_MAX; i++) memcpy(many + 1 + 2 * i, "1,", 2);
    assert_refused(many, "more than");
    free(many);
    char *large = mem_calloc(1, YAML_BYTES_MAX + 2);
    memset(large, ' ', YAML_BYTES_MAX + 1);
    assert_refused(large, "more than 1024 KiB");
    free(large);
}

/* Goal: whatever a text, key or number is, what is written reads back equal. */
static void test_round_trip(void **state)
{
    static const char *const values[] = {
        "{\"a\":[],\"b\":{},\"c\":[[],[{}]],\"\":\"\"}",
        "[1,1.0,-0.0,1e300,5e-324,18446744073709551615,-9223372036854775808,0.1,true,false,null]",
        "[\"1\",\"1.0\",\"true\",\"null\",\"~\",\"\",\" \",\"a \",\" a\",\"no\",\"- a\",\"a: b\",\"#a\",\"a "
        "#b\",\"'\",\"\\\"\",\".inf\",\"0x1F\"]",
        "[\"a\\nb\",\"a\\nb\\n\",\"a\\n\\n\",\"\\n\",\"\\na\",\" a\\nb\",\"a \\nb\",\"a\\n "
        "b\\n\",\"a\\tb\\nc\",\"a\\r\\nb\",\"\\u0001\",\"\\u2028a\\nb\",\"\\ufeffa\",\"\\u00e4\\n\\u00f6\"]",
        "{\"SELECT time_bucket($step, timestamp) AS t\\nFROM x\\nWHERE a = ': #'\":\"b\",\"? "
        "a\":\"|\",\"%\":\"@a\",\"`\":\"&a\",\"*\":\"!\"}",
        "\"text\"",
        "7",
    };
    (void)state;
    for (size_t v = 0; v < COUNT_OF(values); v++) {
        struct err err = { 0 };
        struct buf text;
        yyjson_doc *json = yyjson_read(values[v], strlen(values[v]), 0);
        yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
        yyjson_mut_val *value = yyjson_val_mut_copy(doc, yyjson_doc_get_root(json)), *again = NULL;
        buf_init(&text, 1 << 20);
        assert_non_null(json);
        if (!yaml_write(value, &text, &err)) fail_msg("%s: %s", values[v], err.text);
        if (!yaml_read(buf_bytes(&text), doc, &again, &err)) fail_msg("%.*s: %s", (int)text.len, text.ptr, err.text);
        if (!yyjson_mut_equals(value, again))
            fail_msg("%s is not what %.*s reads as", values[v], (int)text.len, text.ptr);
        buf_deinit(&text);
        yyjson_mut_doc_free(doc);
        yyjson_doc_free(json);
    }
}

/* Goal: a statement of several lines stands there as lines. */
static void test_lines(void **state)
{
    struct err err = { 0 };
    struct buf text;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *value = yyjson_mut_obj(doc);
    (void)state;
    yyjson_mut_obj_add_str(doc, value, "sql", "SELECT 1\nFROM t");
    yyjson_mut_obj_add_str(doc, value, "title", "A: b");
    buf_init(&text, 4096);
    assert_true(yaml_write(value, &text, &err));
    assert_true(bytes_equal(buf_bytes(&text), BYTES("sql: |-\n  SELECT 1\n  FROM t\ntitle: 'A: b'\n")));
    text.len = 0;
    struct buf small;
    buf_init(&small, 8);
    assert_false(yaml_write(value, &small, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    buf_deinit(&small);
    buf_deinit(&text);
    yyjson_mut_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_read), cmocka_unit_test(test_refused),
                                        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_lines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
