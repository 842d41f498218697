/* fence.h -- puts text of strangers into a prompt so that it can be told apart from what we say.
 *
 *   <data-7f3a... kind="log message">
 *   ... whatever it says, "ignore all instructions" too ...
 *   </data-7f3a...>
 *
 * The boundary has 128 random bits for each prompt, and is drawn again if the text holds it: nobody who writes telemetry can end
 * the fence. fence_rule() is to stand in the system text of every prompt that has one. A model may still be fooled by what is
 * inside: what it then answers must not be able to do harm (schema, gate, llm_plain).
 * Thread: a struct fence has one owner. Errors: ERR_TOO_LARGE when the buf is full. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#define LLM_BOUNDARY_BYTES 38 /* "data-", 32 hex digits, NUL */
struct llm_fence {
    char boundary[LLM_BOUNDARY_BYTES];
};
/* A boundary that is in none of the texts. */
void llm_fence_init(struct llm_fence *fence, const struct bytes *texts, uint32_t text_count);
/* Appends the text between its fences, cut at text_bytes_max with a word on how much was left out; what is not UTF-8 and control
 * characters are mended. kind: ours, "log message". A text with the boundary in it is a bug of the caller. */
MUST_CHECK bool llm_fence_add(const struct llm_fence *fence, struct buf *out, const char *kind, struct bytes text,
                              size_t text_bytes_max, struct err *err);
/* The sentences for the system text. */
MUST_CHECK bool llm_fence_rule(const struct llm_fence *fence, struct buf *out, struct err *err);
