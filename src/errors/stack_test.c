/* Stack traces of eight languages, as exceptions with frames. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "errors/fingerprint.h"

#define TEXT_BYTES_MAX (1u << 20)

static void put_text(struct buf *buf, struct bytes text) /* in one line */
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            assert_true(buf_add(buf, "\\n", 2));
        } else {
            assert_true(buf_add(buf, &text.ptr[i], 1));
        }
    }
}

/* An event as text: a line an exception, a line a frame. */
static void event_put(struct buf *buf, const struct error_event *event)
{
    static const char *const links[] = { "reported", "cause", "during", "inner", "suppressed" };
    assert_true(buf_printf(buf, "language %s\n", error_language_names[event->language]));
    for (uint32_t i = 0; i < event->exception_count; i++) {
        const struct error_exception *exception = &event->exceptions[i];
        assert_true(buf_printf(buf, "%s <%.*s>%s says <", links[exception->link], (int)exception->type.len,
                               exception->type.ptr, exception->is_generic ? " (generic)" : ""));
        put_text(buf, exception->message);
        assert_true(buf_printf(buf, ">\n"));
        for (uint32_t k = 0; k < exception->frame_count; k++) {
            const struct error_frame *frame = &exception->frames[k];
            assert_true(buf_printf(buf, "  %c%s %.*s | %.*s | %.*s | %.*s %u:%u\n", frame->in_app ? '+' : '-',
                                   frame->is_weak ? "?" : "", (int)frame->text.len, frame->text.ptr,
                                   (int)frame->module.len, frame->module.ptr, (int)frame->function.len,
                                   frame->function.ptr, (int)frame->file.len, frame->file.ptr, frame->line,
                                   frame->column));
        }
    }
}

static struct bytes file_read(const char *name, const char *ending, char *room)
{
    char path[512];
    snprintf(path, sizeof path, "%s/src/errors/stacks/%s%s", MONO_SOURCE_DIR, name, ending);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("no file %s", path);
    size_t len = fread(room, 1, TEXT_BYTES_MAX - 1, file);
    fclose(file);
    room[len] = '\0';
    return bytes_from(room, len);
}

/* Goal: each trace is read as written beside it. Method: stacks/NAME.txt, most of them of real runtimes (stacks/README.md),
 * and NAME.want; with the sender's language told, and without where the shape says it. ERRORS_WRITE=1 writes what is read. */
static void test_stacks(void **state)
{
    (void)state;
    char path[512], *text = malloc(TEXT_BYTES_MAX), *want = malloc(TEXT_BYTES_MAX);
    uint32_t count = 0;
    snprintf(path, sizeof path, "%s/src/errors/stacks", MONO_SOURCE_DIR);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char name[256];
        snprintf(name, sizeof name, "%s", entry->d_name);
        char *ending = strstr(name, ".txt");
        if (ending == NULL) continue;
        *ending = '\0';
        struct arena arena;
        struct buf buf;
        arena_init(&arena, 0);
        buf_init(&buf, TEXT_BYTES_MAX);
        struct error_source source = { .stacktrace = file_read(name, ".txt", text) };
        if (strncmp(name, "php_otel", 8) == 0) source.language = BYTES("php"); /* looks as Java's does */
        event_put(&buf, error_event_read(&arena, &source));
        assert_true(buf_add(&buf, "", 1));
        if (getenv("ERRORS_WRITE") != NULL) {
            snprintf(path, sizeof path, "%s/src/errors/stacks/%s.want", MONO_SOURCE_DIR, name);
            FILE *file = fopen(path, "wb");
            assert_non_null(file);
            fputs((char *)buf.ptr, file);
            fclose(file);
        } else {
            file_read(name, ".want", want);
            if (strcmp(want, (char *)buf.ptr) != 0)
                fail_msg("%s\n--- is\n%s--- wants\n%s", name, (char *)buf.ptr, want);
        }
        count++;
        buf_deinit(&buf);
        arena_deinit(&arena);
    }
    closedir(dir);
    assert_true(count >= 30);
    free(text);
    free(want);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t read_ns(struct bytes text)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct error_source source = { .stacktrace = text, .message = text };
    uint64_t start_ns = cpu_ns();
    const struct error_event *event = error_event_read(&arena, &source);
    struct fingerprint fingerprint = fingerprint_of(&arena, event, NULL);
    uint64_t spent_ns = cpu_ns() - start_ns;
    uint32_t frames = 0;
    assert_true(event->exception_count >= 1 && event->exception_count <= ERROR_EXCEPTIONS_MAX);
    for (uint32_t i = 0; i < event->exception_count; i++) frames += event->exceptions[i].frame_count;
    assert_true(frames <= ERROR_FRAMES_MAX);
    assert_true(fingerprint.by <= FINGERPRINT_BY_PLACE);
    arena_deinit(&arena);
    return spent_ns;
}

/* The least of some: what else the machine does is no matter. */
static uint64_t read_least_ns(struct bytes text)
{
    uint64_t least_ns = UINT64_MAX;
    for (int turn = 0; turn < 5; turn++) {
        uint64_t ns = read_ns(text);
        if (ns < least_ns) least_ns = ns;
    }
    return least_ns;
}

/* Goal: time is linear in the text and bounded. Method: pieces that make parsers look ahead or back, again and again, to
 * 1 MB in one line and in lines; a text four times as long takes less than ten times as long. */
static void test_hostile_texts(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "at ",
        "at (",
        "at a(b)",
        "at a (eval at ",
        "Caused by: ",
        "Caused by: X: y\n",
        "\n ---> X: y",
        "A: x ---> ",
        "Traceback (most recent call last):\n",
        "File \"",
        "  File \"a\", line 1, in f\n",
        "#0 a(1): b(",
        "#0 a.php(1): b()\n",
        "':in `",
        "a:1:in `b': c (D)\n",
        "1: a::b\n",
        "(",
        "((((((((a.",
        "<",
        "a::<",
        "$$Lambda$",
        "node_modules/",
        "f@http://x/y.js:1:2\n",
        "@",
        "goroutine 1 [running]:\n",
        "main.f(\n\t/a.go:1 +0x1\n",
        " in ",
        "x in /a.php:1\n",
        "During handling of the above exception, another exception occurred:\n",
        "[errors]: [\n",
        "[cause]: ",
        "\n",
        "\r\n\t ",
        "   ",
        "0",
        ":1",
        "'",
        "\"",
        "{{",
        "http: panic serving : ",
        "Suppressed: a\n",
        "Next X: y\n",
        "Stack trace:\n",
        "^\n",
        "| ",
        "+---------------- 1 ----------------\n",
        "\xff\x00\x80",
        ".",
        "--- End of inner exception stack trace ---\n ---> A: b\n",
        "stack backtrace:\n",
        "Caused by:\n 0: a\n",
        "a.b.c.d.E: ",
        "*",
        "[as x] ",
        "-",
        "~",
    };
    size_t large = 1u << 20, small = 1u << 16;
    uint8_t *text = malloc(large);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        size_t len = strlen(pieces[i]);
        len += len == 0 || (uint8_t)pieces[i][0] == 0xff ? 2 : 0;
        for (int turn = 0; turn < 3; turn++) { /* alone, behind an indent, behind a frame in each line */
            const char *head = turn == 0 ? "" : turn == 1 ? "\n\tat " : "\n\tat a.B.c(B.java:1)\n";
            for (size_t at = 0; at < large;) {
                for (size_t k = 0; head[k] != '\0' && at < large; k++) text[at++] = (uint8_t)head[k];
                for (size_t k = 0; k < len && at < large; k++) text[at++] = (uint8_t)pieces[i][k];
            }
            uint64_t short_ns = read_ns(bytes_from(text, small)), long_ns = read_ns(bytes_from(text, 4 * small));
            if (long_ns > 10 * short_ns + 2000000) { /* or something came between */
                short_ns = read_least_ns(bytes_from(text, small));
                long_ns = read_least_ns(bytes_from(text, 4 * small));
            }
            if (long_ns > 10 * short_ns + 2000000)
                fail_msg("%s (%d): %u us, four times as much %u us", pieces[i], turn, (unsigned)(short_ns / 1000),
                         (unsigned)(long_ns / 1000));
            uint64_t all_ns = read_ns(bytes_from(text, large));
            if (all_ns > 500000000) all_ns = read_least_ns(bytes_from(text, large));
            if (all_ns > 500000000)
                fail_msg("%s (%d): 1 MB takes %u ms", pieces[i], turn, (unsigned)(all_ns / 1000000));
        }
    }
    free(text);
}

/* Goal: of a long trace both ends count: what was reported and the root cause. */
static void test_long_trace(void **state)
{
    (void)state;
    size_t len = 1u << 20;
    char *text = malloc(len + 256);
    assert_non_null(text);
    size_t at = (size_t)sprintf(text, "com.acme.Outer: x\n\tat com.acme.A.first(A.java:1)\n");
    while (at < len) at += (size_t)sprintf(text + at, "\tat com.acme.R.again(R.java:%u)\n", (unsigned)(at % 1000));
    at += (size_t)sprintf(text + at, "Caused by: com.acme.Root: y\n\tat com.acme.Z.last(Z.java:1)\n");
    struct arena arena;
    arena_init(&arena, 0);
    struct error_source source = { .stacktrace = bytes_from(text, at) };
    const struct error_event *event = error_event_read(&arena, &source);
    assert_int_equal(event->exception_count, 2);
    assert_true(bytes_equal(event->exceptions[0].type, BYTES("com.acme.Outer")));
    assert_true(bytes_equal(event->exceptions[0].frames[0].text, BYTES("com.acme.A.first")));
    assert_true(event->exceptions[0].frames_left_out > 1000);
    assert_true(bytes_equal(event->exceptions[1].type, BYTES("com.acme.Root")));
    assert_true(bytes_equal(event->exceptions[1].frames[0].text, BYTES("com.acme.Z.last")));
    arena_deinit(&arena);
    free(text);
}

/* Goal: of a chain longer than the limit the last one kept is the root cause. */
static void test_long_chain(void **state)
{
    (void)state;
    char text[8192];
    size_t at = (size_t)sprintf(text, "com.acme.E0: x\n\tat com.acme.A.a0(A.java:1)\n");
    for (int i = 1; i < 40; i++)
        at += (size_t)sprintf(text + at, "Caused by: com.acme.E%d: x\n\tat com.acme.A.a%d(A.java:1)\n", i, i);
    struct arena arena;
    arena_init(&arena, 0);
    struct error_source source = { .stacktrace = bytes_from(text, at) };
    const struct error_event *event = error_event_read(&arena, &source);
    assert_int_equal(event->exception_count, ERROR_EXCEPTIONS_MAX);
    assert_true(bytes_equal(event->exceptions[ERROR_EXCEPTIONS_MAX - 1].type, BYTES("com.acme.E39")));
    assert_true(bytes_equal(event->exceptions[ERROR_EXCEPTIONS_MAX - 1].frames[0].text, BYTES("com.acme.A.a39")));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_long_trace),
        cmocka_unit_test(test_long_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
