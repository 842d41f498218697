/* ask_plan.h -- plans of questions (ask/ask.h) as JSON: what a client corrects and sends back, and what a model fills.
 *
 *   {"of": "requests", "filters": [{"field": "service", "test": "is", "values": ["web"]}], "measures": [{"kind": "count"}], ...}
 *
 * Its schema is AskPlan in schemas/ask.json. Fields are names, "attribute:cloud.region" and "resource:host.name".
 * Thread: any. Memory: the arena's, the document's. Errors: ERR_INPUT with what is wrong; the plan that is read has been checked. */
#pragma once
#include "ask/ask.h"
#include <yyjson.h>

#define ASK_FIELD_TEXT_BYTES (ASK_KEY_BYTES_MAX + 16)
/* "service", "attribute:cloud.region". */
void ask_field_text(const struct ask_field *field, char text[ASK_FIELD_TEXT_BYTES]);
yyjson_mut_val *ask_plan_json(yyjson_mut_doc *json, const struct ask_plan *plan);
MUST_CHECK bool ask_plan_read(struct arena *arena, yyjson_val *json, struct ask_plan *plan, struct err *err);
