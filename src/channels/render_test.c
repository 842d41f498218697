/* threads: none */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <yyjson.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "channels/render.h"

enum { BLOCKS = 120, CELLS = 40, LINKS = 30 };

/* Far more of everything than any channel takes: long texts of letters that are several bytes, and that each protocol escapes. */
struct huge {
    struct message message;
    struct message_block blocks[BLOCKS];
    struct bytes cells[CELLS];
    struct message_link links[LINKS];
    struct message_image image;
    char *text;
};

static const struct render_context context = { .project = { (const uint8_t *)"shop", 4 },
                                               .base_url = "https://mono.example.com",
                                               .ack_url = "https://mono.example.com/acknowledge?token=x",
                                               .id = "mono-1-x",
                                               .host = "mono.example.com",
                                               .now_unix_us = INT64_C(1790000000000000),
                                               .is_uncertain = true };

static void huge_make(struct huge *huge)
{
    static const char piece[] = "<&*_\xc3\xa9\xf0\x9f\x94\xa5";
    size_t len = 20000 * (sizeof piece - 1);
    huge->text = malloc(len);
    for (size_t at = 0; at < len; at++) huge->text[at] = piece[at % (sizeof piece - 1)];
    struct bytes text = bytes_from(huge->text, len), line = bytes_from(huge->text, 40 * (sizeof piece - 1));
    for (int i = 0; i < CELLS; i++) huge->cells[i] = i < 8 ? line : bytes_from(huge->text, sizeof piece - 1);
    for (int i = 0; i < BLOCKS; i++)
        huge->blocks[i] =
            (struct message_block){ .kind = (enum message_block_kind)(i % MESSAGE_BLOCK_KIND_COUNT),
                                    .text = i % MESSAGE_BLOCK_KIND_COUNT == MESSAGE_IMAGE ? BYTES("c1") : text,
                                    .column_count = 2,
                                    .row_count = CELLS / 2,
                                    .cells = huge->cells };
    for (int i = 0; i < LINKS; i++) huge->links[i] = (struct message_link){ line, BYTES("/p/shop/incidents/7") };
    huge->image = (struct message_image){ BYTES("c1"), line, BYTES("\x89PNG\0\1\2\3") };
    huge->message = (struct message){ .severity = MESSAGE_CRITICAL,
                                      .thread_key = BYTES("incident-7-1"),
                                      .title = text,
                                      .blocks = huge->blocks,
                                      .block_count = BLOCKS,
                                      .links = huge->links,
                                      .link_count = LINKS,
                                      .images = &huge->image,
                                      .image_count = 1 };
}

static size_t chars(yyjson_val *value)
{
    return utf8_count(bytes_from(yyjson_get_str(value), yyjson_get_len(value)));
}

static yyjson_doc *read(struct buf *out)
{
    yyjson_doc *doc = yyjson_read((const char *)out->ptr, out->len, 0);
    assert_non_null(doc);
    return doc;
}

/* Goal: Slack's published bounds hold for any message. */
static void test_slack_bounds(void **state)
{
    struct huge huge;
    struct buf out;
    struct err err = { 0 };
    size_t at, max, f, fields;
    yyjson_val *block, *field;
    (void)state;
    huge_make(&huge);
    buf_init(&out, 1 << 24);
    assert_true(render_slack(&huge.message, &context, &(struct render_slack){ 0 }, &out, &err));
    yyjson_doc *doc = read(&out);
    yyjson_val *root = yyjson_doc_get_root(doc), *blocks = yyjson_obj_get(root, "blocks");
    assert_in_range(yyjson_arr_size(blocks), 10, 50);
    assert_in_range(chars(yyjson_obj_get(root, "text")), 1, 4000);
    yyjson_arr_foreach(blocks, at, max, block)
    {
        yyjson_val *text = yyjson_obj_get(yyjson_obj_get(block, "text"), "text");
        size_t bound = yyjson_equals_str(yyjson_obj_get(block, "type"), "header") ? 150 : 3000;
        if (text != NULL) assert_in_range(chars(text), 1, bound);
        assert_in_range(yyjson_arr_size(yyjson_obj_get(block, "fields")), 0, 10);
        yyjson_arr_foreach(yyjson_obj_get(block, "fields"), f, fields, field)
            assert_in_range(chars(yyjson_obj_get(field, "text")), 1, 2000);
        assert_in_range(yyjson_arr_size(yyjson_obj_get(block, "elements")), 0, 25);
    }
    yyjson_doc_free(doc);
    buf_deinit(&out);
    free(huge.text);
}

/* Goal: Discord's bounds hold, in all too. */
static void test_discord_bounds(void **state)
{
    struct huge huge;
    struct buf out;
    struct err err = { 0 };
    size_t at, max;
    yyjson_val *field;
    (void)state;
    huge_make(&huge);
    buf_init(&out, 1 << 24);
    assert_true(render_discord(&huge.message, &context, &out, &err));
    yyjson_doc *doc = read(&out);
    yyjson_val *embed = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(doc), "embeds"));
    size_t total = chars(yyjson_obj_get(embed, "title")) + chars(yyjson_obj_get(embed, "description")) +
                   chars(yyjson_obj_get(yyjson_obj_get(embed, "footer"), "text"));
    assert_in_range(chars(yyjson_obj_get(embed, "title")), 1, 256);
    assert_in_range(chars(yyjson_obj_get(embed, "description")), 1, 4096);
    assert_in_range(yyjson_arr_size(yyjson_obj_get(embed, "fields")), 1, 25);
    yyjson_arr_foreach(yyjson_obj_get(embed, "fields"), at, max, field)
    {
        assert_in_range(chars(yyjson_obj_get(field, "name")), 1, 256);
        assert_in_range(chars(yyjson_obj_get(field, "value")), 1, 1024);
        total += chars(yyjson_obj_get(field, "name")) + chars(yyjson_obj_get(field, "value"));
    }
    assert_in_range(total, 1, 6000);
    yyjson_doc_free(doc);
    buf_deinit(&out);
    free(huge.text);
}

static void test_pagerduty_bounds(void **state)
{
    struct huge huge;
    struct buf out;
    struct err err = { 0 };
    (void)state;
    huge_make(&huge);
    buf_init(&out, 1 << 24);
    assert_true(render_pagerduty(&huge.message, &context, BYTES("k"), "d", &out, &err));
    assert_in_range(out.len, 1, 512 << 10);
    yyjson_doc *doc = read(&out);
    yyjson_val *payload = yyjson_obj_get(yyjson_doc_get_root(doc), "payload");
    assert_in_range(chars(yyjson_obj_get(payload, "summary")), 1, 1024);
    yyjson_doc_free(doc);
    buf_deinit(&out);
    free(huge.text);
}

/* Goal: a mail is ASCII in lines that SMTP takes, its images are named where they are shown. */
static void test_mail(void **state)
{
    struct huge huge;
    struct buf out;
    struct err err = { 0 };
    const struct bytes to = BYTES("ops@example.com");
    const struct render_mail mail = { BYTES("mono@example.com"), &to, 1 };
    size_t line = 0;
    (void)state;
    huge_make(&huge);
    huge.message.block_count = 5;
    huge.message.title = BYTES("caf\xc3\xa9\r\nBcc: all@example.com"); /* cannot begin a header */
    buf_init(&out, 1 << 24);
    if (!render_mail(&huge.message, &context, &mail, &out, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < out.len; i++) {
        line = out.ptr[i] == '\n' ? 0 : line + 1;
        assert_true(out.ptr[i] < 0x80);
        assert_in_range(line, 0, 998);
        if (out.ptr[i] == '\n') assert_int_equal(out.ptr[i - 1], '\r');
    }
    assert_null(memmem(out.ptr, out.len, "\nBcc:", 5));
    assert_non_null(memmem(out.ptr, out.len, "Content-ID: <c1-mono-1-x@mono.example.com>", 42));
    assert_non_null(memmem(out.ptr, out.len, "Message-ID: <mono-1-x@mono.example.com>", 39));
    buf_deinit(&out);
    free(huge.text);
}

/* Goal: of an image that says nothing in words where it cannot be shown nothing is said; mail shows it. */
static void test_image_without_words(void **state)
{
    const struct message_image image = { BYTES("chart1"), BYTES(""), BYTES("\x89PNG") };
    const struct message_block block = { .kind = MESSAGE_IMAGE, .text = BYTES("chart1") };
    const struct message message = {
        .title = BYTES("t"), .blocks = &block, .block_count = 1, .images = &image, .image_count = 1
    };
    const struct bytes to = BYTES("ops@example.com");
    const struct render_mail mail = { BYTES("mono@example.com"), &to, 1 };
    struct buf out;
    struct err err = { 0 };
    (void)state;
    buf_init(&out, 1 << 20);
    assert_true(render_text(&message, &context, &out, &err));
    assert_null(memmem(out.ptr, out.len, "chart", 5));
    out.len = 0;
    assert_true(render_slack(&message, &context, &(struct render_slack){ 0 }, &out, &err));
    assert_null(memmem(out.ptr, out.len, "__", 2));
    yyjson_doc *doc = read(&out);
    yyjson_doc_free(doc);
    out.len = 0;
    assert_true(render_mail(&message, &context, &mail, &out, &err));
    assert_non_null(memmem(out.ptr, out.len, "Content-ID: <chart1-", 20));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_slack_bounds), cmocka_unit_test(test_discord_bounds),
                                        cmocka_unit_test(test_pagerduty_bounds), cmocka_unit_test(test_mail),
                                        cmocka_unit_test(test_image_without_words) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
