/* Views, growing buffers, arenas and errors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"

/* Goal: bytes sort as memcmp does, a prefix before what it begins.
 * Method: one pair for each outcome, empty ones with a NULL pointer too. */
static void test_bytes_compare(void **state)
{
    (void)state;
    assert_int_equal(bytes_compare(BYTES("abc"), BYTES("abc")), 0);
    assert_true(bytes_compare(BYTES("ab"), BYTES("abc")) < 0);
    assert_true(bytes_compare(BYTES("b"), BYTES("abc")) > 0);
    assert_true(bytes_compare(BYTES("\x80"), BYTES("a")) > 0);
    assert_int_equal(bytes_compare((struct bytes){ NULL, 0 }, BYTES("")), 0);
    assert_true(bytes_equal((struct bytes){ NULL, 0 }, BYTES("")));
    assert_false(bytes_equal(BYTES("ab"), BYTES("ac")));
    char *text = bytes_to_text(BYTES("a\0b"));
    assert_memory_equal(text, "a\0b", 4);
    free(text);
}

/* Goal: a buffer takes bytes up to its maximum and not one more, and a refusal changes nothing.
 * Method: fill one of 1,000 bytes by sevens, then with what is left, then with one more. */
static void test_buf_stops_at_its_maximum(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    for (int i = 0; i < 142; i++) assert_true(buf_add(&buf, "0123456", 7));
    assert_int_equal(buf.len, 994);
    assert_false(buf_add(&buf, "0123456", 7));
    assert_int_equal(buf.len, 994);
    assert_true(buf_add(&buf, "abcdef", 6));
    assert_false(buf_add(&buf, "g", 1));
    assert_false(buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.cap, 1000);
    assert_memory_equal(buf.ptr + 990, "3456abcdef", 10);
    buf_deinit(&buf);
    assert_null(buf.ptr);
}

/* Goal: printf appends behind what is there, growing when it must, refusing when it may not.
 * Method: a first short text, then texts that force one growth, then one too long. */
static void test_buf_printf(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 300);
    assert_true(buf_printf(&buf, "%d-%s", 42, "x"));
    assert_true(buf_printf(&buf, "|%0200d", 7));
    assert_int_equal(buf.len, 4 + 201);
    assert_memory_equal(buf.ptr, "42-x|000", 8);
    assert_int_equal(buf.ptr[204], '7');
    assert_false(buf_printf(&buf, "%0200d", 7));
    assert_int_equal(buf.len, 205);
    assert_true(buf_printf(&buf, "."));
    assert_int_equal(buf.ptr[205], '.');
    buf_deinit(&buf);
}

/* Goal: pieces of an arena are aligned, apart from one another, and counted.
 * Method: pieces of 10 to 1,990 bytes filled with their number, checked after all are made; a large one
 * between them must not end the block being filled. */
static void test_arena_pieces_stay_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    uint8_t *pieces[200];
    for (size_t i = 1; i < 200; i++) {
        size_t bytes = i * 10;
        pieces[i] = arena_alloc(&arena, bytes);
        assert_int_equal((uintptr_t)pieces[i] % 8, 0);
        memset(pieces[i], (int)i, bytes);
    }
    for (size_t i = 1; i < 200; i++) {
        for (size_t at = 0; at < i * 10; at++) assert_int_equal(pieces[i][at], i);
    }
    uint8_t *small = arena_alloc(&arena, 8);
    (void)arena_alloc(&arena, 100000);
    uint8_t *next = arena_alloc(&arena, 8);
    assert_ptr_equal(next, small + 8);

    assert_true(arena.bytes > 200 * 199 * 5 + 100000);
    assert_true(arena.bytes < 2 * (200 * 199 * 5 + 100000));
    arena_reset(&arena);
    assert_true(arena.bytes <= 4096);
    arena_deinit(&arena);
    assert_int_equal(arena.bytes, 0);
}

/* Goal: the copying helpers copy. Method: change the source afterwards; an all-zero arena must work too. */
static void test_arena_copies(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    char source[] = "payload";
    struct bytes copy = arena_copy(&arena, bytes_of_text(source));
    source[0] = 'X';
    assert_memory_equal(copy.ptr, "payload", 7);
    assert_int_equal(arena_copy(&arena, (struct bytes){ NULL, 0 }).len, 0);
    assert_string_equal(arena_printf(&arena, "%s/%d", "day", 7), "day/7");
    const uint8_t *zeros = arena_calloc(&arena, 100);
    for (int i = 0; i < 100; i++) assert_int_equal(zeros[i], 0);
    arena_deinit(&arena);
}

/* Goal: contexts are put before the words, the code and the errno stay, long texts are cut between characters.
 * Method: one failed call wrapped twice; then a text of two-byte characters that cannot end on the last byte. */
static void test_err_texts(void **state)
{
    (void)state;
    struct err err = { 0 };
    errno = ENOENT;
    assert_false(err_os(&err, "could not open \"%s\"", "a.wal"));
    assert_false(err_within(&err, "flush project %d", 7));
    assert_string_equal(err.text, "flush project 7: could not open \"a.wal\": No such file or directory");
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(err.os_errno, ENOENT);
    assert_false(err_set(&err, ERR_INPUT, "again: %s", err.text));
    assert_string_equal(err.text, "again: flush project 7: could not open \"a.wal\": No such file or directory");
    assert_int_equal(err.os_errno, 0);

    char wide[2 * 200 + 1] = { 0 };
    for (size_t i = 0; i < 200; i++) memcpy(wide + 2 * i, "\xC3\xA9", 2);
    assert_false(err_set(&err, ERR_BUSY, "%s", wide));
    assert_int_equal(strlen(err.text), 238);
}

/* Goal: the table gives each protocol its code. Method: one line of each kind. */
static void test_err_codes(void **state)
{
    (void)state;
    assert_int_equal(err_grpc_status(ERR_BUSY), 14);
    assert_int_equal(err_http_status(ERR_TOO_LARGE), 413);
    assert_string_equal(err_sqlstate(ERR_NO_TABLE), "42P01");
    assert_true(err_is_retryable(ERR_QUOTA));
    assert_false(err_is_retryable(ERR_TOO_LARGE));
    assert_string_equal(err_name(ERR_INTERNAL), "ERR_INTERNAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_compare), cmocka_unit_test(test_buf_stops_at_its_maximum),
        cmocka_unit_test(test_buf_printf),    cmocka_unit_test(test_arena_pieces_stay_apart),
        cmocka_unit_test(test_arena_copies),  cmocka_unit_test(test_err_texts),
        cmocka_unit_test(test_err_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
