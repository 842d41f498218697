#include "meta/redaction_rule.h"

#include "base/utf8.h"

const char *const redaction_finds_names[REDACTION_FINDS_COUNT] = { "attribute", "value", "built_in" };
const char *const redaction_does_names[REDACTION_DOES_COUNT] = { "drop", "mask", "hash" };
const char *const redaction_built_in_names[REDACTION_BUILT_IN_COUNT] = { "credentials", "tokens", "cards", "emails" };

bool redaction_built_in_read(const char *name, enum redaction_built_in *built_in)
{
    for (int i = 0; i < REDACTION_BUILT_IN_COUNT; i++) {
        if (strcmp(redaction_built_in_names[i], name) != 0) continue;
        *built_in = (enum redaction_built_in)i;
        return true;
    }
    return false;
}

static bool is_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((uint8_t)*c < ' ' || *c == 0x7F) return false;
    }
    return utf8_is_valid(bytes_of_text(text));
}

bool redaction_rule_check(const struct redaction_rule *rule, struct err *err)
{
    enum redaction_built_in built_in;
    if (rule->name[0] == '\0' || !is_line(rule->name)) {
        return err_set(err, ERR_INPUT, "a rule's name takes 1 to 63 bytes of text without control characters");
    }
    if (rule->pattern[0] == '\0' || !is_line(rule->pattern)) {
        return err_set(err, ERR_INPUT,
                       "rule \"%s\": a pattern takes 1 to %d bytes of text without control characters (in a regular "
                       "expression: \\n, \\t)",
                       rule->name, REDACTION_PATTERN_BYTES - 1);
    }
    if (rule->finds == REDACTION_BUILT_IN && !redaction_built_in_read(rule->pattern, &built_in)) {
        return err_set(err, ERR_INPUT,
                       "rule \"%s\": \"%.40s\" is not built in; there are credentials, tokens, cards and emails",
                       rule->name, rule->pattern);
    }
    return true;
}
