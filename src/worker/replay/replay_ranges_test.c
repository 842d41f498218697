/* What is written of a segment's batches is what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "worker/replay/replay_ranges.h"

static void test_round_trip(void **state)
{
    (void)state;
    const struct replay_range wanted[] = { { BYTES("r1"), 0, 7, true, false, false },
                                           { BYTES("r1"), 9, 9, false, true, false },
                                           { BYTES("last"), 0, INT32_MAX, true, true, false },
                                           { BYTES("snapshot"), 3, 4, false, false, false },
                                           { BYTES("rrweb"), 1790000000000, 1790000900000, true, false, true } };
    struct buf text;
    buf_init(&text, 1000);
    for (size_t i = 0; i < COUNT_OF(wanted); i++) assert_true(replay_ranges_put(&text, &wanted[i]));
    assert_true(
        bytes_equal(buf_bytes(&text), BYTES("r1 0 7 snapshot,r1 9 9 last,last 0 2147483647 snapshot last,snapshot 3 4,"
                                            "rrweb 1790000000000 1790000900000 snapshot unnumbered")));
    assert_int_equal(replay_ranges_count(buf_bytes(&text)), COUNT_OF(wanted));
    struct bytes rest = buf_bytes(&text);
    struct replay_range is;
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        assert_true(replay_ranges_next(&rest, &is));
        assert_true(bytes_equal(is.recording, wanted[i].recording));
        assert_true(is.from == wanted[i].from && is.to == wanted[i].to);
        assert_true(is.has_snapshot == wanted[i].has_snapshot && is.is_last == wanted[i].is_last &&
                    is.is_unnumbered == wanted[i].is_unnumbered);
    }
    assert_false(replay_ranges_next(&rest, &is));
    buf_deinit(&text);
}

/* Goal: nothing that could stand in a database leads astray. */
static void test_odd_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ",", " ", "r1", "r1 x y", "r1 99999999999999999999 1", ",,", "r1  1 2 snapshotted"
    };
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        struct bytes rest = bytes_of_text(texts[t]);
        struct replay_range range;
        uint32_t count = 0;
        while (replay_ranges_next(&rest, &range)) {
            count++;
            assert_false(range.has_snapshot || range.is_last);
        }
        assert_true(count <= replay_ranges_count(bytes_of_text(texts[t])));
    }
    assert_int_equal(replay_ranges_count((struct bytes){ 0 }), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip), cmocka_unit_test(test_odd_texts) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
