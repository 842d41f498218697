/* map_json.h -- JSON of a source map, walked through without a tree: memory for 64 MB of "[0,0,0 ..." would be a gigabyte.
 *
 *   struct map_json json = { text.ptr, end };  map_json_enter(&json, '{'); while (map_json_member(&json, &key)) ...
 *
 * Values are slices of the text: strings with their escapes, the rest as it stands. What is skipped is not looked at closely.
 * Thread: a value. Time: linear. Errors: false, and json->wrong says why; at is where. */
#pragma once
#include "base/bytes.h"

struct map_json {
    const uint8_t *at, *end;
    const char *wrong;      /* NULL: all is well */
    bool is_first, is_done; /* of the object or list at hand */
};
enum map_json_kind { MAP_JSON_NONE, MAP_JSON_STRING, MAP_JSON_OBJECT, MAP_JSON_LIST, MAP_JSON_OTHER };
struct map_json_value {
    enum map_json_kind kind;
    struct bytes text; /* of a string between its quotes; of objects and lists with their brackets */
};
/* The value at hand, walked over. */
MUST_CHECK bool map_json_value(struct map_json *json, struct map_json_value *value);
/* Members of an object, elements of a list: walk is of the value's text. False: no more, or wrong. */
void map_json_enter(struct map_json *walk, struct bytes text);
bool map_json_member(struct map_json *walk, struct bytes *key, struct map_json_value *value);
bool map_json_element(struct map_json *walk, struct map_json_value *value);
/* The text of a string: at most its own length; lone surrogates become U+FFFD. Returns its length. */
size_t map_json_text(struct bytes string, uint8_t *out);
/* A number of a few digits; false: it is none from 0 to 2^31. */
MUST_CHECK bool map_json_number(const struct map_json_value *value, uint32_t *number);
