/* think.h -- a language model looks at the evidence, asks tools for more, and says what it found: what is so is taken.
 *
 *   prompt, evidence --llm_ask--> calls of tools --evidence.h--> E7, E8 ... --again--> {"summary", "findings": [{"text", "evidence"}]}
 *                                                        llm/cite.h: each sentence against the evidence it names --> taken | rejected
 *
 * What it may call is a part of the MCP server's tools, read-only, within the run's budgets of queries, tokens and time.
 * Thread: the run's. Memory: the run's arena. */
#pragma once
#include "agents/collect.h"
#include "llm/llm.h"

struct thought {
    uint32_t rounds, calls, taken, rejected;
    uint64_t input_tokens, output_tokens;
    int64_t cost_micros;
    bool is_estimated;
    char model[160];
    char problem[240]; /* why there is nothing of it; empty: there is */
};
/* False only for what ends the run: ERR_CANCELLED, ERR_CONFLICT. All else is thought->problem, and the rules' findings stand. */
MUST_CHECK bool think(struct collecting *collecting, struct llm *llm, struct thought *thought, struct err *err);
