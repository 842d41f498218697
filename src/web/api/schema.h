/* schema.h -- the schemas of bodies, parameters and answers: JSON Schema as OpenAPI 3.1 has it, from schemas/NOUN.json, which
 * are in the program. What a body must be is checked by the very text that the document shows.
 *
 *   { "schemas": { "Key": {...} }, "parameters": { "key": { "in": "path", "description": "...", "schema": {...} } } }
 *
 * What they may have is in base/json_schema.h: $ref to one another, and format date-time. A schema with anything else is
 * refused at start: nothing is shown that is not checked.
 * Thread: any, after schemas_open. Memory: the parsed texts. Errors: ERR_CORRUPT of the build; ERR_INPUT of a value. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/json_schema.h"
#include <yyjson.h>

struct schemas;
MUST_CHECK bool schemas_open(struct schemas **schemas, struct err *err);
void schemas_close(struct schemas *schemas); /* NULL is fine */
/* All of a kind: an object by name. */
yyjson_mut_val *schemas_all(const struct schemas *schemas);
yyjson_mut_val *schemas_parameters(const struct schemas *schemas);
/* NULL: there is none of that name. */
yyjson_val *schemas_find(const struct schemas *schemas, const char *name);
yyjson_val *schemas_parameter(const struct schemas *schemas, struct bytes name);
/* What it is called in a query: its "name", else as it is listed. */
struct bytes schemas_parameter_name(const struct schemas *schemas, struct bytes listed);

/* A schema without $ref, that stands alone. */
yyjson_mut_val *schemas_copy(const struct schemas *schemas, yyjson_mut_doc *doc, yyjson_val *schema);

#define SCHEMA_POINTER_BYTES JSON_POINTER_BYTES
/* Is value as schema has it? If not err says why, and pointer where ("/sql"); cut when it is longer. */
MUST_CHECK bool schema_check(const struct schemas *schemas, yyjson_val *schema, yyjson_val *value,
                             char pointer[SCHEMA_POINTER_BYTES], struct err *err);
/* A text as it stands in a query or a path, as the schema's type wants it: number, true or false, text. */
MUST_CHECK bool schema_value_of_text(yyjson_val *schema, struct bytes text, yyjson_val *value, struct err *err);
