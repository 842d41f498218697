#include "web/api/made.h"
#include "meta/dashboard.h"
#include "web/api/api_inside.h"

yyjson_mut_val *made_content(struct api_call *call, struct bytes text)
{
    yyjson_doc *doc = yyjson_read((const char *)text.ptr, text.len, 0);
    yyjson_mut_val *content = yyjson_val_mut_copy(call->json, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return yyjson_mut_is_obj(content) ? content : NULL;
}

bool made_broken(const char *noun, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "what is kept of the %s cannot be read", noun);
}

/* For a file: the slug and what people made, without what the server adds. */
static yyjson_mut_val *made_file(struct api_call *call, const struct made *made)
{
    yyjson_mut_val *object = yyjson_mut_obj(call->json), *content = made_content(call, made->content), *key, *value;
    size_t i, count;
    if (content == NULL) return NULL;
    api_put_text(call, object, "slug", made->slug);
    yyjson_mut_obj_foreach(content, i, count, key, value)
        yyjson_mut_obj_add(object, yyjson_mut_val_mut_copy(call->json, key),
                           yyjson_mut_val_mut_copy(call->json, value));
    return object;
}

static yyjson_mut_val *made_json(struct api_call *call, const struct made *made)
{
    yyjson_mut_val *object = made_file(call, made);
    if (object == NULL) return NULL;
    yyjson_mut_obj_add_sint(call->json, object, "version", made->version);
    api_put_text(call, object, "author", made->author);
    api_put_time(call, object, "created_at", made->created_unix_us);
    api_put_time(call, object, "changed_at", made->changed_unix_us);
    return object;
}

void made_answer(struct api_call *call, const struct made *made)
{
    struct err err = { 0 };
    yyjson_mut_val *json = made_json(call, made);
    if (json != NULL && call->route->method == API_GET && api_wants_yaml(call)) {
        api_answer_yaml(call, made_file(call, made), json);
    } else if (json != NULL) {
        api_answer(call, json);
    } else {
        made_broken(made->noun, &err);
        api_fail(call, &err);
    }
}

bool made_is_current(struct api_call *call, const struct made *made, bool *is_stale, struct err *err)
{
    yyjson_mut_val *json = made_json(call, made);
    if (json == NULL) return made_broken(made->noun, err);
    *is_stale = !api_matches(call, json);
    return !*is_stale || err_set(err, ERR_CONFLICT, "it has changed");
}

bool made_slug_check(struct api_call *call, struct bytes slug)
{
    struct bytes said = api_body_text(call, "slug");
    struct err err = { 0 };
    if (said.len > 0 && !bytes_equal(said, slug)) {
        api_fail_at(call, "/slug", "the address says another one");
        return false;
    }
    if (dashboard_slug_check(slug, &err)) return true;
    api_fail_where(call, "/slug", &err);
    return false;
}
