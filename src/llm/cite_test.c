/* threads: none */
#include "llm/cite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Goal: what is in the evidence is taken however it is rounded; a figure or a name that is not there is refused. */
static void test_check(void **state)
{
    static const char source[] =
        "{\"sql\":\"SELECT ...\"} {\"columns\":[\"service\",\"failed\"],\"rows\":[[\"checkout\",312,4800,0.065],"
        "[\"payments-v2\",17,1204000000,1250.4]],\"at\":\"2026-11-28T12:30:00Z\",\"route\":\"GET /cart/{id}\"}";
    static const struct {
        const char *text;
        bool is_there;
    } cases[] = {
        { "checkout failed 312 times.", true },
        { "checkout failed 313 times.", false },
        { "`checkout` failed 312 of 4,800 requests (E2), 6.5% of them", true },
        { "7% of the requests failed", true }, /* 6.5 rounds to 7 */
        { "8% of the requests failed", false },
        { "p95 rose to 1204 ms, that is 1.2 s", true },
        { "p95 rose to 1.5 s", false },
        { "4.8k requests", true },
        { "1250 of something, 1250.4 exactly", true },
        { "1250.5 of something", false },
        { "`billing` is down", false },
        { "the service \"checkout\" on GET /cart/{id}", true },
        { "on /cart/checkout it fails", false },
        { "payments-v2 is slow", true },
        { "payments2 is slow", false },
        { "since 2026-11-28T12:30:00Z", true },
        { "since 12:30", true },
        { "since 12:31", false },
        { "nothing to say, e.g. and/or so", true },
        { "312, 4800 and 17: all there", true },
        { "", true },
    };
    struct bytes sources[] = { BYTES("nothing"), bytes_from(source, sizeof source - 1) };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        char why[CITE_WHY_BYTES];
        if (cite_check(bytes_of_text(cases[c].text), sources, 2, why) != cases[c].is_there)
            fail_msg("\"%s\": %s", cases[c].text, why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_check) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
