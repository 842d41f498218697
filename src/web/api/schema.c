#include "web/api/schema.h"
#include "base/rfc3339.h"
#include "web/api/schema_texts.h"
#include <stdio.h>
#include <stdlib.h>

enum { FILES_MAX = 32, COPY_DEPTH_MAX = 12 };

struct schemas {
    yyjson_doc *docs[FILES_MAX];
    uint32_t doc_count;
    yyjson_mut_doc *json; /* all, put together */
    yyjson_mut_val *schemas, *parameters;
};

/* ---- reading ---- */

static bool parts_take(struct schemas *schemas, yyjson_val *root, const char *part, yyjson_mut_val *into,
                       const char *file, struct err *err)
{
    yyjson_val *key, *value;
    yyjson_obj_iter iter = yyjson_obj_iter_with(yyjson_obj_get(root, part));
    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        value = yyjson_obj_iter_get_val(key);
        if (yyjson_mut_obj_get(into, yyjson_get_str(key)) != NULL)
            return err_set(err, ERR_CORRUPT, "schemas/%s: \"%s\" is there twice", file, yyjson_get_str(key));
        yyjson_mut_obj_add(into, yyjson_val_mut_copy(schemas->json, key), yyjson_val_mut_copy(schemas->json, value));
    }
    return true;
}

static yyjson_val *schema_refer(void *ctx, const char *ref)
{
    static const char before[] = "#/components/schemas/";
    assert(strncmp(ref, before, sizeof before - 1) == 0); /* api_test looks at each */
    return schemas_find(ctx, ref + sizeof before - 1);
}

static bool is_time(struct bytes text)
{
    int64_t unix_us;
    return rfc3339_read(text, &unix_us);
}

static struct json_schema_world world_of(const struct schemas *schemas)
{
    return (struct json_schema_world){ schema_refer, is_time, (void *)(uintptr_t)schemas };
}

static bool file_read(struct schemas *schemas, const struct schema_text *file, struct err *err)
{
    yyjson_read_err failed;
    yyjson_val *key, *value;
    size_t i, count;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)file->text, strlen(file->text), 0, NULL, &failed);
    if (doc == NULL) return err_set(err, ERR_CORRUPT, "schemas/%s: byte %zu: %s", file->name, failed.pos, failed.msg);
    schemas->docs[schemas->doc_count++] = doc;
    struct json_schema_world world = world_of(schemas);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *schemas_part = yyjson_obj_get(root, "schemas"), *parameters_part = yyjson_obj_get(root, "parameters");
    if (schemas_part != NULL)
        yyjson_obj_foreach(schemas_part, i, count, key,
                           value) if (!json_schema_is_known(value, yyjson_get_str(key), &world, err)) return false;
    if (parameters_part != NULL)
        yyjson_obj_foreach(parameters_part, i, count, key,
                           value) if (!json_schema_is_known(yyjson_obj_get(value, "schema"), yyjson_get_str(key),
                                                            &world, err)) return false;
    return parts_take(schemas, root, "schemas", schemas->schemas, file->name, err) &&
           parts_take(schemas, root, "parameters", schemas->parameters, file->name, err);
}

bool schemas_open(struct schemas **out, struct err *err)
{
    struct schemas *schemas = mem_calloc(1, sizeof *schemas);
    schemas->json = yyjson_mut_doc_new(NULL);
    schemas->schemas = yyjson_mut_obj(schemas->json);
    schemas->parameters = yyjson_mut_obj(schemas->json);
    *out = NULL;
    static_assert(COUNT_OF(schema_texts) <= FILES_MAX, "there is room for each");
    for (size_t f = 0; f < COUNT_OF(schema_texts); f++) {
        if (file_read(schemas, &schema_texts[f], err)) continue;
        schemas_close(schemas);
        return false;
    }
    *out = schemas;
    return true;
}

void schemas_close(struct schemas *schemas)
{
    if (schemas == NULL) return;
    for (uint32_t d = 0; d < schemas->doc_count; d++) yyjson_doc_free(schemas->docs[d]);
    yyjson_mut_doc_free(schemas->json);
    free(schemas);
}

yyjson_mut_val *schemas_all(const struct schemas *schemas)
{
    return schemas->schemas;
}

yyjson_mut_val *schemas_parameters(const struct schemas *schemas)
{
    return schemas->parameters;
}

static yyjson_val *part_find(const struct schemas *schemas, const char *part, struct bytes name)
{
    for (uint32_t d = 0; d < schemas->doc_count; d++) {
        yyjson_val *all = yyjson_obj_get(yyjson_doc_get_root(schemas->docs[d]), part);
        yyjson_val *found = yyjson_obj_getn(all, (const char *)name.ptr, name.len);
        if (found != NULL) return found;
    }
    return NULL;
}

yyjson_val *schemas_find(const struct schemas *schemas, const char *name)
{
    return part_find(schemas, "schemas", bytes_of_text(name));
}

yyjson_val *schemas_parameter(const struct schemas *schemas, struct bytes name)
{
    return part_find(schemas, "parameters", name);
}

struct bytes schemas_parameter_name(const struct schemas *schemas, struct bytes listed)
{
    const char *own = yyjson_get_str(yyjson_obj_get(schemas_parameter(schemas, listed), "name"));
    return own != NULL ? bytes_of_text(own) : listed;
}

/* ---- checking ---- */

bool schema_check(const struct schemas *schemas, yyjson_val *schema, yyjson_val *value,
                  char pointer[SCHEMA_POINTER_BYTES], struct err *err)
{
    struct json_schema_world world = world_of(schemas);
    return json_schema_check(schema, value, &world, pointer, err);
}

bool schema_value_of_text(yyjson_val *schema, struct bytes text, yyjson_val *value, struct err *err)
{
    const char *type = yyjson_get_str(yyjson_obj_get(schema, "type"));
    char digits[24], *end;
    *value = (yyjson_val){ 0 };
    if (type != NULL && strcmp(type, "integer") == 0) {
        bool is_short = text.len > 0 && text.len < sizeof digits;
        snprintf(digits, sizeof digits, "%.*s", is_short ? (int)text.len : 0, (const char *)text.ptr);
        long long number = strtoll(digits, &end, 10);
        bool is_number = is_short && (size_t)(end - digits) == text.len && (digits[0] == '-' || digits[0] >= '0');
        if (!is_number) return err_set(err, ERR_INPUT, "it must be a whole number");
        return yyjson_set_sint(value, number);
    }
    if (type != NULL && strcmp(type, "boolean") == 0) {
        bool is_true = bytes_equal(text, BYTES("true"));
        if (!is_true && !bytes_equal(text, BYTES("false"))) return err_set(err, ERR_INPUT, "it must be true or false");
        return yyjson_set_bool(value, is_true);
    }
    return yyjson_set_strn(value, (const char *)text.ptr, text.len);
}

static yyjson_mut_val *copy(const struct schemas *schemas, yyjson_mut_doc *doc, yyjson_val *schema, int depth)
{
    static const char before[] = "#/components/schemas/";
    const char *ref = yyjson_get_str(yyjson_obj_get(schema, "$ref"));
    yyjson_val *key, *value;
    size_t i, count;
    if (depth == COPY_DEPTH_MAX) return yyjson_mut_obj(doc);
    if (ref != NULL) return copy(schemas, doc, schemas_find(schemas, ref + sizeof before - 1), depth + 1);
    if (yyjson_is_arr(schema)) {
        yyjson_mut_val *list = yyjson_mut_arr(doc);
        yyjson_arr_foreach(schema, i, count, value) yyjson_mut_arr_append(list, copy(schemas, doc, value, depth + 1));
        return list;
    }
    if (!yyjson_is_obj(schema)) return yyjson_val_mut_copy(doc, schema);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_obj_foreach(schema, i, count, key, value)
        yyjson_mut_obj_add(object, yyjson_val_mut_copy(doc, key), copy(schemas, doc, value, depth + 1));
    return object;
}

yyjson_mut_val *schemas_copy(const struct schemas *schemas, yyjson_mut_doc *doc, yyjson_val *schema)
{
    return copy(schemas, doc, schema, 0);
}
