/* threads: none */
/* COPY's forms against what PostgreSQL 15 writes (tests/story_pgwire.py compares whole answers with a running one). */
#include "timefusion/pgwire/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void expect(const struct wire_copy *copy, const char *text, bool must_quote, bool is_alone, const char *wanted)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_true(copy->format == WIRE_CSV ? copy_csv_put(&out, copy, bytes_of_text(text), must_quote, is_alone)
                                         : copy_text_put(&out, copy, bytes_of_text(text)));
    if (!bytes_equal(buf_bytes(&out), bytes_of_text(wanted)))
        fail_msg("wanted \"%s\", got \"%.*s\"", wanted, (int)out.len, (const char *)out.ptr);
    buf_deinit(&out);
}

/* Goal: no value ends its field or its line. Method: each character that means something. */
static void test_text(void **state)
{
    (void)state;
    struct wire_copy copy = { .format = WIRE_TEXT, .delimiter = '\t', .null = "\\N" };
    expect(&copy, "a\tb\nc\rd\\e", false, false, "a\\tb\\nc\\rd\\\\e");
    expect(&copy, "\b\f\v", false, false, "\\b\\f\\v");
    expect(&copy, "\\N", false, false, "\\\\N");
    copy.delimiter = '|';
    expect(&copy, "a|b\tc", false, false, "a\\|b\\tc");
}

/* Goal: a value is quoted when it must be, when it reads as NULL or as the end, and not else. */
static void test_csv(void **state)
{
    (void)state;
    struct wire_copy copy = { .format = WIRE_CSV, .delimiter = ',', .quote = '"', .escape = '"', .null = "" };
    expect(&copy, "plain", false, false, "plain");
    expect(&copy, "plain", true, false, "\"plain\"");
    expect(&copy, "", false, false, "\"\"");
    expect(&copy, "a,b", false, false, "\"a,b\"");
    expect(&copy, "say \"x\"", false, false, "\"say \"\"x\"\"\"");
    expect(&copy, "two\nlines", false, false, "\"two\nlines\"");
    expect(&copy, "\\.", false, true, "\"\\.\"");
    expect(&copy, "\\.", false, false, "\\.");
    copy = (struct wire_copy){ .format = WIRE_CSV, .delimiter = ';', .quote = '\'', .escape = '\\', .null = "nix" };
    expect(&copy, "nix", false, false, "'nix'");
    expect(&copy, "it's \\", false, false, "'it\\'s \\\\'");
    expect(&copy, "", false, false, "");
}

/* Goal: names of columns are written as values are, and binary begins and ends as PostgreSQL's. */
static void test_ends(void **state)
{
    (void)state;
    const struct query_column columns[] = { { .name = "n", .type = QUERY_TYPE_INT4 },
                                            { .name = "odd,name", .type = QUERY_TYPE_TEXT } };
    struct wire_copy copy = {
        .format = WIRE_CSV, .delimiter = ',', .quote = '"', .escape = '"', .null = "", .has_header = true
    };
    struct copy_rows rows = { &copy, columns, 2 };
    struct buf out;
    buf_init(&out, 4096);
    assert_true(copy_begin_put(&out, &rows) && copy_end_put(&out, &rows));
    assert_int_equal(out.len, 13);
    assert_memory_equal(out.ptr, "n,\"odd,name\"\n", 13);
    copy.format = WIRE_BINARY;
    out.len = 0;
    assert_true(copy_begin_put(&out, &rows) && copy_end_put(&out, &rows));
    assert_int_equal(out.len, 21);
    assert_memory_equal(out.ptr, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\377\377", 21);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_text), cmocka_unit_test(test_csv),
                                        cmocka_unit_test(test_ends) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
