#include "sourcemaps/map_inside.h"

#include <stdlib.h>

#include "base/utf8.h"

struct members { /* of a map or of a section's */
    struct map_json_value version, sources, contents, names, mappings, sections, root, debug_id;
};

static bool json_fail(const struct map_json *walk, struct bytes json, struct err *err)
{
    return err_set(err, ERR_INPUT, "this is no source map: byte %zu: %s", (size_t)(walk->at - json.ptr),
                   walk->wrong == NULL ? "it is no object" : walk->wrong);
}

static bool members_read(struct bytes json, struct bytes object, struct members *members, struct err *err)
{
    struct map_json walk;
    struct bytes key;
    struct map_json_value value;
    *members = (struct members){ 0 };
    map_json_enter(&walk, object);
    while (map_json_member(&walk, &key, &value)) {
        const struct {
            struct bytes name;
            struct map_json_value *into;
        } known[] = {
            { BYTES("version"), &members->version },         { BYTES("sources"), &members->sources },
            { BYTES("sourcesContent"), &members->contents }, { BYTES("names"), &members->names },
            { BYTES("mappings"), &members->mappings },       { BYTES("sections"), &members->sections },
            { BYTES("sourceRoot"), &members->root },         { BYTES("debugId"), &members->debug_id },
            { BYTES("debug_id"), &members->debug_id },
        };
        for (size_t k = 0; k < COUNT_OF(known); k++) {
            if (bytes_equal(key, known[k].name)) *known[k].into = value;
        }
    }
    return walk.wrong == NULL || json_fail(&walk, json, err);
}

static void text_add(struct texts *texts, struct bytes text)
{
    if (texts->count == texts->room) {
        texts->room = texts->room == 0 ? 64 : texts->room * 2;
        texts->at = mem_realloc(texts->at, texts->room * sizeof *texts->at);
    }
    texts->at[texts->count++] = text;
}

/* Strings of a list; what is none is an empty one (a source may be null). */
static bool list_read(struct bytes json, const struct map_json_value *list, struct texts *texts, uint32_t count_max,
                      const char *what, struct err *err)
{
    struct map_json walk;
    struct map_json_value value;
    if (list->kind == MAP_JSON_NONE) return true;
    if (list->kind != MAP_JSON_LIST) return err_set(err, ERR_INPUT, "this is no source map: %s is no list", what);
    map_json_enter(&walk, list->text);
    while (map_json_element(&walk, &value)) {
        if (texts->count == count_max)
            return err_set(err, ERR_TOO_LARGE, "the map has more than %u %s", count_max, what);
        text_add(texts, value.kind == MAP_JSON_STRING ? value.text : BYTES(""));
    }
    return walk.wrong == NULL || json_fail(&walk, json, err);
}

static bool contents_read(struct map_reading *reading, struct bytes json, const struct map_json_value *list,
                          uint32_t source_first, struct err *err)
{
    struct map_json walk;
    struct map_json_value value;
    uint32_t source = source_first;
    reading->contents = mem_realloc(reading->contents, (reading->sources.count + 1) * sizeof *reading->contents);
    for (uint32_t s = source_first; s < reading->sources.count; s++) reading->contents[s] = (struct bytes){ 0 };
    if (list->kind != MAP_JSON_LIST) return true;
    map_json_enter(&walk, list->text);
    while (source < reading->sources.count && map_json_element(&walk, &value)) {
        if (value.kind == MAP_JSON_STRING) reading->contents[source] = value.text;
        source++;
    }
    return walk.wrong == NULL || json_fail(&walk, json, err);
}

struct place {
    uint32_t line, column;
};

static bool part_read(struct map_reading *reading, struct bytes json, const struct members *members, struct place begin,
                      struct place stop, struct err *err)
{
    struct vlq_part part = { .text = members->mappings.text,
                             .line = begin.line,
                             .column = begin.column,
                             .source_first = reading->sources.count,
                             .name_first = reading->names.count,
                             .stop_line = stop.line,
                             .stop_column = stop.column };
    if (members->mappings.kind != MAP_JSON_STRING)
        return err_set(err, ERR_INPUT, "this is no source map: it has no mappings");
    if (!list_read(json, &members->sources, &reading->sources, MAP_SOURCES_MAX, "sources", err) ||
        !list_read(json, &members->names, &reading->names, MAP_NAMES_MAX, "names", err) ||
        !contents_read(reading, json, &members->contents, part.source_first, err))
        return false;
    struct bytes root = members->root.kind == MAP_JSON_STRING ? members->root.text : BYTES("");
    while (reading->roots.count < reading->sources.count) text_add(&reading->roots, root);
    part.source_count = reading->sources.count - part.source_first;
    part.name_count = reading->names.count - part.name_first;
    return vlq_read(reading, &part, err);
}

static bool map_of_members(struct map_reading *reading, struct bytes json, const struct members *members,
                           struct place begin, struct place stop, uint32_t depth, struct err *err);

/* Where a section begins in the bundle, within what it is in. */
static bool offset_read(struct bytes json, const struct map_json_value *offset, struct place *place, struct err *err)
{
    struct map_json walk;
    struct bytes key;
    struct map_json_value value;
    *place = (struct place){ 0 };
    if (offset->kind != MAP_JSON_OBJECT) return err_set(err, ERR_INPUT, "a section has no offset");
    map_json_enter(&walk, offset->text);
    while (map_json_member(&walk, &key, &value)) {
        uint32_t *into = bytes_equal(key, BYTES("line"))     ? &place->line
                         : bytes_equal(key, BYTES("column")) ? &place->column
                                                             : NULL;
        if (into != NULL && !map_json_number(&value, into))
            return err_set(err, ERR_INPUT, "a section's offset is no number");
    }
    return walk.wrong == NULL || json_fail(&walk, json, err);
}

struct section {
    struct place begin;
    struct bytes map;
};

static bool section_read(struct bytes json, struct bytes object, struct place around, struct section *section,
                         struct err *err)
{
    struct map_json walk;
    struct bytes key;
    struct map_json_value value, offset = { 0 }, map = { 0 };
    map_json_enter(&walk, object);
    while (map_json_member(&walk, &key, &value)) {
        if (bytes_equal(key, BYTES("offset"))) offset = value;
        if (bytes_equal(key, BYTES("map"))) map = value;
    }
    if (walk.wrong != NULL) return json_fail(&walk, json, err);
    if (map.kind != MAP_JSON_OBJECT)
        return err_set(err, ERR_INPUT, "a section has no map of its own: one behind a URL cannot be read");
    section->map = map.text;
    if (!offset_read(json, &offset, &section->begin, err)) return false;
    if (section->begin.line == 0) section->begin.column += around.column;
    section->begin.line += around.line;
    return section->begin.line < 0x7FFFFFFE || err_set(err, ERR_INPUT, "a section begins too far down");
}

static bool is_before(struct place a, struct place b)
{
    return a.line < b.line || (a.line == b.line && a.column < b.column);
}

/* Each goes as far as the next one begins. */
static bool sections_read(struct map_reading *reading, struct bytes json, const struct map_json_value *list,
                          struct place begin, struct place stop, uint32_t depth, struct err *err)
{
    struct map_json walk;
    struct map_json_value value;
    struct section *sections = NULL;
    uint32_t count = 0;
    bool ok = true;
    map_json_enter(&walk, list->text);
    while (ok && map_json_element(&walk, &value)) {
        if (count == MAP_SECTIONS_MAX) {
            ok = err_set(err, ERR_TOO_LARGE, "the map has more than %u sections", MAP_SECTIONS_MAX);
        } else if (value.kind != MAP_JSON_OBJECT) {
            ok = err_set(err, ERR_INPUT, "a section is no object");
        } else {
            if ((count & (count - 1)) == 0)
                sections = mem_realloc(sections, (count == 0 ? 1 : count * 2) * sizeof *sections);
            ok = section_read(json, value.text, begin, &sections[count], err) &&
                 (count == 0 || is_before(sections[count - 1].begin, sections[count].begin) ||
                  err_set(err, ERR_INPUT, "the sections are not in their order"));
            count++;
        }
    }
    if (ok && walk.wrong != NULL) ok = json_fail(&walk, json, err);
    for (uint32_t s = 0; ok && s < count; s++) {
        struct members members;
        struct place end = s + 1 < count && is_before(sections[s + 1].begin, stop) ? sections[s + 1].begin : stop;
        ok = members_read(json, sections[s].map, &members, err) &&
             map_of_members(reading, json, &members, sections[s].begin, end, depth + 1, err);
    }
    free(sections);
    return ok;
}

static bool map_of_members(struct map_reading *reading, struct bytes json, const struct members *members,
                           struct place begin, struct place stop, uint32_t depth, struct err *err)
{
    uint32_t version = 3;
    if (members->version.kind != MAP_JSON_NONE && (!map_json_number(&members->version, &version) || version != 3))
        return err_set(err, ERR_INPUT, "the map is of a version other than 3");
    if (members->sections.kind != MAP_JSON_LIST) return part_read(reading, json, members, begin, stop, err);
    if (depth == MAP_SECTIONS_DEEP) return err_set(err, ERR_INPUT, "sections lie too deep within each other");
    return sections_read(reading, json, &members->sections, begin, stop, depth, err);
}

bool map_read(struct bytes json, struct map_made *made, struct err *err)
{
    struct map_reading reading = { .made = made };
    struct map_json walk = { .at = json.ptr, .end = json.len == 0 ? json.ptr : json.ptr + json.len };
    struct map_json_value object;
    struct members members;
    *made = (struct map_made){ 0 };
    buf_init(&made->compact, SIZE_MAX / 4);
    buf_init(&made->sources, SIZE_MAX / 4);
    if (!utf8_is_valid(json)) return err_set(err, ERR_INPUT, "this is no source map: it is not UTF-8");
    if (json.len >= 3 && memcmp(json.ptr, "\xEF\xBB\xBF", 3) == 0) walk.at += 3;
    if (walk.end - walk.at >= 3 && memcmp(walk.at, ")]}", 3) == 0) { /* the rest of the line guards too */
        const uint8_t *line = memchr(walk.at, '\n', (size_t)(walk.end - walk.at));
        walk.at = line == NULL ? walk.end : line + 1;
    }
    if (!map_json_value(&walk, &object) || object.kind != MAP_JSON_OBJECT) return json_fail(&walk, json, err);
    const struct place begin = { 0 }, stop = { UINT32_MAX, UINT32_MAX };
    bool ok = members_read(json, object.text, &members, err) &&
              map_of_members(&reading, json, &members, begin, stop, 0, err) && map_write(&reading, err);
    if (ok && members.debug_id.kind == MAP_JSON_STRING && !uuid_from_text(members.debug_id.text, &made->debug_id))
        made->debug_id = (struct uuid){ 0 };
    free(reading.mappings);
    free(reading.sources.at);
    free(reading.names.at);
    free(reading.contents);
    free(reading.roots.at);
    return ok;
}

void map_made_deinit(struct map_made *made)
{
    buf_deinit(&made->compact);
    buf_deinit(&made->sources);
}
