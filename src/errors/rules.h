/* rules.h -- a project's own rules of what is one error: a text, a rule a line, as the users of other trackers know them.
 *
 *   # what the payment provider does is one error a kind
 *   type:PaymentDeclined* -> payments, {{ message }}
 *   function:"*Repository.save" !service:batch -> {{ default }}, {{ service }}
 *
 * A rule is matchers, "->" and the parts of the fingerprint. All matchers must hold, "!" turns one round; the first rule
 * that fits wins. Matchers: type, message (of any exception of the chain), function, module, path (of any frame), app
 * (yes | no: the innermost frame), service, language. Values are globs: * and ?; in quotes when they hold blanks; types,
 * messages and services are compared without case. Parts: words, "in quotes", and {{ default }} (what it would have
 * been without rules), {{ type }}, {{ message }} (template), {{ function }}, {{ module }}, {{ path }} (of the innermost
 * frame in app), {{ service }}.
 * Without {{ default }} or {{ service }} a fingerprint holds for all services of the project.
 * Thread: any after rules_parse; pure. Memory: the arena's. Errors: ERR_INPUT with the line and what is wrong. */
#pragma once
#include "base/err.h"
#include "errors/error_event.h"
#include "errors/fingerprint.h"

#define RULES_BYTES_MAX      (64u << 10)
#define RULES_MAX            256
#define RULE_MATCHERS_MAX    8
#define RULE_PARTS_MAX       8
#define RULE_VALUE_BYTES_MAX 512

struct rule_match {
    uint32_t line; /* from 1 */
    struct bytes parts[RULE_PARTS_MAX];
    uint32_t part_count;
};
/* *rules lives in the arena and borrows text. */
MUST_CHECK bool rules_parse(struct arena *arena, struct bytes text, const struct fingerprint_rules **rules,
                            struct err *err);
/* base: the fingerprint without rules. */
bool rules_match(struct arena *arena, const struct fingerprint_rules *rules, const struct error_event *event,
                 const struct fingerprint *base, struct rule_match *match);
