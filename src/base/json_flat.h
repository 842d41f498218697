/* json_flat.h -- one member of a flat JSON object, found without reading the rest of it.
 *
 *   {"a":1,"http.route":"/cart","b":"x"} --json_flat_find "http.route"--> "/cart"    one search for  "http.route
 *
 * Attributes are kept as flat objects, and most of a query's time over them went into a tree of all their members, made for one.
 * What cannot be said by looking at that place alone is UNSURE: then the whole text is read (json_object.h). It never says
 * FOUND or NONE where a reader of the whole says otherwise, of a text that is JSON; a text that is none it may not notice.
 * Thread: any. Memory: none; the value is borrowed from the text. */
#pragma once
#include "base/bytes.h"

enum json_flat { JSON_FLAT_NONE, JSON_FLAT_FOUND, JSON_FLAT_UNSURE };
/* *value is the member's text: a string without its quotes (is_string), a number's digits, true, false or null. */
enum json_flat json_flat_find(struct bytes object, struct bytes path, struct bytes *value, bool *is_string);
