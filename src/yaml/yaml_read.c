#include "base/utf8.h"
#include "yaml/yaml.h"
#include "yaml/yaml_inside.h"
#include <yaml.h>

struct level {
    yyjson_mut_val *list; /* or mapping */
    yyjson_mut_val *key;  /* of a mapping: the one whose value comes next; NULL: a key comes next */
};
struct reader {
    yaml_parser_t parser;
    yyjson_mut_doc *doc;
    struct level levels[YAML_DEPTH_MAX];
    uint32_t depth, values;
    yyjson_mut_val *root;
    bool has_document;
    struct err *err;
};

static bool wrong_at(struct reader *reader, const yaml_mark_t *mark, const char *text)
{
    return err_set(reader->err, ERR_INPUT, "line %zu, column %zu: %s", mark->line + 1, mark->column + 1, text);
}
static bool wrong(struct reader *reader, const yaml_event_t *event, const char *text)
{
    return wrong_at(reader, &event->start_mark, text);
}

/* A whole value: of the root, of a list, a key, or a key's value. */
static bool value_put(struct reader *reader, const yaml_event_t *event, yyjson_mut_val *value)
{
    if (++reader->values > YAML_VALUES_MAX)
        return err_set(reader->err, ERR_TOO_LARGE, "more than %d values", YAML_VALUES_MAX);
    if (reader->depth == 0) {
        reader->root = value;
        return true;
    }
    struct level *level = &reader->levels[reader->depth - 1];
    if (yyjson_mut_is_arr(level->list)) {
        yyjson_mut_arr_append(level->list, value);
    } else if (level->key != NULL) {
        yyjson_mut_obj_add(level->list, level->key, value);
        level->key = NULL;
    } else if (!yyjson_mut_is_str(value)) {
        return wrong(reader, event, "a key is a text: in quotes, where it looks like something else");
    } else if (yyjson_mut_obj_getn(level->list, yyjson_mut_get_str(value), yyjson_mut_get_len(value)) != NULL) {
        return wrong(reader, event, "this key is there already");
    } else {
        level->key = value;
    }
    return true;
}

static bool scalar_put(struct reader *reader, const yaml_event_t *event)
{
    struct bytes text = bytes_from(event->data.scalar.value, event->data.scalar.length);
    yyjson_mut_val *value = NULL;
    bool is_number = false, is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
        return wrong(reader, event, "anchors and tags are not read: write the value out");
    if (!utf8_is_valid(text) || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL))
        return wrong(reader, event, "a text is UTF-8 without the character NUL");
    if (is_plain && yaml_scalar_read(text, reader->doc, &value, &is_number) && value == NULL)
        return wrong(reader, event, "this number has no equal in JSON");
    if (value == NULL) value = yyjson_mut_strncpy(reader->doc, text.len > 0 ? (const char *)text.ptr : "", text.len);
    return value_put(reader, event, value);
}

static bool level_begin(struct reader *reader, const yaml_event_t *event, yyjson_mut_val *list, bool has_more)
{
    const struct level *level = reader->depth > 0 ? &reader->levels[reader->depth - 1] : NULL;
    if (has_more) return wrong(reader, event, "anchors and tags are not read: write the value out");
    if (reader->depth == YAML_DEPTH_MAX)
        return err_set(reader->err, ERR_INPUT, "line %zu: nested deeper than %d", event->start_mark.line + 1,
                       YAML_DEPTH_MAX);
    if (level != NULL && yyjson_mut_is_obj(level->list) && level->key == NULL)
        return wrong(reader, event, "a key is a text, neither a list nor a mapping");
    if (!value_put(reader, event, list)) return false;
    reader->levels[reader->depth++] = (struct level){ .list = list };
    return true;
}

static bool event_take(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->has_document) return wrong(reader, event, "one document is read");
        reader->has_document = true;
        return true;
    case YAML_ALIAS_EVENT: return wrong(reader, event, "aliases are not read: write the value out");
    case YAML_SCALAR_EVENT: return scalar_put(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return level_begin(reader, event, yyjson_mut_arr(reader->doc),
                           event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL);
    case YAML_MAPPING_START_EVENT:
        return level_begin(reader, event, yyjson_mut_obj(reader->doc),
                           event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: reader->depth--; return true;
    default: return true;
    }
}

static bool events_read(struct reader *reader)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            const char *problem = reader->parser.problem != NULL ? reader->parser.problem : "it is no YAML";
            return wrong_at(reader, &reader->parser.problem_mark, problem);
        }
        bool is_end = event.type == YAML_STREAM_END_EVENT, ok = is_end || event_take(reader, &event);
        yaml_event_delete(&event);
        if (is_end || !ok) return ok;
    }
}

bool yaml_read(struct bytes text, yyjson_mut_doc *doc, yyjson_mut_val **value, struct err *err)
{
    struct reader reader = { .doc = doc, .err = err };
    if (text.len > YAML_BYTES_MAX) return err_set(err, ERR_TOO_LARGE, "YAML of more than %d KiB", YAML_BYTES_MAX >> 10);
    if (!yaml_parser_initialize(&reader.parser)) abort(); /* no memory */
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, text.len > 0 ? text.ptr : (const uint8_t *)"", text.len);
    bool ok = events_read(&reader);
    yaml_parser_delete(&reader.parser);
    *value = !ok ? NULL : reader.root != NULL ? reader.root : yyjson_mut_null(doc);
    return ok;
}
