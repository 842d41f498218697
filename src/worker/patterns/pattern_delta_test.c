/* Counts of log patterns in memory: the same in any order and any split, and bounded whatever is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "patterns/group.h"
#include "patterns/mask.h"
#include "worker/patterns/pattern_delta.h"

#define NOW_US  INT64_C(1795744860000000)
#define PROJECT ((struct uuid){ { 7 } })

static void line_add(struct pattern_delta *delta, struct pattern_names *names, const char *service, const char *text,
                     int64_t at_us, uint32_t level)
{
    uint8_t room[MASK_ROOM_BYTES];
    char id[4 + UUID_TEXT_BYTES + 1] = "pat:";
    struct rows_row row = {
        .kind = ROWS_LOG, .timestamp_us = at_us, .service = bytes_of_text(service), .level = level
    };
    row.message = bytes_of_text(text);
    row.template = mask_text(room, row.message);
    uuid_to_text(rows_pattern_id(PROJECT, row.service, row.template), id + 4);
    row.pattern = bytes_from(id, 4 + UUID_TEXT_BYTES);
    pattern_delta_row(delta, names, PROJECT, &row, 0);
}

static int template_compare(const void *left, const void *right)
{
    return memcmp(((const struct pattern_template *)left)->id.bytes, ((const struct pattern_template *)right)->id.bytes,
                  16);
}
static int count_compare(const void *left, const void *right)
{
    const struct pattern_count *a = left, *b = right;
    int order = memcmp(a->id.bytes, b->id.bytes, 16);
    if (order == 0) order = (a->at_unix_us > b->at_unix_us) - (a->at_unix_us < b->at_unix_us);
    return order != 0 ? order : (a->level > b->level) - (a->level < b->level);
}
static struct pattern_changes changes_sorted(struct pattern_delta *delta)
{
    struct pattern_changes changes = { 0 };
    pattern_delta_changes(delta, &changes);
    qsort(changes.templates, changes.template_count, sizeof *changes.templates, template_compare);
    qsort(changes.counts, changes.count_count, sizeof *changes.counts, count_compare);
    return changes;
}

static void assert_same(struct pattern_delta *left, struct pattern_delta *right)
{
    struct pattern_changes a = changes_sorted(left), b = changes_sorted(right);
    assert_int_equal(a.template_count, b.template_count);
    assert_int_equal(a.count_count, b.count_count);
    for (size_t t = 0; t < a.template_count; t++) {
        assert_true(uuid_equal(a.templates[t].id, b.templates[t].id));
        assert_true(bytes_equal(a.templates[t].sample, b.templates[t].sample));
        assert_int_equal(a.templates[t].first_unix_us, b.templates[t].first_unix_us);
        assert_int_equal(a.templates[t].last_unix_us, b.templates[t].last_unix_us);
    }
    for (size_t c = 0; c < a.count_count; c++) {
        assert_int_equal(count_compare(&a.counts[c], &b.counts[c]), 0);
        assert_int_equal(a.counts[c].row_count, b.counts[c].row_count);
    }
}

static void numbered_add(struct pattern_delta *delta, struct pattern_names *names, uint32_t n)
{
    char text[100];
    snprintf(text, sizeof text,
             n % 3 == 0   ? "job %u is done"
             : n % 3 == 1 ? "user %c%u left"
                          : "it is %u o'clock now",
             n % 3 == 1 ? 'a' + n % 7 : n, n);
    line_add(delta, names, n % 2 ? "cart" : "web", text, NOW_US + n * 7919 % 500 * 1000000, n % PATTERN_LEVELS);
}

/* Goal: one worker or two, forwards or backwards, merged or not: the same sums, first and last times and samples. */
static void test_any_order(void **state)
{
    (void)state;
    enum { LINES = 3000 };
    struct pattern_delta *one = pattern_delta_create(), *back = pattern_delta_create(),
                         *parts[2] = { pattern_delta_create(), pattern_delta_create() };
    struct pattern_names *names[4];
    for (int i = 0; i < 4; i++) names[i] = pattern_names_create();
    for (uint32_t n = 0; n < LINES; n++) {
        numbered_add(one, names[0], n);
        numbered_add(back, names[1], LINES - 1 - n);
        numbered_add(parts[n * 31 % 7 > 3], names[2 + (n * 31 % 7 > 3)], n);
    }
    assert_same(one, back);
    pattern_delta_merge(parts[0], parts[1]);
    assert_true(pattern_delta_is_empty(parts[1]));
    assert_same(one, parts[0]);
    for (int i = 0; i < 4; i++) pattern_names_destroy(names[i]);
    pattern_delta_destroy(one);
    pattern_delta_destroy(back);
    for (int i = 0; i < 2; i++) pattern_delta_destroy(parts[i]);
}

/* Goal: a flood of words makes few templates and loses no line; patterns are still told apart in it, and new ones found.
 * Method: 100,000 lines with 20,000 names in two messages, and messages of other kinds before and behind. */
static void test_flood(void **state)
{
    (void)state;
    enum { LINES = 100000 };
    struct pattern_delta *delta = pattern_delta_create();
    struct pattern_names *names = pattern_names_create();
    line_add(delta, names, "web", "it is begun", NOW_US, 3);
    for (uint32_t n = 0; n < LINES; n++) {
        char text[100];
        uint32_t who = n % 20000;
        snprintf(text, sizeof text, n % 2 ? "user %c%c%c%c has logged in" : "mail for %c%c%c%c is on its way",
                 'a' + who % 26, 'a' + who / 26 % 26, 'a' + who / 676 % 26, 'a' + who / 17576);
        pattern_names_begin(names, NOW_US);
        line_add(delta, names, "web", text, NOW_US, 3);
    }
    line_add(delta, names, "web", "the end is near and was never seen before", NOW_US, 3);
    struct pattern_changes changes = changes_sorted(delta);
    assert_true(changes.template_count < 2 * PATTERN_FREE);
    assert_true(pattern_delta_rest(delta) > LINES / 2);
    int64_t total = 0, ended = 0;
    for (size_t c = 0; c < changes.count_count; c++) total += changes.counts[c].row_count;
    assert_int_equal(total, LINES + 2);

    struct arena arena;
    struct pattern_groups groups;
    struct bytes *texts = malloc(changes.template_count * sizeof *texts);
    arena_init(&arena, 0);
    for (size_t t = 0; t < changes.template_count; t++) {
        texts[t] = changes.templates[t].template;
        ended += bytes_equal(texts[t], BYTES("the end is near and was never seen before"));
    }
    assert_int_equal(ended, 1);
    patterns_group(&arena, texts, (uint32_t)changes.template_count, &groups);
    assert_int_equal(groups.count, 4);
    arena_deinit(&arena);
    free(texts);
    pattern_names_destroy(names);
    pattern_delta_destroy(delta);
}

/* Goal: limits hold when nothing is alike, and what passes them is counted as "(other)"; any bytes become texts that databases take. */
static void test_limits(void **state)
{
    (void)state;
    enum { LINES = 30000 };
    struct pattern_delta *delta = pattern_delta_create();
    struct pattern_names *names = pattern_names_create();
    for (uint32_t n = 0; n < LINES; n++) {
        char text[200];
        size_t len = 0;
        for (uint32_t w = 0, bits = n * 2654435761u; w < 4 + n % 13; w++, bits = bits * 1664525 + 1013904223)
            len += (size_t)snprintf(text + len, sizeof text - len, "%c%c%c ", 'a' + bits % 26, 'a' + bits / 26 % 26,
                                    'a' + bits / 676 % 26);
        if (n % 100 == 0) memcpy(text, "\xff\xc3\x00\xe2", 4);
        line_add(delta, names, "web", text, NOW_US, 0);
    }
    struct pattern_changes changes = changes_sorted(delta);
    assert_true(changes.template_count <= PATTERN_SERVICE_MAX + 1);
    int64_t total = 0, other = 0;
    struct uuid other_id = rows_pattern_id(PROJECT, BYTES("web"), BYTES(PATTERN_OTHER));
    for (size_t c = 0; c < changes.count_count; c++) {
        total += changes.counts[c].row_count;
        if (uuid_equal(changes.counts[c].id, other_id)) other += changes.counts[c].row_count;
    }
    assert_int_equal(total, LINES);
    assert_true(other > LINES / 2);
    assert_true(pattern_delta_bytes(delta) < 16 << 20);
    for (size_t t = 0; t < changes.template_count; t++) {
        assert_null(memchr(changes.templates[t].sample.ptr, 0, changes.templates[t].sample.len));
        assert_null(memchr(changes.templates[t].sample.ptr, 0xff, changes.templates[t].sample.len));
    }
    pattern_names_destroy(names);
    pattern_delta_destroy(delta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
