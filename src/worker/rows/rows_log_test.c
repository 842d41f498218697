/* Log records as rows: fields, levels, bodies. */
#include "worker/rows/rows_fixture.h"

static void test_log_fields(void **state)
{
    struct fixture *f = *state;
    struct otlp_log *log = sent_log(f, ATTRIBUTES(f, text_of("user.id", "u1"), text_of("k", "v")));
    log->severity_number = 17;
    log->severity_text = BYTES("Error");
    log->trace_id = BYTES("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef");
    log->span_id = BYTES("\xaa\xbb\xcc\xdd\x00\x11\x22\x33");
    log->event_name = BYTES("paid");
    log->flags = 0x2;
    log->body = body_of("it \"broke\"");
    struct otlp_log *bare = sent_log(f, (struct otlp_range){ 0 });
    bare->time_unix_ns = 0;
    bare->trace_id = BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    struct otlp_log *barest = sent_log(f, (struct otlp_range){ 0 });
    barest->time_unix_ns = barest->observed_unix_ns = 0;
    build(f);
    assert_cell(f, 0, "kind", "log");
    assert_cell(f, 0, "name", "paid");
    assert_cell(f, 0, "level", "ERROR");
    assert_cell(f, 0, "severity___severity_text", "Error");
    assert_cell(f, 0, "severity___severity_number", "17");
    assert_cell(f, 0, "body", "\"it \\\"broke\\\"\"");
    assert_cell(f, 0, "context___trace_id", "0123456789abcdef0123456789abcdef");
    assert_cell(f, 0, "context___span_id", "aabbccdd00112233");
    assert_cell(f, 0, "context___trace_flags", "02");
    assert_cell(f, 0, "hashes", "0123456789abcdef0123456789abcdef|pat:694a8ae3-0f59-582a-afe4-c2dc091195f6");
    assert_cell(f, 0, "observed_timestamp", "1767225500000005");
    assert_cell(f, 0, "attributes___user___id", "u1");
    assert_cell(f, 0, "attributes", "{\"k\":\"v\"}");
    assert_cell(f, 0, "message_size_bytes", "77");
    assert_cell(f, 0, "summary", "level;badge-error=>ERROR|message;text=>it \"broke\"");
    const char *nulls[] = { "parent_id", "status_code", "duration", "start_time", "end_time" };
    for (size_t i = 0; i < COUNT_OF(nulls); i++) assert_cell_null(f, 0, nulls[i]);
    assert_int_equal(f->columns[0]->timestamps[1], (T0_NS + 5000) / 1000);
    assert_cell_null(f, 1, "context___trace_id");
    assert_cell_null(f, 1, "hashes");
    assert_cell_null(f, 1, "body");
    assert_cell_null(f, 1, "level");
    assert_cell(f, 1, "summary", "");
    /* Received a day later than the others' times: columns of their own. */
    assert_int_equal(f->columns_count, 2);
    assert_int_equal(f->columns[1]->timestamps[0], RECEIVED_US);
    assert_string_equal(cell_in(f->columns[1], 0, "observed_timestamp"), "1767225600000000");
}

static void test_log_levels(void **state)
{
    struct fixture *f = *state;
    const struct {
        int32_t number;
        const char *text, *level;
    } cases[] = {
        { 1, "", "TRACE" },       { 4, "", "TRACE" },       { 5, "", "DEBUG" },
        { 9, "", "INFO" },        { 12, "ERROR", "INFO" },  { 13, "", "WARN" },
        { 20, "", "ERROR" },      { 21, "", "FATAL" },      { 24, "", "FATAL" },
        { 0, "warning", "WARN" }, { 0, "Err", "ERROR" },    { 0, "CRITICAL", "FATAL" },
        { 0, "panic", "FATAL" },  { 0, "notice", "INFO" },  { 0, "information", "INFO" },
        { 0, "info2", "INFO" },   { 0, "strange", NULL },   { 0, "", NULL },
        { 25, "", NULL },         { -1, "debug", "DEBUG" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct otlp_log *log = sent_log(f, (struct otlp_range){ 0 });
        log->severity_number = cases[i].number;
        log->severity_text = bytes_of_text(cases[i].text);
    }
    build(f);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        const char *level = cell(f, i, "level");
        if (cases[i].level == NULL) {
            assert_null(level);
        } else {
            assert_non_null(level);
            assert_string_equal(level, cases[i].level);
        }
    }
}

/* Goal: a text that is a JSON object is stored as that object; all else as the value it is; and the line says what people
 * read of it. */
static void test_log_bodies(void **state)
{
    struct fixture *f = *state;
    sent_log(f, (struct otlp_range){ 0 })->body =
        body_of(" { \"msg\" : \"paid \\u00e9 \\ud83d\\ude00\\n\", \"n\": [1, 2.50, -0e1, {}], \"ok\": true } ");
    sent_log(f, (struct otlp_range){ 0 })->body = body_of("{\"a\":1,}");
    sent_log(f, (struct otlp_range){ 0 })->body = body_of("[1]");
    sent_log(f, (struct otlp_range){ 0 })->body = (struct otlp_value){ .type = OTLP_INT, .integer = 42 };
    sent_log(f, (struct otlp_range){ 0 })->body =
        (struct otlp_value){ .type = OTLP_KVLIST,
                             .bytes = BYTES("\x0a\x0e\x0a\x07message\x12\x03\x0a\x01"
                                            "x") };
    build(f);
    assert_cell(f, 0, "body", "{\"msg\":\"paid \\u00e9 \\ud83d\\ude00\\n\",\"n\":[1,2.50,-0e1,{}],\"ok\":true}");
    assert_cell(f, 0, "summary", "message;text=>paid \xc3\xa9 \xf0\x9f\x98\x80\n");
    assert_cell(f, 1, "body", "\"{\\\"a\\\":1,}\"");
    assert_cell(f, 1, "summary", "message;text=>{\"a\":1,}");
    assert_cell(f, 2, "body", "\"[1]\"");
    assert_cell(f, 3, "body", "42");
    assert_cell(f, 3, "summary", "message;text=>42");
    assert_cell(f, 4, "body", "{\"message\":\"x\"}");
    assert_cell(f, 4, "summary", "message;text=>x");
}

/* Goal: the message is cut between characters. Method: 499 bytes, then a character of two. */
static void test_log_message_is_cut(void **state)
{
    struct fixture *f = *state;
    char text[600] = { 0 };
    memset(text, 'a', 499);
    memcpy(text + 499, "\xc3\xa9tail", 6);
    sent_log(f, (struct otlp_range){ 0 })->body = body_of(text);
    build(f);
    assert_int_equal(strlen(cell(f, 0, "summary")), strlen("message;text=>") + 499);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_log_fields),
        TEST(test_log_levels),
        TEST(test_log_bodies),
        TEST(test_log_message_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
