/* ask_reply.h -- what a language model answers to a question (ask_prompt.h): a plan that holds, or why not.
 *
 *   {"can_answer": true, "is_follow_up": false, "note": "...", "plan": {AskPlan}} --ask_reply_read--> plan | what is wrong with it
 *
 * The plan is read and checked as one that a client sends (ask_plan.h); beyond that its services and attributes are ones that the
 * project has, its zone is one, and a value with a link, markup or hidden characters stands so in the question, the plan before or the
 * project's own values: the model has no way to bring one in. Words of the model are plain text (llm/plain.h).
 * Thread: any. Memory: the arena's. Errors: ERR_INPUT says what is wrong, in words that may go back to the model and to people;
 * all bytes come from outside. */
#pragma once
#include "ask/ask.h"
#include "web/api/schema.h"

#define ASK_NOTE_BYTES_MAX 300

/* What the reply's values may be taken from. */
struct ask_reply_world {
    struct bytes question;
    const struct ask_catalog *catalog;
    const struct ask_plan *context; /* NULL: none */
};
struct ask_reply {
    bool can_answer, is_follow_up;
    struct bytes note;    /* plain, one line, may be empty */
    struct ask_plan plan; /* when can_answer */
};
MUST_CHECK bool ask_reply_read(struct arena *arena, struct bytes json, const struct ask_reply_world *world,
                               struct ask_reply *reply, struct err *err);

/* The schema of a reply as text: AskPlan as models' servers take it, where all members are there (OpenAI's "strict"). */
const char *ask_reply_schema(struct arena *arena, const struct schemas *schemas);

/* A text of a model as plain text on one line, at most bytes_max of it. */
struct bytes ask_plain(struct arena *arena, struct bytes text, size_t bytes_max);
