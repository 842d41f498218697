/* The page to sign in: by password, or on to the identity provider and back. */
#include "meta/accounts.h"
#include "meta/share.h"
#include "web/api/handlers.h"
#include "web/api/page_form.h"
#include "web/oidc/oidc.h"
#include <stdio.h>

#define OIDC_COOKIE "monoscope_oidc"
#define OIDC_PATH   "/sign-in/oidc"
enum { OIDC_SECONDS = 600, SESSION_SECONDS = 7 * 24 * 3600 };

/* "https://id.example.com:8443/realms/x" -> "id.example.com" */
static const char *provider_name(struct api_call *call)
{
    if (!call->parts->oidc) return NULL;
    const char *host = strstr(oidc_issuer(call->parts->oidc), "://");
    return host ? arena_printf(call->arena, "%.*s", (int)strcspn(host + 3, ":/"), host + 3) : "single sign-on";
}

static void sign_in_show(struct api_call *call, int status, const char *alert, struct bytes email, struct bytes to)
{
    struct buf html;
    struct page_sign_in page = { .alert = alert, .email = email, .to = to, .provider = provider_name(call) };
    buf_init(&html, PAGE_BYTES_MAX);
    page_sign_in(&html, &page);
    page_answer(call, status, &html);
}

static const char *sentence(struct api_call *call, const char *text)
{
    char *copy = arena_printf(call->arena, "%s.", text);
    if (copy[0] >= 'a' && copy[0] <= 'z') copy[0] = (char)(copy[0] - 'a' + 'A');
    return copy;
}

static struct accounts_from from_of(struct api_call *call)
{
    struct bytes agent = api_request_header(call, "user-agent");
    return (struct accounts_from){ call->actor->address,
                                   arena_printf(call->arena, "%.*s", (int)agent.len, (const char *)agent.ptr) };
}

void api_page_style(struct api_call *call)
{
    api_header(call, "cache-control", BYTES("public, max-age=3600"));
    api_answer_bytes(call, 200, "text/css; charset=utf-8", bytes_of_text(page_style));
}

void api_page_sign_in(struct api_call *call)
{
    struct bytes to = bytes_of_text(page_path_of_ours(call, api_query(call, "to"), ""));
    if (account_cookie(call->request, BYTES(SHARE_COOKIE)).len > 0)
        page_cookie_set(call, SHARE_COOKIE, "", "/", 0); /* from here on one is oneself again */
    if (call->actor->kind == ACTOR_USER) {
        page_redirect(call, to.len > 0 ? (const char *)to.ptr : "/account");
    } else {
        sign_in_show(call, 200, NULL, BYTES(""), to);
    }
}

/* Nobody is signed in yet, so there is no CSRF token: the form must come from a page of this host. */
static bool is_same_origin(struct api_call *call)
{
    struct bytes origin = api_request_header(call, "origin"), host = api_request_header(call, "host");
    struct bytes site = api_request_header(call, "sec-fetch-site");
    const char *url = call->parts->public_url;
    if (site.len > 0 && !bytes_equal(site, BYTES("same-origin"))) return false;
    if (origin.len == 0) return true; /* no browser of these years */
    if (url[0] && origin.len <= strlen(url) && memcmp(origin.ptr, url, origin.len) == 0 &&
        (url[origin.len] == '\0' || url[origin.len] == '/'))
        return true;
    const uint8_t *slashes = memmem(origin.ptr, origin.len, "://", 3);
    if (!slashes) return false;
    size_t skip = (size_t)(slashes - origin.ptr) + 3;
    return bytes_equal(bytes_from(origin.ptr + skip, origin.len - skip), host);
}

static void let_in(struct api_call *call, const struct signed_in *in, const char *to)
{
    page_cookie_set(call, USER_SESSION_COOKIE, in->token, "/", SESSION_SECONDS);
    page_redirect(call, in->actor.must_change_password ? "/account" : to);
}

void api_page_sign_in_try(struct api_call *call)
{
    struct page_form form;
    struct signed_in in;
    struct err err = { 0 };
    if (!is_same_origin(call)) {
        page_refuse(call, 403, "Not from here", "The form came from another site's page. Sign in on this page.");
        return;
    }
    if (!page_form_read(call, &form)) return;
    struct bytes email = page_field(&form, "email");
    const char *to = page_path_of_ours(call, page_field(&form, "to"), "/account");
    const struct accounts_from from = from_of(call);
    if (accounts_sign_in(call->parts->accounts, email, page_field(&form, "password"), &from, &in, &err)) {
        let_in(call, &in, to);
        return;
    }
    int status =
        err.code == ERR_UNAUTHENTICATED ? 403 : err_http_status(err.code); /* 401 asks for a scheme of HTTP's */
    if (email.len > 254) email.len = 0;
    sign_in_show(call, status, sentence(call, err.text), email, bytes_of_text(to));
}

void api_page_oidc_begin(struct api_call *call)
{
    struct oidc_beginning beginning;
    struct err err = { 0 };
    const char *to = page_path_of_ours(call, api_query(call, "to"), "");
    if (!call->parts->oidc) {
        page_refuse(call, 404, "No single sign-on", "This server has no identity provider; sign in with a password.");
        return;
    }
    if (!oidc_begin(call->parts->oidc, call->arena, bytes_of_text(to), &beginning, &err)) {
        log_warn(call->parts->log, "oidc.begin_failed", log_text("err", err.text));
        sign_in_show(call, err_http_status(err.code),
                     "The identity provider does not answer as it should; the server's log says how.", BYTES(""),
                     bytes_of_text(to));
        return;
    }
    page_cookie_set(call, OIDC_COOKIE, beginning.cookie, OIDC_PATH, OIDC_SECONDS);
    page_redirect(call, beginning.url);
}

void api_page_oidc_end(struct api_call *call)
{
    struct accounts_person person;
    struct signed_in in;
    struct err err = { 0 };
    const char *to;
    if (!call->parts->oidc) {
        page_refuse(call, 404, "No single sign-on", "This server has no identity provider; sign in with a password.");
        return;
    }
    struct oidc_answer answer = { .state = api_query(call, "state"),
                                  .code = api_query(call, "code"),
                                  .iss = api_query(call, "iss"),
                                  .error = api_query(call, "error"),
                                  .cookie = account_cookie(call->request, BYTES(OIDC_COOKIE)) };
    page_cookie_set(call, OIDC_COOKIE, "", OIDC_PATH, 0);
    if (!oidc_end(call->parts->oidc, call->arena, &answer, &person, &to, &err)) {
        log_warn(call->parts->log, "oidc.sign_in_failed", log_text("err", err.text));
        accounts_oidc_refused(call->parts->accounts, call->actor->address, err_name(err.code));
        bool is_plain = err.code == ERR_CONFLICT || err.code == ERR_FORBIDDEN;
        sign_in_show(call, err.code == ERR_IO ? 503 : 403,
                     is_plain ? sentence(call, err.text)
                              : "Signing in with the identity provider did not work; the server's log says why.",
                     BYTES(""), BYTES(""));
        return;
    }
    const struct accounts_from from = from_of(call);
    if (!accounts_sign_in_by_oidc(call->parts->accounts, &person, &from, &in, &err)) {
        sign_in_show(call, err.code == ERR_FORBIDDEN ? 403 : err_http_status(err.code), sentence(call, err.text),
                     BYTES(""), BYTES(""));
        return;
    }
    let_in(call, &in, page_path_of_ours(call, bytes_of_text(to), "/account"));
}
