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
    assert_cell(f, 0, "summary", "level;badge-error=>ERROR|event;badge=>paid|message;text=>it \"broke\"");
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
        { 1, "", "TRACE" },        { 4, "", "TRACE" },         { 5, "", "DEBUG" },
        { 9, "", "INFO" },         { 12, "ERROR", "INFO" },    { 13, "", "WARN" },
        { 20, "", "ERROR" },       { 21, "", "FATAL" },        { 24, "", "FATAL" },
        { 0, "warning", "WARN" },  { 0, "Err", "ERROR" },      { 0, "CRITICAL", "FATAL" },
        { 0, "panic", "FATAL" },   { 0, "notice", "INFO" },    { 0, "information", "INFO" },
        { 0, "info2", "INFO" },    { 0, "strange", NULL },     { 0, "", NULL },
        { 25, "", NULL },          { -1, "debug", "DEBUG" },   { 0, "FINER", "DEBUG" },
        { 0, "FINEST", "TRACE" },  { 0, "SEVERE", "ERROR" },   { 0, "CONFIG", "DEBUG" }, /* Java */
        { 0, "dpanic", "FATAL" },  { 0, "ERROR+2", "ERROR" },  { 0, "DEBUG-4", "DEBUG" },
        { 0, "WRN", "WARN" },                                                            /* Go */
        { 0, "Verbose", "TRACE" }, { 0, "Fatal", "FATAL" },    { 0, "success", "INFO" }, /* .NET, loguru */
        { 0, "30", "INFO" },       { 0, "60", "FATAL" },       { 0, "35", NULL },
        { 0, "70", NULL }, /* pino, bunyan */
        { 0, "0", "FATAL" },       { 0, "3", "ERROR" },        { 0, "7", "DEBUG" },
        { 0, "8", NULL },                                                               /* syslog */
        { 0, "crit", "FATAL" },    { 0, "emerg", "FATAL" },    { 0, "alert", "FATAL" }, /* syslog, nginx */
        { 0, "W", "WARN" },        { 0, "F", "FATAL" },        { 0, "D2", "DEBUG" },
        { 0, "x", NULL },                                                                /* glog, logcat, MongoDB */
        { 0, "LOG", "INFO" },      { 0, "DEBUG5", "DEBUG" },   { 0, "Note", "INFO" },    /* PostgreSQL, MySQL */
        { 0, "[Warn]", "WARN" },   { 0, "<error>:", "ERROR" }, { 0, "trace8", "TRACE" }, /* framed; Apache */
        { 0, "NOTSET", NULL },     { 0, "OFF", NULL },         { 0, "a level of many words", NULL },
        { 0, "123", NULL },
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

/* Goal: a log without a severity of its own has the level that an attribute, its body or logfmt in it tells; a severity
 * goes first, and what is no level is none. */
static void test_levels_told_elsewhere(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *severity, *body, *level;
        struct otlp_attribute attribute;
    } cases[] = {
        { "", "x", "WARN", text_of("level", "warning") },
        { "", "x", "ERROR", text_of("log.level", "ERROR") },
        { "", "x", "WARN", int_of("level", 40) },
        { "", "x", NULL, text_of("severity", "high") },
        { "info", "{\"level\":\"error\"}", "INFO", text_of("level", "warn") },
        { "?", "{\"level\":\"error\"}", "ERROR", text_of("k", "v") },
        { "", "{\"level\":\"error\"}", "WARN", text_of("level", "warn") },
        { "", "{\"msg\":\"x\",\"level\":30}", "INFO", text_of("k", "v") },
        { "", "{\"@l\":\"Warning\",\"@mt\":\"x\"}", "WARN", text_of("k", "v") },
        { "", "{\"PRIORITY\":\"3\",\"MESSAGE\":\"x\"}", "ERROR", text_of("k", "v") },
        { "", "{\"severity\":\"ERROR\",\"LogLevel\":\"Information\"}", "INFO", text_of("k", "v") },
        { "", "{\"inner\":{\"level\":\"error\"}}", NULL, text_of("k", "v") },
        { "", "{\"level\":\"3rd floor\"}", NULL, text_of("k", "v") },
        { "", "{\"level\":true}", NULL, text_of("k", "v") },
        { "", "ts=2026-01-02T03:04:05Z level=warn msg=\"x\"", "WARN", text_of("k", "v") },
        { "", "level=\"error\" msg=x", "ERROR", text_of("k", "v") },
        { "", "the level=warn", "WARN", text_of("k", "v") },
        { "", "sea_level=warn", NULL, text_of("k", "v") },
        { "", "level=", NULL, text_of("k", "v") },
        { "", "an error happened", NULL, text_of("k", "v") },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct otlp_log *log = sent_log(f, sent_attributes(f, &cases[i].attribute, 1));
        log->severity_text = bytes_of_text(cases[i].severity);
        log->body = body_of(cases[i].body);
    }
    sent_log(f, (struct otlp_range){ 0 })->body = /* {"level":"warn","level":"nothing","msg":"x"} */
        (struct otlp_value){ .type = OTLP_KVLIST,
                             .bytes = BYTES("\x0a\x0f\x0a\x05level\x12\x06\x0a\x04warn"
                                            "\x0a\x12\x0a\x05level\x12\x09\x0a\x07nothing"
                                            "\x0a\x0a\x0a\x03msg\x12\x03\x0a\x01x") };
    build(f);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        const char *level = cell(f, i, "level");
        if ((level == NULL) != (cases[i].level == NULL) || (level != NULL && strcmp(level, cases[i].level) != 0)) {
            fail_msg("%s: %s, wanted %s", cases[i].body, level, cases[i].level);
        }
    }
    assert_cell(f, COUNT_OF(cases), "level", "WARN");
    assert_cell(f, COUNT_OF(cases), "summary", "level;badge-warning=>WARN|message;text=>x");
}

/* Goal: an event named by an attribute, as it was before 1.27, has its name. */
static void test_event_name(void **state)
{
    struct fixture *f = *state;
    sent_log(f, ATTRIBUTES(f, text_of("event.name", "paid")));
    sent_log(f, ATTRIBUTES(f, text_of("event.name", "paid")))->event_name = BYTES("refunded");
    build(f);
    assert_cell(f, 0, "name", "paid");
    assert_cell(f, 0, "attributes", "{\"event.name\":\"paid\"}");
    assert_cell(f, 0, "summary", "event;badge=>paid");
    assert_cell(f, 1, "name", "refunded");
}

/* Goal: a text that is a JSON object is stored as that object; all else as the value it is; and the line says what
 * people read of it. */
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
    sent_log(f, (struct otlp_range){ 0 })->body = body_of("{\"error\":\"e\",\"MESSAGE\":\"from journald\"}");
    build(f);
    assert_cell(f, 5, "summary", "message;text=>from journald");
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

/* Goal: of a logger that knows no attributes the stack in the message is the error, with its type and its words; of other
 * lines, and of lines that are no errors, it is not. */
static void test_log_stack_in_message(void **state)
{
    struct fixture *f = *state;
    static const char said[] =
        "could not pay\nTraceback (most recent call last):\n  File \"/app/pay.py\", line 3, in pay\n"
        "shop.Declined: card 12\n";
    sent_log(f, (struct otlp_range){ 0 })->severity_number = 17;
    sent_log(f, (struct otlp_range){ 0 })->severity_number = 9;
    sent_log(f, (struct otlp_range){ 0 })->severity_number = 17;
    sent_log(f, ATTRIBUTES(f, text_of("exception.stacktrace", said)))->severity_number = 9;
    for (uint32_t i = 0; i < 3; i++) f->request.logs.at[i].body = body_of(i == 2 ? "one\ntwo" : said);
    static const char *const objects[] = {
        "{\"level\":\"error\",\"msg\":\"failed\",\"err\":{\"type\":\"E\",\"stack\":\"E: no \\\"x\\\"\\n    at add "
        "(/app/cart.js:1:2)\"}}",
        "{\"level\":\"ERROR\",\"message\":\"failed\",\"stack_trace\":\"a.E: x\\n\\tat a.B.c(B.java:1)\\n\"}",
        "{\"level\":\"error\",\"msg\":\"failed\",\"stack\":\"of cards that is long enough\\nbut no trace\"}",
        "{\"level\":\"info\",\"msg\":\"failed\",\"stack\":\"E: x and more\\n    at add (/app/cart.js:1:2)\"}",
    };
    for (size_t i = 0; i < COUNT_OF(objects); i++) sent_log(f, (struct otlp_range){ 0 })->body = body_of(objects[i]);
    build(f);
    assert_non_null(strstr(cell(f, 4, "errors"), "[{\"type\":\"E\",\"message\":\"no \\\"x\\\"\",\"stacktrace\":"));
    assert_non_null(strstr(cell(f, 5, "errors"), "[{\"type\":\"a.E\",\"message\":\"x\",\"stacktrace\":"));
    assert_cell_null(f, 6, "errors");
    assert_cell_null(f, 7, "errors");
    assert_non_null(
        strstr(cell(f, 0, "errors"), "[{\"type\":\"shop.Declined\",\"message\":\"card 12\",\"stacktrace\":\"could"));
    assert_non_null(strstr(cell(f, 0, "hashes"), "err:"));
    assert_cell_null(f, 1, "errors");
    assert_cell_null(f, 2, "errors");
    assert_non_null(strstr(cell(f, 3, "errors"), "[{\"type\":\"shop.Declined\",\"message\":\"card 12\","));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_log_stack_in_message),  TEST(test_log_fields), TEST(test_log_levels),
        TEST(test_levels_told_elsewhere), TEST(test_event_name), TEST(test_log_bodies),
        TEST(test_log_message_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
