/* otlp_json.h -- OTLP/JSON becomes the protobuf of the same message, so that one decoder has all the rules.
 *
 *   {"resourceSpans":[...]} --otlp_json_to_protobuf--> 0A .. --otlp.h: otlp_decode--> struct otlp_request
 *
 * One pass over the text with a table of fields (json_fields.h); no tree, no object. Taken: names in lowerCamelCase or as
 * the .proto has them, fields in any order, unknown ones skipped, null as absent; ids in hex of either case; enums by
 * number or name; integers and doubles as numbers or strings, "NaN" and "Infinity"; base64 and base64url. A field sent
 * twice: the last stands, messages are merged, lists joined, as in protobuf. An id that is not hex is written as the text
 * it is, which is never of an id's length: otlp_decode leaves that record out and says why, and so with text that is not
 * UTF-8. Half a surrogate pair (JavaScript cuts text within one) becomes U+FFFD. Lengths are minimal, so sizes are what
 * an SDK's protobuf would have had.
 * Thread: a pure function. Memory: out alone; the stack by at most JSON_VALUES_DEEP nested values.
 * Errors: ERR_INPUT with field and byte ("resourceSpans[0].scopeSpans[0].spans[2].kind, byte 311 of the JSON: ...") when it
 *         is not JSON or a value is not of its field's type; ERR_TOO_LARGE over bytes_max. Nothing is taken then.
 * Source: opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding"; protobuf.dev/programming-guides/json. */
#pragma once
#include "worker/otlp/otlp.h"

#define JSON_VALUES_DEEP \
    48 /* deeper ones are stepped over: otlp_limits.depth_max is less, so their record is left out */

/* out: initialised or used before, for bytes_max + OTLP_JSON_SPARE_BYTES; its content is replaced. */
#define OTLP_JSON_SPARE_BYTES 64
MUST_CHECK bool otlp_json_to_protobuf(enum otlp_signal signal, struct bytes text, size_t bytes_max, struct buf *out,
                                      struct err *err);
