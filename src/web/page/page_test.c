/* Whatever a text holds, it stays a text: names of users, programs and projects come from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "web/page/page.h"

#define BAD      "<script>alert(1)</script>\"'&\xFF"
#define BAD_TEXT "<script>alert(1)</script>\"'&"

static const char *text_of(struct buf *html)
{
    assert_true(buf_add(html, "", 1));
    return (const char *)html->ptr;
}

static void is_harmless(const char *html)
{
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "alert(1)</script>"));
    assert_null(strstr(html, "\"'&"));
    assert_null(strchr(html, '\xFF'));
    assert_non_null(strstr(html, "</html>"));
}

/* Goal: the sign-in page escapes what was sent to it, in text, attributes and the link. */
static void test_sign_in(void **state)
{
    (void)state;
    struct buf html;
    buf_init(&html, PAGE_BYTES_MAX);
    struct page_sign_in page = {
        .alert = BAD_TEXT, .email = BYTES(BAD), .to = BYTES("/a?b=\"><i>&c=%"), .provider = BAD_TEXT
    };
    page_sign_in(&html, &page);
    const char *text = text_of(&html);
    is_harmless(text);
    assert_non_null(strstr(text, "href=\"/sign-in/oidc?to=/a%3Fb%3D%22%3E%3Ci%3E%26c%3D%25\""));
    assert_non_null(strstr(text, "role=\"alert\">&lt;script&gt;"));
    buf_deinit(&html);
}

/* Goal: the account page likewise; programs are named for people; must_change shows the one form. */
static void test_account(void **state)
{
    (void)state;
    struct buf html;
    static const struct {
        const char *agent, *name;
    } agents[] = {
        { "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
          "Chrome on Linux" },
        { "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on macOS" },
        { "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
          "Safari on iPhone" },
        { "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows" },
        { "curl/8.5.0", "curl/8.5.0" },
        { "", "a program without a name" },
        { BAD, "?" },
    };
    for (size_t a = 0; a < COUNT_OF(agents); a++) {
        char expected[64] = "<strong>";
        struct page_session session = {
            .id = "x", .agent = bytes_of_text(agents[a].agent), .address = BYTES(BAD), .method = BYTES("oidc")
        };
        struct page_project project = { BAD_TEXT, "viewer" };
        struct page_account page = { .email = BAD_TEXT,
                                     .name = BAD_TEXT,
                                     .csrf = "token",
                                     .has_password = true,
                                     .alert = BAD_TEXT,
                                     .notice = BAD_TEXT,
                                     .sessions = &session,
                                     .session_count = 1,
                                     .projects = &project,
                                     .project_count = 1 };
        buf_init(&html, PAGE_BYTES_MAX);
        page_account(&html, &page);
        const char *text = text_of(&html);
        is_harmless(text);
        strcat(expected, agents[a].name);
        if (!strstr(text, expected)) fail_msg("%s: %s", expected, text);
        assert_non_null(strstr(text, "action=\"/account/sessions/x/revoke\""));
        buf_deinit(&html);
    }
    struct page_account first = {
        .email = "a@b", .name = "", .csrf = "token", .has_password = true, .must_change = true
    };
    buf_init(&html, PAGE_BYTES_MAX);
    page_account(&html, &first);
    assert_non_null(strstr(text_of(&html), "Choose your own"));
    assert_null(strstr((const char *)html.ptr, "Where you are signed in"));
    buf_deinit(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sign_in), cmocka_unit_test(test_account) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
