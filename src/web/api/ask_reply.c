#include "web/api/ask_reply.h"
#include "base/json_object.h"
#include "base/utf8.h"
#include "llm/plain.h"
#include "web/api/ask_plan.h"
#include <ctype.h>
#include <stdlib.h>

enum { NAME_BYTES_TOLD = 80 };

/* ---- words ---- */

struct bytes ask_plain(struct arena *arena, struct bytes text, size_t bytes_max)
{
    struct buf plain;
    struct err err = { 0 };
    struct bytes copy = { 0 };
    buf_init(&plain, SIZE_MAX);
    if (utf8_is_valid(text) && llm_plain(text, &plain, &err)) {
        for (size_t i = 0; i < plain.len; i++)
            if (plain.ptr[i] == '\n' || plain.ptr[i] == '\t') plain.ptr[i] = ' ';
        copy = arena_copy(arena, bytes_from(plain.ptr, utf8_cut(buf_bytes(&plain), bytes_max)));
    }
    buf_deinit(&plain);
    return copy;
}

/* ---- does the plan fit the project ---- */

struct fitting {
    struct arena *arena;
    const struct ask_reply_world *world;
    struct err *err;
};

static bool same(struct bytes a, struct bytes b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (tolower(a.ptr[i]) != tolower(b.ptr[i])) return false;
    return true;
}

/* A service by its name in any case; then as it is spelled. */
static bool service_fits(struct fitting *fitting, struct bytes *name)
{
    const struct ask_catalog *catalog = fitting->world->catalog;
    for (int is_exact = 1; is_exact >= 0; is_exact--)
        for (uint32_t s = 0; s < catalog->service_count; s++)
            if (is_exact ? bytes_equal(catalog->services[s], *name) : same(catalog->services[s], *name)) {
                *name = catalog->services[s];
                return true;
            }
    struct bytes plain = ask_plain(fitting->arena, *name, NAME_BYTES_TOLD);
    return err_set(fitting->err, ERR_INPUT, "there is no service \"%.*s\": take one of those that are listed",
                   (int)plain.len, (const char *)plain.ptr);
}

static bool field_fits(struct fitting *fitting, const struct ask_field *field)
{
    const struct ask_catalog *catalog = fitting->world->catalog;
    if (field->id < ASK_FIELD_ATTRIBUTE) return true;
    for (uint32_t a = 0; a < catalog->attribute_count; a++)
        if (catalog->attributes[a].id == field->id && bytes_equal(catalog->attributes[a].key, field->key)) return true;
    return err_set(fitting->err, ERR_INPUT, "there is no %s \"%.*s\": take one of those that are listed",
                   ask_field_names[field->id], (int)field->key.len, (const char *)field->key.ptr);
}

static bool filters_hold(const struct ask_filter *filters, uint32_t count, struct bytes value)
{
    for (uint32_t f = 0; f < count; f++)
        for (uint32_t v = 0; v < filters[f].value_count; v++)
            if (bytes_equal(filters[f].values[v], value)) return true;
    return false;
}

static bool is_known(const struct ask_reply_world *world, struct bytes value)
{
    const struct ask_plan *context = world->context;
    if (world->question.len >= value.len &&
        memmem(world->question.ptr, world->question.len, value.ptr, value.len) != NULL)
        return true;
    for (uint32_t v = 0; v < world->catalog->value_count; v++)
        if (bytes_equal(world->catalog->values[v].text, value)) return true;
    for (uint32_t s = 0; s < world->catalog->service_count; s++)
        if (bytes_equal(world->catalog->services[s], value)) return true;
    if (context == NULL) return false;
    if (filters_hold(context->filters, context->filter_count, value)) return true;
    for (uint32_t p = 0; p < context->part_count; p++)
        if (filters_hold(context->parts[p].filters, context->parts[p].filter_count, value)) return true;
    return false;
}

static bool filters_fit(struct fitting *fitting, struct ask_filter *filters, uint32_t count)
{
    for (uint32_t f = 0; f < count; f++) {
        bool is_service =
            filters[f].field.id == ASK_FIELD_SERVICE && (filters[f].test == ASK_IS || filters[f].test == ASK_IS_NOT);
        if (!field_fits(fitting, &filters[f].field)) return false;
        for (uint32_t v = 0; v < filters[f].value_count; v++) {
            struct bytes *value = &filters[f].values[v];
            if (is_service && !service_fits(fitting, value)) return false;
            if (!is_service && !llm_is_plain(*value) && !is_known(fitting->world, *value))
                return err_set(
                    fitting->err, ERR_INPUT,
                    "a value has a link, markup or hidden characters, and does not stand so in the question");
        }
    }
    return true;
}

static bool plan_fits(struct fitting *fitting, struct ask_plan *plan)
{
    if (!filters_fit(fitting, plan->filters, plan->filter_count)) return false;
    for (uint32_t p = 0; p < plan->part_count; p++)
        if (!filters_fit(fitting, plan->parts[p].filters, plan->parts[p].filter_count)) return false;
    for (uint32_t m = 0; m < plan->measure_count; m++)
        if (plan->measures[m].kind != ASK_COUNT && plan->measures[m].kind != ASK_ERROR_RATE &&
            !field_fits(fitting, &plan->measures[m].field))
            return false;
    for (uint32_t g = 0; g < plan->group_count; g++)
        if (!field_fits(fitting, &plan->groups[g])) return false;
    return true;
}

static bool zone_fits(const struct ask_plan *plan, struct err *err)
{
    struct zone *zone = NULL;
    bool ok = zone_open(&zone, plan->zone, err);
    zone_close(zone);
    return ok || err_set(err, ERR_INPUT, "there is no such time zone: take the question's");
}

/* ---- reading ---- */

static bool read(struct arena *arena, yyjson_val *root, const struct ask_reply_world *world, struct ask_reply *reply,
                 struct err *err)
{
    struct fitting fitting = { arena, world, err };
    yyjson_val *plan = yyjson_obj_get(root, "plan");
    reply->note = ask_plain(arena, json_text(yyjson_obj_get(root, "note")), ASK_NOTE_BYTES_MAX);
    reply->can_answer = yyjson_is_true(yyjson_obj_get(root, "can_answer"));
    reply->is_follow_up = world->context != NULL && yyjson_is_true(yyjson_obj_get(root, "is_follow_up"));
    if (!yyjson_is_bool(yyjson_obj_get(root, "can_answer")))
        return err_set(err, ERR_INPUT, "can_answer is true or false");
    if (!reply->can_answer) return true;
    if (!yyjson_is_obj(plan)) return err_set(err, ERR_INPUT, "can_answer is true, and there is no plan");
    return ask_plan_read(arena, plan, &reply->plan, err) && zone_fits(&reply->plan, err) &&
           plan_fits(&fitting, &reply->plan);
}

bool ask_reply_read(struct arena *arena, struct bytes json, const struct ask_reply_world *world,
                    struct ask_reply *reply, struct err *err)
{
    yyjson_doc *doc = yyjson_read((const char *)json.ptr, json.len, 0);
    *reply = (struct ask_reply){ 0 };
    bool ok = doc != NULL ? read(arena, yyjson_doc_get_root(doc), world, reply, err)
                          : err_set(err, ERR_INPUT, "the answer is no JSON");
    yyjson_doc_free(doc);
    return ok;
}

/* ---- the schema ---- */

static bool is_among(yyjson_mut_val *names, const char *name)
{
    yyjson_mut_val *one;
    size_t i, count;
    yyjson_mut_arr_foreach(names, i, count, one) if (yyjson_mut_equals_str(one, name)) return true;
    return false;
}

/* All members are there; those that need not be may be null. Words that not all servers know go: the plan is checked anyway. */
static void make_strict(yyjson_mut_doc *doc, yyjson_mut_val *schema)
{
    static const char *const gone[] = { "format", "examples", "default", "minLength", "maxLength" };
    yyjson_mut_val *properties = yyjson_mut_obj_get(schema, "properties"), *key, *value;
    yyjson_mut_val *before = yyjson_mut_obj_get(schema, "required"), *required = yyjson_mut_arr(doc);
    size_t i, count;
    for (size_t g = 0; g < COUNT_OF(gone); g++) yyjson_mut_obj_remove_key(schema, gone[g]);
    if (yyjson_mut_is_obj(yyjson_mut_obj_get(schema, "items"))) make_strict(doc, yyjson_mut_obj_get(schema, "items"));
    if (properties == NULL) return;
    yyjson_mut_obj_foreach(properties, i, count, key, value)
    {
        yyjson_mut_val *type = yyjson_mut_obj_get(value, "type");
        bool is_scalar = yyjson_mut_equals_str(type, "string") || yyjson_mut_equals_str(type, "number");
        make_strict(doc, value);
        yyjson_mut_arr_append(required, yyjson_mut_val_mut_copy(doc, key));
        if (!is_scalar || is_among(before, yyjson_mut_get_str(key))) continue;
        yyjson_mut_val *types = yyjson_mut_arr(doc);
        yyjson_mut_arr_append(types, yyjson_mut_val_mut_copy(doc, type));
        yyjson_mut_arr_add_str(doc, types, "null");
        yyjson_mut_obj_put(value, yyjson_mut_str(doc, "type"), types);
    }
    yyjson_mut_obj_put(schema, yyjson_mut_str(doc, "required"), required);
}

static void member_put(yyjson_mut_doc *doc, yyjson_mut_val *properties, const char *name, const char *type)
{
    yyjson_mut_obj_add_str(doc, yyjson_mut_obj_add_obj(doc, properties, name), "type", type);
}

const char *ask_reply_schema(struct arena *arena, const struct schemas *schemas)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_val *plan = schemas_copy(schemas, doc, schemas_find(schemas, "AskPlan"));
    yyjson_mut_val *types = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, root);
    yyjson_mut_obj_add_str(doc, root, "type", "object");
    yyjson_mut_val *properties = yyjson_mut_obj_add_obj(doc, root, "properties");
    member_put(doc, properties, "can_answer", "boolean");
    member_put(doc, properties, "is_follow_up", "boolean");
    member_put(doc, properties, "note", "string");
    yyjson_mut_obj_add_bool(doc, root, "additionalProperties", false);
    make_strict(doc, plan);
    yyjson_mut_arr_add_str(doc, types, "object");
    yyjson_mut_arr_add_str(doc, types, "null");
    yyjson_mut_obj_put(plan, yyjson_mut_str(doc, "type"), types);
    yyjson_mut_obj_add_val(doc, properties, "plan", plan);
    yyjson_mut_val *required = yyjson_mut_obj_add_arr(doc, root, "required"), *key, *value;
    size_t i, count, len = 0;
    yyjson_mut_obj_foreach(properties, i, count, key, value)
        yyjson_mut_arr_append(required, yyjson_mut_val_mut_copy(doc, key));
    char *text = yyjson_mut_write(doc, 0, &len);
    const char *copy = arena_printf(arena, "%s", text);
    free(text);
    yyjson_mut_doc_free(doc);
    return copy;
}
