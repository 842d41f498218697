/* What goes over the wire between peers: what is written is read the same, and what is wrong is told by its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "peers/feed.h"

#define ID    "6f0d3c52-7c1b-4c6e-9d5e-0123456789ab"
#define HEAD  "monoscope-peer 1\nlist " ID " 417 since\n"
#define OWNER "owner monoscope/" ID "/2 8 640 open otel_logs_and_spans:600 otel_metrics:-1 otel_later:5\n"

static void test_what_is_told_is_read(void **state)
{
    (void)state;
    char hash[FEED_HASH_DIGITS + 1], text[2000];
    struct err err = { 0 };
    struct feed feed;
    feed_hash(BYTES("by\ntes"), hash);
    snprintf(text, sizeof text,
             HEAD OWNER "owner other 9223372036854775807 0 closed\nremoved 1093\nremoved 5\nof a later version\n"
                        "segment 1100 0 otel_logs_and_spans " ID " 20784 600 640 6 6 %s\nby\ntes\n"
                        "segment 1101 1 otel_later " ID " 20784 600 640 6 6 %s\nby\ntes\n"
                        "segment 1102 1 otel_metrics " ID " -3 0 1 77 0 -\nend\n",
             hash, hash);
    if (!feed_read(bytes_of_text(text), &feed, &err)) fail_msg("%s", err.text);
    assert_int_equal(feed.number, 417);
    assert_false(feed.is_full);
    assert_int_equal(feed.owner_count, 2);
    assert_string_equal(feed.owners[0].app_id, "monoscope/" ID "/2");
    assert_int_equal(feed.owners[0].epoch, 8);
    assert_int_equal(feed.owners[0].visible, 640);
    assert_true(feed.owners[0].is_open && !feed.owners[1].is_open);
    assert_int_equal(feed.owners[0].stored[SCHEMA_LOGS_AND_SPANS], 600);
    assert_int_equal(feed.owners[0].stored[SCHEMA_METRICS], -1);
    assert_int_equal(feed.removed_count, 2);
    assert_int_equal(feed.segment_count, 2); /* a table of a later version is nobody's here */
    assert_true(bytes_equal(feed.segments[0].content, BYTES("by\ntes")));
    assert_int_equal(feed.segments[0].low, 600);
    assert_int_equal(feed.segments[1].day, -3);
    assert_int_equal(feed.segments[1].bytes, 77);
    assert_int_equal(feed.segments[1].content.len, 0);
    feed_deinit(&feed);
}

static void test_what_is_wrong_is_told_by_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } rows[] = {
        { "", "line 0" },
        { "<html>\n", "another version" },
        { "monoscope-peer 1\n", "of which list" },
        { "monoscope-peer 1\nlist " ID " 0 full\nend\n", "line 2" },
        { "monoscope-peer 1\nlist " ID " 9223372036854775808 full\nend\n", "line 2" },
        { "monoscope-peer 1\nlist " ID " 4 some\nend\n", "line 2" },
        { HEAD, "before the end" },
        { HEAD "end", "before the end" },
        { HEAD "end\nmore\n", "after the end" },
        { HEAD "owner a 0 1 open\nend\n", "line 3" },
        { HEAD "owner a 1 1 ajar\nend\n", "line 3" },
        { HEAD "owner a 1 1 open otel_metrics:-2\nend\n", "a table and a position" },
        { HEAD "owner a 1 1 open\nowner a 1 2 open\nend\n", "twice" },
        { HEAD "removed\nend\n", "the id of a segment" },
        { HEAD "removed -1\nend\n", "the id of a segment" },
        { HEAD OWNER "segment 1 1 otel_metrics " ID " 0 0 1 5 0 -\nend\n", "line 4" },
        { HEAD OWNER "segment 1 0 otel_metrics " ID " 0 1 1 5 0 -\nend\n", "line 4" },
        { HEAD OWNER "segment 1 0 otel_metrics " ID " 0 0 1 0 0 -\nend\n", "line 4" },
        { HEAD OWNER "segment 1 0 otel_metrics " ID " 0 0 1 5 4 -\nabcd\nend\n", "line 4" },
        { HEAD OWNER "segment 1 0 otel_metrics " ID " 0 0 1 5 5 -\nabcde\nend\n", "another hash" },
        { HEAD OWNER "segment 1 0 otel_metrics " ID " 0 0 1 500 500 -\nabcde\nend\n", "not all there" },
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct feed feed;
        struct err err = { 0 };
        if (feed_read(bytes_of_text(rows[r].text), &feed, &err)) fail_msg("row %zu is read", r);
        assert_int_equal(err.code, ERR_PROTOCOL);
        if (!strstr(err.text, rows[r].told)) fail_msg("row %zu: \"%s\" is not in \"%s\"", r, rows[r].told, err.text);
        assert_null(feed.owners);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told_is_read),
        cmocka_unit_test(test_what_is_wrong_is_told_by_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
