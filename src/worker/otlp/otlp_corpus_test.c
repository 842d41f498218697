/* What OpenTelemetry's own Python package wrote and read, against what we read. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/otlp/otlp_dump.h"
#include "worker/otlp/otlp_json.h"

#define CORPUS MONO_SOURCE_DIR "/src/worker/otlp/corpus"
#define NOW_US INT64_C(1763800000000000)

static struct buf file_read(const char *folder, const char *name, const char *ending)
{
    char path[512];
    struct buf buf;
    buf_init(&buf, 1 << 20);
    snprintf(path, sizeof path, CORPUS "/%s/%s.%s", folder, name, ending);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(buf_reserve(&buf, 1 << 20));
    buf.len = fread(buf.ptr, 1, buf.cap, file);
    assert_true(feof(file) || buf.len < buf.cap);
    fclose(file);
    return buf;
}

static void compare(const char *name, enum otlp_signal signal, struct bytes body)
{
    struct buf expected = file_read("expected", name, "txt"), seen;
    struct otlp_request request;
    struct err err = { 0 };
    buf_init(&seen, 1 << 20);
    otlp_request_init(&request);
    if (!otlp_decode(&request, signal, body, NOW_US, &otlp_limits_default, &err)) fail_msg("%s: %s", name, err.text);
    assert_int_equal(request.rejected_count, 0);
    assert_true(otlp_record_count(&request) > 0);
    dump_request(&seen, &request);
    assert_int_equal(seen.len, expected.len);
    assert_memory_equal(seen.ptr, expected.ptr, expected.len);
    otlp_request_deinit(&request);
    buf_deinit(&expected);
    buf_deinit(&seen);
}

static const struct {
    const char *name;
    enum otlp_signal signal;
} signals[] = { { "logs", OTLP_LOGS }, { "traces", OTLP_TRACES }, { "metrics", OTLP_METRICS } };
enum { NUMBERS = 6, NUMBERS_CANONICAL = 3 }; /* files of each; those that Python's package wrote in one piece */

/* Goal: every field of every message means to us what it means to OpenTelemetry's own code, in whatever order fields come
 * and in however many parts a message was sent.
 * Method: random requests written by its Python package, and its own reading of them as text, byte for byte. */
static void test_python_reads_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        for (int number = 0; number < NUMBERS; number++) {
            char name[40];
            snprintf(name, sizeof name, "%s_%d", signals[i].name, number);
            struct buf body = file_read("otlp", name, "pb");
            compare(name, signals[i].signal, buf_bytes(&body));
            buf_deinit(&body);
        }
    }
}

static struct buf protobuf_of(const char *name, enum otlp_signal signal)
{
    struct buf text = file_read("otlp_json", name, "json"), body;
    struct err err = { 0 };
    buf_init(&body, (1 << 20) + OTLP_JSON_SPARE_BYTES);
    if (!otlp_json_to_protobuf(signal, buf_bytes(&text), 1 << 20, &body, &err)) fail_msg("%s: %s", name, err.text);
    buf_deinit(&text);
    return body;
}

/* Goal: the same requests as OTLP/JSON mean the same, in whichever of the forms that the mapping allows; and as SDKs write
 * them they become as many bytes as Python's protobuf has, for rows tell sizes.
 * Method: the requests written as JSON from its package, compact and in every other way, against the same reading. */
static void test_json_reads_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        for (int number = 0; number < NUMBERS; number++) {
            char name[40], loose[48];
            snprintf(name, sizeof name, "%s_%d", signals[i].name, number);
            snprintf(loose, sizeof loose, "%s_loose", name);
            struct buf tight = protobuf_of(name, signals[i].signal), free_form = protobuf_of(loose, signals[i].signal);
            struct buf body = file_read("otlp", name, "pb");
            compare(name, signals[i].signal, buf_bytes(&tight));
            compare(name, signals[i].signal, buf_bytes(&free_form));
            assert_int_equal(tight.len, free_form.len);
            if (number < NUMBERS_CANONICAL) assert_int_equal(tight.len, body.len);
            buf_deinit(&tight);
            buf_deinit(&free_form);
            buf_deinit(&body);
        }
    }
}

/* Goal: a request cut short anywhere is refused or read as the shorter message it then is; nothing is read past its end.
 * Method: every length of three of the requests, in a block of exactly that size (for AddressSanitizer). */
static void test_cut_at_every_byte(void **state)
{
    (void)state;
    static const char *const names[] = { "logs_0", "traces_3", "metrics_3" };
    struct otlp_request request;
    otlp_request_init(&request);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf body = file_read("otlp", names[i], "pb");
        uint32_t refused = 0;
        for (size_t len = 0; len < body.len; len++) {
            struct err err = { 0 };
            uint8_t *cut = malloc(len + 1);
            assert_non_null(cut);
            memcpy(cut + 1, body.ptr, len);
            if (!otlp_decode(&request, signals[i].signal, bytes_from(cut + 1, len), NOW_US, &otlp_limits_default,
                             &err)) {
                refused++;
                assert_int_equal(err.code, ERR_INPUT);
                assert_int_equal(otlp_record_count(&request), 0);
                assert_int_equal(request.rejected_count, 0);
            }
            free(cut);
        }
        assert_true(refused > body.len - 4); /* whole only at 0 and between two resources */
        buf_deinit(&body);
    }
    otlp_request_deinit(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_python_reads_the_same),
        cmocka_unit_test(test_json_reads_the_same),
        cmocka_unit_test(test_cut_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
