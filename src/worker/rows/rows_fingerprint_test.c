/* What stack traces have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/rows/rows_fingerprint.h"

/* Goal: of a stack trace the program's own innermost frame counts, in each language; a library's when there is no
 * other. */
static void test_frames(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "", "" },
        { "no frames at all", "" },
        { "java.lang.IllegalStateException: no item 42\n"
          "\tat java.base/java.util.Objects.requireNonNull(Objects.java:233)\n"
          "\tat org.springframework.web.Dispatcher.doDispatch(Dispatcher.java:1081)\n"
          "\tat com.acme.Cart.add(Cart.java:42)\n\tat com.acme.Web.call(Web.java:7)\n",
          "com.acme.Cart.add(Cart.java:<*>)" },
        { "E\n\tat java.util.List.get(List.java:1)\n", "java.util.List.get(List.java:<*>)" },
        { "System.NullReferenceException: x\r\n   at System.String.Trim()\r\n"
          "   at Acme.Cart.Add(Int32 id) in /src/Cart.cs:line 42\r\n",
          "Acme.Cart.Add(Int<*> id) in /src/Cart.cs:line <*>" },
        { "TypeError: x is undefined\n    at node:internal/process/task_queues:95:5\n"
          "    at Router.handle (/app/node_modules/express/lib/router.js:1:2)\n    at async addItem "
          "(/app/cart.js:12:7)\n",
          "addItem (/app/cart.js:<*>)" },
        { "Traceback (most recent call last):\n  File \"/app/web.py\", line 3, in serve\n    cart.add(item)\n"
          "  File \"/app/cart.py\", line 42, in add\n    return items[key]\n"
          "  File \"/usr/lib/python3.11/site-packages/box.py\", line 7, in __getitem__\nKeyError: 'x'\n",
          "File \"/app/cart.py\", line <*>, in add" },
        { "goroutine 17 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:24 +0x65\n"
          "main.(*cart).add(0xc000010000, {0x1, 0x2})\n\t/app/cart.go:42 +0x1d\n",
          "main.(*cart).add" },
        { "/usr/lib/ruby/gems/rack/lib/rack.rb:10:in `call'\n/app/cart.rb:42:in `add'\n", "/app/cart.rb:<*>:in `add'" },
        { "#0 /app/vendor/laravel/x.php(10): call()\n#1 /app/Cart.php(42): Cart->add(7)\n#2 {main}",
          "/app/Cart.php(<*>): Cart->add(<*>)" },
        { "add@https://shop.example/static/main.7f3a2b1c.js:1:2345\nr@https://shop.example/x.js:1:1\n",
          "add@https://shop.example/static/main.<*>.js:<*>" },
    };
    uint8_t room[MASK_ROOM_BYTES];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes got = fingerprint_frame(room, bytes_of_text(cases[i][0]));
        if (!bytes_equal(got, bytes_of_text(cases[i][1]))) {
            fail_msg("%s\n  is    %.*s\n  wants %s", cases[i][0], (int)got.len, (const char *)got.ptr, cases[i][1]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
