/* The queue between threads, and the log's lines. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/utf8.h"

/* Goal: both bounds hold, order is kept, and a closed queue gives what it has and takes nothing.
 * Method: fill one by count, one by weight, and take out in two steps. */
static void test_queue_bounds_and_order(void **state)
{
    (void)state;
    char items[5];
    void *out[5];
    bool closed = true;
    struct queue *queue = queue_create(3, 100);
    assert_int_equal(queue_pop(queue, out, 5, 0, &closed), 0);
    assert_false(closed);
    for (int i = 0; i < 3; i++) assert_true(queue_push(queue, &items[i], 10));
    assert_false(queue_push(queue, &items[3], 10));
    assert_int_equal(queue_weight(queue), 30);
    assert_int_equal(queue_pop(queue, out, 2, -1, &closed), 2);
    assert_ptr_equal(out[0], &items[0]);
    assert_ptr_equal(out[1], &items[1]);
    assert_false(queue_push(queue, &items[3], 91));
    assert_true(queue_push(queue, &items[3], 90));
    queue_close(queue);
    assert_false(queue_push(queue, &items[4], 0));
    assert_false(queue_push_wait(queue, &items[4], 0));
    assert_int_equal(queue_pop(queue, out, 5, -1, &closed), 2);
    assert_false(closed);
    assert_ptr_equal(out[1], &items[3]);
    assert_int_equal(queue_pop(queue, out, 5, -1, &closed), 0);
    assert_true(closed);
    assert_int_equal(queue_weight(queue), 0);
    queue_destroy(queue);
}

/* Goal: an item heavier than the whole bound passes alone. Method: into an empty queue, then behind another. */
static void test_queue_takes_a_heavy_item_alone(void **state)
{
    (void)state;
    void *out[2];
    bool closed;
    struct queue *queue = queue_create(4, 100);
    assert_true(queue_push(queue, out, 1000));
    assert_false(queue_push(queue, out, 0));
    assert_int_equal(queue_pop(queue, out, 2, 0, &closed), 1);
    assert_true(queue_push(queue, out, 1));
    assert_false(queue_push(queue, out, 1000));
    assert_int_equal(queue_pop(queue, out, 2, 0, &closed), 1);
    queue_destroy(queue);
}

/* Goal: a pop with a time limit ends by then. Method: 30 ms on an empty queue. */
static void test_queue_pop_times_out(void **state)
{
    (void)state;
    void *out[1];
    bool closed;
    struct queue *queue = queue_create(1, 1);
    uint64_t from_ns = clock_mono_ns();
    assert_int_equal(queue_pop(queue, out, 1, 30, &closed), 0);
    uint64_t waited_ns = clock_mono_ns() - from_ns;
    assert_false(closed);
    assert_true(waited_ns >= 30000000u && waited_ns < 5000000000u);
    queue_destroy(queue);
}

enum { PUSHERS = 4, POPPERS = 3, ITEMS = 20000 };
struct crowd {
    struct queue *queue;
    _Atomic uint32_t seen[PUSHERS * ITEMS];
};
struct pusher {
    struct crowd *crowd;
    uintptr_t first;
};

static void *push_all(void *arg)
{
    struct pusher *pusher = arg;
    for (uintptr_t i = 0; i < ITEMS; i++) {
        void *item = (void *)(pusher->first + i + 1);
        if (i % 2 == 0 && queue_push(pusher->crowd->queue, item, i % 7)) continue;
        if (!queue_push_wait(pusher->crowd->queue, item, i % 7)) abort();
    }
    return NULL;
}

static void *pop_all(void *arg)
{
    struct crowd *crowd = arg;
    void *items[16];
    for (bool closed = false; !closed;) {
        uint32_t count = queue_pop(crowd->queue, items, 16, -1, &closed);
        for (uint32_t i = 0; i < count; i++) atomic_fetch_add(&crowd->seen[(uintptr_t)items[i] - 1], 1);
    }
    return NULL;
}

/* Goal: among many threads each item comes out once, and close wakes all. Method: 4 push, 3 pop, count. */
static void test_queue_among_threads(void **state)
{
    (void)state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    crowd->queue = queue_create(64, 200);
    pthread_t pushers[PUSHERS], poppers[POPPERS];
    struct pusher args[PUSHERS];
    for (int i = 0; i < POPPERS; i++) pthread_create(&poppers[i], NULL, pop_all, crowd);
    for (int i = 0; i < PUSHERS; i++) {
        args[i] = (struct pusher){ crowd, (uintptr_t)i * ITEMS };
        pthread_create(&pushers[i], NULL, push_all, &args[i]);
    }
    for (int i = 0; i < PUSHERS; i++) pthread_join(pushers[i], NULL);
    queue_close(crowd->queue);
    for (int i = 0; i < POPPERS; i++) pthread_join(poppers[i], NULL);
    for (int i = 0; i < PUSHERS * ITEMS; i++) assert_int_equal(crowd->seen[i], 1);
    queue_destroy(crowd->queue);
    free(crowd);
}

static size_t logged(int fd, char *text, size_t text_bytes)
{
    ssize_t len = read(fd, text, text_bytes - 1);
    assert_true(len > 0);
    text[len] = '\0';
    return (size_t)len;
}

/* Goal: a line is one JSON object, below the level nothing is written, and no field can break out of its quotes.
 * Method: read back what went into a pipe. */
static void test_log_lines(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    struct log log = { pipe_fds[1], LOG_INFO };
    char text[8192];
    log_debug(&log, "wal.noise");
    assert_int_equal(read(pipe_fds[0], text, sizeof text), -1);
    log_warn(&log, "wal.sync_failed", log_text("segment", "a\"b\n\xFF\xC3\xA9"), log_number("bytes", -5),
             log_text("no", NULL));
    logged(pipe_fds[0], text, sizeof text);
    assert_memory_equal(text, "{\"time\":\"20", 11);
    assert_string_equal(strstr(text, ",\"level\""),
                        ",\"level\":\"WARN\",\"event\":\"wal.sync_failed\",\"segment\":\"a\\\"b\\n???\""
                        ",\"bytes\":-5,\"no\":\"\"}\n");
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* Goal: lines never pass 4 KiB and are whole even when cut. Method: texts of growing length and kinds of characters. */
static void test_log_cuts_long_lines(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    struct log log = { pipe_fds[1], LOG_DEBUG };
    static const char *const kinds[] = { "x", "\x01", "\"", "\xC3\xA9", "\xFF" };
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        for (size_t len = 300; len < 6000; len += 37) {
            char *value = mem_calloc(1, 2 * len + 1), text[8192];
            for (size_t i = 0; i < len; i++) strcat(value + i, kinds[kind]);
            log_error(&log, "big", log_text("a", value), log_text("b", value), log_number("c", 1));
            size_t bytes = logged(pipe_fds[0], text, sizeof text);
            assert_true(bytes <= 4096);
            assert_true(text[bytes - 1] == '\n' && text[bytes - 2] == '}' &&
                        (text[bytes - 3] == '"' || text[bytes - 3] == '1'));
            assert_true(utf8_is_valid(bytes_from(text, bytes)));
            free(value);
        }
    }
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_bounds_and_order),
        cmocka_unit_test(test_queue_takes_a_heavy_item_alone),
        cmocka_unit_test(test_queue_pop_times_out),
        cmocka_unit_test(test_queue_among_threads),
        cmocka_unit_test(test_log_lines),
        cmocka_unit_test(test_log_cuts_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
