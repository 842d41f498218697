/* threads: none */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "channels/channel.h"
#include "channels/message.h"

/* Goal: what was written is read. Method: a message with one of each block. */
static void test_written_and_read(void **state)
{
    (void)state;
    const struct bytes cells[] = { BYTES("a"), BYTES("b"), BYTES("\"1\""), BYTES("\xc3\xa9") };
    const struct bytes urls[] = { BYTES(""), BYTES(""), BYTES("/p/shop"), BYTES("") };
    const struct message_block blocks[] = {
        { .kind = MESSAGE_HEADING, .text = BYTES("Errors") },
        { .kind = MESSAGE_TABLE, .column_count = 2, .row_count = 2, .cells = cells, .urls = urls },
        { .kind = MESSAGE_FACTS, .column_count = 2, .row_count = 2, .cells = cells },
        { .kind = MESSAGE_IMAGE, .text = BYTES("c1") },
    };
    const struct message_link link = { BYTES("Report"), BYTES("/p/shop/reports/1") };
    const struct message_image image = { BYTES("c1"), BYTES("errors"), BYTES("\x89PNG\0\1\2\3") };
    const struct message message = { .act = MESSAGE_REPORT,
                                     .severity = MESSAGE_WARNING,
                                     .title = BYTES("Week"),
                                     .blocks = blocks,
                                     .block_count = 4,
                                     .links = &link,
                                     .link_count = 1,
                                     .images = &image,
                                     .image_count = 1,
                                     .incident = 7 };
    struct message read;
    struct buf json, again;
    struct arena arena = { 0 };
    struct err err = { 0 };
    buf_init(&json, MESSAGE_BYTES_MAX);
    buf_init(&again, MESSAGE_BYTES_MAX);
    assert_true(message_write(&message, &json, &err));
    assert_true(message_read(buf_bytes(&json), &arena, &read, &err));
    assert_true(message_write(&read, &again, &err));
    assert_true(bytes_equal(buf_bytes(&json), buf_bytes(&again)));
    assert_true(bytes_equal(read.images[0].png, image.png));
    assert_true(bytes_equal(read.blocks[1].urls[2], urls[2]));
    assert_int_equal(read.incident, 7);
    for (size_t len = 0; len < json.len; len++) /* cut anywhere it is none */
        assert_false(message_read(bytes_from(json.ptr, len), &arena, &read, &err));
    struct message bad = { .title = BYTES("\xff") };
    assert_false(message_write(&bad, &json, &err));
    assert_int_equal(err.code, ERR_INPUT);
    buf_deinit(&json);
    buf_deinit(&again);
    arena_deinit(&arena);
}

static void test_routes(void **state)
{
    (void)state;
    const struct channel_topic topic = { MESSAGE_WARNING, BYTES("shop-cart"), BYTES("production") };
    assert_false(channel_routes_match(BYTES("[]"), &topic));
    assert_false(channel_routes_match(BYTES(""), &topic));
    assert_false(channel_routes_match(BYTES("{"), &topic));
    assert_false(channel_routes_match(BYTES(CHANNEL_ROUTES_USUAL), &topic));
    assert_true(channel_routes_match(BYTES("[{\"severity\":\"warning\"}]"), &topic));
    assert_true(channel_routes_match(BYTES("[{\"severity\":\"info\",\"services\":[\"x\",\"shop-*\"]}]"), &topic));
    assert_false(channel_routes_match(BYTES("[{\"severity\":\"info\",\"services\":[\"x\"]}]"), &topic));
    assert_false(channel_routes_match(BYTES("[{\"severity\":\"info\",\"environments\":[\"dev\"]}]"), &topic));
    assert_true(channel_routes_match(BYTES("[1,{\"severity\":\"critical\"},{\"severity\":\"info\"}]"), &topic));
    assert_false(channel_routes_match(BYTES("[{\"severity\":\"nonsense\"}]"), &topic));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_written_and_read), cmocka_unit_test(test_routes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
