/* json_object.h -- attributes in a JSON object: kept flat ("http.route": ..), seen nested by dots or found by a dotted path.
 *
 *   {"http.route":"/cart","a":1,"a.b":2} --json_attribute "http.route"--> /cart        "a" --> 1
 *                                          "http" --> {"route":"/cart"}               "none" --> nothing
 *
 * SQL (mono_attribute) and the live tail read attributes by this one function, so that they find the same.
 * Most are found at their place, without reading the rest (json_flat.h).
 * Thread: any. Memory: yyjson's, freed before it returns. Errors: what is no object has no attributes, nor has what is not
 * JSON, as far as it is read. */
#pragma once
#include "base/bytes.h"
#include <yyjson.h>

/* The attribute as JSON, or as_text: a string's content, all else as JSON, null as nothing. Of numbers the digits are those
 * that came. Appended to out; false: there is none. */
MUST_CHECK bool json_attribute(struct bytes object, struct bytes path, bool as_text, struct buf *out);
/* The same by reading all of the text: how it is done where its place does not tell, and what tests compare with. */
MUST_CHECK bool json_attribute_whole(struct bytes object, struct bytes path, bool as_text, struct buf *out);
/* Reads JSON so that a number stays the digits it came with. NULL: it is none. */
yyjson_doc *json_read_digits(struct bytes json);
void json_member_add(yyjson_mut_doc *doc, yyjson_mut_val *object, struct bytes key, yyjson_mut_val *value);
/* "a.b" becomes {"a":{"b":..}}. Keys are to come in order, so that "a" is there before "a.b"; where the way is taken, the dotted
 * rest stays a key, and of two values of one key the first stays. */
void json_nested_add(yyjson_mut_doc *doc, yyjson_mut_val *object, struct bytes key, yyjson_mut_val *value);
/* A string's content, borrowed; all else, NULL too, is an empty one: a list has a length, and no content. */
static inline struct bytes json_text(yyjson_val *value)
{
    return yyjson_is_str(value) ? bytes_from(yyjson_get_str(value), yyjson_get_len(value)) : BYTES("");
}
/* Nested deeper than that? To be asked of what comes from outside, before anything walks through it. */
bool json_is_deep(yyjson_val *value, uint32_t depth_max);
