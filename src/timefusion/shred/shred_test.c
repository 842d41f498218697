#include "base/json_object.h"
#include "timefusion/shred/shred.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROWS = 600, ROUNDS = 40 };

static uint64_t random_state = 7;
static uint32_t below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

static const char *const key_texts[] = { "a", "a.b", "a.b.c", "cart.tier", "cart.tier.x", "n", "shop_feature", "z-1" };

/* Members of every kind: escapes, nulls, nests, the same key twice, keys that go on from others, white space, none at all. */
static void object_make(char *out)
{
    static const char *const values[] = { "\"gold\"",
                                          "\"\"",
                                          "\"x\\ny\"",
                                          "\"q\\\"\"",
                                          "null",
                                          "true",
                                          "17",
                                          "-2.50e3",
                                          "{\"b\":1,\"c\":\"d\"}",
                                          "[1,\"}\",{}]",
                                          "{}",
                                          "\"\\\\\"",
                                          "{\"tier\":\"s\"}",
                                          "\"silver\"",
                                          "\"a.b\"",
                                          "\"{\\\"a\\\":1}\"" };
    uint32_t count = below(6);
    const char *space = below(8) == 0 ? " " : "";
    strcpy(out, "{");
    for (uint32_t i = 0; i < count; i++)
        sprintf(out + strlen(out), "%s%s\"%s\":%s%s", i ? "," : "", space,
                below(12) == 0 ? "odd \\u0041" : key_texts[below(COUNT_OF(key_texts))], space,
                values[below(COUNT_OF(values))]);
    strcat(out, "}");
}

static void row_put(struct columns *columns, uint32_t n, const char *attributes)
{
    struct bytes summary = BYTES("s");
    char id[40];
    snprintf(id, sizeof id, "00000000-0000-4000-8000-%012u", n);
    columns_row_begin(columns, n);
    columns_put_text(columns, LOGS_AND_SPANS_id, bytes_of_text(id));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, &summary, 1);
    if (attributes) columns_put_text(columns, LOGS_AND_SPANS_attributes, bytes_of_text(attributes));
    columns_row_end(columns);
}

/* Goal: a value is what json_attribute says of the row, for keys and remainders of all kinds.
 * Method: random objects, all or few of them different, any range of rows; each row asked both ways. */
static void test_values_are_the_attributes(void **state)
{
    (void)state;
    struct shredder *shredder = shredder_create();
    struct buf expected;
    uint32_t compared = 0, found = 0;
    buf_init(&expected, 1u << 20);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
        static char texts[ROWS][512];
        struct shred_keys keys = { 0 };
        for (size_t k = 0; k < COUNT_OF(key_texts); k++)
            if (below(2)) strcpy(keys.texts[keys.count++], key_texts[k]);
        for (uint32_t r = 0; r < ROWS; r++) {
            if (round % 2 && r >= 8)
                strcpy(texts[r], texts[below(8)]);
            else
                object_make(texts[r]);
            row_put(columns, r, r % 7 == 3 ? NULL : texts[r]);
        }
        uint32_t from = below(ROWS / 2), to = from + 1 + below(ROWS / 2);
        shredder_run(shredder, columns, from, to, &keys);
        for (uint32_t k = 0; k < keys.count; k++) {
            struct columns_view view;
            uint32_t at = 0;
            assert_false(shredder_is_full(shredder, k));
            shredder_view(shredder, k, &view);
            for (uint32_t r = from; r < to; r++) {
                expected.len = 0;
                bool has = r % 7 != 3 &&
                           json_attribute(bytes_of_text(texts[r]), bytes_of_text(keys.texts[k]), true, &expected);
                bool is = at < view.value_count && view.rows[at] == r;
                if (has != is) fail_msg("%s of %s: %d, not %d", keys.texts[k], texts[r], is, has);
                compared++;
                if (!is) continue;
                const uint8_t *record = view.dictionary[view.ids[at++]];
                uint32_t len;
                memcpy(&len, record, sizeof len);
                if (!bytes_equal(bytes_from(record + sizeof len, len), buf_bytes(&expected)))
                    fail_msg("%s of %s: %.*s", keys.texts[k], texts[r], (int)len, (const char *)record + sizeof len);
                found++;
            }
            assert_int_equal(at, view.value_count);
        }
        columns_destroy(columns);
    }
    assert_in_range(found, compared / 20, compared);
    buf_deinit(&expected);
    shredder_destroy(shredder);
}

static bool is_chosen(const struct shred_keys *keys, const char *key)
{
    for (uint32_t k = 0; k < keys->count; k++)
        if (strcmp(keys->texts[k], key) == 0) return true;
    return false;
}

/* Goal: what repeats is chosen, and stays; what does not, is rare, has a column or a strange name is not.
 * Method: rows of one project, then rows without any of it, then another project. */
static void test_choice(void **state)
{
    (void)state;
    struct shreds *shreds = shreds_create();
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct uuid mine = { { 1 } }, other = { { 2 } };
    struct shred_keys keys;
    char text[400];
    for (uint32_t r = 0; r < 2000; r++) {
        snprintf(text, sizeof text,
                 "{\"cart.tier\":\"t%u\",\"order\":\"%u\",\"user.id\":7,\"http\":\"x\",\"it's\":\"y\",\"list\":[1]%s}",
                 r % 5, r, r % 500 == 0 ? ",\"rare\":1" : "");
        row_put(columns, r, text);
    }
    shreds_choose(shreds, mine, columns, 0, 2000, &keys);
    assert_int_equal(keys.count, 1);
    assert_true(is_chosen(&keys, "cart.tier"));
    columns_reset(columns);
    for (uint32_t r = 0; r < 100; r++) row_put(columns, r, "{\"b\":true,\"a\":\"x\"}");
    shreds_choose(shreds, mine, columns, 0, 100, &keys);
    assert_int_equal(keys.count, 3);
    assert_string_equal(keys.texts[0], "a");
    assert_string_equal(keys.texts[1], "b");
    assert_string_equal(keys.texts[2], "cart.tier");
    shreds_refuse(shreds, mine, schema_table(SCHEMA_LOGS_AND_SPANS), "b");
    shreds_choose(shreds, mine, columns, 0, 100, &keys);
    assert_int_equal(keys.count, 2);
    assert_false(is_chosen(&keys, "b"));
    shreds_choose(shreds, other, columns, 0, 5, &keys); /* too few to tell */
    assert_int_equal(keys.count, 0);
    columns_destroy(columns);
    shreds_destroy(shreds);
}

/* Goal: a key that turns out to have many values costs no more than its limit. Method: one value a row. */
static void test_too_many_values(void **state)
{
    (void)state;
    struct shredder *shredder = shredder_create();
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct shred_keys keys = { .count = 2, .texts = { "few", "many" } };
    struct columns_view view;
    char text[100];
    for (uint32_t r = 0; r < SHRED_DISTINCT_MAX + 10; r++) {
        snprintf(text, sizeof text, "{\"many\":%u,\"few\":%u}", r, r % 3);
        row_put(columns, r, text);
    }
    shredder_run(shredder, columns, 0, SHRED_DISTINCT_MAX + 10, &keys);
    assert_false(shredder_is_full(shredder, 0));
    assert_true(shredder_is_full(shredder, 1));
    shredder_view(shredder, 0, &view);
    assert_int_equal(view.value_count, SHRED_DISTINCT_MAX + 10);
    assert_int_equal(view.dictionary_count, 3);
    columns_destroy(columns);
    shredder_destroy(shredder);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_values_are_the_attributes), cmocka_unit_test(test_choice),
                                        cmocka_unit_test(test_too_many_values) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
