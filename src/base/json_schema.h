/* json_schema.h -- is this JSON as a schema has it? The part of JSON Schema (2020-12) that bodies of the API and answers of
 * language models are described in.
 *
 * Known: $ref (with world->find), type (one or several), enum, const, properties, required, additionalProperties, items, minItems,
 * maxItems, minLength, maxLength, pattern (as POSIX extended expressions read it), format (uuid, and date-time with
 * world->is_time), minimum, maximum; and what only tells (title, description, examples, default, readOnly, deprecated). A
 * schema with anything else is refused by json_schema_is_known: nothing is said that is not checked.
 * Thread: any. Memory: none kept; 32 levels of value. Time: linear in the value, times the properties of an object (at most 64);
 * for each text with a pattern the expression is compiled. Errors: ERR_CORRUPT of a schema, ERR_INPUT of a value. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <yyjson.h>

/* What a schema may point out of itself to. NULL, or a NULL in it: it may not. */
struct json_schema_world {
    yyjson_val *(*find)(void *ctx,
                        const char *ref); /* NULL: there is none, which json_schema_check takes for a mismatch */
    bool (*is_time)(struct bytes text);
    void *ctx;
};
/* name: for the error. To be asked once, before the first check by that schema. */
MUST_CHECK bool json_schema_is_known(yyjson_val *schema, const char *name, const struct json_schema_world *world,
                                     struct err *err);
#define JSON_POINTER_BYTES 128
/* If not, err says why, and pointer where ("/sql"; RFC 6901), cut when it is longer. */
MUST_CHECK bool json_schema_check(yyjson_val *schema, yyjson_val *value, const struct json_schema_world *world,
                                  char pointer[JSON_POINTER_BYTES], struct err *err);
