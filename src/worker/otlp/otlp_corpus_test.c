/* What OpenTelemetry's own Python package wrote and read, against what we read. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/otlp/otlp_dump.h"

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

static void compare(const char *name, enum otlp_signal signal)
{
    struct buf body = file_read("otlp", name, "pb"), expected = file_read("expected", name, "txt"), seen;
    struct otlp_request request;
    struct err err = { 0 };
    buf_init(&seen, 1 << 20);
    otlp_request_init(&request);
    if (!otlp_decode(&request, signal, buf_bytes(&body), NOW_US, &otlp_limits_default, &err))
        fail_msg("%s: %s", name, err.text);
    assert_int_equal(request.rejected_count, 0);
    assert_true(otlp_record_count(&request) > 0);
    dump_request(&seen, &request);
    assert_int_equal(seen.len, expected.len);
    assert_memory_equal(seen.ptr, expected.ptr, expected.len);
    otlp_request_deinit(&request);
    buf_deinit(&body);
    buf_deinit(&expected);
    buf_deinit(&seen);
}

/* Goal: every field of every message means to us what it means to OpenTelemetry's own code, in whatever order fields come
 * and in however many parts a message was sent.
 * Method: random requests written by its Python package, and its own reading of them as text, byte for byte. */
static void test_python_reads_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum otlp_signal signal;
    } signals[] = { { "logs", OTLP_LOGS }, { "traces", OTLP_TRACES }, { "metrics", OTLP_METRICS } };
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        for (int number = 0; number < 6; number++) {
            char name[40];
            snprintf(name, sizeof name, "%s_%d", signals[i].name, number);
            compare(name, signals[i].signal);
        }
    }
}

/* Goal: a request cut short anywhere is refused or read as the shorter message it then is; nothing is read past its end.
 * Method: every length of three of the requests, in a block of exactly that size (for AddressSanitizer). */
static void test_cut_at_every_byte(void **state)
{
    (void)state;
    static const char *const names[] = { "logs_0", "traces_3", "metrics_3" };
    static const enum otlp_signal signals[] = { OTLP_LOGS, OTLP_TRACES, OTLP_METRICS };
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
            if (!otlp_decode(&request, signals[i], bytes_from(cut + 1, len), NOW_US, &otlp_limits_default, &err)) {
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
        cmocka_unit_test(test_cut_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
