#include "web/api/page_app.h"
#include "base/json.h"
#include "meta/share.h"
#include "meta/user_session.h"
#include "web/api/api_inside.h"
#include "web/ui/ui.h"
#include <stdio.h>

enum { ANSWER_BYTES_MAX = 256 << 10, ANSWERS_BYTES_MAX = 1 << 20, PAGE_BYTES_MAX = 2 << 20, Q_BYTES_MAX = 4096 };

struct bringing {
    struct api_call *call;
    struct buf json;
};

bool page_app_is_known(const struct http_request *request)
{
    return account_cookie(request, BYTES(USER_SESSION_COOKIE)).len > 0 ||
           account_cookie(request, BYTES(SHARE_COOKIE)).len > 0;
}

static bool text_put(struct buf *out, struct bytes text)
{
    if (!buf_reserve(out, json_text_bytes_max(text.len))) return false;
    out->len = (size_t)(json_put_text(out->ptr + out->len, text) - out->ptr);
    return true;
}

/* "key":{"tag":"...","body":...}; what does not come well, or whole, is not there. False: nor is this. */
static bool bring(struct bringing *bringing, const struct api_inner_ask *ask, const char *key)
{
    struct api_capture capture = { 0 };
    struct buf *json = &bringing->json;
    size_t before = json->len;
    buf_init(&capture.body, ANSWER_BYTES_MAX);
    api_inner(bringing->call, ask, &capture);
    bool ok = capture.status == 200 && !capture.is_over && buf_printf(json, before > 1 ? "," : "") &&
              text_put(json, bytes_of_text(key)) && buf_printf(json, ":{\"tag\":") &&
              text_put(json, bytes_of_text(capture.tag)) && buf_printf(json, ",\"body\":") &&
              buf_add(json, capture.body.ptr, capture.body.len) && buf_printf(json, "}");
    if (!ok) json->len = before;
    buf_deinit(&capture.body);
    return ok;
}

/* key: the path below /api/v1, with its query, as the UI asks for it. */
static bool bring_get(struct bringing *bringing, const char *path, const char *query)
{
    struct arena *arena = bringing->call->arena;
    struct api_inner_ask ask = { .method = "GET",
                                 .path = bytes_of_text(arena_printf(arena, "/api/v1%s", path)),
                                 .query = bytes_of_text(query) };
    return bring(bringing, &ask, arena_printf(arena, "%s%s%s", path, query[0] ? "?" : "", query));
}

/* The condition of what is searched for: its key has the text as people wrote it. */
static void bring_search(struct bringing *bringing, const char *project, struct bytes sent)
{
    struct arena *arena = bringing->call->arena;
    struct bytes q;
    struct buf body;
    if (sent.len > Q_BYTES_MAX || !percent_decode(arena, sent, true, &q) || http_trimmed(q).len == 0) return;
    buf_init(&body, 8 * Q_BYTES_MAX);
    if (buf_printf(&body, "{\"q\":") && text_put(&body, q) && buf_printf(&body, "}")) {
        const char *path = arena_printf(arena, "/projects/%s/search/translate", project);
        struct bytes token = account_cookie(bringing->call->request, BYTES(USER_SESSION_COOKIE));
        char csrf[USER_SESSION_CSRF_BYTES] =
            ""; /* whoever made the link to this page: a search is translated, nothing changed */
        if (token.len > 0) user_session_csrf(token, csrf);
        struct api_inner_ask ask = { .method = "POST",
                                     .path = bytes_of_text(arena_printf(arena, "/api/v1%s", path)),
                                     .body = buf_bytes(&body),
                                     .header = { BYTES(USER_SESSION_CSRF_HEADER), bytes_of_text(csrf) } };
        bring(bringing, &ask, arena_printf(arena, "%s?q=%.*s", path, (int)q.len, (const char *)q.ptr));
    }
    buf_deinit(&body);
}

static const char *segment_take(struct api_call *call, struct bytes *rest)
{
    struct bytes segment = ui_segment_take(rest);
    return arena_printf(call->arena, "%.*s", (int)segment.len, (const char *)segment.ptr);
}

/* What the view of the path asks for, before it knows what to ask the rows. */
static void bring_of_view(struct bringing *bringing)
{
    struct api_call *call = bringing->call;
    struct bytes path = call->request->path, query = call->request->query;
    if (path.len < 3 || memcmp(path.ptr, "/p/", 3) != 0) return;
    struct bytes rest = bytes_from(path.ptr + 3, path.len - 3);
    const char *project = segment_take(call, &rest), *view = segment_take(call, &rest);
    if (project[0] == '\0') return;
    bring_get(bringing, arena_printf(call->arena, "/projects/%s/views", project), "limit=500");
    if (strcmp(view, "dashboards") == 0 && rest.len > 0)
        bring_get(bringing, arena_printf(call->arena, "/projects/%s/dashboards/%s", project, segment_take(call, &rest)),
                  "");
    if (strcmp(view, "explore") == 0 && !bytes_equal(ui_parameter(query, BYTES("sql")), BYTES("1")))
        bring_search(bringing, project, ui_parameter(query, BYTES("q")));
}

void api_page_app(struct api_call *call)
{
    struct bringing bringing = { .call = call };
    struct buf html;
    buf_init(&bringing.json, ANSWERS_BYTES_MAX);
    buf_init(&html, PAGE_BYTES_MAX);
    bool ok = buf_printf(&bringing.json, "{");
    if (ok && bring_get(&bringing, "/users/me", "") && bring_get(&bringing, "/projects", "limit=500"))
        bring_of_view(&bringing);
    ok = ok && buf_printf(&bringing.json, "}") && ui_page(call->request, buf_bytes(&bringing.json), &html);
    api_header(call, "content-security-policy", BYTES(UI_CONTENT_SECURITY_POLICY));
    api_header(call, "referrer-policy", BYTES("same-origin"));
    api_header(call, "cross-origin-opener-policy", BYTES("same-origin"));
    if (ok) {
        api_answer_bytes(call, 200, "text/html; charset=utf-8", buf_bytes(&html));
    } else {
        api_fail_with(call, ERR_INTERNAL, "the page could not be made");
    }
    buf_deinit(&html);
    buf_deinit(&bringing.json);
}
