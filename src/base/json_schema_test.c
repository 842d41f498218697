/* Values against schemas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json_schema.h"

/* Goal: what fits is taken, what does not is refused at the place where it does not.
 * Method: a list; where is the pointer of the refusal, NULL when it fits. */
static void test_values(void **state)
{
    static const struct {
        const char *schema, *value, *where;
    } rows[] = {
        { "{}", "{\"a\":1}", NULL },
        { "{\"type\":\"object\"}", "[]", "" },
        { "{\"type\":\"object\"}", "null", "" },
        { "{\"type\":[\"string\",\"null\"]}", "null", NULL },
        { "{\"type\":\"integer\"}", "3.0", NULL },
        { "{\"type\":\"integer\"}", "3.5", "" },
        { "{\"type\":\"boolean\"}", "\"true\"", "" },
        { "{\"enum\":[\"same\",\"different\"]}", "\"same\"", NULL },
        { "{\"enum\":[\"same\",\"different\"]}", "\"Same\"", "" },
        { "{\"const\":{\"a\":[1]}}", "{\"a\":[1]}", NULL },
        { "{\"const\":1}", "2", "" },
        { "{\"required\":[\"a\",\"b\"]}", "{\"a\":1}", "" },
        { "{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1}", "/a" },
        { "{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1,\"b\":2}", "/b" },
        { "{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"number\"}}", "{\"b\":\"x\"}", "/b" },
        { "{\"properties\":{\"a\":{}}}", "{\"a\":1,\"a\":2}", "/a" },
        { "{\"properties\":{\"a/b~\":{\"type\":\"null\"}}}", "{\"a/b~\":1}", "/a~1b~0" },
        { "{\"items\":{\"type\":\"number\",\"minimum\":1,\"maximum\":9}}", "[1,9]", NULL },
        { "{\"items\":{\"minimum\":1}}", "[1,2,0.5]", "/2" },
        { "{\"items\":{\"items\":{\"maximum\":9}}}", "[[1],[2,10]]", "/1/1" },
        { "{\"minItems\":1,\"maxItems\":2}", "[]", "" },
        { "{\"minItems\":1,\"maxItems\":2}", "[1,2,3]", "" },
        { "{\"maxLength\":2}", "\"\xC3\xA4\xC3\xB6\"", NULL },
        { "{\"maxLength\":2}", "\"abc\"", "" },
        { "{\"minLength\":1}", "\"\"", "" },
        { "{\"pattern\":\"^[a-z]+$\"}", "\"abc\"", NULL },
        { "{\"pattern\":\"^[a-z]+$\"}", "\"abc1\"", "" },
        { "{\"format\":\"uuid\"}", "\"7b2e0c3a-1111-4000-8000-000000000000\"", NULL },
        { "{\"format\":\"uuid\"}", "\"7b2e\"", "" },
    };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        yyjson_doc *schema = yyjson_read(rows[r].schema, strlen(rows[r].schema), 0);
        yyjson_doc *value = yyjson_read(rows[r].value, strlen(rows[r].value), 0);
        char pointer[JSON_POINTER_BYTES];
        struct err err = { 0 };
        assert_non_null(schema);
        assert_non_null(value);
        if (!json_schema_is_known(yyjson_doc_get_root(schema), "test", NULL, &err)) fail_msg("%s", err.text);
        bool fits = json_schema_check(yyjson_doc_get_root(schema), yyjson_doc_get_root(value), NULL, pointer, &err);
        if (fits != (rows[r].where == NULL)) fail_msg("row %zu: %s", r, rows[r].value);
        if (!fits) assert_string_equal(pointer, rows[r].where);
        yyjson_doc_free(schema);
        yyjson_doc_free(value);
    }
}

/* Goal: a schema that says what is not checked, or says it wrongly, is refused. Method: a list. */
static void test_schemas(void **state)
{
    static const char *const wrong[] = { "1",
                                         "{\"oneOf\":[]}",
                                         "{\"type\":\"text\"}",
                                         "{\"type\":[1]}",
                                         "{\"type\":[]}",
                                         "{\"enum\":1}",
                                         "{\"required\":[1]}",
                                         "{\"required\":\"a\"}",
                                         "{\"minItems\":-1}",
                                         "{\"minimum\":\"1\"}",
                                         "{\"pattern\":\"(\"}",
                                         "{\"pattern\":1}",
                                         "{\"format\":\"email\"}",
                                         "{\"format\":\"date-time\"}",
                                         "{\"$ref\":\"#/a\"}",
                                         "{\"items\":[{}]}",
                                         "{\"properties\":[]}",
                                         "{\"properties\":{\"a\":1}}",
                                         "{\"additionalProperties\":1}" };
    char deep[400] = "";
    (void)state;
    for (int i = 0; i < 33; i++) strcat(deep, "{\"items\":");
    strcat(deep, "{}");
    for (int i = 0; i < 33; i++) strcat(deep, "}");
    for (size_t w = 0; w <= COUNT_OF(wrong); w++) {
        const char *text = w < COUNT_OF(wrong) ? wrong[w] : deep;
        yyjson_doc *schema = yyjson_read(text, strlen(text), 0);
        struct err err = { 0 };
        assert_non_null(schema);
        if (json_schema_is_known(yyjson_doc_get_root(schema), "test", NULL, &err)) fail_msg("%s", text);
        assert_int_equal(err.code, ERR_CORRUPT);
        yyjson_doc_free(schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_values), cmocka_unit_test(test_schemas) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
