/* What each project sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ingest/tally.h"

static struct uuid project(uint32_t number)
{
    struct uuid id = { { 1 } };
    memcpy(&id.bytes[4], &number, sizeof number);
    return id;
}

/* Goal: each project has its own sums, those beyond the bound share one, and nothing is lost. Method: ten times as many
 * projects as are counted apart, each several times and in turn. */
static void test_projects_are_counted_apart_up_to_a_bound(void **state)
{
    (void)state;
    enum { KEPT = 20, ALL = 200, TURNS = 3 };
    struct tally *tally = tally_create(KEPT);
    struct tally_entry *entries;
    assert_int_equal(tally_read(tally, &entries), 0);
    free(entries);
    for (uint32_t turn = 0; turn < TURNS; turn++)
        for (uint32_t p = 0; p < ALL; p++)
            tally_add(tally, project(p), (enum otlp_signal)(1 + turn % 3), p + 1, 100 + p);
    assert_int_equal(tally_read(tally, &entries), KEPT + 1);
    for (uint32_t p = 0; p < KEPT; p++) {
        assert_true(uuid_equal(entries[p].project_id, project(p)));
        assert_int_equal(entries[p].requests, TURNS);
        assert_int_equal(entries[p].bytes, TURNS * (100 + p));
        for (uint32_t s = 0; s < 3; s++) assert_int_equal(entries[p].records[s], p + 1);
    }
    struct tally_entry *others = &entries[KEPT];
    uint64_t records = 0;
    for (uint32_t p = KEPT; p < ALL; p++) records += p + 1;
    assert_true(uuid_equal(others->project_id, (struct uuid){ 0 }));
    assert_int_equal(others->requests, TURNS * (ALL - KEPT));
    for (uint32_t s = 0; s < 3; s++) assert_int_equal(others->records[s], records);
    free(entries);
    tally_destroy(tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_projects_are_counted_apart_up_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
