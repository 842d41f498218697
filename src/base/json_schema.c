#include "base/json_schema.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>

#include "base/utf8.h"
#include "base/uuid.h"

enum { DEPTH_MAX = 32, PROPERTIES_MAX = 64, TEXT_BYTES_MAX = 64 };

/* ---- schemas ---- */

static bool is_count(yyjson_val *value)
{
    return yyjson_is_uint(value);
}

static bool is_type(yyjson_val *value)
{
    static const char *const types[] = { "object", "array", "string", "integer", "number", "boolean", "null" };
    for (size_t t = 0; t < COUNT_OF(types); t++)
        if (yyjson_equals_str(value, types[t])) return true;
    return false;
}

static bool are_all(yyjson_val *list, bool (*is)(yyjson_val *value))
{
    yyjson_val *one;
    size_t i, count;
    if (yyjson_arr_size(list) == 0) return false;
    yyjson_arr_foreach(list, i, count, one) if (!is(one)) return false;
    return true;
}

static bool is_text(yyjson_val *value)
{
    return yyjson_is_str(value);
}

static bool any(yyjson_val *value)
{
    return value != NULL;
}

static bool is_list(yyjson_val *value)
{
    return yyjson_is_arr(value) && yyjson_arr_size(value) > 0;
}

static bool is_names(yyjson_val *value)
{
    return yyjson_is_arr(value) && (yyjson_arr_size(value) == 0 || are_all(value, is_text));
}

static bool is_types(yyjson_val *value)
{
    return is_type(value) || (yyjson_is_arr(value) && are_all(value, is_type));
}

static bool is_number(yyjson_val *value)
{
    return yyjson_is_num(value);
}

static bool pattern_is_known(yyjson_val *value)
{
    regex_t regex;
    if (!yyjson_is_str(value) || regcomp(&regex, yyjson_get_str(value), REG_EXTENDED | REG_NOSUB) != 0) return false;
    regfree(&regex);
    return true;
}

static const struct {
    const char *keyword;
    bool (*is_right)(yyjson_val *value);
    const char *must;
} keywords[] = {
    { "type", is_types, "a type, or a list of types" },
    { "enum", is_list, "a list that is not empty" },
    { "const", any, "a value" },
    { "required", is_names, "a list of names" },
    { "minItems", is_count, "a whole number from 0" },
    { "maxItems", is_count, "a whole number from 0" },
    { "minLength", is_count, "a whole number from 0" },
    { "maxLength", is_count, "a whole number from 0" },
    { "minimum", is_number, "a number" },
    { "maximum", is_number, "a number" },
    { "pattern", pattern_is_known, "a POSIX extended expression" },
    { "title", any, "a value" },
    { "description", any, "a value" },
    { "examples", any, "a value" },
    { "default", any, "a value" },
    { "readOnly", any, "a value" },
    { "deprecated", any, "a value" },
};

struct reading {
    const char *name;
    const struct json_schema_world *world;
    uint32_t depth;
    struct err *err;
};

static bool schema_read(struct reading *reading, yyjson_val *schema);

static bool properties_read(struct reading *reading, yyjson_val *value)
{
    yyjson_val *key, *one;
    size_t i, count;
    if (!yyjson_is_obj(value) || yyjson_obj_size(value) > PROPERTIES_MAX)
        return err_set(reading->err, ERR_CORRUPT, "schema \"%s\": properties must be an object of at most %d",
                       reading->name, PROPERTIES_MAX);
    yyjson_obj_foreach(value, i, count, key, one) if (!schema_read(reading, one)) return false;
    return true;
}

static bool keyword_read(struct reading *reading, const char *keyword, yyjson_val *value)
{
    const struct json_schema_world *world = reading->world;
    for (size_t k = 0; k < COUNT_OF(keywords); k++) {
        if (strcmp(keyword, keywords[k].keyword) != 0) continue;
        return keywords[k].is_right(value) || err_set(reading->err, ERR_CORRUPT, "schema \"%s\": %s must be %s",
                                                      reading->name, keyword, keywords[k].must);
    }
    if (strcmp(keyword, "items") == 0) return schema_read(reading, value);
    if (strcmp(keyword, "additionalProperties") == 0) return yyjson_is_bool(value) || schema_read(reading, value);
    if (strcmp(keyword, "properties") == 0) return properties_read(reading, value);
    if (strcmp(keyword, "$ref") == 0 && yyjson_is_str(value) && world != NULL && world->find != NULL) return true;
    if (strcmp(keyword, "format") == 0) {
        bool has_time = world != NULL && world->is_time != NULL;
        return yyjson_equals_str(value, "uuid") || (has_time && yyjson_equals_str(value, "date-time")) ||
               err_set(reading->err, ERR_CORRUPT, "schema \"%s\": format is uuid%s", reading->name,
                       has_time ? " or date-time" : "");
    }
    return err_set(reading->err, ERR_CORRUPT, "schema \"%s\": \"%.60s\" is not checked here", reading->name, keyword);
}

static bool schema_read(struct reading *reading, yyjson_val *schema)
{
    yyjson_val *key, *value;
    size_t i, count;
    if (!yyjson_is_obj(schema))
        return err_set(reading->err, ERR_CORRUPT, "schema \"%s\" has a part that is no object", reading->name);
    if (reading->depth == DEPTH_MAX)
        return err_set(reading->err, ERR_CORRUPT, "schema \"%s\" is nested too deep", reading->name);
    reading->depth++;
    yyjson_obj_foreach(schema, i, count, key,
                       value) if (!keyword_read(reading, yyjson_get_str(key), value)) return false;
    reading->depth--;
    return true;
}

bool json_schema_is_known(yyjson_val *schema, const char *name, const struct json_schema_world *world, struct err *err)
{
    return schema_read(&(struct reading){ .name = name, .world = world, .err = err }, schema);
}

/* ---- values ---- */

struct check {
    const struct json_schema_world *world;
    char *pointer;
    size_t pointer_len;
    uint32_t depth;
    struct err *err;
};

static bool value_check(struct check *check, yyjson_val *schema, yyjson_val *value);

/* RFC 6901. */
static size_t pointer_push(struct check *check, const char *name, size_t len)
{
    size_t before = check->pointer_len, at = before, cut = utf8_cut(bytes_from(name, len), TEXT_BYTES_MAX);
    char *pointer = check->pointer;
    if (at + 1 < JSON_POINTER_BYTES) pointer[at++] = '/';
    for (size_t i = 0; i < cut && at + 2 < JSON_POINTER_BYTES; i++) {
        bool is_escaped = name[i] == '~' || name[i] == '/';
        if (is_escaped) pointer[at++] = '~';
        pointer[at++] = !is_escaped ? (name[i] == '\0' ? '?' : name[i]) : name[i] == '~' ? '0' : '1';
    }
    check->pointer_len = utf8_cut(bytes_from(pointer, at), at);
    pointer[check->pointer_len] = '\0';
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

static bool const_check(struct check *check, yyjson_val *constant, yyjson_val *value)
{
    return constant == NULL || yyjson_equals(constant, value) ||
           err_set(check->err, ERR_INPUT, "it must be the one value that there is");
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
    /* A parameter's text is a part of the address: no NUL ends it. */
    regmatch_t whole = { .rm_so = 0, .rm_eo = (regoff_t)len };
    bool is_fine = memchr(text, 0, len) == NULL && regcomp(&regex, yyjson_get_str(pattern), REG_EXTENDED) == 0;
    if (is_fine) {
        is_fine = regexec(&regex, text, 1, &whole, REG_STARTEND) == 0;
        regfree(&regex);
    }
    return is_fine || err_set(check->err, ERR_INPUT, "it must be like %s", yyjson_get_str(pattern));
}

static bool format_check(struct check *check, yyjson_val *format, struct bytes text)
{
    struct uuid uuid;
    if (format == NULL) return true;
    if (yyjson_equals_str(format, "uuid"))
        return uuid_from_text(text, &uuid) || err_set(check->err, ERR_INPUT, "it must be a UUID");
    return (check->world != NULL && check->world->is_time != NULL && check->world->is_time(text)) ||
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

/* NULL: it points to nothing. */
static yyjson_val *referred(const struct check *check, yyjson_val *schema)
{
    const char *ref = yyjson_get_str(yyjson_obj_get(schema, "$ref"));
    if (ref == NULL) return schema;
    return check->world != NULL && check->world->find != NULL ? check->world->find(check->world->ctx, ref) : NULL;
}

static bool value_check(struct check *check, yyjson_val *schema, yyjson_val *value)
{
    if (check->depth == DEPTH_MAX) return err_set(check->err, ERR_INPUT, "it is nested too deep");
    check->depth++;
    schema = referred(check, schema);
    if (schema == NULL) return err_set(check->err, ERR_INPUT, "its schema is not there");
    bool ok = type_check(check, yyjson_obj_get(schema, "type"), value) &&
              enum_check(check, yyjson_obj_get(schema, "enum"), value) &&
              const_check(check, yyjson_obj_get(schema, "const"), value);
    if (ok && yyjson_is_num(value)) ok = bound_check(check, schema, "minimum", "maximum", yyjson_get_num(value), "");
    if (ok && yyjson_is_str(value)) ok = text_check(check, schema, value);
    if (ok && yyjson_is_arr(value)) ok = items_check(check, schema, value);
    if (ok && yyjson_is_obj(value)) ok = members_check(check, schema, value);
    check->depth--;
    return ok;
}

bool json_schema_check(yyjson_val *schema, yyjson_val *value, const struct json_schema_world *world,
                       char pointer[JSON_POINTER_BYTES], struct err *err)
{
    struct check check = { .world = world, .pointer = pointer, .err = err };
    pointer[0] = '\0';
    return value_check(&check, schema, value);
}
