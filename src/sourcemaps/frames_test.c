/* Stacks of every engine, resolved line by line; and which map is a file's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "sourcemaps/book.h"
#include "sourcemaps/context.h"
#include "sourcemaps/stack.h"

/* Column 10 of line 1 is in total() of a.ts, 20 in its arrow function, 30 outside of functions; 40 is unknown. b.ts has no
 * text: its columns 110 and 120 have the names run and go. */
#define MAP                                                                                             \
    "{\"version\":3,\"sources\":[\"src/a.ts\",\"src/b.ts\"],\"names\":[\"run\",\"go\"],\"mappings\":\"" \
    "UACI,UAAI,UAER,U,sECGIA,UACCC\",\"sourcesContent\":[\"function total() {\\n    a = () => b\\n}\\nx()\\n\",null]}"

static const struct map *of_file(void *ctx, struct bytes file)
{
    return memmem(file.ptr, file.len, "app.js", 6) != NULL ? ctx : NULL;
}

static void check(const char *sent, const char *expected)
{
    struct map_made made;
    struct map map;
    struct err err = { 0 };
    struct arena arena;
    struct bytes text = bytes_of_text(sent);
    struct stack_counts counts;
    arena_init(&arena, 0);
    if (!map_read(BYTES(MAP), &made, &err) || !map_open(&map, buf_bytes(&made.compact), &err)) fail_msg("%s", err.text);
    bool is_resolved = stack_resolve(&arena, text, &(struct stack_maps){ of_file, &map }, &text, &counts);
    assert_int_equal(is_resolved, strcmp(sent, expected) != 0);
    if (!bytes_equal(text, bytes_of_text(expected)))
        fail_msg("\"%.*s\", not \"%s\"", (int)text.len, (const char *)text.ptr, expected);
    map_made_deinit(&made);
    arena_deinit(&arena);
}

/* Goal: frames of each engine become the source's, in the engine's own form; what is no frame stays, to the byte. */
static void test_engines(void **state)
{
    (void)state;
    check("TypeError: x\n    at t (https://h/app.js:1:11)\n    at https://h/app.js:1:31\n",
          "TypeError: x\n    at total (src/a.ts:2:5)\n    at src/a.ts:4:1\n");
    check("    at async t.e [as run] (https://h/app.js?v=1:1:11)\r\n    at new t (app.js:1:11)",
          "    at async total (src/a.ts:2:5)\r\n    at new total (src/a.ts:2:5)");
    check("t/e<@https://h/@x/app.js:1:11\nasync*t@https://h/app.js:1:11\n@https://h/app.js:1:31\n",
          "total@src/a.ts:2:5\ntotal@src/a.ts:2:5\n@src/a.ts:4:1\n");
    check("https://h/app.js:1:11\nglobal code@https://h/app.js:1:31", "src/a.ts:2:5\n@src/a.ts:4:1");
    check("    at t (address at /data/app.js:1:11)", "    at total (src/a.ts:2:5)");
    check("    at t (https://h/other.js:1:11)\n    at Array.map (<anonymous>)\n    at eval (eval at t "
          "(https://h/app.js:1:11), "
          "<anonymous>:1:1)",
          "    at t (https://h/other.js:1:11)\n    at Array.map (<anonymous>)\n    at eval (eval at t "
          "(https://h/app.js:1:11), "
          "<anonymous>:1:1)");
    check("Error: could not load https://h/app.js:1:11 (app.js:1:11)",
          "Error: could not load https://h/app.js:1:11 (app.js:1:11)");
    check("    at t (https://h/app.js:1:41)\n    at t (https://h/app.js:9:1)",
          "    at t (https://h/app.js:1:41)\n    at t (https://h/app.js:9:1)");
    check("", "");
    check("    at t (app.js:99999999999:1)\n    at t (app.js:0:0)\n    at (app.js:1:11",
          "    at t (app.js:99999999999:1)\n    at t (app.js:0:0)\n    at (app.js:1:11");
}

/* Goal: names of functions by the source's text; without it by the caller's mapping, the property, or none. */
static void test_names(void **state)
{
    (void)state;
    check("    at t (app.js:1:21)\n    at t (app.js:1:11)", "    at a (src/a.ts:2:9)\n    at total (src/a.ts:2:5)");
    check("    at t (app.js:1:111)\n    at e (app.js:1:121)\n    at n (app.js:1:121)",
          "    at go (src/b.ts:7:5)\n    at go (src/b.ts:8:6)\n    at src/b.ts:8:6");
    check("    at t.charge (app.js:1:111)\nx\n    at app.js:1:121",
          "    at charge (src/b.ts:7:5)\nx\n    at src/b.ts:8:6");
    check("    at charge (app.js:1:111)", "    at charge (src/b.ts:7:5)");
    check("    at ab (app.js:1:111)", "    at src/b.ts:7:5");
}

static void split_check(const char *file, const char *host, const char *path)
{
    struct book_file split;
    if (!book_file_split(bytes_of_text(file), &split)) {
        assert_null(path);
        return;
    }
    assert_string_equal(split.host, host);
    assert_string_equal(split.path, path);
}
static void test_files(void **state)
{
    (void)state;
    split_check("https://WWW.Example.com:8443/assets/App.js?v=1#x", "www.example.com:8443", "/assets/App.js");
    split_check("~/assets/app.js", "", "/assets/app.js");
    split_check("/srv/app.js", "", "/srv/app.js");
    split_check("file:///srv/app.js", "", "/srv/app.js");
    split_check("app:///main.jsbundle", "", "/main.jsbundle");
    split_check("C:\\app\\main.js", "", "/C:/app/main.js");
    split_check("index.android.bundle", "", "/index.android.bundle");
    split_check("https://www.example.com", "", NULL);
    split_check("", "", NULL);
}

/* Goal: the lines around a place, at both ends of a text, with any line ends; a long line is cut around the column. */
static void test_context(void **state)
{
    (void)state;
    struct sourcemaps_context context;
    struct bytes text = BYTES("1\n2\r\n3\r4\n5\n6\n7\n8\n9");
    assert_true(context_lines(text, 0, 0, &context));
    assert_int_equal(context.line_count, 6);
    assert_int_equal(context.at, 0);
    assert_true(context_lines(text, 6, 0, &context));
    assert_int_equal(context.line_count, 8);
    assert_int_equal(context.at, 5);
    for (uint32_t l = 0; l < context.line_count; l++) {
        assert_int_equal(context.lines[l].number, l + 2);
        assert_int_equal(context.lines[l].text.len, 1);
        assert_int_equal(context.lines[l].text.ptr[0], '2' + l);
    }
    assert_false(context_lines(text, 9, 0, &context));
    assert_true(context_lines(BYTES(""), 0, 0, &context));
    char line[5000];
    for (size_t i = 0; i < sizeof line; i += 2) memcpy(line + i, "\xC3\xA9", 2);
    memcpy(line + 3000, "HERE", 4);
    assert_true(context_lines(bytes_from(line, sizeof line), 0, 3000, &context));
    assert_true(context.lines[0].text.len <= SOURCEMAPS_LINE_BYTES_MAX &&
                context.lines[0].text.len > SOURCEMAPS_LINE_BYTES_MAX - 4);
    assert_non_null(memmem(context.lines[0].text.ptr, context.lines[0].text.len, "HERE", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_engines), cmocka_unit_test(test_names),
                                        cmocka_unit_test(test_files), cmocka_unit_test(test_context) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
