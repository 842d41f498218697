#include "ingest/redaction/selector.h"

#include <stdio.h>
#include <yyjson.h>

#include "base/glob.h"
#include "base/json_object.h"

/* ---- reading ---- */

static bool wrong(struct err *err, const char *text, const char *at)
{
    return err_set(
        err, ERR_INPUT,
        "\"%.60s\" is no simple selector, from its byte %zu on: a tag, .class, #id, [name], [name=value], one "
        "after the other",
        text, (size_t)(at - text) + 1);
}

static bool is_name(char c)
{
    uint8_t byte = (uint8_t)c;
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_' || byte >= 0x80;
}

/* Moves *at behind the name. */
static bool name_take(const char **at, char name[SELECTOR_NAME_BYTES])
{
    size_t len = 0;
    while (is_name((*at)[len])) len++;
    if (len == 0 || len >= SELECTOR_NAME_BYTES) return false;
    memcpy(name, *at, len);
    name[len] = '\0';
    *at += len;
    return true;
}

/* From behind the [ to behind the ]. */
static bool attribute_take(const char **at, struct selector_part *part)
{
    if (!name_take(at, part->name)) return false;
    if (**at == '=') {
        ++*at;
        char quote = **at == '"' || **at == '\'' ? *(*at)++ : '\0';
        size_t len = strcspn(*at, quote == '"' ? "\"" : quote == '\'' ? "'" : "]");
        if ((len == 0 && quote == '\0') || len >= SELECTOR_VALUE_BYTES) return false;
        memcpy(part->value, *at, len);
        part->has_value = true;
        *at += len;
        if (quote != '\0' && *(*at)++ != quote) return false;
    }
    return *(*at)++ == ']';
}

static bool part_take(const char **at, struct selector_part *part)
{
    switch (*(*at)++) {
    case '.': part->kind = SELECTOR_CLASS; return name_take(at, part->name);
    case '#': part->kind = SELECTOR_ID; return name_take(at, part->name);
    case '[': part->kind = SELECTOR_ATTRIBUTE; return attribute_take(at, part);
    default: return false;
    }
}

bool selector_read(const char *text, struct selector *selector, struct err *err)
{
    const char *at = text;
    *selector = (struct selector){ 0 };
    if (*at == '*') {
        at++;
    } else if (is_name(*at)) {
        struct selector_part *part = &selector->parts[selector->count++];
        if (!name_take(&at, part->name)) return wrong(err, text, at);
    }
    while (*at != '\0') {
        const char *begin = at;
        if (selector->count == SELECTOR_PARTS_MAX)
            return err_set(err, ERR_INPUT, "\"%.60s\" has more than %d parts", text, SELECTOR_PARTS_MAX);
        if (!part_take(&at, &selector->parts[selector->count++])) return wrong(err, text, begin);
    }
    return at > text || wrong(err, text, at);
}

/* ---- matching ---- */

static struct bytes attribute_of(yyjson_val *attributes, const char *name, bool *is_there)
{
    size_t index, count;
    yyjson_val *key, *value;
    *is_there = false;
    if (!yyjson_is_obj(attributes)) return BYTES("");
    yyjson_obj_foreach(attributes, index, count, key, value)
    {
        if (!glob_match(bytes_of_text(name), bytes_from(yyjson_get_str(key), yyjson_get_len(key)), true)) continue;
        *is_there = !yyjson_is_null(value) && !yyjson_is_false(value);
        return json_text(value);
    }
    return BYTES("");
}

static bool has_word(struct bytes text, struct bytes word)
{
    if (text.len == 0) return false;
    static const char blanks[] = " \t\r\n\f";
    for (size_t from = 0, at = 0; at <= text.len; at++) {
        if (at < text.len && (text.ptr[at] == 0 || !strchr(blanks, text.ptr[at]))) continue;
        if (bytes_equal(bytes_from(text.ptr + from, at - from), word)) return true;
        from = at + 1;
    }
    return false;
}

static bool part_matches(const struct selector_part *part, struct bytes tag, yyjson_val *attributes)
{
    bool is_there;
    struct bytes value, name = bytes_of_text(part->name);
    switch (part->kind) {
    case SELECTOR_TAG: return glob_match(name, tag, true);
    case SELECTOR_CLASS: return has_word(attribute_of(attributes, "class", &is_there), name);
    case SELECTOR_ID: return bytes_equal(attribute_of(attributes, "id", &is_there), name);
    case SELECTOR_ATTRIBUTE: break;
    }
    value = attribute_of(attributes, part->name, &is_there);
    return is_there && (!part->has_value || bytes_equal(value, bytes_of_text(part->value)));
}

bool selector_matches(const struct selector *selector, struct bytes tag, yyjson_val *attributes)
{
    for (uint32_t p = 0; p < selector->count; p++)
        if (!part_matches(&selector->parts[p], tag, attributes)) return false;
    return true;
}

bool selector_may_match(const struct selector *selector, yyjson_val *attributes)
{
    for (uint32_t p = 0; p < selector->count; p++)
        if (selector->parts[p].kind != SELECTOR_TAG && part_matches(&selector->parts[p], BYTES(""), attributes))
            return true;
    return false;
}
