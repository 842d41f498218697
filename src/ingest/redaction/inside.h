/* inside.h -- what the files of this folder share. Not for other folders.
 *
 *   rewrite.c  walks a message, rewrite_replay.c a replay's batch --name--> names.c  --rule-->
 *                              --text--> text.c --> builtin.c (tokens, cards, emails), regex (RE2) --edits-->
 *
 * A rule is meant by its index, NO_RULE is none. Where two would do, the one with the lower index does. */
#pragma once
#include "base/glob.h"
#include "ingest/redaction/redaction.h"
#include "ingest/redaction/selector.h"
#include "regex/regex.h"
#include "worker/otlp/json_fields.h"

#define NO_RULE (-1)

enum {
    NAME_BYTES_MAX = 160, /* of a name that is looked up; of longer ones the last as many count */
    NAMES_KEPT = 1024,    /* in a scratch; a power of two */
    EDITS_MAX = 4096,     /* of one text; one with more is redacted as a whole */
    CLEAN_KEPT = 4096,    /* texts in a scratch in which nothing was found; a power of two */
    CLEAN_BYTES_MAX = 128,
};

/* What a name's value is to be done by. */
struct verdict {
    int8_t text;   /* texts, bytes, lists */
    int8_t number; /* numbers and booleans: "token_count" is no secret, a numeric password is */
};

/* What a field holds that is looked at. */
enum field_kind { FIELD_UNKNOWN, FIELD_VARINT, FIELD_FOUR, FIELD_EIGHT, FIELD_ID, FIELD_TEXT, FIELD_MESSAGE };
struct field {
    uint8_t kind; /* enum field_kind */
    uint8_t of;   /* of a message: its enum json_type; of an id: its bytes */
    bool is_repeated;
};
enum { FIELD_NUMBER_MAX = 16 };

struct redaction {
    _Atomic uint32_t holders;
    uint64_t seed; /* names are one of its own: what a scratch keeps is known by it */
    uint8_t key[REDACTION_KEY_BYTES];
    uint32_t rule_count;
    bool has_names;                            /* any rule that goes by name */
    int8_t built_in[REDACTION_BUILT_IN_COUNT]; /* the rule, or NO_RULE */
    uint32_t pattern_count;
    int8_t pattern_rules[REDACTION_RULES_MAX];
    struct regex *patterns[REDACTION_RULES_MAX];
    uint32_t selector_count; /* of elements, in recordings */
    uint64_t selectors_hash; /* other rules have another one */
    int8_t selector_rules[REDACTION_RULES_MAX];
    struct selector *selectors[REDACTION_RULES_MAX];
    struct field fields[JSON_TYPE_COUNT][FIELD_NUMBER_MAX + 1];
    struct redaction_rule rules[]; /* rule_count */
};

/* A place in a text, and the rule that found it. */
struct edit {
    size_t from, to;
    int8_t rule;
    bool is_json; /* a bare number or word of JSON: its place takes a string */
};

struct redaction_scratch {
    struct {
        uint64_t hash; /* of seed and name; 0: empty */
        struct verdict verdict;
    } names[NAMES_KEPT];
    uint64_t clean[CLEAN_KEPT]; /* hashes of seed and text: most values of telemetry come again and again */
    struct edit edits[EDITS_MAX];
    uint32_t edit_count;
    char path[NAME_BYTES_MAX];
};

/* names.c */
struct verdict name_verdict(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes name);

/* text.c: fills scratch->edits, in order and apart; at least one: true. */
bool text_look(const struct redaction *redaction, struct redaction_scratch *scratch, struct bytes text);
/* Adds what the rule makes of a value. */
MUST_CHECK bool replacement_add(const struct redaction *redaction, int8_t rule, struct bytes value, struct buf *out);
/* Adds the text with its edits done. */
MUST_CHECK bool text_edit(const struct redaction *redaction, const struct redaction_scratch *scratch, struct bytes text,
                          struct buf *out);

/* builtin.c: the secret that begins at text[at], where a character that may begin one stands; its length, or 0. */
enum { IS_TOKEN_START = 1, IS_DIGIT = 2, IS_AT = 4, IS_EQUALS = 8, IS_WORD = 16 };
extern const uint8_t character_kinds[256];
struct token_place {
    size_t no_jwt_before; /* looked at already: no JSON web token begins before */
};
size_t token_at(struct bytes text, size_t at, struct token_place *place, size_t *from);
size_t card_at(struct bytes text, size_t at);
bool card_is_number(uint64_t number);
size_t email_at(struct bytes text, size_t at, size_t *from); /* at: of the @ */
