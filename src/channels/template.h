/* template.h -- the body of a generic webhook as its owner wants it: text with {{names}}.
 *
 *   {"text": "{{title}} ({{severity}})"}  --template_fill--> {"text": "p95 of \"cart\" (critical)"}
 *
 * A value is escaped as the inside of a JSON string; {{json:name}} is the value as JSON itself, with quotes; nothing else means
 * more than itself: no conditions, no loops. Names: template_names.
 * Thread: any. Errors: ERR_INPUT an unknown name, a {{ without its }}; ERR_TOO_LARGE. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define TEMPLATE_BYTES_MAX  8192
#define TEMPLATE_FILLED_MAX (1u << 20)
enum template_name {
    TEMPLATE_ID,
    TEMPLATE_ACT,
    TEMPLATE_SEVERITY,
    TEMPLATE_TITLE,
    TEMPLATE_TEXT,
    TEMPLATE_URL,
    TEMPLATE_PROJECT,
    TEMPLATE_INCIDENT,
    TEMPLATE_THREAD,
    TEMPLATE_TIME,
    TEMPLATE_NAME_COUNT
};
extern const char *const template_names[TEMPLATE_NAME_COUNT];
MUST_CHECK bool template_check(struct bytes text, struct err *err);
MUST_CHECK bool template_fill(struct bytes text, const struct bytes values[TEMPLATE_NAME_COUNT], struct buf *out,
                              struct err *err);
