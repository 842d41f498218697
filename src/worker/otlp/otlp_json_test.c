/* OTLP/JSON: every rule of the mapping, against protobuf written field by field. That whole requests of every field read
 * the same as Python reads them: otlp_corpus_test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/otlp/otlp_encode.h"
#include "worker/otlp/otlp_json.h"

#define LIMIT ((size_t)1 << 20)
#define ID16  "0102030405060708090A0b0c0d0e0f10"
#define ID8   "1112131415161718"
#define NOW   "\"1763800000000000000\""

static bool transcode(enum otlp_signal signal, struct bytes text, struct buf *out, struct err *err)
{
    /* In a block of its own size, for AddressSanitizer. */
    uint8_t *copy = malloc(text.len + 1);
    assert_non_null(copy);
    if (text.len > 0) memcpy(copy + 1, text.ptr, text.len);
    bool ok = otlp_json_to_protobuf(signal, bytes_from(copy + 1, text.len), LIMIT, out, err);
    free(copy);
    return ok;
}

static struct buf protobuf_of(enum otlp_signal signal, const char *text)
{
    struct buf out;
    struct err err = { 0 };
    buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
    if (!transcode(signal, bytes_of_text(text), &out, &err)) fail_msg("%s\n%s", err.text, text);
    return out;
}

/* Takes expected. */
static void expect_same(enum otlp_signal signal, const char *text, struct buf *expected)
{
    struct buf out = protobuf_of(signal, text);
    if (!bytes_equal(buf_bytes(&out), buf_bytes(expected))) {
        for (size_t i = 0; i < out.len || i < expected->len; i++) {
            printf("%02x %02x\n", i < out.len ? out.ptr[i] : 0, i < expected->len ? expected->ptr[i] : 0);
        }
        fail_msg("not the same: %s", text);
    }
    buf_deinit(&out);
    buf_deinit(expected);
}

static void expect_refused(enum otlp_signal signal, const char *text, const char *in_error)
{
    struct buf out;
    struct err err = { 0 };
    buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
    if (transcode(signal, bytes_of_text(text), &out, &err)) fail_msg("taken: %s", text);
    assert_int_equal(err.code, ERR_INPUT);
    if (strstr(err.text, in_error) == NULL) fail_msg("\"%s\" is not in \"%s\"", in_error, err.text);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

/* {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":VALUE}]}]}]} */
static void body_text(char *text, size_t text_bytes, const char *value)
{
    int len =
        snprintf(text, text_bytes, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":%s}]}]}]}", value);
    assert_true(len > 0 && (size_t)len < text_bytes);
}

static void put_words(struct buf *out, const char *words)
{
    put_raw(out, words, strlen(words));
}

static struct buf wrapped(uint32_t field, struct buf *inner)
{
    struct buf outer = message();
    put_message(&outer, field, inner);
    return outer;
}

/* Takes value, an AnyValue. */
static void expect_as(const char *json, struct buf *value)
{
    static char text[100000];
    body_text(text, sizeof text, json);
    struct buf record = wrapped(5, value), records = wrapped(2, &record), scopes = wrapped(2, &records);
    struct buf request = wrapped(1, &scopes);
    expect_same(OTLP_LOGS, text, &request);
}

static void expect_as_error(const char *json, const char *in_error)
{
    static char text[100000];
    body_text(text, sizeof text, json);
    expect_refused(OTLP_LOGS, text, in_error);
}

static struct buf text_value(const char *ptr, size_t len)
{
    struct buf value = message();
    put_bytes(&value, 1, ptr, len);
    return value;
}
static struct buf int_value(int64_t number)
{
    struct buf value = message();
    put_varint(&value, 3, (uint64_t)number);
    return value;
}
static struct buf double_value(double number)
{
    struct buf value = message();
    put_double(&value, 4, number);
    return value;
}
static struct buf bytes_value(const char *ptr, size_t len)
{
    struct buf value = message();
    put_bytes(&value, 7, ptr, len);
    return value;
}

/* Goal: an AnyValue of each kind is what it says, empty and zero ones too: they are not the same as no value.
 * Method: one of each. */
static void test_values(void **state)
{
    (void)state;
    struct buf value = message();
    expect_as("{}", &value);
    value = text_value("", 0);
    expect_as("{\"stringValue\":\"\"}", &value);
    value = text_value("a/b", 3);
    expect_as(" {\t\"stringValue\" :\r\n \"a/b\" } ", &value);
    for (int is_true = 0; is_true <= 1; is_true++) {
        value = message();
        put_varint(&value, 2, (uint64_t)is_true);
        expect_as(is_true ? "{\"boolValue\":true}" : "{\"bool_value\":false}", &value);
    }
    static const char *const empty[] = { "{}", "{\"values\":[]}", "{\"values\":null}", "{ \"values\" : [ ] }" };
    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        for (uint32_t field = 5; field <= 6; field++) {
            char text[100];
            snprintf(text, sizeof text, "{\"%s\":%s}", field == 5 ? "arrayValue" : "kvlistValue", empty[i]);
            value = message();
            put_bytes(&value, field, "", 0);
            expect_as(text, &value);
        }
    }
    struct buf one = int_value(1), list = message();
    put_message(&list, 1, &one);
    put_bytes(&list, 1, "", 0);
    put_bytes(&list, 1, "", 0);
    value = wrapped(5, &list);
    expect_as("{\"arrayValue\":{\"values\":[{\"intValue\":1},{},null]}}", &value);
    list = message();
    put_attribute_bool(&list, 1, "k", true);
    value = wrapped(6, &list);
    expect_as("{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"boolValue\":true}}]}}", &value);
}

/* Goal: 64-bit integers keep every digit, in whatever form; what is not whole or does not fit is an error that shows it.
 * Method: a table of both. */
static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t number;
    } right[] = {
        { "0", 0 },
        { "-0", 0 },
        { "\"0\"", 0 },
        { "5.0", 5 },
        { "1e3", 1000 },
        { "\"1E+3\"", 1000 },
        { "-12.50e1", -125 },
        { "1000e-3", 1 },
        { "9007199254740993", INT64_C(9007199254740993) }, /* 2^53 + 1 */
        { "9223372036854775807", INT64_MAX },
        { "\"-9223372036854775808\"", INT64_MIN },
        { "922337203685477580700e-2", INT64_MAX },
        { "0.000000000000000000000000000000001e33", 1 },
        { "5.0000000000000000000000000000000000", 5 },
        { "0e999999999999", 0 },
        { "123456789012345678", INT64_C(123456789012345678) },
    };
    static const struct {
        const char *text, *error;
    } wrong[] = {
        { "9223372036854775808", "9223372036854775808 is out of range" },
        { "\"-9223372036854775809\"", "-9223372036854775809 is out of range" },
        { "18446744073709551616", "not a whole number of at most 64 bits: 18446744073709551616" },
        { "1.5", "not a whole number" },
        { "1e-1", "not a whole number" },
        { "1e999999999999", "not a whole number" },
        { "\"\"", "a whole number should be here" },
        { "\"1 \"", "a whole number should be here" },
        { "\"0x10\"", "a whole number should be here" },
        { "01", "a whole number should be here, not '0'" },
        { "1.", "a whole number should be here" },
        { ".5", "a whole number should be here, not '.'" },
        { "1e", "a whole number should be here" },
        { "-", "a whole number should be here" },
        { "+1", "a whole number should be here" },
        { "true", "a whole number should be here, not 't'" },
        { "{}", "a whole number should be here, not '{'" },
    };
    char text[200];
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        snprintf(text, sizeof text, "{\"intValue\":%s}", right[i].text);
        struct buf value = int_value(right[i].number);
        expect_as(text, &value);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        snprintf(text, sizeof text, "{\"intValue\":%s}", wrong[i].text);
        expect_as_error(text, wrong[i].error);
    }
}

/* Goal: a double is the nearest one to its text, which may be in quotes; the three that JSON has no numbers for have names.
 * Method: a table; 20,000 random doubles of all sizes in 17 digits and 3,000 decimals of up to 25 digits against strtod. */
static void test_doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
    } right[] = {
        { "0", 0.0 },
        { "-0", -0.0 },
        { "-0.0", -0.0 },
        { "1", 1 },
        { "\"1.5\"", 1.5 },
        { "0.1", 0.1 },
        { "1e22", 1e22 },
        { "1e23", 1e23 },
        { "9007199254740993", 9007199254740992.0 },
        { "1.7976931348623157e308", 1.7976931348623157e308 },
        { "5e-324", 5e-324 },
        { "1e-400", 0.0 },
        { "\"Infinity\"", __builtin_inf() },
        { "\"-Infinity\"", -__builtin_inf() },
    };
    char text[200];
    struct buf value;
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        snprintf(text, sizeof text, "{\"doubleValue\":%s}", right[i].text);
        value = double_value(right[i].number);
        expect_as(text, &value);
    }
    value = double_value(__builtin_nan(""));
    expect_as("{\"doubleValue\":\"NaN\"}", &value);
    uint64_t random = 7;
    for (int i = 0; i < 23000; i++) {
        char number[60];
        if (i < 20000) {
            uint64_t bits = encode_random(&random) & ~(UINT64_C(1) << 62); /* finite */
            double any;
            memcpy(&any, &bits, 8);
            snprintf(number, sizeof number, "%.17g", any);
        } else {
            snprintf(number, sizeof number, "%llu.%0*llue%d", (unsigned long long)(encode_random(&random) >> i % 60),
                     i % 8 + 1, (unsigned long long)(encode_random(&random) >> (20 + i % 40)), i % 50 - 25);
        }
        snprintf(text, sizeof text, "{\"doubleValue\":%s}", number);
        value = double_value(strtod(number, NULL));
        expect_as(text, &value);
    }
    expect_as_error("{\"doubleValue\":1e309}", "larger than any double");
    expect_as_error("{\"doubleValue\":\"nan\"}", "\"NaN\", \"Infinity\" or \"-Infinity\" should be here, not \"nan\"");
    expect_as_error("{\"doubleValue\":NaN}", "should be here, not 'N'");
    expect_as_error("{\"doubleValue\":\"1.5x\"}", "not \"1.5x\"");
    snprintf(text, sizeof text, "{\"doubleValue\":0.%0180d}", 1);
    value = double_value(1e-180);
    expect_as(text, &value);
    static char digits[2000];
    memset(digits, '1', sizeof digits - 1);
    memcpy(digits, "{\"doubleValue\":", 15);
    memcpy(digits + sizeof digits - 3, "}", 2);
    expect_as_error(digits, "of more than 1000 characters");
}

/* Goal: text is what it was before it was escaped; half of a surrogate pair, which JavaScript makes by cutting text, becomes
 * U+FFFD; what JSON does not allow in a text is an error.
 * Method: a table; every length up to 100 with an escape at every place. */
static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } right[] = {
        { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
        { "\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC" },
        { "\\ud83d\\uDE00", "\xF0\x9F\x98\x80" },
        { "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80" },
        { "\\ud800", "\xEF\xBF\xBD" },
        { "\\udc00\\ud800", "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\\ud83dx", "\xEF\xBF\xBDx" },
        { "\\ud83d\\n", "\xEF\xBF\xBD\n" },
        { "\\ud83d\\ud83d\\ude00", "\xEF\xBF\xBD\xF0\x9F\x98\x80" },
        { "a\x7F", "a\x7F" },
    };
    char text[400];
    struct buf value;
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        snprintf(text, sizeof text, "{\"stringValue\":\"%s\"}", right[i].json);
        value = text_value(right[i].text, strlen(right[i].text));
        expect_as(text, &value);
    }
    value = text_value("a\0b", 3);
    expect_as("{\"stringValue\":\"a\\u0000b\"}", &value);
    for (int len = 1; len < 150; len++) {
        for (int at = 0; at < len; at += 1 + at / 20) {
            char plain[200];
            memset(plain, 'x', sizeof plain);
            plain[at] = '\n';
            snprintf(text, sizeof text, "{\"stringValue\":\"%.*s\\n%.*s\"}", at, plain, len - at - 1, plain + at + 1);
            value = text_value(plain, (size_t)len);
            expect_as(text, &value);
        }
    }
    static const char *const wrong[] = { "\\x", "\\u12", "\\u12g4", "\x01", "a\nb", "\\" };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        snprintf(text, sizeof text, "{\"stringValue\":\"%s\"}", wrong[i]);
        expect_as_error(text, "resourceLogs[0].scopeLogs[0].logRecords[0].body");
    }
    expect_as_error("{\"stringValue\":5}",
                    "body.stringValue, byte 69 of the JSON: text in quotes should be here, not '5'");
    expect_refused(OTLP_LOGS, "{\"resourceLogs\":[{\"schemaUrl\":\"ab", "the text ends where the closing quote");
}

/* Goal: bytes are read from base64 and base64url, padded or not, also with a slash that was escaped (PHP does).
 * Method: all lengths up to 40 in the four forms; wrong ones. */
static void test_base64(void **state)
{
    (void)state;
    static const char *const alphabets[] = { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" };
    uint64_t random = 3;
    for (size_t form = 0; form < 4; form++) {
        for (size_t len = 0; len < 40; len++) {
            char bytes[40], text[200];
            for (size_t i = 0; i < len; i++) bytes[i] = (char)(i % 5 == 0 ? 0xFF : encode_random(&random));
            int at = snprintf(text, sizeof text, "{\"bytesValue\":\"");
            for (size_t i = 0; i < (len * 4 + 2) / 3; i++) { /* six bits each */
                uint32_t bits = 0;
                for (size_t bit = i * 6; bit < i * 6 + 6; bit++) {
                    bits = bits << 1 | (bit / 8 < len ? (uint32_t)((uint8_t)bytes[bit / 8] >> (7 - bit % 8) & 1) : 0);
                }
                char digit = alphabets[form / 2][bits];
                if (digit == '/') text[at++] = '\\';
                text[at++] = digit;
            }
            for (size_t i = 0; form % 2 == 0 && i < (3 - len % 3) % 3; i++) text[at++] = '=';
            snprintf(text + at, sizeof text - (size_t)at, "\"}");
            struct buf value = bytes_value(bytes, len);
            expect_as(text, &value);
        }
    }
    expect_as_error("{\"bytesValue\":\"A\"}", "base64");
    expect_as_error("{\"bytesValue\":\"A===\"}", "base64");
    expect_as_error("{\"bytesValue\":\"AAA*\"}", "base64");
    expect_as_error("{\"bytesValue\":[1]}", "base64 in quotes should be here, not '['");
}

static const char span_format[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{%s}]}]}]}";

static void decode_span_text(const char *fields, struct otlp_request *request)
{
    char text[2000];
    struct err err = { 0 };
    snprintf(text, sizeof text, span_format, fields);
    struct buf out = protobuf_of(OTLP_TRACES, text);
    if (!otlp_decode(request, OTLP_TRACES, buf_bytes(&out), ENCODE_NOW_US, &otlp_limits_default, &err))
        fail_msg("%s", err.text);
    buf_deinit(&out); /* what is looked at afterwards are numbers and the reason */
}

/* Goal: ids are hex of either case; what is no id leaves its record out, with a reason that shows it, and never passes for
 * one, whatever its length.
 * Method: right and wrong ids of all lengths up to 80. */
static void test_ids(void **state)
{
    (void)state;
    struct otlp_request request;
    char fields[400];
    otlp_request_init(&request);
    struct buf span = message(), parts[3];
    put_bytes(&span, 1, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10", 16);
    put_bytes(&span, 2, "\x11\x12\x13\x14\x15\x16\x17\x18", 8);
    put_bytes(&span, 4, "\xab\xcd\xef\xAB\xCD\xEF\x00\x01", 8);
    parts[0] = wrapped(2, &span);
    parts[1] = wrapped(2, &parts[0]);
    parts[2] = wrapped(1, &parts[1]);
    expect_same(OTLP_TRACES,
                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"" ID16 "\",\"spanId\":\"" ID8
                "\",\"parent_span_id\":\"abcdefABCDEF0001\"}]}]}]}",
                &parts[2]);
    for (int len = 1; len <= 80; len++) {
        for (int which = 0; which < 3; which++) { /* 'a's; the last one no hex digit; with an escape */
            char id[100];
            memset(id, 'a', sizeof id);
            if (which == 1) id[len - 1] = 'g';
            bool is_right = which != 1 && len == 32;
            snprintf(fields, sizeof fields, "\"traceId\":\"%s%.*s\",\"spanId\":\"" ID8 "\",\"startTimeUnixNano\":" NOW,
                     which == 2 ? "\\u0061" : "", which == 2 ? len - 1 : len, id);
            decode_span_text(fields, &request);
            assert_int_equal(request.spans.count, is_right);
            assert_int_equal(request.rejected_count, !is_right);
            char reason[100];
            snprintf(reason, sizeof reason, "scope_spans[0].spans[0]: trace_id \"%.*s", len < 32 ? len : 32, id);
            if (!is_right && strstr(request.rejected_reason, reason) == NULL) fail_msg("%s", request.rejected_reason);
        }
    }
    decode_span_text("\"traceId\":\"" ID16 "\",\"spanId\":\"1112\",\"startTimeUnixNano\":" NOW, &request);
    assert_string_equal(request.rejected_reason,
                        "resource_spans[0].scope_spans[0].spans[0]: span_id \"1112\" is not an id of "
                        "8 bytes (in JSON: 16 hex digits)");
    decode_span_text("\"traceId\":\"" ID16 "\",\"spanId\":\"" ID8 "\",\"parentSpanId\":\"\",\"startTimeUnixNano\":" NOW,
                     &request);
    assert_int_equal(request.spans.count, 1);
    decode_span_text("\"spanId\":\"" ID8 "\",\"startTimeUnixNano\":" NOW, &request);
    assert_non_null(strstr(request.rejected_reason, "trace_id is missing"));
    otlp_request_deinit(&request);
    expect_refused(OTLP_TRACES, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":7}]}]}]}",
                   "spans[0].traceId, byte 54 of the JSON: an id as hex digits in quotes should be here, not '7'");
}

/* Goal: enums are numbers, also unknown and negative ones; names are understood where a protobuf library wrote them.
 * Method: each enum's first and last name, numbers in both forms, wrong ones. */
static void test_enums(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        uint64_t kind;
    } right[] = { { "2", 2 },
                  { "\"2\"", 2 },
                  { "3.0", 3 },
                  { "99", 99 },
                  { "-1", UINT64_MAX },
                  { "\"SPAN_KIND_SERVER\"", 2 },
                  { "\"SPAN_KIND_CONSUMER\"", 5 } };
    char text[300];
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        char field[100];
        snprintf(field, sizeof field, "\"kind\":%s", right[i].json);
        snprintf(text, sizeof text, span_format, field);
        struct buf span = message();
        put_varint(&span, 6, right[i].kind);
        struct buf spans = wrapped(2, &span), scopes = wrapped(2, &spans), request = wrapped(1, &scopes);
        expect_same(OTLP_TRACES, text, &request);
    }
    static const char *const severities[] = { "\"SEVERITY_NUMBER_TRACE\"", "\"SEVERITY_NUMBER_FATAL4\"" };
    for (size_t i = 0; i < COUNT_OF(severities); i++) {
        snprintf(text, sizeof text, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":%s}]}]}]}",
                 severities[i]);
        struct buf log = message();
        put_varint(&log, 2, i == 0 ? 1 : 24);
        struct buf logs = wrapped(2, &log), scopes = wrapped(2, &logs), request = wrapped(1, &scopes);
        expect_same(OTLP_LOGS, text, &request);
    }
    snprintf(text, sizeof text, span_format, "\"status\":{\"code\":\"STATUS_CODE_ERROR\"}");
    struct buf status = message();
    put_varint(&status, 3, 2);
    struct buf span = wrapped(15, &status), spans = wrapped(2, &span), scopes = wrapped(2, &spans);
    struct buf request = wrapped(1, &scopes);
    expect_same(OTLP_TRACES, text, &request);
    static const char *const wrong[] = { "\"SERVER\"", "\"SPAN_KIND_SERVE\"", "\"SPAN_KIND_\"", "\"\"", "2147483648" };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char field[100];
        snprintf(field, sizeof field, "\"kind\":%s", wrong[i]);
        snprintf(text, sizeof text, span_format, field);
        expect_refused(OTLP_TRACES, text, "spans[0].kind, byte 51 of the JSON: ");
    }
}

/* Goal: ranges are those of the fields: what fits is kept, what does not is an error.
 * Method: the ends of each kind of integer. */
static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *field, *max, *over, *under;
    } kinds[] = {
        { "droppedAttributesCount", "4294967295", "4294967296", "-1" },
        { "flags", "4294967295", "4294967296", "-1" },
        { "endTimeUnixNano", "18446744073709551615", "18446744073709551616", "-1" },
        { "kind", "2147483647", "2147483648", "-2147483649" },
    };
    char text[300], field[100];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        snprintf(field, sizeof field, "\"%s\":\"%s\"", kinds[i].field, kinds[i].max);
        snprintf(text, sizeof text, span_format, field);
        struct buf out = protobuf_of(OTLP_TRACES, text);
        buf_deinit(&out);
        const char *const wrong[] = { kinds[i].over, kinds[i].under };
        for (size_t j = 0; j < 2; j++) {
            snprintf(field, sizeof field, "\"%s\":%s", kinds[i].field, wrong[j]);
            snprintf(text, sizeof text, span_format, field);
            expect_refused(OTLP_TRACES, text, kinds[i].field);
        }
    }
}

/* Goal: null is absent, zeros and empty texts are not written as protobuf does not write them, an optional zero is; of a field
 * sent twice the last one stands, also when it is 0; messages sent twice are merged and lists joined.
 * Method: one request of each. */
static void test_absent_and_twice(void **state)
{
    (void)state;
    struct buf nothing = message();
    expect_same(OTLP_TRACES, "{}", &nothing);
    nothing = message();
    expect_same(OTLP_TRACES, "\xEF\xBB\xBF {\"resourceSpans\":null}\n", &nothing);
    nothing = message();
    expect_same(OTLP_METRICS, "{\"resourceMetrics\":[]}", &nothing);
    struct buf span = message(), parts[3];
    put_bytes(&span, 15, "", 0);
    parts[0] = wrapped(2, &span);
    parts[1] = wrapped(2, &parts[0]);
    parts[2] = wrapped(1, &parts[1]);
    expect_same(OTLP_TRACES,
                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":null,\"name\":\"\",\"kind\":0,"
                "\"startTimeUnixNano\":\"0\",\"flags\":0,\"attributes\":[],\"events\":null,\"parentSpanId\":\"\","
                "\"status\":{\"code\":0,\"message\":\"\"}}],\"schemaUrl\":\"\"}]}]}",
                &parts[2]);
    struct buf point = message(), zero = message();
    put_double(&point, 5, 0);
    put_double(&point, 11, 0);
    parts[0] = wrapped(1, &point);
    parts[1] = wrapped(9, &parts[0]);
    parts[2] = wrapped(2, &parts[1]);
    parts[0] = wrapped(2, &parts[2]);
    parts[1] = wrapped(1, &parts[0]);
    expect_same(
        OTLP_METRICS,
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"histogram\":{\"dataPoints\":[{\"sum\":0,\"min\":0,"
        "\"count\":0,\"bucketCounts\":[],\"max\":null}],\"aggregationTemporality\":0}}]}]}]}",
        &parts[1]);
    buf_deinit(&zero);

    struct otlp_request request;
    otlp_request_init(&request);
    decode_span_text(
        "\"traceId\":\"" ID16 "\",\"spanId\":\"" ID8 "\",\"startTimeUnixNano\":" NOW ",\"kind\":2,\"kind\":3,"
        "\"flags\":9,\"flags\":0,\"name\":\"abc\",\"name\":\"\",\"status\":{\"code\":2},\"status\":{\"message\":\"m\"},"
        "\"attributes\":[{\"key\":\"a\"}],\"kind\":null,\"attributes\":[{\"key\":\"b\"},{\"key\":\"c\"}]",
        &request);
    assert_int_equal(request.spans.count, 1);
    assert_int_equal(request.spans.at[0].kind, 3);
    assert_int_equal(request.spans.at[0].flags, 0);
    assert_int_equal(request.spans.at[0].name.len, 0);
    assert_int_equal(request.spans.at[0].status_code, 2);
    assert_int_equal(request.spans.at[0].status_message.len, 1);
    assert_int_equal(request.spans.at[0].attributes.count, 3);
    decode_span_text("\"traceId\":\"" ID16 "\",\"spanId\":\"" ID8 "\",\"startTimeUnixNano\":" NOW
                     ",\"attributes\":[{\"key\":"
                     "\"a\",\"value\":{\"intValue\":1,\"boolValue\":true}}]",
                     &request);
    assert_int_equal(request.attributes.count, 1);
    assert_int_equal(request.attributes.at[0].value.type, OTLP_BOOL);
    otlp_request_deinit(&request);
}

/* Goal: what we do not know is stepped over, whatever it is and however deep, and is still JSON.
 * Method: unknown fields at each level, names with escapes; 1,024 levels and one more; broken ones. */
static void test_unknown_fields(void **state)
{
    (void)state;
    struct buf value = int_value(7);
    expect_as("{\"x\":[[],{},[{\"a\":[1,-2.5e+3,\"\\\"}\\u12\",true,false,null,{\"b\":{}}]}]],\"int\\u0056alue\":7,"
              "\"intvalue\":9,\"\":0}",
              &value);
    static char deep[10000];
    for (int levels = 1023; levels <= 1025; levels++) {
        int at = snprintf(deep, sizeof deep, "{\"x\":");
        for (int i = 0; i < levels; i++) at += snprintf(deep + at, sizeof deep - (size_t)at, i % 3 ? "[" : "{\"y\":");
        if ((levels - 1) % 3 == 0) at += snprintf(deep + at, sizeof deep - (size_t)at, "0");
        for (int i = levels - 1; i >= 0; i--) deep[at++] = i % 3 ? ']' : '}';
        snprintf(deep + at, sizeof deep - (size_t)at, "}");
        if (levels <= 1024) {
            value = message();
            expect_as(deep, &value);
        } else {
            expect_as_error(deep, "more than 1024 levels");
        }
    }
    static const char *const wrong[] = {
        "[1,]",  "[,1]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "[1 2]", "{\"a\":1 \"b\":2}", "[1}",      "{]", "tru", "nul",
        "\"abc", "'a'",  "[\"\x02\"]", "01",      "1.e2",  "--1",   "[[[[]]]",           "{\"a\":}", ""
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"x\":%s}", wrong[i]);
        expect_as_error(text, " of the JSON: ");
    }
}

/* Goal: what is not a request as JSON is refused with the place where it goes wrong.
 * Method: a table; a request cut at every byte. */
static void test_not_json(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } wrong[] = {
        { "", "the body is empty; an empty request is {}" },
        { "  \n", "the body is empty" },
        { "[]", "request, byte 0 of the JSON: an object should be here, not '['" },
        { "null", "an object should be here, not 'n'" },
        { "\x0A\x05hello", "an object should be here" },
        { "{} {}", "something follows the end of the request" },
        { "{}\x01", "byte 2 of the JSON: something follows" },
        { "{", "the text ends where a field's name in quotes should be" },
        { "{\"resourceLogs\":{}}", "resourceLogs[0], byte 16 of the JSON: a list should be here, not '{'" },
        { "{\"resourceLogs\":[1]}", "resourceLogs[0], byte 17 of the JSON: an object should be here, not '1'" },
        { "{\"resourceLogs\":[null]}", "an object should be here, not 'n'" },
        { "{\"resourceLogs\":[{}{}]}", "',' or ']' should be here, not '{'" },
        { "{\"resourceLogs\":[],}", "a field's name in quotes should be here, not '}'" },
        { "{\"resourceLogs\" []}", "':' should be here, not '['" },
        { "{\"resourceLogs\":[{\"resource\":[]}]}", "resourceLogs[0].resource, byte 29 of the JSON: an object" },
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) expect_refused(OTLP_LOGS, wrong[i].text, wrong[i].error);
    static const char whole[] =
        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"\\u00e9 and "
        "more\"}},"
        "{\"key\":\"b\",\"value\":{\"intValue\":\"12\"}},{\"key\":\"c\",\"value\":{\"doubleValue\":1.5e3}},{\"key\":"
        "\"d\","
        "\"value\":{\"boolValue\":false}},{\"key\":\"e\",\"value\":{\"bytesValue\":\"AAEC\"}}]},\"x\":[null,{\"y\":"
        "\"z\"}],"
        "\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":1,\"severityNumber\":\"SEVERITY_NUMBER_WARN\"}]}]}]}";
    struct buf out;
    buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct err err = { 0 };
        assert_false(transcode(OTLP_LOGS, bytes_from(whole, len), &out, &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    buf_deinit(&out);
    out = protobuf_of(OTLP_LOGS, whole);
    buf_deinit(&out);
}

/* Goal: a value nested too deep leaves its record out, as in protobuf, and costs no stack; sizes stay minimal up to there.
 * Method: lists and maps of 1 to 300 levels. */
static void test_deep_values(void **state)
{
    (void)state;
    static char text[60000];
    for (int levels = 1; levels <= 300; levels += levels < 60 ? 1 : 40) {
        int at = snprintf(text, sizeof text,
                          "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":" NOW ",\"body\":");
        for (int i = 0; i < levels; i++) {
            at += snprintf(text + at, sizeof text - (size_t)at,
                           i % 2 ? "{\"arrayValue\":{\"values\":["
                                 : "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":");
        }
        at += snprintf(text + at, sizeof text - (size_t)at, "{}");
        for (int i = levels - 1; i >= 0; i--)
            at += snprintf(text + at, sizeof text - (size_t)at, i % 2 ? "]}}" : "}]}}");
        snprintf(text + at, sizeof text - (size_t)at, "}]}]}]}");
        struct buf out = protobuf_of(OTLP_LOGS, text);
        struct otlp_request request;
        struct err err = { 0 };
        otlp_request_init(&request);
        assert_true(otlp_decode(&request, OTLP_LOGS, buf_bytes(&out), ENCODE_NOW_US, &otlp_limits_default, &err));
        assert_int_equal(request.logs.count, levels <= 32);
        if (levels > 32) assert_non_null(strstr(request.rejected_reason, "nested too deep"));
        otlp_request_deinit(&request);
        buf_deinit(&out);
    }
}

/* Goal: no text costs more than in proportion to its size, and what it says is still understood.
 * Method: values that are large, small and nested by turns, so that each length is guessed wrong over all that is in it. */
static void test_lengths_guessed_wrong(void **state)
{
    (void)state;
    enum { LEVELS = 30, SIBLINGS = 40, FILL = 20000 };
    struct buf text = message(), out;
    put_words(&text, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[");
    for (int i = 0; i < SIBLINGS; i++) {
        static char fill[FILL];
        memset(fill, 'f', sizeof fill);
        char head[100];
        put_raw(&text, head,
                (size_t)snprintf(head, sizeof head, "%s{\"timeUnixNano\":" NOW ",\"body\":", i > 0 ? "," : ""));
        for (int level = 0; level < LEVELS; level++) put_words(&text, "{\"arrayValue\":{\"values\":[{\"intValue\":1},");
        put_words(&text, "{\"stringValue\":\"");
        put_raw(&text, fill, i % 2 == 0 ? sizeof fill : 20);
        put_words(&text, "\"}");
        for (int level = 0; level < LEVELS; level++) put_words(&text, "]}}");
        put_words(&text, "}");
    }
    put_words(&text, "]}]}]}");
    struct err err = { 0 };
    buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
    if (!transcode(OTLP_LOGS, buf_bytes(&text), &out, &err)) fail_msg("%s", err.text);
    struct otlp_request request;
    otlp_request_init(&request);
    assert_true(otlp_decode(&request, OTLP_LOGS, buf_bytes(&out), ENCODE_NOW_US, &otlp_limits_default, &err));
    assert_int_equal(request.logs.count, SIBLINGS);
    for (uint32_t i = 0; i < SIBLINGS; i++) {
        struct otlp_attribute entry = { .value = request.logs.at[i].body };
        for (int level = 0; level < LEVELS; level++) {
            struct otlp_value_reader reader;
            struct otlp_value list = entry.value;
            assert_int_equal(list.type, OTLP_ARRAY);
            otlp_value_reader_init(&reader, &list);
            assert_true(otlp_value_reader_next(&reader, &entry));
            assert_int_equal(entry.value.type, OTLP_INT);
            assert_true(otlp_value_reader_next(&reader, &entry));
        }
        assert_int_equal(entry.value.bytes.len, i % 2 == 0 ? FILL : 20);
    }
    otlp_request_deinit(&request);
    buf_deinit(&text);
    buf_deinit(&out);
}

/* Goal: the limit is on the protobuf that comes out: at it taken, one byte more refused as too large.
 * Method: texts around it; a list of zeros, of which each is four times as large as protobuf. */
static void test_too_large(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        struct buf text = message(), out;
        struct err err = { 0 };
        static char fill[LIMIT];
        memset(fill, 'f', sizeof fill);
        /* request { 1: { 3: fill } }: a tag and a length of three bytes each */
        size_t len = (size_t)((long)LIMIT - 8 + over);
        put_words(&text, "{\"resourceLogs\":[{\"schemaUrl\":\"");
        put_raw(&text, fill, len);
        put_words(&text, "\"}]}");
        buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
        bool ok = transcode(OTLP_LOGS, buf_bytes(&text), &out, &err);
        assert_int_equal(ok, over <= 0);
        if (ok) {
            assert_int_equal(out.len, LIMIT + (size_t)over);
        } else {
            assert_int_equal(err.code, ERR_TOO_LARGE);
            assert_non_null(strstr(err.text, "larger than 1 MiB as protobuf"));
        }
        buf_deinit(&text);
        buf_deinit(&out);
    }
    struct buf text = message(), out;
    struct err err = { 0 };
    put_words(
        &text,
        "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"histogram\":{\"dataPoints\":[{\"bucketCounts\":[0");
    for (size_t i = 0; i < LIMIT / 8; i++) put_words(&text, ",0");
    put_words(&text, "]}]}}]}]}]}");
    buf_init(&out, LIMIT + OTLP_JSON_SPARE_BYTES);
    assert_false(transcode(OTLP_METRICS, buf_bytes(&text), &out, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    buf_deinit(&text);
    buf_deinit(&out);
}

/* Goal: text that is not UTF-8 leaves its record out, as in protobuf; in a field nobody knows it does not matter.
 * Method: a span of each. */
static void test_invalid_utf8(void **state)
{
    (void)state;
    struct otlp_request request;
    otlp_request_init(&request);
    decode_span_text("\"traceId\":\"" ID16 "\",\"spanId\":\"" ID8 "\",\"startTimeUnixNano\":" NOW ",\"name\":\"a\xFF\"",
                     &request);
    assert_int_equal(request.rejected_count, 1);
    assert_non_null(strstr(request.rejected_reason, "spans[0]: name is not valid UTF-8"));
    decode_span_text("\"traceId\":\"" ID16 "\",\"spanId\":\"" ID8 "\",\"startTimeUnixNano\":" NOW
                     ",\"x\xFF\":\"a\xFF\"",
                     &request);
    assert_int_equal(request.spans.count, 1);
    otlp_request_deinit(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_enums),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_absent_and_twice),
        cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_not_json),
        cmocka_unit_test(test_deep_values),
        cmocka_unit_test(test_lengths_guessed_wrong),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_invalid_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
