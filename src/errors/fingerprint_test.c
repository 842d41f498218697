/* Which errors are the same: what a refactoring changes and what it does not, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "errors/fingerprint.h"
#include "errors/known.h"

struct pair {
    const char *what;
    struct error_source a, b;
};
#define TEXT(literal)                                      \
    {                                                      \
        (const uint8_t *)("" literal), sizeof(literal) - 1 \
    }
#define STACK(text)                                       \
    {                                                     \
        .service = TEXT("cart"), .stacktrace = TEXT(text) \
    }
#define SAID(t, m)                                                   \
    {                                                                \
        .service = TEXT("cart"), .type = TEXT(t), .message = TEXT(m) \
    }

static struct fingerprint of(struct arena *arena, const struct error_source *source)
{
    return fingerprint_of(arena, error_event_read(arena, source), NULL);
}

static void assert_pairs(const struct pair *pairs, size_t count, bool is_same)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct fingerprint a = of(&arena, &pairs[i].a), b = of(&arena, &pairs[i].b);
        if (hash128_equal(a.key, b.key) != is_same) {
            struct bytes why_a = fingerprint_why(&arena, error_event_read(&arena, &pairs[i].a), &a);
            struct bytes why_b = fingerprint_why(&arena, error_event_read(&arena, &pairs[i].b), &b);
            fail_msg("%s\n%.*s---\n%.*s", pairs[i].what, (int)why_a.len, why_a.ptr, (int)why_b.len, why_b.ptr);
        }
        arena_deinit(&arena);
    }
}

/* Goal: what changes from build to build, from request to request and by configuration changes nothing. */
static void test_same(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        { "lines and values", STACK("a.E: no 1\n\tat a.B.c(B.java:1)\n"),
          STACK("a.E: no 77\n\tat a.B.c(B.java:99)\n") },
        { "a lambda's number", STACK("a.E: x\n\tat a.B.lambda$c$0(B.java:1)\n"),
          STACK("a.E: x\n\tat a.B.lambda$c$12(B.java:1)\n") },
        { "a proxy between", STACK("a.E: x\n\tat a.B.c(B.java:1)\n\tat a.D.d(D.java:1)\n"),
          STACK("a.E: x\n\tat a.B.c(B.java:1)\n\tat a.B$$EnhancerBySpringCGLIB$$1f.c(<generated>)\n\tat "
                "a.D.d(D.java:1)\n") },
        { "a library's frames",
          STACK("a.E: x\n\tat java.util.List.get(List.java:1)\n\tat a.B.c(B.java:1)\n\tat "
                "org.springframework.X.y(X.java:1)\n"),
          STACK("a.E: x\n\tat java.util.List.of(List.java:1)\n\tat a.B.c(B.java:1)\n\tat "
                "jakarta.servlet.Y.z(Y.java:1)\n") },
        { "a module's name", STACK("a.E: x\n\tat app//a.B.c(B.java:1)\n"), STACK("a.E: x\n\tat a.B.c(B.java:1)\n") },
        { "how deep a recursion went",
          STACK("a.E: x\n\tat a.B.c(B.java:1)\n\tat a.B.c(B.java:1)\n\tat a.B.main(B.java:2)\n"),
          STACK("a.E: x\n\tat a.B.c(B.java:1)\n\tat a.B.main(B.java:2)\n") },
        { "what was suppressed", STACK("a.E: x\n\tat a.B.c(B.java:1)\n\tSuppressed: a.F: y\n\t\tat a.G.h(G.java:1)\n"),
          STACK("a.E: x\n\tat a.B.c(B.java:1)\n") },
        { "the folder of a deployment",
          STACK("Traceback (most recent call last):\n  File \"/srv/releases/20260101/shop/cart.py\", line 1, in "
                "add\nKeyError: 'a'\n"),
          STACK("Traceback (most recent call last):\n  File \"/app/shop/cart.py\", line 7, in add\nKeyError: 'b'\n") },
        { "a comprehension, since Python 3.12 no frame",
          STACK("Traceback (most recent call last):\n  File \"/app/shop/cart.py\", line 1, in add\n  File "
                "\"/app/shop/cart.py\", line 1, in <listcomp>\nE: x\n"),
          STACK("Traceback (most recent call last):\n  File \"/app/shop/cart.py\", line 1, in add\nE: x\n") },
        { "the hash of a bundle",
          STACK("TypeError: x\n    at addItem (https://shop.example/assets/cart-5f3a9c12.js:1:5)\n"),
          STACK("TypeError: x\n    at addItem (https://cdn.shop.example/assets/cart-DbQ2xY9p.js:1:9)\n") },
        { "TypeScript, built or not", STACK("TypeError: x\n    at Cart.add (/app/dist/shop/cart.js:1:5)\n"),
          STACK("TypeError: x\n    at Cart.add (/app/src/shop/cart.ts:9:5)\n") },
        { "async or not", STACK("TypeError: x\n    at async Cart.add (/app/cart.js:1:5)\n"),
          STACK("TypeError: x\n    at Cart.add (/app/cart.js:1:5)\n") },
        { "two browsers", STACK("TypeError: x is undefined\nadd@https://shop.example/cart.js:3:5\n"),
          STACK("TypeError: Cannot read properties of undefined (reading 'x')\n    at add "
                "(https://shop.example/cart.js:3:7)\n") },
        { "Go's closures",
          STACK("panic: x\n\ngoroutine 1 [running]:\nmain.(*Cart).add.func1(0x1)\n\t/src/cart.go:1 "
                "+0x1\nmain.main()\n\t/src/main.go:1 +0x1\n"),
          STACK("panic: x\n\ngoroutine 77 [running]:\nmain.(*Cart).add.func2.1(0x7)\n\t/b/cart.go:9 "
                "+0x9\nmain.main()\n\t/b/main.go:3 +0x1\n") },
        { ".NET, async or not", STACK("A.E: x\n   at A.Cart.<AddAsync>d__5.MoveNext() in /src/Cart.cs:line 1\n"),
          STACK("A.E: x\n   at A.Cart.AddAsync(Int32 id) in /b/Cart.cs:line 9\n") },
        { "how many an aggregate holds",
          STACK("System.AggregateException: One or more errors occurred. (a) (a)\n ---> A.E: a\n   at A.B.C()\n   --- "
                "End of inner exception stack trace ---\n   at A.D.E()\n ---> (Inner Exception #1) A.E: a\n   at "
                "A.B.C()<---\n"),
          STACK("System.AggregateException: One or more errors occurred. (a)\n ---> A.E: a\n   at A.B.C()\n   --- End "
                "of inner exception stack trace ---\n   at A.D.E()\n") },
        { "a cause's words in what wraps it",
          STACK("java.lang.RuntimeException: a.E: alpha\n\tat a.B.c(B.java:1)\nCaused by: a.E: alpha\n\tat "
                "a.B.d(B.java:1)\n"),
          STACK("java.lang.RuntimeException: a.E: beta\n\tat a.B.c(B.java:1)\nCaused by: a.E: beta\n\tat "
                "a.B.d(B.java:1)\n") },
        { "quoted values of a type that says nothing", STACK("Error: no cart 'alpha'\n    at add (/app/cart.js:1:5)\n"),
          STACK("Error: no cart 'beta'\n    at add (/app/cart.js:1:5)\n") },
        { "values in a message without a stack", SAID("E", "cart 12 of 10.0.0.1 failed"),
          SAID("E", "cart 7 of 10.9.9.9 failed") },
        { "known errors in any place",
          STACK("django.http.response.Http404: no 1\n"),
          { .service = TEXT("cart"), .type = TEXT("Http404"), .message = TEXT("other") } },
    };
    assert_pairs(pairs, COUNT_OF(pairs), true);
}

/* Goal: what is another defect stays another error. */
static void test_different(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        { "another function", STACK("a.E: x\n\tat a.B.c(B.java:1)\n"), STACK("a.E: x\n\tat a.B.d(B.java:1)\n") },
        { "another type", STACK("a.E: x\n\tat a.B.c(B.java:1)\n"), STACK("a.F: x\n\tat a.B.c(B.java:1)\n") },
        { "another cause", STACK("a.E: x\n\tat a.B.c(B.java:1)\nCaused by: a.F: y\n\tat a.B.d(B.java:1)\n"),
          STACK("a.E: x\n\tat a.B.c(B.java:1)\nCaused by: a.G: y\n\tat a.B.d(B.java:1)\n") },
        { "another service", SAID("E", "x"), { .service = TEXT("pay"), .type = TEXT("E"), .message = TEXT("x") } },
        { "one function, two errors of a type that says nothing",
          STACK("Error: no cart\n    at add (/app/cart.js:1:5)\n"),
          STACK("Error: no stock\n    at add (/app/cart.js:2:5)\n") },
        { "views of two apps",
          STACK("Traceback (most recent call last):\n  File \"/app/cart/views.py\", line 1, in get\nKeyError: 'a'\n"),
          STACK("Traceback (most recent call last):\n  File \"/app/pay/views.py\", line 1, in get\nKeyError: 'a'\n") },
        { "minified names say nothing: the message does",
          STACK("TypeError: Cannot read properties of undefined (reading 'total')\n    at t "
                "(https://shop.example/main.5f3a9c12.js:1:20345)\n"),
          STACK("TypeError: Cannot read properties of undefined (reading 'price')\n    at t "
                "(https://shop.example/main.5f3a9c12.js:1:20345)\n") },
        { "words of a message without a stack", SAID("E", "no cart"), SAID("E", "no stock") },
        { "known errors of two kinds", SAID("Http404", ""), SAID("DisallowedHost", "") },
        { "known errors of two services", SAID("Http404", ""), { .service = TEXT("pay"), .type = TEXT("Http404") } },
        { "spans that failed elsewhere",
          { .service = TEXT("cart"), .type = TEXT("500"), .place = TEXT("GET /cart") },
          { .service = TEXT("cart"), .type = TEXT("500"), .place = TEXT("GET /pay") } },
    };
    assert_pairs(pairs, COUNT_OF(pairs), false);
}

/* Goal: keys stay what they are from version to version. Method: vectors; a change here is a new ERRORS_VERSION. */
static void test_vectors(void **state)
{
    (void)state;
    static const struct {
        struct error_source source;
        enum fingerprint_by by;
        uint64_t hi, lo;
    } vectors[] = {
        { STACK("a.E: no 1\n\tat a.B.c(B.java:1)\n\tat java.lang.Thread.run(Thread.java:1)\n"), FINGERPRINT_BY_STACK,
          0x8313879f19d27b55u, 0x3d46958055d9a01eu },
        { SAID("E", "no item 42"), FINGERPRINT_BY_MESSAGE, 0xee4188be477130a5u, 0xbf9fa7250b4fe45au },
        { SAID("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1"), FINGERPRINT_BY_KNOWN, 0xcd4431e4e64c0f73u,
          0x4e149bd188f1f275u },
        { { .service = TEXT("cart"), .place = TEXT("GET /cart") },
          FINGERPRINT_BY_PLACE,
          0x9f70a7e32cafaf5eu,
          0x50eb76897c91316cu },
        { { .service = TEXT("") }, FINGERPRINT_BY_PLACE, 0xc70732d64a8b00bdu, 0x49bc1689649ea205u },
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        struct fingerprint got = of(&arena, &vectors[i].source);
        if (got.key.hi != vectors[i].hi || got.key.lo != vectors[i].lo || got.by != vectors[i].by) {
            fail_msg("%zu: is 0x%016llx, 0x%016llx by %d", i, (unsigned long long)got.key.hi,
                     (unsigned long long)got.key.lo, got.by);
        }
    }
    arena_deinit(&arena);
}

/* Goal: a person reads what was used and what was not. */
static void test_why(void **state)
{
    (void)state;
    static const struct {
        struct error_source source;
        const char *why;
    } cases[] = {
        { STACK("a.E: no 1\n\tat a.B.c(B.java:1)\n\tat java.lang.Thread.run(Thread.java:1)\nCaused by: "
                "java.lang.RuntimeException: bad\n\tat a.B.d(B.java:1)\n"),
          "by  the stack\nversion  1\nservice  cart\nreported  a.E\n  frame in app  a.B.c\n  not used: message  no "
          "<*>\n"
          "  not used: frames  1 of libraries, or repeated\ncause  java.lang.RuntimeException\n  frame in app  a.B.d\n "
          " message  bad\n" },
        { SAID("Http404", ""), "by  a known error\nversion  1\nknown as  django-404\ncategory  not found\nmeans  "
                               "Somebody asked for a page that Django does not have.\n"
                               "service  cart\n" },
        { { .service = TEXT("cart"), .place = TEXT("GET /cart/12") },
          "by  the place\nversion  1\nservice  cart\nreported  (no type)\nplace  GET /cart/<*>\n" },
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct error_event *event = error_event_read(&arena, &cases[i].source);
        struct fingerprint fingerprint = fingerprint_of(&arena, event, NULL);
        struct bytes why = fingerprint_why(&arena, event, &fingerprint);
        if (!bytes_equal(why, bytes_of_text(cases[i].why)))
            fail_msg("is\n%.*s---\nwants\n%s", (int)why.len, why.ptr, cases[i].why);
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_different),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
