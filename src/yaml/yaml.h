/* yaml.h -- YAML as JSON, and back: what people write by hand and keep beside their code.
 *
 *   "title: Web\npanels: [...]"  --yaml_read-->  yyjson value  --yaml_write-->  the same in YAML, block by block
 *
 * Read is what has an equal in JSON, by YAML 1.2's core schema: `no` and `on` are texts, `0x1F` and `.5` numbers. One document. Refused
 * with the line: aliases and anchors, tags, two values of one key, keys that are no scalars, infinities, what is nested deeper than
 * YAML_DEPTH_MAX or has more than YAML_VALUES_MAX values. What yaml_write has written reads back equal, integers as integers and reals
 * as reals.
 * Thread: any; nothing is kept. Memory: the document's; libyaml's own while it runs, bounded by the text's size.
 * Errors: ERR_INPUT of a text, ERR_TOO_LARGE. libyaml is used here alone. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <yyjson.h>

enum { YAML_BYTES_MAX = 1 << 20, YAML_DEPTH_MAX = 32, YAML_VALUES_MAX = 50000 };

/* *value is doc's. An empty text is null. */
MUST_CHECK bool yaml_read(struct bytes text, yyjson_mut_doc *doc, yyjson_mut_val **value, struct err *err);
/* Appended to out. Texts are UTF-8 without NUL; no key stands twice. */
MUST_CHECK bool yaml_write(yyjson_mut_val *value, struct buf *out, struct err *err);
