/* API keys of a project. */
#include "base/clock.h"
#include "base/rfc3339.h"
#include "meta/audit.h"
#include "meta/db.h"
#include "meta/limit.h"
#include "meta/origin.h"
#include "web/api/api_page.h"
#include "web/api/handlers.h"
#include "web/api/people.h"
#include <inttypes.h>
#include <stdlib.h>

static void scopes_put(struct api_call *call, yyjson_mut_val *object, uint32_t scopes)
{
    yyjson_mut_val *list = yyjson_mut_arr(call->json);
    for (uint32_t scope = 1; scope <= META_SCOPES_ALL; scope <<= 1) {
        if ((scopes & scope) != 0) yyjson_mut_arr_add_str(call->json, list, meta_scope_name((enum meta_scope)scope));
    }
    yyjson_mut_obj_add_val(call->json, object, "scopes", list);
}

/* Kept with blanks between them. */
static void origins_put(struct api_call *call, yyjson_mut_val *object, const char *origins)
{
    yyjson_mut_val *list = yyjson_mut_arr(call->json);
    while (*origins != '\0') {
        size_t len = strcspn(origins, " ");
        yyjson_mut_arr_add_strncpy(call->json, list, origins, len);
        origins += len + strspn(origins + len, " ");
    }
    yyjson_mut_obj_add_val(call->json, object, "origins", list);
}

/* What was said of the project's keys, read once a call. */
struct said {
    struct limit_row *rows;
    size_t count, cap;
};

static void said_add(void *ctx, const struct limit_row *row)
{
    struct said *said = ctx;
    if (uuid_equal(row->project_id, row->subject_id)) return;
    if (said->count == said->cap) {
        said->cap = said->cap ? said->cap * 2 : 32;
        said->rows = mem_realloc(said->rows, said->cap * sizeof *row);
    }
    said->rows[said->count++] = *row;
}

static yyjson_mut_val *key_json(struct api_call *call, const struct meta_key_info *info, const struct said *said)
{
    const struct meta_key *key = &info->key;
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *limits = yyjson_mut_obj(call->json);
    api_put_uuid(call, object, "id", key->id);
    yyjson_mut_obj_add_strcpy(call->json, object, "name", key->name);
    if (key->prefix[0] != '\0') {
        yyjson_mut_obj_add_strcpy(call->json, object, "prefix", key->prefix);
    } else {
        yyjson_mut_obj_add_null(call->json, object, "prefix");
    }
    scopes_put(call, object, key->scopes);
    origins_put(call, object, key->origins);
    api_put_time(call, object, "created_at", key->created_unix_us);
    api_put_time(call, object, "expires_at", key->expires_unix_us);
    api_put_time(call, object, "used_at", info->used_unix_us);
    for (size_t r = 0; r < said->count; r++) {
        if (uuid_equal(said->rows[r].subject_id, key->id))
            yyjson_mut_obj_add_uint(call->json, limits, limit_name(said->rows[r].limit), said->rows[r].value);
    }
    yyjson_mut_obj_add_val(call->json, object, "limits", limits);
    return object;
}

struct listing {
    struct api_call *call;
    struct api_page *page;
    struct said said;
};

static bool key_add(void *ctx, const struct meta_key_info *info)
{
    struct listing *listing = ctx;
    char id[UUID_TEXT_BYTES + 1];
    const struct bytes number = api_page_number(listing->call, info->key.created_unix_us);
    uuid_to_text(info->key.id, id);
    const struct bytes keys[] = { number, bytes_of_text(id) };
    return api_page_add(listing->page, key_json(listing->call, info, &listing->said), keys);
}

void api_key_list(struct api_call *call)
{
    struct api_page page;
    struct listing listing = { .call = call, .page = &page };
    struct meta_key after = { 0 };
    struct err err = { 0 };
    if (!api_page_read(call, 2, &page) || !api_page_place(&page, &after.created_unix_us, &after.id)) return;
    if (limit_list(call->parts->db, &call->project.id, said_add, &listing.said, &err) &&
        meta_key_page(call->parts->db, call->project.id, page.is_first ? NULL : &after, page.limit + 1, key_add,
                      &listing, &err)) {
        api_page_answer(call, &page);
    } else {
        api_fail(call, &err);
    }
    free(listing.said.rows);
}

void api_key_get(struct api_call *call)
{
    struct uuid id;
    struct meta_key_info info;
    struct said said = { 0 };
    struct err err = { 0 };
    if (!api_path_uuid(call, "key", &id)) return;
    if (meta_key_get(call->parts->db, call->project.id, id, &info, &err) &&
        limit_list(call->parts->db, &call->project.id, said_add, &said, &err)) {
        api_answer(call, key_json(call, &info, &said));
    } else {
        api_fail(call, &err);
    }
    free(said.rows);
}

/* What was committed is seen here at once; elsewhere within a quarter of a second. */
static void keys_refresh(struct api_call *call)
{
    struct err err = { 0 };
    if (!meta_refresh(call->parts->meta, &err))
        log_warn(call->parts->log, "meta.refresh_failed", log_text("err", err.text));
}

struct making {
    struct api_call *call;
    const char *name;
    struct meta_key_limits limits;
    struct meta_key_info made;
    char secret[META_SECRET_BYTES];
};

static bool make_run(struct db_session *session, void *ctx, struct err *err)
{
    struct making *making = ctx;
    return meta_key_insert(session, making->call->project.id, making->name, &making->limits, &making->made.key,
                           making->secret, err);
}

static void texts_join(struct api_call *call, const char *name, const char **joined)
{
    yyjson_val *list = yyjson_obj_get(call->body, name), *text;
    yyjson_arr_iter iter = yyjson_arr_iter_with(list);
    *joined = NULL;
    while ((text = yyjson_arr_iter_next(&iter)) != NULL)
        *joined = arena_printf(call->arena, "%s%s%s", *joined ? *joined : "", *joined ? " " : "", yyjson_get_str(text));
}

static bool making_read(struct making *making)
{
    struct api_call *call = making->call;
    struct bytes expires = api_body_text(call, "expires_at");
    yyjson_arr_iter iter = yyjson_arr_iter_with(yyjson_obj_get(call->body, "scopes"));
    yyjson_val *text;
    while ((text = yyjson_arr_iter_next(&iter)) != NULL) {
        enum meta_scope scope;
        if (meta_scope_read(bytes_from(yyjson_get_str(text), yyjson_get_len(text)), &scope))
            making->limits.scopes |= scope;
    }
    texts_join(call, "origins", &making->limits.origins);
    char origins[ORIGINS_BYTES];
    struct err err = { 0 };
    if (making->limits.origins != NULL && !origins_read(making->limits.origins, origins, &err)) {
        api_fail_at(call, "/origins", "%s", err.text);
        return false;
    }
    if (expires.len > 0 && !rfc3339_read(expires, &making->limits.expires_unix_us)) {
        api_fail_at(call, "/expires_at", "it is not a time such as 2027-01-31T12:00:00Z");
        return false;
    }
    if (expires.len > 0 && making->limits.expires_unix_us <= clock_unix_us()) {
        api_fail_at(call, "/expires_at", "a key must expire in the future");
        return false;
    }
    making->name = arena_printf(call->arena, "%.*s", (int)api_body_text(call, "name").len,
                                (const char *)api_body_text(call, "name").ptr);
    return true;
}

void api_key_create(struct api_call *call)
{
    struct making *making = arena_calloc(call->arena, sizeof *making);
    making->call = call;
    if (!making_read(making)) return;
    yyjson_mut_val *details = yyjson_mut_obj(call->json);
    char scopes[META_SCOPES_TEXT_BYTES];
    uint32_t shown = making->limits.scopes    ? making->limits.scopes
                     : making->limits.origins ? META_SCOPE_INGEST
                                              : META_SCOPE_INGEST | META_SCOPE_QUERY;
    meta_scopes_text(shown, scopes);
    yyjson_mut_obj_add_strcpy(call->json, details, "scopes", scopes);
    api_put_time(call, details, "expires_at", making->limits.expires_unix_us);
    struct people_change change = { make_run,
                                    making,
                                    { .action = "key.create",
                                      .object_kind = "key",
                                      .object = making->name,
                                      .project_id = &call->project.id,
                                      .details = people_details(call, details) } };
    if (!people_transaction(call, &change)) return;
    keys_refresh(call);
    yyjson_mut_val *answer = key_json(call, &making->made, &(struct said){ 0 });
    yyjson_mut_obj_add_strcpy(call->json, answer, "secret", making->secret);
    api_answer(call, answer);
    explicit_bzero(making->secret, sizeof making->secret);
}

struct ending {
    struct uuid project_id, key_id;
};

static bool end_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct ending *ending = ctx;
    return meta_key_end(session, &ending->project_id, ending->key_id, err);
}

void api_key_revoke(struct api_call *call)
{
    struct ending ending = { .project_id = call->project.id };
    if (!api_path_uuid(call, "key", &ending.key_id)) return;
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(ending.key_id, id);
    struct people_change change = {
        end_run,
        &ending,
        { .action = "key.revoke", .object_kind = "key", .object = id, .project_id = &call->project.id }
    };
    if (!people_transaction(call, &change)) return;
    keys_refresh(call);
    api_answer_none(call);
}
