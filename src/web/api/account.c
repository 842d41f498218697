/* Who asks. A key, a session's token or a link's as Bearer; else the cookie of a link (not for pages), which may change nothing;
 * else the session's cookie, and then unsafe requests must show the CSRF token, which no other page can read. */
#include "meta/share.h"
#include "meta/user_session.h"
#include "web/api/api_inside.h"
#include <stdio.h>

static bool key_actor(struct api_call *call, struct bytes secret, struct actor *actor, struct err *err)
{
    struct meta_key key;
    if (!meta_check_current(call->parts->meta, err)) return false;
    if (!meta_key_find(call->parts->meta, secret, &key))
        return err_set(err, ERR_UNAUTHENTICATED, "the API key is not known: it may be revoked, expired, or misspelt");
    *actor = (struct actor){ .kind = ACTOR_KEY, .key_id = key.id, .project_id = key.project_id, .scopes = key.scopes };
    snprintf(actor->name, sizeof actor->name, "%s", key.name);
    return true;
}

static bool share_actor(struct api_call *call, struct bytes token, struct actor *actor, struct err *err)
{
    struct share *share = arena_calloc(call->arena, sizeof *share);
    if (call->parts->share_secret != NULL)
        return share_find(call->parts->db, call->parts->share_secret, token, share, actor, err);
    return err_set(err, ERR_UNAUTHENTICATED, "links are switched off on this server");
}

static bool bearer_actor(struct api_call *call, struct bytes authorization, struct actor *actor, struct err *err)
{
    struct bytes scheme = bytes_from(authorization.ptr, authorization.len < 7 ? authorization.len : 7);
    if (!http_text_is(scheme, "bearer "))
        return err_set(err, ERR_UNAUTHENTICATED,
                       "the authorization header must be: Bearer, a blank, and a key or token");
    struct bytes secret = http_trimmed(bytes_from(authorization.ptr + 7, authorization.len - 7));
    if (user_session_is_token(secret)) return user_session_find(call->parts->db, secret, actor, err);
    if (share_is_token(secret)) return share_actor(call, secret, actor, err);
    return key_actor(call, secret, actor, err);
}

struct bytes account_cookie(const struct http_request *request, struct bytes name)
{
    for (uint32_t h = 0; h < request->header_count; h++) {
        if (!bytes_equal(request->headers[h].name, BYTES("cookie"))) continue;
        struct bytes rest = request->headers[h].value;
        while (rest.len > 0) {
            const uint8_t *end = memchr(rest.ptr, ';', rest.len);
            size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);
            struct bytes pair = http_trimmed(bytes_from(rest.ptr, len));
            rest = end == NULL ? (struct bytes){ 0 } : bytes_from(end + 1, rest.len - len - 1);
            if (pair.len > name.len && memcmp(pair.ptr, name.ptr, name.len) == 0 && pair.ptr[name.len] == '=')
                return bytes_from(pair.ptr + name.len + 1, pair.len - name.len - 1);
        }
    }
    return (struct bytes){ 0 };
}

bool account_find(struct api_call *call, struct actor *actor, struct err *err)
{
    struct bytes authorization = http_request_header(call->request, "authorization");
    struct bytes token = account_cookie(call->request, BYTES(USER_SESSION_COOKIE));
    struct err gone = { 0 };
    if (call->inside->own != NULL) {
        *actor = *call->inside->own;
        return true;
    }
    *actor = (struct actor){ .kind = ACTOR_NOBODY };
    if (authorization.len > 0) return bearer_actor(call, authorization, actor, err);
    struct bytes share = account_cookie(call->request, BYTES(SHARE_COOKIE));
    if (share.len > 0 && !(call->route->flags & API_PAGE)) {
        if (share_actor(call, share, actor, &gone)) return true;
        *actor = (struct actor){ .kind = ACTOR_NOBODY };
        if (gone.code != ERR_UNAUTHENTICATED && gone.code != ERR_FORBIDDEN) {
            *err = gone;
            return false;
        }
        if (token.len == 0)
            return (call->route->flags & API_OPEN) || err_set(err, ERR_UNAUTHENTICATED, "%s", gone.text);
        gone = (struct err){ 0 };
    }
    if (token.len == 0) return true;
    if (!user_session_find(call->parts->db, token, actor, &gone)) {
        *actor = (struct actor){ .kind = ACTOR_NOBODY };
        if (gone.code == ERR_UNAUTHENTICATED && (call->route->flags & API_OPEN)) return true; /* to sign in anew */
        *err = gone;
        return false;
    }
    /* Forms of pages bring the token in a field, which their handlers check. */
    if (call->route->method == API_GET || (call->route->flags & API_PAGE)) return true;
    return user_session_csrf_check(token, http_request_header(call->request, USER_SESSION_CSRF_HEADER)) ||
           err_set(err, ERR_FORBIDDEN,
                   "a request by cookie that changes something needs the header " USER_SESSION_CSRF_HEADER);
}
