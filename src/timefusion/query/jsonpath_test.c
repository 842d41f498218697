#include "base/json_object.h"
#include "timefusion/query/jsonpath.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void items_show(const struct jsonpath_items *items, struct buf *out)
{
    bool ok = true;
    for (size_t i = 0; ok && i < items->count; i++) {
        const struct jsonpath_item *item = &items->at[i];
        if (i > 0) ok = buf_add(out, " ", 1);
        switch (item->kind) {
        case JSONPATH_NUMBER: ok = ok && buf_printf(out, "%g", item->number); break;
        case JSONPATH_TEXT:
            ok = ok && buf_printf(out, "'%.*s'", (int)item->text.len, (const char *)item->text.ptr);
            break;
        case JSONPATH_TRUTH: ok = ok && buf_printf(out, item->truth ? "true" : "false"); break;
        case JSONPATH_NULL: ok = ok && buf_printf(out, "null"); break;
        default: ok = ok && buf_printf(out, yyjson_is_arr(item->json) ? "[]" : "{}");
        }
    }
    assert_true(ok && buf_add(out, "", 1));
}

/* Goal: paths give what PostgreSQL 15 gives (tests/story_sql.py asks it too); what is no path is refused with words.
 * Method: each path over one document; the items shown. */
static void test_paths(void **state)
{
    (void)state;
    static const char document[] =
        "{\"a\":[1,2,3],\"b\":{\"c\":\"xyz\",\"d\":null},\"n\":2.5,\"e\":[{\"k\":1},{\"k\":2},{}]}";
    static const struct {
        const char *path, *items; /* NULL: refused when it is read; "!": when it is run */
    } cases[] = {
        { "$.a[*]", "1 2 3" },
        { "$.a[0]", "1" },
        { "$.a[last]", "3" },
        { "$.a[last - 1]", "2" },
        { "$.a[0 to 1]", "1 2" },
        { "$.a[0,2]", "1 3" },
        { "$.a[5]", "" },
        { "strict $.a[5]", "!" },
        { "$.a ? (@ > 1)", "2 3" },
        { "$.a[*] ? (@ > 1 && @ < 3)", "2" },
        { "$.a[*] ? (@ == 1 || @ == 3)", "1 3" },
        { "$.a[*] ? (!(@ == 1))", "2 3" },
        { "$.a.size()", "3" },
        { "$.a.type()", "'array'" },
        { "$.b.c", "'xyz'" },
        { "$.\"b\".\"c\"", "'xyz'" },
        { "$.b.*", "'xyz' null" },
        { "$.b.d", "null" },
        { "$.nothing", "" },
        { "strict $.nothing", "!" },
        { "$.e.k", "1 2" },
        { "strict $.e.k", "!" },
        { "$.e[*] ? (exists(@.k)).k", "1 2" },
        { "$.e[*].k ? (@ >= 2)", "2" },
        { "$.b.c ? (@ starts with \"xy\")", "'xyz'" },
        { "$.b.c ? (@ like_regex \"^X.Z$\" flag \"i\")", "'xyz'" },
        { "$.b.c ? (@ like_regex \"^X\")", "" },
        { "$.n + 1", "3.5" },
        { "$.n * 2 - 1", "4" },
        { "-$.n", "-2.5" },
        { "$.a[0] / 0", "!" },
        { "$.b.c + 1", "!" },
        { "$.a[*] > 2", "true" },
        { "$.a[*] > 5", "false" },
        { "$.b.c > 2", "null" },
        { "($.b.c > 2) is unknown", "true" },
        { "$.n.floor()", "2" },
        { "$.n.ceiling()", "3" },
        { "$.n.abs()", "2.5" },
        { "strict $.**{1}.type()", "'array' 'object' 'number' 'array'" },
        { "$.**.k", "1 2 1 2" }, /* lax looks into the array too */
        { "$.**{1}", "[] {} 2.5 []" },
        { "$n", "2.5" }, /* the variables are the document here */
        { "$zzz", "!" },
        { "", NULL },
        { "$.", NULL },
        { "$.a[", NULL },
        { "$.a ? (@)", NULL },
        { "$ &&", NULL },
        { "$.a.keyvalue()", NULL },
        { "$.b.c ? (@ like_regex \"(a)\\\\1\")", NULL },
        { "$ $", NULL },
    };
    yyjson_doc *doc = json_read_digits(bytes_of_text(document));
    yyjson_val *root = yyjson_doc_get_root(doc);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct jsonpath *path;
        struct jsonpath_items items;
        struct err err = { .code = ERR_OK };
        struct buf shown;
        buf_init(&shown, 1000);
        arena_init(&arena, 0);
        bool ok = jsonpath_parse(&path, bytes_of_text(cases[i].path), &arena, &err);
        if (ok == (cases[i].items == NULL)) fail_msg("%s: %s", cases[i].path, err.text);
        if (ok) {
            bool fails = strcmp(cases[i].items, "!") == 0;
            if (jsonpath_run(path, root, root, &arena, &items, &err) == fails)
                fail_msg("%s: %s", cases[i].path, err.text);
            if (!fails) {
                items_show(&items, &shown);
                if (strcmp((const char *)shown.ptr, cases[i].items) != 0)
                    fail_msg("%s gives %s, not %s", cases[i].path, (const char *)shown.ptr, cases[i].items);
            }
        }
        assert_true(ok || err.text[0] != '\0');
        jsonpath_free(path);
        buf_deinit(&shown);
        arena_deinit(&arena);
    }
    yyjson_doc_free(doc);
}

/* Goal: no path takes long or deep.
 * Method: nested and multiplying ones end with an error. */
static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *start, *piece, *end;
        int count;
    } shapes[] = { { "$", ".a", "", 900 },
                   { "", "(", "$", 500 },
                   { "", "-", "1", 500 },
                   { "$", "[*].**", "", 400 },
                   { "$.a", " ? (@.b", " == 1)", 300 },
                   { "", "!", "($ == 1)", 2000 } };
    yyjson_doc *doc = yyjson_read("[[[[[[1,2],[3]],[4]]],[[[5]]]]]", 31, 0);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct arena arena;
        struct jsonpath *path;
        struct jsonpath_items items;
        struct err err = { .code = ERR_OK };
        struct buf text;
        buf_init(&text, 100000);
        arena_init(&arena, 0);
        bool ok = buf_printf(&text, "%s", shapes[i].start);
        for (int n = 0; ok && n < shapes[i].count; n++) ok = buf_printf(&text, "%s", shapes[i].piece);
        assert_true(ok && buf_printf(&text, "%s", shapes[i].end));
        if (jsonpath_parse(&path, buf_bytes(&text), &arena, &err)) {
            if (!jsonpath_run(path, yyjson_doc_get_root(doc), NULL, &arena, &items, &err))
                assert_true(err.text[0] != '\0');
            assert_true(arena.bytes < 256u << 20);
        }
        jsonpath_free(path);
        arena_deinit(&arena);
        buf_deinit(&text);
    }
    yyjson_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_paths), cmocka_unit_test(test_bounds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
