/* ask_prompt.h -- what a language model is told of a question: how plans are made, the time and the zone, what the project has.
 *
 *   question, now, zone, catalog, plan before --ask_prompt_make--> system text: rules (ours, and the fence's)
 *                                                               '-> prompt: instants, <data-...> names and examples </data-...>, question
 *
 * Names and example values are telemetry: text of strangers. They stand as JSON between fences (llm/fence.h), are counted and
 * capped: 200 services, 120 attributes, 100 routes, 8 examples of anything else, none longer than 80 bytes, all
 * together 24 KiB; those that share a word with the
 * question come first. Of fields that are about people (users, e-mails, sessions, addresses ...) names are sent and no values; a
 * value that the finders of secrets would change is left out.
 * Thread: any. Memory: the arena's, the bufs'. Errors: ERR_TOO_LARGE of a buf. */
#pragma once
#include "ask/ask.h"

struct ask_prompt {
    struct bytes question, question_before; /* before: empty where there is none, or the client did not say */
    const struct zone *zone;
    int64_t now_us;
    const struct ask_catalog *catalog;
    const struct ask_plan *context; /* NULL: none */
    /* Appends a text without its secrets; false: it cannot. NULL: no example values are sent. */
    bool (*redact)(void *ctx, struct bytes text, struct buf *out);
    void *redact_ctx;
};
MUST_CHECK bool ask_prompt_make(struct arena *arena, const struct ask_prompt *of, struct buf *system,
                                struct buf *prompt, struct err *err);
