/* What --role may be. */
#include "app/roles.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_roles_are_read(void **state)
{
    struct err err = { 0 };
    uint32_t roles;
    (void)state;
    assert_true(roles_read("all", &roles, &err));
    assert_int_equal(roles, ROLE_ALL);
    assert_true(roles_read("worker", &roles, &err));
    assert_int_equal(roles, ROLE_WORKER);
    assert_true(roles_read("ingest,query", &roles, &err));
    assert_int_equal(roles, ROLE_INGEST | ROLE_QUERY);
    static const char *const wrong[] = { "", ",", "worker,", ",worker", "Worker", "worker query", "workers", "al" };
    for (size_t w = 0; w < COUNT_OF(wrong); w++) {
        assert_false(roles_read(wrong[w], &roles, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, "--role"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_roles_are_read) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
