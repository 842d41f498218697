#include "web/api/page_form.h"
#include "meta/user_session.h"
#include <stdio.h>
#include <stdlib.h>

static bool field_read(struct arena *arena, struct bytes pair, struct page_form *form)
{
    const uint8_t *equals = memchr(pair.ptr, '=', pair.len);
    size_t name_len = equals ? (size_t)(equals - pair.ptr) : pair.len;
    struct bytes text = equals ? bytes_from(equals + 1, pair.len - name_len - 1) : bytes_from(pair.ptr, 0);
    if (form->field_count == FORM_FIELDS_MAX) return false;
    struct api_value *field = &form->fields[form->field_count++];
    return percent_decode(arena, bytes_from(pair.ptr, name_len), true, &field->name) &&
           percent_decode(arena, text, true, &field->text);
}

bool page_form_parse(struct arena *arena, struct bytes body, struct page_form *form)
{
    struct bytes rest = body;
    memset(form, 0, sizeof *form);
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.ptr, '&', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        if (len > 0 && !field_read(arena, bytes_from(rest.ptr, len), form)) return false;
        rest = end ? bytes_from(end + 1, rest.len - len - 1) : (struct bytes){ 0 };
    }
    return true;
}

bool page_form_read(struct api_call *call, struct page_form *form)
{
    static const char wanted[] = "application/x-www-form-urlencoded";
    struct bytes type = api_request_header(call, "content-type");
    bool ok = type.len >= sizeof wanted - 1 && http_text_is(bytes_from(type.ptr, sizeof wanted - 1), wanted) &&
              page_form_parse(call->arena, call->request->body, form);
    if (!ok) page_refuse(call, 400, "That was no form", "What the browser sent is not a form of this page.");
    return ok;
}

struct bytes page_field(const struct page_form *form, const char *name)
{
    for (uint32_t f = 0; f < form->field_count; f++)
        if (bytes_equal(form->fields[f].name, bytes_of_text(name))) return form->fields[f].text;
    return (struct bytes){ 0 };
}

bool page_form_check(struct api_call *call, const struct page_form *form)
{
    struct bytes token = account_cookie(call->request, BYTES(USER_SESSION_COOKIE));
    if (call->actor->kind != ACTOR_USER) {
        page_redirect(call, "/sign-in");
        return false;
    }
    if (user_session_is_token(token) && user_session_csrf_check(token, page_field(form, "csrf"))) return true;
    page_refuse(call, 403, "This form is not yours", "It was made for another session. Go back and try again.");
    return false;
}

void page_cookie_set(struct api_call *call, const char *name, const char *value, const char *path, int seconds)
{
    char age[32] = "";
    bool is_https = call->parts->has_tls || strncmp(call->parts->public_url, "https://", 8) == 0;
    if (value[0] == '\0' || seconds > 0) snprintf(age, sizeof age, "; Max-Age=%d", value[0] ? seconds : 0);
    api_header(call, "set-cookie",
               bytes_of_text(arena_printf(call->arena, "%s=%s; Path=%s; HttpOnly; SameSite=Lax%s%s", name, value, path,
                                          age, is_https ? "; Secure" : "")));
}

void page_answer(struct api_call *call, int status, struct buf *html)
{
    api_header(call, "content-security-policy", BYTES(PAGE_POLICY));
    api_header(call, "referrer-policy", BYTES("same-origin"));
    api_header(call, "cross-origin-opener-policy", BYTES("same-origin"));
    api_answer_bytes(call, status, "text/html; charset=utf-8", buf_bytes(html));
    buf_deinit(html);
}

void page_redirect(struct api_call *call, const char *where)
{
    api_header(call, "location", bytes_of_text(where));
    api_header(call, "referrer-policy", BYTES("same-origin"));
    api_answer_bytes(call, 303, NULL, (struct bytes){ 0 });
}

void page_refuse(struct api_call *call, int status, const char *title, const char *text)
{
    struct buf html;
    buf_init(&html, PAGE_BYTES_MAX);
    page_message(&html, title, text, "/sign-in", "To the sign-in page");
    page_answer(call, status, &html);
}

const char *page_path_of_ours(struct api_call *call, struct bytes text, const char *otherwise)
{
    /* "//host" and "/\host" are other hosts to a browser. */
    bool good = text.len > 0 && text.len <= 512 && text.ptr[0] == '/' &&
                (text.len == 1 || (text.ptr[1] != '/' && text.ptr[1] != '\\'));
    for (size_t i = 0; good && i < text.len; i++) good = text.ptr[i] > ' ' && text.ptr[i] < 0x7F && text.ptr[i] != '\\';
    return good ? arena_printf(call->arena, "%.*s", (int)text.len, (const char *)text.ptr) : otherwise;
}
