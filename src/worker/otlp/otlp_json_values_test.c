/* OTLP/JSON: values, numbers, text and base64. The rest of its rules: otlp_json_test.c. */
#include "worker/otlp/otlp_json_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_integers), cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_text),   cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
