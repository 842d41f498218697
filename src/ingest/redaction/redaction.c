#include "ingest/redaction/redaction.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/sha256.h"
#include "ingest/redaction/inside.h"

static struct field field_of(const struct json_field *from)
{
    struct field field = { .is_repeated = from->is_repeated };
    switch ((enum json_kind)from->kind) {
    case JSON_TEXT:
    case JSON_BASE64: field.kind = FIELD_TEXT; break;
    case JSON_TRACE_ID: field.kind = FIELD_ID, field.of = 16; break;
    case JSON_SPAN_ID: field.kind = FIELD_ID, field.of = 8; break;
    case JSON_BOOL:
    case JSON_ENUM:
    case JSON_INT64:
    case JSON_UINT32:
    case JSON_UINT64:
    case JSON_SINT32: field.kind = FIELD_VARINT; break;
    case JSON_FIXED32: field.kind = FIELD_FOUR; break;
    case JSON_FIXED64:
    case JSON_SFIXED64:
    case JSON_DOUBLE: field.kind = FIELD_EIGHT; break;
    case JSON_MESSAGE: field.kind = FIELD_MESSAGE, field.of = from->of; break;
    }
    return field;
}

static void fields_init(struct redaction *redaction)
{
    for (int type = 0; type < JSON_TYPE_COUNT; type++) {
        for (uint32_t f = 0; f < json_messages[type].count; f++) {
            const struct json_field *field = &json_messages[type].fields[f];
            assert(field->number <= FIELD_NUMBER_MAX);
            redaction->fields[type][field->number] = field_of(field);
        }
    }
}

static bool element_init(struct redaction *redaction, uint32_t r, struct err *err)
{
    const struct redaction_rule *rule = &redaction->rules[r];
    struct selector *selector = mem_alloc(sizeof *selector);
    bool ok = selector_read(rule->pattern, selector, err) || err_within(err, "rule \"%s\"", rule->name);
    if (!ok || !rule->is_on) {
        free(selector);
        return ok;
    }
    redaction->selectors_hash = hash64_key(bytes_of_text(rule->pattern), redaction->selectors_hash + r);
    redaction->selector_rules[redaction->selector_count] = (int8_t)r;
    redaction->selectors[redaction->selector_count++] = selector;
    return true;
}

static bool rule_init(struct redaction *redaction, uint32_t r, struct err *err)
{
    const struct redaction_rule *rule = &redaction->rules[r];
    enum redaction_built_in built_in;
    if (!redaction_rule_check(rule, err)) return false;
    switch (rule->finds) {
    case REDACTION_ATTRIBUTE: redaction->has_names |= rule->is_on; return true;
    case REDACTION_BUILT_IN:
        if (!redaction_built_in_read(rule->pattern, &built_in) || !rule->is_on) return true;
        if (redaction->built_in[built_in] == NO_RULE) redaction->built_in[built_in] = (int8_t)r;
        redaction->has_names |= built_in == REDACTION_CREDENTIALS;
        return true;
    case REDACTION_ELEMENT: return element_init(redaction, r, err);
    default: break;
    }
    uint32_t p = redaction->pattern_count;
    if (!regex_create(&redaction->patterns[p], rule->pattern, err)) return err_within(err, "rule \"%s\"", rule->name);
    redaction->pattern_rules[p] = (int8_t)r;
    if (rule->is_on) {
        redaction->pattern_count++;
    } else {
        regex_destroy(redaction->patterns[p]); /* it was to be read only */
    }
    return true;
}

bool redaction_create(struct redaction **out, const struct redaction_rule *rules, uint32_t rule_count,
                      const uint8_t key[REDACTION_KEY_BYTES], struct err *err)
{
    static_assert(REDACTION_RULES_MAX <= INT8_MAX, "a rule's index is kept in a byte");
    *out = NULL;
    if (rule_count > REDACTION_RULES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a project has at most %d redaction rules", REDACTION_RULES_MAX);
    struct redaction *redaction = mem_calloc(1, sizeof *redaction + rule_count * sizeof redaction->rules[0]);
    atomic_store(&redaction->holders, 1);
    /* Of this value in memory alone: two rule sets share no scratch's names. */
    struct uuid seed = uuid_random();
    memcpy(&redaction->seed, seed.bytes + 8, sizeof redaction->seed);
    memcpy(redaction->key, key, REDACTION_KEY_BYTES);
    memset(redaction->built_in, NO_RULE, sizeof redaction->built_in);
    redaction->rule_count = rule_count;
    if (rule_count > 0) memcpy(redaction->rules, rules, rule_count * sizeof *rules);
    fields_init(redaction);
    for (uint32_t r = 0; r < rule_count; r++) {
        if (rule_init(redaction, r, err)) continue;
        redaction_release(redaction);
        return false;
    }
    *out = redaction;
    return true;
}

struct redaction *redaction_hold(struct redaction *redaction)
{
    atomic_fetch_add(&redaction->holders, 1);
    return redaction;
}

void redaction_release(struct redaction *redaction)
{
    if (redaction == NULL || atomic_fetch_sub(&redaction->holders, 1) > 1) return;
    for (uint32_t p = 0; p < redaction->pattern_count; p++) regex_destroy(redaction->patterns[p]);
    for (uint32_t s = 0; s < redaction->selector_count; s++) free(redaction->selectors[s]);
    explicit_bzero(redaction->key, sizeof redaction->key);
    free(redaction);
}

uint32_t redaction_rule_count(const struct redaction *redaction)
{
    return redaction->rule_count;
}

struct uuid redaction_rule_id(const struct redaction *redaction, uint32_t rule)
{
    assert(rule < redaction->rule_count);
    return redaction->rules[rule].id;
}

struct redaction_scratch *redaction_scratch_create(void)
{
    return mem_calloc(1, sizeof(struct redaction_scratch));
}

void redaction_scratch_destroy(struct redaction_scratch *scratch)
{
    free(scratch);
}

void redaction_hash(const struct redaction *redaction, struct hash128 *hash)
{
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(bytes_from(redaction->key, sizeof redaction->key), bytes_from(hash, sizeof *hash), mac);
    memcpy(hash, mac, sizeof *hash);
}
