/* selector.h -- which elements of a page a rule is about: a simple selector of CSS.
 *
 *   "input.secret[name=card]" --selector_read--> struct selector --selector_matches(tag, attributes)--> is it one?
 *
 * A tag (or *), then .class, #id, [name] and [name=value] in any order and number, without blanks; a value may be quoted. Tags and
 * names of attributes count in any case. No relations (a > b), no pseudo-classes, no lists: what those would find has rules of its
 * own. Thread: any. Memory: 1.6 KiB. Errors: ERR_INPUT says what is wrong. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { SELECTOR_PARTS_MAX = 8, SELECTOR_NAME_BYTES = 64, SELECTOR_VALUE_BYTES = 128 };
struct selector {
    struct selector_part {
        enum selector_kind { SELECTOR_TAG, SELECTOR_CLASS, SELECTOR_ID, SELECTOR_ATTRIBUTE } kind;
        bool has_value;
        char name[SELECTOR_NAME_BYTES];
        char value[SELECTOR_VALUE_BYTES];
    } parts[SELECTOR_PARTS_MAX];
    uint32_t count;
};
MUST_CHECK bool selector_read(const char *text, struct selector *selector, struct err *err);

/* An element as rrweb has it: attributes are a JSON object. */
struct yyjson_val;
bool selector_matches(const struct selector *selector, struct bytes tag, struct yyjson_val *attributes);
/* Could an element be one, that now has these attributes beside others that are not told? */
bool selector_may_match(const struct selector *selector, struct yyjson_val *attributes);
