#include "web/api/schema.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "web/api/rfc3339.h"
#include "web/api/schema_texts.h"
#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 32, FILES_MAX = 32, PROPERTIES_MAX = 64, TEXT_BYTES_MAX = 64 };

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

static bool keywords_check(yyjson_val *schema, const char *name, struct err *err);

static bool keyword_check(const char *keyword, yyjson_val *value, const char *name, struct err *err)
{
    static const char *const plain[] = { "$ref",      "type",      "enum",     "required",   "minItems", "maxItems",
                                         "minLength", "maxLength", "minimum",  "maximum",    "title",    "description",
                                         "examples",  "default",   "readOnly", "deprecated", "const" };
    yyjson_val *key, *one;
    size_t i, count;
    for (size_t p = 0; p < COUNT_OF(plain); p++)
        if (strcmp(keyword, plain[p]) == 0) return true;
    if (strcmp(keyword, "items") == 0) return keywords_check(value, name, err);
    if (strcmp(keyword, "additionalProperties") == 0) return yyjson_is_bool(value) || keywords_check(value, name, err);
    if (strcmp(keyword, "properties") == 0) {
        if (yyjson_obj_size(value) > PROPERTIES_MAX)
            return err_set(err, ERR_CORRUPT, "schema \"%s\" has more than %d properties", name, PROPERTIES_MAX);
        yyjson_obj_foreach(value, i, count, key, one) if (!keywords_check(one, name, err)) return false;
        return true;
    }
    if (strcmp(keyword, "format") == 0)
        return yyjson_equals_str(value, "uuid") || yyjson_equals_str(value, "date-time") ||
               err_set(err, ERR_CORRUPT, "schema \"%s\": format is uuid or date-time", name);
    if (strcmp(keyword, "pattern") == 0) {
        regex_t regex;
        bool ok = yyjson_is_str(value) && regcomp(&regex, yyjson_get_str(value), REG_EXTENDED | REG_NOSUB) == 0;
        if (ok) regfree(&regex);
        return ok || err_set(err, ERR_CORRUPT, "schema \"%s\": its pattern is no POSIX extended expression", name);
    }
    return err_set(err, ERR_CORRUPT, "schema \"%s\": \"%s\" is not checked here", name, keyword);
}

static bool keywords_check(yyjson_val *schema, const char *name, struct err *err)
{
    yyjson_val *key, *value;
    size_t i, count;
    if (!yyjson_is_obj(schema)) return err_set(err, ERR_CORRUPT, "schema \"%s\" has a part that is no object", name);
    yyjson_obj_foreach(schema, i, count, key,
                       value) if (!keyword_check(yyjson_get_str(key), value, name, err)) return false;
    return true;
}

static bool file_read(struct schemas *schemas, const struct schema_text *file, struct err *err)
{
    yyjson_read_err failed;
    yyjson_val *key, *value;
    size_t i, count;
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)file->text, strlen(file->text), 0, NULL, &failed);
    if (doc == NULL) return err_set(err, ERR_CORRUPT, "schemas/%s: byte %zu: %s", file->name, failed.pos, failed.msg);
    schemas->docs[schemas->doc_count++] = doc;
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *schemas_part = yyjson_obj_get(root, "schemas"), *parameters_part = yyjson_obj_get(root, "parameters");
    if (schemas_part != NULL)
        yyjson_obj_foreach(schemas_part, i, count, key,
                           value) if (!keywords_check(value, yyjson_get_str(key), err)) return false;
    if (parameters_part != NULL)
        yyjson_obj_foreach(parameters_part, i, count, key,
                           value) if (!keywords_check(yyjson_obj_get(value, "schema"), yyjson_get_str(key),
                                                      err)) return false;
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

/* ---- checking ---- */

struct check {
    const struct schemas *schemas;
    char *pointer;
    size_t pointer_len;
    uint32_t depth;
    struct err *err;
};

static bool value_check(struct check *check, yyjson_val *schema, yyjson_val *value);

/* RFC 6901. */
static size_t pointer_push(struct check *check, const char *name, size_t len)
{
    size_t before = check->pointer_len;
    int cut = (int)utf8_cut(bytes_from(name, len), TEXT_BYTES_MAX);
    int put = snprintf(check->pointer + before, SCHEMA_POINTER_BYTES - before, "/%.*s", cut, name);
    check->pointer_len = before + (size_t)put < SCHEMA_POINTER_BYTES ? before + (size_t)put : SCHEMA_POINTER_BYTES - 1;
    check->pointer_len = utf8_cut(bytes_from(check->pointer, check->pointer_len), check->pointer_len);
    check->pointer[check->pointer_len] = '\0';
    return before;
}

static void pointer_pop(struct check *check, size_t before)
{
    check->pointer_len = before;
    check->pointer[before] = '\0';
}

static bool is_integral(yyjson_val *value)
{
    if (yyjson_is_int(value)) return true;
    double number = yyjson_get_real(value);
    return yyjson_is_real(value) && number == floor(number) && fabs(number) < 9007199254740992.0;
}

static bool type_is(const char *type, yyjson_val *value)
{
    if (strcmp(type, "object") == 0) return yyjson_is_obj(value);
    if (strcmp(type, "array") == 0) return yyjson_is_arr(value);
    if (strcmp(type, "string") == 0) return yyjson_is_str(value);
    if (strcmp(type, "integer") == 0) return is_integral(value);
    if (strcmp(type, "number") == 0) return yyjson_is_num(value);
    if (strcmp(type, "boolean") == 0) return yyjson_is_bool(value);
    return strcmp(type, "null") == 0 && yyjson_is_null(value);
}

static bool type_check(struct check *check, yyjson_val *types, yyjson_val *value)
{
    char wanted[120] = "";
    yyjson_val *one;
    size_t i, count;
    if (types == NULL) return true;
    if (yyjson_is_str(types)) {
        if (type_is(yyjson_get_str(types), value)) return true;
        snprintf(wanted, sizeof wanted, "%s", yyjson_get_str(types));
    }
    yyjson_arr_foreach(types, i, count, one)
    {
        if (type_is(yyjson_get_str(one), value)) return true;
        size_t len = strlen(wanted);
        snprintf(wanted + len, sizeof wanted - len, "%s%s", i == 0 ? "" : " or ", yyjson_get_str(one));
    }
    return err_set(check->err, ERR_INPUT, "it must be of type %s", wanted);
}

static bool enum_check(struct check *check, yyjson_val *choices, yyjson_val *value)
{
    char wanted[160] = "";
    yyjson_val *one;
    size_t i, count;
    if (choices == NULL) return true;
    yyjson_arr_foreach(choices, i, count, one)
    {
        if (yyjson_equals(one, value)) return true;
        size_t len = strlen(wanted);
        if (yyjson_is_str(one))
            snprintf(wanted + len, sizeof wanted - len, "%s%s", i == 0 ? "" : ", ", yyjson_get_str(one));
    }
    return err_set(check->err, ERR_INPUT, "it must be one of: %s", wanted);
}

static bool bound_check(struct check *check, yyjson_val *schema, const char *min_name, const char *max_name,
                        double number, const char *of)
{
    yyjson_val *min = yyjson_obj_get(schema, min_name), *max = yyjson_obj_get(schema, max_name);
    if (min != NULL && number < yyjson_get_num(min))
        return err_set(check->err, ERR_INPUT, "it must be at least %.15g%s", yyjson_get_num(min), of);
    if (max != NULL && number > yyjson_get_num(max))
        return err_set(check->err, ERR_INPUT, "it must be at most %.15g%s", yyjson_get_num(max), of);
    return true;
}

static bool pattern_check(struct check *check, yyjson_val *pattern, const char *text, size_t len)
{
    regex_t regex;
    if (pattern == NULL) return true;
    bool is_fine = strlen(text) == len && regcomp(&regex, yyjson_get_str(pattern), REG_EXTENDED | REG_NOSUB) == 0;
    if (is_fine) {
        is_fine = regexec(&regex, text, 0, NULL, 0) == 0;
        regfree(&regex);
    }
    return is_fine || err_set(check->err, ERR_INPUT, "it must be like %s", yyjson_get_str(pattern));
}

static bool format_check(struct check *check, yyjson_val *format, struct bytes text)
{
    struct uuid uuid;
    int64_t unix_us;
    if (format == NULL) return true;
    if (yyjson_equals_str(format, "uuid"))
        return uuid_from_text(text, &uuid) || err_set(check->err, ERR_INPUT, "it must be a UUID");
    return rfc3339_read(text, &unix_us) ||
           err_set(check->err, ERR_INPUT, "it must be a time such as 2026-11-27T02:00:00Z");
}

static bool text_check(struct check *check, yyjson_val *schema, yyjson_val *value)
{
    struct bytes text = bytes_from(yyjson_get_str(value), yyjson_get_len(value));
    uint64_t characters = 0;
    for (size_t i = 0; i < text.len; i++) characters += (text.ptr[i] & 0xC0) != 0x80;
    return bound_check(check, schema, "minLength", "maxLength", (double)characters, " characters") &&
           pattern_check(check, yyjson_obj_get(schema, "pattern"), (const char *)text.ptr, text.len) &&
           format_check(check, yyjson_obj_get(schema, "format"), text);
}

static bool items_check(struct check *check, yyjson_val *schema, yyjson_val *value)
{
    yyjson_val *items = yyjson_obj_get(schema, "items"), *one;
    size_t i, count;
    if (!bound_check(check, schema, "minItems", "maxItems", (double)yyjson_arr_size(value), " items")) return false;
    if (items == NULL) return true;
    yyjson_arr_foreach(value, i, count, one)
    {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        size_t before = pointer_push(check, name, strlen(name));
        if (!value_check(check, items, one)) return false;
        pointer_pop(check, before);
    }
    return true;
}

/* Where the key is in the properties; their count when it is none of them. */
static size_t property_index(yyjson_val *properties, yyjson_val *key, yyjson_val **schema)
{
    yyjson_val *name, *value;
    size_t i, count = 0;
    *schema = NULL;
    if (properties == NULL) return 0;
    yyjson_obj_foreach(properties, i, count, name, value)
    {
        if (!unsafe_yyjson_equals_strn(name, yyjson_get_str(key), yyjson_get_len(key))) continue;
        *schema = value;
        return i;
    }
    *schema = NULL;
    return count;
}

static bool required_check(struct check *check, yyjson_val *required, yyjson_val *value)
{
    yyjson_val *one;
    size_t i, count;
    yyjson_arr_foreach(required, i, count, one) if (yyjson_obj_get(value, yyjson_get_str(one)) ==
                                                    NULL) return err_set(check->err, ERR_INPUT, "\"%s\" is missing",
                                                                         yyjson_get_str(one));
    return true;
}

static bool members_check(struct check *check, yyjson_val *schema, yyjson_val *value)
{
    yyjson_val *properties = yyjson_obj_get(schema, "properties"),
               *more = yyjson_obj_get(schema, "additionalProperties");
    yyjson_val *key, *member, *of;
    size_t i, count;
    uint64_t seen = 0; /* PROPERTIES_MAX bits */
    yyjson_obj_foreach(value, i, count, key, member)
    {
        size_t index = property_index(properties, key, &of);
        size_t before = pointer_push(check, yyjson_get_str(key), yyjson_get_len(key));
        if (of != NULL && (seen >> index & 1)) return err_set(check->err, ERR_INPUT, "it is there twice");
        if (of != NULL) seen |= 1ull << index;
        if (of == NULL && yyjson_is_false(more)) return err_set(check->err, ERR_INPUT, "there is no such member");
        if (of == NULL && yyjson_is_obj(more)) of = more;
        if (of != NULL && !value_check(check, of, member)) return false;
        pointer_pop(check, before);
    }
    return required_check(check, yyjson_obj_get(schema, "required"), value);
}

static yyjson_val *referred(const struct check *check, yyjson_val *schema)
{
    static const char before[] = "#/components/schemas/";
    const char *ref = yyjson_get_str(yyjson_obj_get(schema, "$ref"));
    if (ref == NULL) return schema;
    assert(strncmp(ref, before, sizeof before - 1) == 0); /* api_test looks at each */
    yyjson_val *found = schemas_find(check->schemas, ref + sizeof before - 1);
    assert(found != NULL);
    return found;
}

static bool value_check(struct check *check, yyjson_val *schema, yyjson_val *value)
{
    if (check->depth == DEPTH_MAX) return err_set(check->err, ERR_INPUT, "it is nested too deep");
    check->depth++;
    schema = referred(check, schema);
    bool ok = type_check(check, yyjson_obj_get(schema, "type"), value) &&
              enum_check(check, yyjson_obj_get(schema, "enum"), value);
    if (ok && yyjson_is_num(value)) ok = bound_check(check, schema, "minimum", "maximum", yyjson_get_num(value), "");
    if (ok && yyjson_is_str(value)) ok = text_check(check, schema, value);
    if (ok && yyjson_is_arr(value)) ok = items_check(check, schema, value);
    if (ok && yyjson_is_obj(value)) ok = members_check(check, schema, value);
    check->depth--;
    return ok;
}

bool schema_check(const struct schemas *schemas, yyjson_val *schema, yyjson_val *value,
                  char pointer[SCHEMA_POINTER_BYTES], struct err *err)
{
    struct check check = { .schemas = schemas, .pointer = pointer, .err = err };
    pointer[0] = '\0';
    return value_check(&check, schema, value);
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
