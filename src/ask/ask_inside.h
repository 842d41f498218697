/* ask_inside.h -- what the files of ask share. Thread: any; pure. */
#pragma once
#include "ask/ask.h"

#define ASK_HOUR_US 3600000000ll
#define ASK_DAY_US  86400000000ll

bool ask_field_equal(const struct ask_field *a, const struct ask_field *b);
bool ask_field_is_number(const struct ask_field *field);

/* ---- words (ask_words.c) ---- */

struct ask_token {
    struct bytes text;  /* as typed, without the stops around it */
    struct bytes lower; /* of ASCII letters */
    uint32_t from, to;  /* in the question, quotes included */
    bool is_quoted;
    bool is_used;
};
struct ask_words {
    struct ask_token tokens[ASK_TOKENS_MAX];
    uint32_t count;
    bool is_cut; /* there are more */
};
void ask_words_read(struct arena *arena, struct bytes text, struct ask_words *words);
/* How many words from `at` fit "failure|error rate|rates", an element with "?" behind may be absent; 0: none. Quoted ones fit nothing. */
uint32_t ask_phrase(const struct ask_words *words, uint32_t at, const char *pattern);
bool ask_word_is(const struct ask_words *words, uint32_t at, const char *word);
/* "7", "seven", "half"; 0 words: none. */
uint32_t ask_number(const struct ask_words *words, uint32_t at, double *number);
/* A number with a unit of time, in nanoseconds, at most a hundred years: "500ms", "1.5 seconds". */
uint32_t ask_length(const struct ask_words *words, uint32_t at, double *ns);
/* How many letters lie between, at most limit + 1 (Damerau, adjacent swaps count once). */
uint32_t ask_distance(struct bytes a, struct bytes b, uint32_t limit);
/* The same text without regard to case? */
bool ask_same(struct bytes a, struct bytes b);

/* ---- times (ask_time.c) ---- */

struct ask_times {
    bool is_said;
    int64_t from_us, to_us;
    bool has_before;
    int64_t before_from_us, before_to_us;
    bool has_shift, shift_is_length; /* said as "the day before", "the period before" */
    int64_t shift_days, shift_s;
};
/* What a time is compared with, by the shift that was said; false: there is none that ends before it. */
bool ask_times_shift(const struct ask_times *times, const struct zone *zone, int64_t from_us, int64_t to_us,
                     int64_t *before_from_us, int64_t *before_to_us);
/* Reads and marks all words of time; what is a time and cannot be one is left unmarked. */
void ask_times_read(struct ask_words *words, const struct zone *zone, int64_t now_us, struct ask_times *times,
                    void (*use)(void *ctx, uint32_t from, uint32_t count, const char *as), void *ctx);

/* ---- what was read of a question (ask_read.c, ask_fields.c), before it is a plan (ask_understand.c) ---- */

enum ask_superlative {
    ASK_NO_SUPERLATIVE,
    ASK_SLOWEST,
    ASK_FASTEST,
    ASK_MOST,
    ASK_LEAST,
    ASK_HIGHEST,
    ASK_LOWEST,
    ASK_LATEST,
    ASK_FIRST
};
struct ask_reading_state {
    struct arena *arena;
    const struct ask_question *question;
    struct ask_understood *out;
    struct ask_words words;
    struct ask_times times;
    bool is_one; /* "the slowest request" */
    bool has_of, superlative_is_behind, is_errors, is_failed, is_exceptions, is_traces, is_one_trace;
    enum ask_of of;
    struct ask_filter filters[ASK_FILTERS_MAX];
    uint32_t filter_count;
    struct ask_measure measures[ASK_MEASURES_MAX];
    uint32_t measure_count;
    bool has_duration; /* "latency", without saying of which kind yet */
    bool wants_count, wants_share, wants_chart, wants_compare, wants_table;
    struct ask_field groups[ASK_GROUPS_MAX];
    uint32_t group_count;
    enum ask_step step;
    bool has_subject, subject_is_counted; /* "routes", "how many users" */
    struct ask_field subject;
    enum ask_superlative superlative;
    uint32_t top;                     /* 0: not said */
    bool is_top, is_which, is_marked; /* "top", "which"; begins as a question that follows another */
    bool is_negated;                  /* the next value is not to be */
    bool is_full;                     /* more filters, groups or measures than a plan has */
};
void ask_read(struct ask_reading_state *state);
/* Marks words as understood. */
void ask_use_words(void *state, uint32_t from, uint32_t count, const char *as);
void ask_filter_add(struct ask_reading_state *state, const struct ask_field *field, enum ask_test test,
                    struct bytes value);
void ask_trouble(struct ask_understood *out, uint32_t from, uint32_t to, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The words from `at` that name a field; 0: none. is_plural: "routes". */
uint32_t ask_field_word(const struct ask_reading_state *state, uint32_t at, struct ask_field *field, bool *is_plural);
/* The words from `at` that are a value of the field (NULL: of any; *field is then whose), as the catalog spells it. ambiguous: of several
 * fields, none of which comes first. */
uint32_t ask_value_word(const struct ask_reading_state *state, uint32_t at, const struct ask_field *of,
                        struct ask_field *field, struct bytes *value, bool *is_ambiguous);
/* Names that may be meant by a word: of the field's values, or of all services, fields and values. */
void ask_suggest(const struct ask_reading_state *state, const struct ask_token *token, struct ask_trouble *trouble);
