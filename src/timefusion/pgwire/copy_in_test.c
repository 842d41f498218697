#include "timefusion/pgwire/copy_in.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool row_show(void *ctx, const struct query_field *fields, struct err *err)
{
    struct buf *out = ctx;
    (void)err;
    for (uint32_t c = 0; c < 2; c++)
        assert_true(buf_printf(out, "%s", c ? "," : "") &&
                    (fields[c].is_null
                         ? buf_add(out, "~", 1)
                         : buf_printf(out, "<%.*s>", (int)fields[c].value.len, (const char *)fields[c].value.ptr)));
    return buf_add(out, ";", 1);
}

/* The rows that come of the data, or what is said against it; fed in pieces of any size. */
static void check(const struct wire_copy *copy, struct bytes data, const char *rows, const char *refusal)
{
    static const char *const names[] = { "a", "b" };
    for (size_t piece = 1; piece <= data.len + 1; piece++) {
        struct buf out;
        struct copy_in in;
        struct err err = { 0 };
        bool ok = true;
        buf_init(&out, 10000);
        copy_in_init(&in, &(struct copy_in_options){ copy, names, 2, row_show, &out });
        for (size_t at = 0; ok && at < data.len; at += piece)
            ok = copy_in_feed(&in, bytes_from(data.ptr + at, data.len - at < piece ? data.len - at : piece), &err);
        ok = ok && copy_in_end(&in, &err);
        assert_true(buf_add(&out, "", 1));
        assert_string_equal(out.ptr, rows);
        if (refusal == NULL && !ok) fail_msg("%s", err.text);
        if (refusal != NULL && (ok || !strstr(err.text, refusal))) fail_msg("%s", err.text);
        buf_deinit(&out);
        copy_in_deinit(&in);
    }
}

/* Goal: rows are PostgreSQL's, wherever the messages are cut. Method: its documentation's rules, each cut everywhere. */
static void test_text(void **state)
{
    (void)state;
    struct wire_copy text = { .format = WIRE_TEXT, .delimiter = '\t', .null = "\\N" };
    check(&text, BYTES("1\t2\n\\N\tx\\ty\n"), "<1>,<2>;~,<x\ty>;", NULL);
    check(&text, BYTES("a\\\tb\tc\nlast\tline"), "<a\tb>,<c>;<last>,<line>;", NULL);
    check(&text, BYTES("\\x41\\102\t\\\\N\n\\.\nbehind\n"), "<AB>,<\\N>;", NULL);
    check(&text, BYTES("a\\\nb\tc\r\n\t\n"), "<a\nb>,<c>;<>,<>;", NULL);
    check(&text, BYTES("1\t2\n3\n"), "<1>,<2>;", "line 2: missing data for column \"b\"");
    check(&text, BYTES("1\t2\t3\n"), "", "line 1: extra data");
    check(&text, BYTES("a\\\nb\tc\nx\n"), "<a\nb>,<c>;", "line 3: missing");
    text.has_header = true;
    check(&text, BYTES("any\nx\ty\n"), "<x>,<y>;", NULL);
    text.matches_header = true;
    check(&text, BYTES("a\tb\nx\ty\n"), "<x>,<y>;", NULL);
    check(&text, BYTES("a\tc\nx\ty\n"), "", "line 1: the header");
}

static void test_csv(void **state)
{
    (void)state;
    struct wire_copy csv = { .format = WIRE_CSV, .delimiter = ',', .quote = '"', .escape = '"', .null = "" };
    check(&csv, BYTES("1,2\r\n,\"\"\n"), "<1>,<2>;~,<>;", NULL);
    check(&csv, BYTES("\"a,\"\"b\"\"\",\"c\nd\"\n"), "<a,\"b\">,<c\nd>;", NULL);
    check(&csv, BYTES("\"a\nb\",c\nd\n"), "<a\nb>,<c>;", "line 3: missing");
    check(&csv, BYTES("x\"y,z\"w,v\n"), "<xy,zw>,<v>;", NULL);
    check(&csv, BYTES("\"open,1\n"), "", "unterminated");
    check(&csv, BYTES("1,2\n\\.\n3,4\n"), "<1>,<2>;", NULL);
    csv.escape = '\\';
    check(&csv, BYTES("\"a\\\"b\\\\\",\"c\"\n"), "<a\"b\\>,<c>;", NULL);
}

static void test_binary(void **state)
{
    (void)state;
    struct wire_copy binary = { .format = WIRE_BINARY, .null = "" };
#define HEAD             \
    "PGCOPY\n\377\r\n\0" \
    "\0\0\0\0"           \
    "\0\0\0\0"
    check(&binary,
          BYTES(HEAD "\0\2"
                     "\0\0\0\1x"
                     "\377\377\377\377"
                     "\377\377"),
          "<x>,~;", NULL);
    check(&binary,
          BYTES(HEAD "\0\2"
                     "\0\0\0\0"
                     "\0\0\0\2yz"),
          "<>,<yz>;", NULL);
    check(&binary,
          BYTES(HEAD "\0\2"
                     "\0\0\0\1x"),
          "", "unexpected EOF");
    check(&binary, BYTES(HEAD "\0\3"), "", "row 1: the row field count");
    check(&binary, BYTES("1,2\n"), "", "signature");
    check(&binary, BYTES(""), "", "unexpected EOF");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_text), cmocka_unit_test(test_csv),
                                        cmocka_unit_test(test_binary) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
