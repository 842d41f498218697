/* Reads the question from left to right: at each word the longest of what it can be. What is nothing stays unmarked. */
#include "ask/ask_inside.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum action {
    FILLER,
    OF,
    TRACES,
    ONE_TRACE,
    EXCEPTIONS,
    FAILED,
    SUCCESS,
    WARNINGS,
    MEASURE,
    COUNT,
    SHARE,
    DURATION,
    SUPERLATIVE,
    TOP,
    WHICH,
    CHART,
    TABLE,
    STEP,
    COMPARE,
    MARK,
    NEGATE,
    CLASS,
};
static const struct phrase {
    const char *pattern;
    enum action action;
    int value;
    const char *as;
} phrases[] = {
    { "http? request|requests", OF, ASK_REQUESTS, "rows" },
    { "response|responses|traffic|throughput|hits|requested", OF, ASK_REQUESTS, "rows" },
    { "error|errors|failure|failures", OF, ASK_ERRORS, "rows" },
    { "log|logs", OF, ASK_LOGS, "rows" },
    { "log lines|line|entries|entry|records|events", OF, ASK_LOGS, "rows" },
    { "span|spans", OF, ASK_SPANS, "rows" },
    { "database|db|sql? query|queries", OF, ASK_QUERIES, "rows" },
    { "database|db calls|statements", OF, ASK_QUERIES, "rows" },
    { "traces", TRACES, 0, "rows" },
    { "trace", ONE_TRACE, 0, "rows" },
    { "exceptions|exception", EXCEPTIONS, 0, "rows" },
    { "warnings", WARNINGS, 0, "rows" },
    { "failed|fail|fails|failing|unsuccessful", FAILED, 0, "filter" },
    { "successful|succeeded", SUCCESS, 0, "filter" },
    { "without errors|error|failures", SUCCESS, 0, "filter" },
    { "server error|errors", CLASS, 5, "filter" },
    { "client error|errors", CLASS, 4, "filter" },
    { "average|avg|mean", MEASURE, ASK_AVERAGE, "measure" },
    { "on average", MEASURE, ASK_AVERAGE, "measure" },
    { "maximum|max", MEASURE, ASK_MAXIMUM, "measure" },
    { "minimum|min", MEASURE, ASK_MINIMUM, "measure" },
    { "sum of", MEASURE, ASK_SUM, "measure" },
    { "error|failure rate|rates|percentage|ratio", MEASURE, ASK_ERROR_RATE, "measure" },
    { "rate|share|percentage of errors|failures", MEASURE, ASK_ERROR_RATE, "measure" },
    { "percentage|percent|share|proportion|fraction of", SHARE, 0, "measure" },
    { "how many|often", COUNT, 0, "measure" },
    { "total? number|count of", COUNT, 0, "measure" },
    { "count|total", COUNT, 0, "measure" },
    { "in total", COUNT, 0, "measure" },
    { "latency|latencies|duration|durations", DURATION, 0, "measure" },
    { "response|query|request|processing time|times", DURATION, 0, "measure" },
    { "how long|fast|slow", DURATION, 0, "measure" },
    { "slowest|slow|longest", SUPERLATIVE, ASK_SLOWEST, "order" },
    { "longest running|lasting", SUPERLATIVE, ASK_SLOWEST, "order" },
    { "fastest|quickest|shortest", SUPERLATIVE, ASK_FASTEST, "order" },
    { "most", SUPERLATIVE, ASK_MOST, "order" },
    { "most frequent|common|active|used|popular|requested|often|frequently|visited|called", SUPERLATIVE, ASK_MOST,
      "order" },
    { "busiest", SUPERLATIVE, ASK_MOST, "order" },
    { "least|fewest", SUPERLATIVE, ASK_LEAST, "order" },
    { "least frequent|common|active|used|popular|requested", SUPERLATIVE, ASK_LEAST, "order" },
    { "highest|worst|largest|biggest", SUPERLATIVE, ASK_HIGHEST, "order" },
    { "lowest|smallest|best", SUPERLATIVE, ASK_LOWEST, "order" },
    { "latest|newest|recent|last", SUPERLATIVE, ASK_LATEST, "order" },
    { "most recent", SUPERLATIVE, ASK_LATEST, "order" },
    { "first|oldest|earliest", SUPERLATIVE, ASK_FIRST, "order" },
    { "top", TOP, 0, "order" },
    { "which", WHICH, 0, "group" },
    { "over time", CHART, 0, "display" },
    { "as? a|the? chart|plot|graph|trend|timeline|histogram|curve of|for|over? time?", CHART, 0, "display" },
    { "draw", CHART, 0, "display" },
    { "as? a|the? table of?", TABLE, 0, "display" },
    { "hourly", STEP, ASK_STEP_1H, "step" },
    { "daily", STEP, ASK_STEP_1D, "step" },
    { "weekly", STEP, ASK_STEP_1W, "step" },
    { "compare|compared", COMPARE, 0, "compare" },
    { "what|how about", MARK, 0, "follow-up" },
    { "only|just|instead|now|rather|also|but", MARK, 0, "follow-up" },
    { "the? same", MARK, 0, "follow-up" },
    { "not|except|excluding|without", NEGATE, 0, "filter" },
    { "other than", NEGATE, 0, "filter" },
    { "no", NEGATE, 0, "filter" },
    { "a|an|the|of|in|on|at|to|for|from|with|and|all|any|every|me|us|we|i|i'd|you|my|our|please|list|show|give|get|"
      "display|find|see|view|tell",
      FILLER, 0, NULL },
    { "want|wants|would|like|need|know|could|can|may|will|do|does|did|is|are|was|were|be|been|has|have|had|there|it|"
      "its|that|those|these|this",
      FILLER, 0, NULL },
    { "what|who|where|got|gets|serve|served|serves|make|made|makes|came|come|comes|return|returned|returns|returning|"
      "answer|answered|answers",
      FILLER, 0, NULL },
    { "respond|responded|went|through|thrown|throw|threw|occurred|occur|happened|happen|received|receive|handled|"
      "handle|sent|send|sends|ran|run",
      FILLER, 0, NULL },
    { "write|wrote|written|logged|log|seen|experienced|affected|containing|contain|contains|contained|include|includes|"
      "including|having|them",
      FILLER, 0, NULL },
    { "say|says|saying|mention|mentions|mentioning|so|ok|okay|hi|hello|hey|thanks|their|during|within|across|down|took|"
      "take|takes|taking|last|lasted|lasting",
      FILLER, 0, NULL },
    { "breakdown of", FILLER, 0, NULL },
    { "distinct|unique|different|individual|separate|about|saw|ones", FILLER, 0, NULL },
    { "using|used|by|as|that|when|split|break|than|each|some|also|again|both|http|whose|which|out|up|look|for|let|"
      "ended",
      FILLER, 0, NULL },
};

static void put_measure(struct ask_reading_state *state, enum ask_measure_kind kind, uint32_t per_mille)
{
    const struct ask_field duration = { .id = ASK_FIELD_DURATION };
    if (state->measure_count == ASK_MEASURES_MAX) {
        state->is_full = true;
        return;
    }
    state->measures[state->measure_count++] =
        (struct ask_measure){ .kind = kind, .field = duration, .per_mille = per_mille };
}

void ask_filter_add(struct ask_reading_state *state, const struct ask_field *field, enum ask_test test,
                    struct bytes value)
{
    if (state->is_negated && test == ASK_IS) test = ASK_IS_NOT;
    if (test == ASK_IS || test == ASK_IS_NOT) {
        state->is_negated = false;
        for (uint32_t f = 0; f < state->filter_count; f++) {
            struct ask_filter *filter = &state->filters[f];
            if (filter->test != test || !ask_field_equal(&filter->field, field)) continue;
            if (filter->value_count < ASK_VALUES_MAX) filter->values[filter->value_count++] = value;
            return;
        }
    }
    if (state->filter_count == ASK_FILTERS_MAX) {
        state->is_full = true;
        return;
    }
    state->filters[state->filter_count++] =
        (struct ask_filter){ .field = *field, .test = test, .values = { value }, .value_count = test != ASK_HAS };
}

static void add_text(struct ask_reading_state *state, enum ask_field_id id, enum ask_test test, const char *value)
{
    const struct ask_field field = { .id = id };
    ask_filter_add(state, &field, test, bytes_of_text(value));
}

static void class_add(struct ask_reading_state *state, int class)
{
    add_text(state, ASK_FIELD_STATUS, ASK_AT_LEAST, arena_printf(state->arena, "%d", class * 100));
    add_text(state, ASK_FIELD_STATUS, ASK_LESS, arena_printf(state->arena, "%d", class * 100 + 100));
}

/* ---- what is known by its form ---- */

/* p95, p99.9; "95th percentile" */
static uint32_t percentile(struct ask_reading_state *state, uint32_t at)
{
    struct bytes word = state->words.tokens[at].lower;
    char text[16], *end;
    uint32_t count = 1;
    size_t skip = word.len > 1 && word.ptr[0] == 'p' && isdigit(word.ptr[1]) ? 1 : 0;
    if (ask_phrase(&state->words, at, "median")) return (put_measure(state, ASK_PERCENTILE, 500), 1);
    if (word.len - skip >= sizeof text || word.len == 0 || !isdigit(word.ptr[skip])) return 0;
    memcpy(text, word.ptr + skip, word.len - skip);
    text[word.len - skip] = '\0';
    double number = strtod(text, &end);
    if (skip == 0) {
        if (strcmp(end, "th") != 0 && strcmp(end, "st") != 0 && strcmp(end, "nd") != 0 && strcmp(end, "rd") != 0 &&
            *end != '\0')
            return 0;
        if (!ask_phrase(&state->words, at + 1, "percentile|percentiles")) return 0;
        count = 2;
    } else if (*end != '\0') {
        return 0;
    }
    if (!(number > 0) || number >= 100 || fabs(number * 10 - round(number * 10)) > 1e-9) return 0;
    put_measure(state, ASK_PERCENTILE, (uint32_t)lround(number * 10));
    return count;
}

/* 500, 404s, 5xx */
static bool status_word(struct ask_reading_state *state, uint32_t at, bool is_said)
{
    if (at >= state->words.count || state->words.tokens[at].is_used || state->words.tokens[at].is_quoted) return false;
    struct bytes word = state->words.tokens[at].lower;
    if (word.len >= 3 && word.len <= 4 && word.ptr[0] >= '1' && word.ptr[0] <= '5' && word.ptr[1] == 'x' &&
        word.ptr[2] == 'x' && (word.len == 3 || word.ptr[3] == 's'))
        return (class_add(state, word.ptr[0] - '0'), true);
    bool is_many = word.len == 4 && word.ptr[3] == 's';
    if ((word.len != 3 && !is_many) || !isdigit(word.ptr[1]) || !isdigit(word.ptr[2]) || word.ptr[0] < '1' ||
        word.ptr[0] > '5')
        return false;
    if (!is_said && at > 0 && ask_phrase(&state->words, at - 1, "top|first|last|latest|newest|limit")) return false;
    const struct ask_field field = { .id = ASK_FIELD_STATUS };
    ask_filter_add(state, &field, ASK_IS, arena_copy(state->arena, bytes_from(word.ptr, 3)));
    return true;
}

static const char *const levels[] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };
static int level_of(const struct ask_words *words, uint32_t at)
{
    static const char *const names[] = { "trace",        "debug",
                                         "info",         "warn|warning|warnings|warns",
                                         "error|errors", "fatal|critical|fatals" };
    for (int l = 0; l < 6; l++)
        if (ask_phrase(words, at, names[l])) return l;
    return -1;
}

static bool ends_as_many(const struct ask_token *token);
static const char log_words[] = "logs|log line|lines|entries|messages|records|events?";

/* "error logs", "fatal log lines" */
static uint32_t level_logs(struct ask_reading_state *state, uint32_t at)
{
    int level = level_of(&state->words, at);
    uint32_t count = level < 0 ? 0 : ask_phrase(&state->words, at + 1, log_words);
    int second = level < 0 || !ask_phrase(&state->words, at + 1, "and|or") ? -1 : level_of(&state->words, at + 2);
    uint32_t pair = second < 0 ? 0 : ask_phrase(&state->words, at + 3, log_words); /* "warn and error logs" */
    if (pair > 0) {
        add_text(state, ASK_FIELD_LEVEL, ASK_IS, levels[level]);
        for (int l = second; l <= (second == 4 ? 5 : second); l++) add_text(state, ASK_FIELD_LEVEL, ASK_IS, levels[l]);
        state->has_of = true;
        state->of = ASK_LOGS;
        return 3 + pair;
    }
    if (level >= 0 && count == 0 && ask_phrase(&state->words, at + 1, "log")) count = 1;
    if (level == 5 && count == 0) count = ask_phrase(&state->words, at + 1, "errors|error");
    if (count == 0) return 0;
    for (int l = level; l <= (level == 4 ? 5 : level); l++) add_text(state, ASK_FIELD_LEVEL, ASK_IS, levels[l]);
    state->has_of = true;
    state->of = ASK_LOGS;
    state->is_one = !ends_as_many(&state->words.tokens[at + count]);
    return 1 + count;
}

/* Behind "level": "error or fatal", "warn or worse". */
static uint32_t level_list(struct ask_reading_state *state, uint32_t at)
{
    uint32_t i = at;
    int level = level_of(&state->words, at), last;
    if (level < 0) return 0;
    add_text(state, ASK_FIELD_LEVEL, ASK_IS, levels[level]);
    i++;
    if (ask_phrase(&state->words, i, "or|and worse|higher|above|more")) {
        for (int l = level + 1; l < 6; l++) add_text(state, ASK_FIELD_LEVEL, ASK_IS, levels[l]);
        return i + 2 - at;
    }
    while (ask_phrase(&state->words, i, "or|and") && (last = level_of(&state->words, i + 1)) >= 0) {
        add_text(state, ASK_FIELD_LEVEL, ASK_IS, levels[last]);
        i += 2;
    }
    return i - at;
}

static uint32_t comparison(const struct ask_words *words, uint32_t at, enum ask_test *test)
{
    uint32_t count;
    if ((count = ask_phrase(words, at, "slower|longer|more|greater|higher|larger|bigger than")))
        return (*test = ASK_MORE, count);
    if ((count = ask_phrase(words, at, "faster|less|shorter|quicker|lower|fewer|smaller than")))
        return (*test = ASK_LESS, count);
    if ((count = ask_phrase(words, at, "at least")) || (count = ask_phrase(words, at, ">=")))
        return (*test = ASK_AT_LEAST, count);
    if ((count = ask_phrase(words, at, "at most")) || (count = ask_phrase(words, at, "<=")))
        return (*test = ASK_AT_MOST, count);
    if ((count = ask_phrase(words, at, "over|above|exceeding|>"))) return (*test = ASK_MORE, count);
    if ((count = ask_phrase(words, at, "under|below|<"))) return (*test = ASK_LESS, count);
    return 0;
}

/* "slower than 500 ms" */
static uint32_t duration_filter(struct ask_reading_state *state, uint32_t at)
{
    enum ask_test test;
    double ns;
    uint32_t lead = comparison(&state->words, at, &test),
             count = lead == 0 ? 0 : ask_length(&state->words, at + lead, &ns);
    if (count == 0 || ns > 1e17) return 0;
    add_text(state, ASK_FIELD_DURATION, test, arena_printf(state->arena, "%.0f", ns));
    return lead + count;
}

/* Behind a field of numbers: "over 3" */
static uint32_t number_filter(struct ask_reading_state *state, uint32_t at, const struct ask_field *field)
{
    enum ask_test test;
    double number;
    uint32_t lead = comparison(&state->words, at, &test),
             count = lead == 0 ? 0 : ask_number(&state->words, at + lead, &number);
    if (count == 0 || !ask_field_is_number(field) || field->id == ASK_FIELD_DURATION) return 0;
    if (field->id == ASK_FIELD_STATUS && number != floor(number)) return 0;
    ask_filter_add(state, field, test, bytes_of_text(arena_printf(state->arena, "%.10g", number)));
    return lead + count;
}

/* "more than 4 order items" */
static uint32_t count_filter(struct ask_reading_state *state, uint32_t at)
{
    enum ask_test test;
    double number;
    struct ask_field field;
    bool is_plural;
    uint32_t lead = comparison(&state->words, at, &test),
             count = lead == 0 ? 0 : ask_number(&state->words, at + lead, &number), name;
    if (count == 0 || (name = ask_field_word(state, at + lead + count, &field, &is_plural)) == 0 ||
        field.id < ASK_FIELD_ATTRIBUTE)
        return 0;
    ask_filter_add(state, &field, test, bytes_of_text(arena_printf(state->arena, "%.10g", number)));
    return lead + count + name;
}

/* ---- grouping ---- */

static enum ask_step step_of(double seconds)
{
    for (enum ask_step s = ASK_STEP_1M; s < ASK_STEPS; s++)
        if (fabs((double)ask_step_seconds[s] - seconds) < 0.5) return s;
    return ASK_STEP_NONE;
}

static uint32_t step_word(struct ask_reading_state *state, uint32_t at)
{
    static const char *const units[] = { "minute", "hour", "day", "week" };
    static const enum ask_step steps[] = { ASK_STEP_1M, ASK_STEP_1H, ASK_STEP_1D, ASK_STEP_1W };
    double ns;
    for (size_t u = 0; u < COUNT_OF(units); u++)
        if (ask_word_is(&state->words, at, units[u])) return (state->step = steps[u], 1);
    uint32_t count = ask_length(&state->words, at, &ns);
    if (count == 0 || step_of(ns / 1e9) == ASK_STEP_NONE) return 0;
    state->step = step_of(ns / 1e9);
    return count;
}

static const struct phrase *phrase_at(const struct ask_reading_state *state, uint32_t at, uint32_t *count)
{
    const struct phrase *best = NULL;
    *count = 0;
    for (size_t p = 0; p < COUNT_OF(phrases); p++) {
        uint32_t taken = ask_phrase(&state->words, at, phrases[p].pattern);
        if (taken > *count) {
            *count = taken;
            best = &phrases[p];
        }
    }
    return best;
}

/* "by service and status", "per hour", "for each route", "every 5 minutes" */
static uint32_t group(struct ask_reading_state *state, uint32_t at)
{
    static const char *const leads[] = { "split|broken|break|grouped|group|divided it|them|that|this? down|up? by",
                                         "down by", "by|per", "for|of|in? each|every" };
    uint32_t lead = 0, count, i;
    for (size_t l = 0; lead == 0 && l < COUNT_OF(leads); l++) lead = ask_phrase(&state->words, at, leads[l]);
    if (lead == 0) return 0;
    lead += ask_phrase(&state->words, at + lead, "the?");
    if ((count = step_word(state, at + lead)) > 0) {
        ask_use_words(state, at, lead + count, "step");
        return lead + count;
    }
    for (i = at + lead;;) {
        struct ask_field field, of;
        struct bytes value;
        bool is_plural, is_ambiguous;
        uint32_t join = i > at + lead ? ask_phrase(&state->words, i, "and") : 0;
        count = ask_field_word(state, i + join, &field, &is_plural);
        if (count == 0 || ask_value_word(state, i + join + count, &field, &of, &value, &is_ambiguous) > 0) break;
        if (state->group_count == ASK_GROUPS_MAX) {
            state->is_full = true;
            break;
        }
        state->groups[state->group_count++] = field;
        i += join + count;
    }
    if (i == at + lead) return 0;
    ask_use_words(state, at, i - at, "group");
    return i - at;
}

/* ---- fields and values ---- */

/* Ids are not all in the catalog: what looks like one is taken as it is. */
static bool is_id_like(const struct ask_token *token)
{
    if (token->is_used || token->text.len == 0 || token->text.len > ASK_VALUE_BYTES_MAX) return false;
    if (token->is_quoted) return true;
    for (size_t i = 0; i < token->text.len; i++)
        if (isdigit(token->text.ptr[i]) || token->text.ptr[i] == '@') return true;
    return false;
}

static uint32_t value_of_field(struct ask_reading_state *state, uint32_t at, const struct ask_field *field)
{
    struct ask_field of = *field;
    struct bytes value;
    bool is_ambiguous;
    uint32_t count;
    if (at >= state->words.count) return 0;
    const struct ask_token *token = &state->words.tokens[at];
    if (field->id == ASK_FIELD_STATUS && status_word(state, at, true)) return 1;
    if (field->id == ASK_FIELD_LEVEL && (count = level_list(state, at)) > 0) return count;
    if ((count = number_filter(state, at, field)) > 0) return count;
    if (field->id == ASK_FIELD_USER && !token->is_quoted && memchr(token->text.ptr, '@', token->text.len))
        of.id = ASK_FIELD_EMAIL;
    if ((count = ask_value_word(state, at, &of, &of, &value, &is_ambiguous)) > 0) {
        ask_filter_add(state, &of, ASK_IS, value);
        return count;
    }
    bool is_id = field->id == ASK_FIELD_USER || field->id == ASK_FIELD_SESSION || field->id == ASK_FIELD_TRACE ||
                 field->id == ASK_FIELD_EMAIL;
    bool is_open =
        field->id != ASK_FIELD_SERVICE && token->is_quoted && !token->is_used && token->text.len <= ASK_VALUE_BYTES_MAX;
    if (is_open && field->id == ASK_FIELD_MESSAGE) {
        ask_filter_add(state, field, ASK_CONTAINS, token->text);
        return 1;
    }
    if ((is_id && is_id_like(token)) || is_open) {
        ask_filter_add(state, &of, ASK_IS, token->text);
        return 1;
    }
    return 0;
}

struct progress {
    enum action last;    /* what was read last, but for fillers */
    uint32_t filter_end; /* behind the words of the last value */
    struct ask_field filter_field;
    uint32_t at;
};

static void subject_set(struct ask_reading_state *state, const struct ask_field *field, bool is_counted)
{
    if (state->has_subject) { /* a second one: what is counted stays */
        if (is_counted || state->subject_is_counted) return;
    }
    state->has_subject = true;
    state->subject = *field;
    state->subject_is_counted = is_counted;
}

static uint32_t field_at(struct ask_reading_state *state, uint32_t at, struct progress *progress)
{
    struct ask_field field;
    bool is_plural = false;
    uint32_t count = ask_field_word(state, at, &field, &is_plural), phrase_count, value;
    if (count == 0) return 0;
    phrase_at(state, at, &phrase_count);
    if (phrase_count > count) return 0;
    if (field.id == ASK_FIELD_MESSAGE && count > 1) {
        if (ask_phrase(&state->words, at, "error")) state->is_errors = true;
        if (ask_phrase(&state->words, at, "log")) state->has_of = true, state->of = ASK_LOGS;
    }
    uint32_t link = ask_phrase(&state->words, at + count, "=|is|was|are|named|called|of|like|from?");
    if ((value = value_of_field(state, at + count + link, &field)) > 0) {
        ask_use_words(state, at, count + link + value, "filter");
        return count + link + value;
    }
    bool is_behind_value = progress->filter_end == at && ask_field_equal(&progress->filter_field, &field);
    if (progress->filter_end == at && field.id == ASK_FIELD_DATABASE &&
        progress->filter_field.id == ASK_FIELD_NAMESPACE)
        is_behind_value = true;
    if (is_behind_value) {
        ask_use_words(state, at, count, "filter");
        return count;
    }
    struct ask_measure *measure = state->measure_count > 0 ? &state->measures[state->measure_count - 1] : NULL;
    if (progress->last == MEASURE && measure != NULL && measure->kind != ASK_ERROR_RATE &&
        field.id >= ASK_FIELD_ATTRIBUTE) {
        measure->field = field;
        ask_use_words(state, at, count, "measure");
        return count;
    }
    bool is_asked =
        progress->last == WHICH || progress->last == TOP || progress->last == SUPERLATIVE || progress->last == COUNT;
    if (!is_plural && !is_asked) return 0;
    if (!is_asked && at > 0 &&
        (bytes_equal(state->words.tokens[at - 1].lower, BYTES("all")) ||
         bytes_equal(state->words.tokens[at - 1].lower, BYTES("any")))) {
        ask_use_words(state, at, count, NULL); /* "of all services" says nothing more */
        return count;
    }
    subject_set(state, &field, progress->last == COUNT);
    ask_use_words(state, at, count, "group");
    progress->last = FILLER;
    return count;
}

static uint32_t value_at(struct ask_reading_state *state, uint32_t at, struct progress *progress)
{
    struct ask_field field = { .id = ASK_FIELD_SERVICE }, named;
    struct bytes value;
    bool is_ambiguous, is_plural;
    const struct ask_token *token = &state->words.tokens[at];
    uint32_t count = ask_value_word(state, at, NULL, &field, &value, &is_ambiguous), name = 0;
    if (count == 0 && !token->is_quoted && memchr(token->text.ptr, '@', token->text.len) != NULL &&
        memchr(token->text.ptr, '.', token->text.len) != NULL) {
        field.id = ASK_FIELD_EMAIL;
        value = token->text;
        count = 1;
        is_ambiguous = false;
    }
    if (count == 0) return 0;
    name = ask_field_word(state, at + count, &named, &is_plural);
    if (name > 0 && !is_plural) { /* "1.5.0 release" */
        struct bytes of_named;
        struct ask_field of;
        bool ignored;
        uint32_t taken = ask_value_word(state, at, &named, &of, &of_named, &ignored);
        if (taken == count) {
            field = of;
            value = of_named;
            is_ambiguous = false;
        }
    }
    if (is_ambiguous) {
        ask_trouble(state->out, token->from, state->words.tokens[at + count - 1].to,
                    "is a value of more than one field: say of which");
        ask_use_words(state, at, count, "filter");
        return count;
    }
    ask_filter_add(state, &field, ASK_IS, value);
    ask_use_words(state, at, count, "filter");
    progress->filter_end = at + count;
    progress->filter_field = field;
    return count;
}

/* "top 5", "the 3 most requested routes", "which 5 users", "last 10 errors" */
static uint32_t top(struct ask_reading_state *state, uint32_t at, const struct progress *progress)
{
    double number;
    struct ask_field field;
    bool is_plural = false;
    uint32_t count = ask_number(&state->words, at, &number), next_count;
    if (count == 0 || number < 1 || number > ASK_LIMIT_MAX || number != floor(number)) return 0;
    const struct phrase *next = phrase_at(state, at + count, &next_count);
    bool is_before = next != NULL && (next->action == SUPERLATIVE || next->action == OF || next->action == TRACES ||
                                      next->action == EXCEPTIONS);
    bool is_field = ask_field_word(state, at + count, &field, &is_plural) > 0 && is_plural;
    if (!is_before && !is_field && progress->last != TOP) return 0;
    if (is_before && next->action != SUPERLATIVE && progress->last != TOP && progress->last != SUPERLATIVE &&
        progress->last != WHICH)
        return 0;
    state->top = (uint32_t)number;
    return count;
}

static uint32_t quoted(struct ask_reading_state *state, uint32_t at)
{
    const struct ask_token *token = &state->words.tokens[at];
    const struct ask_field message = { .id = ASK_FIELD_MESSAGE };
    if (!token->is_quoted || token->text.len == 0 || token->text.len > ASK_VALUE_BYTES_MAX || state->is_negated)
        return 0;
    ask_filter_add(state, &message, ASK_CONTAINS, token->text);
    return 1;
}

static bool ends_as_many(const struct ask_token *token)
{
    return token->lower.ptr[token->lower.len - 1] == 's' || ask_same(token->lower, BYTES("traffic")) ||
           ask_same(token->lower, BYTES("throughput"));
}

static void act(struct ask_reading_state *state, const struct phrase *phrase, uint32_t at, uint32_t count,
                struct progress *progress)
{
    switch (phrase->action) {
    case OF:
        state->is_one = !ends_as_many(&state->words.tokens[at + count - 1]);
        if (phrase->value == ASK_ERRORS) {
            state->is_errors = true;
        } else {
            state->has_of = true;
            state->of = (enum ask_of)phrase->value;
        }
        break;
    case ONE_TRACE: state->is_one_trace = true; /* fallthrough */
    case TRACES: state->is_traces = true; break;
    case EXCEPTIONS: state->is_exceptions = true; break;
    case FAILED: state->is_failed = true; break;
    case WARNINGS:
        add_text(state, ASK_FIELD_LEVEL, ASK_IS, "WARN");
        state->has_of = true;
        state->of = ASK_LOGS;
        break;
    case MEASURE: put_measure(state, (enum ask_measure_kind)phrase->value, 0); break;
    case COUNT:
        if (progress->last != MEASURE) state->wants_count = true; /* "average number of" */
        break;
    case SHARE: state->wants_share = true; break;
    case DURATION: state->has_duration = true; break;
    case SUCCESS: add_text(state, ASK_FIELD_OUTCOME, ASK_IS_NOT, "ERROR"); break;
    case SUPERLATIVE:
        state->superlative = (enum ask_superlative)phrase->value;
        state->superlative_is_behind = state->has_of || state->is_errors;
        break;
    case TOP: state->is_top = true; break;
    case WHICH: state->is_which = true; break;
    case CHART: state->wants_chart = true; break;
    case TABLE: state->wants_table = true; break;
    case STEP: state->step = (enum ask_step)phrase->value; break;
    case COMPARE: state->wants_compare = true; break;
    case MARK: state->is_marked = true; break;
    case NEGATE: state->is_negated = true; break;
    case CLASS: class_add(state, phrase->value); break;
    case FILLER:
        if (at == 0 && ask_phrase(&state->words, 0, "and")) state->is_marked = true;
        return;
    }
    if (phrase->action != COUNT || progress->last != MEASURE) progress->last = phrase->action;
}

/* What is known by its form or the catalog, at one word; marked. */
static uint32_t special(struct ask_reading_state *state, uint32_t at, struct progress *progress)
{
    uint32_t count;
    if ((count = quoted(state, at)) > 0 || (count = level_logs(state, at)) > 0)
        return (ask_use_words(state, at, count, "filter"), count);
    if (state->words.tokens[at].is_quoted) return value_at(state, at, progress);
    if ((count = percentile(state, at)) > 0) {
        ask_use_words(state, at, count, "measure");
        progress->last = MEASURE;
        return count;
    }
    if ((count = group(state, at)) > 0) return count;
    if ((count = duration_filter(state, at)) > 0 || (count = count_filter(state, at)) > 0 ||
        (count = status_word(state, at, false)))
        return (ask_use_words(state, at, count, "filter"), count);
    if ((count = top(state, at, progress)) > 0) return (ask_use_words(state, at, count, "order"), count);
    return field_at(state, at, progress);
}

/* "or" joins values of one field, and nothing else. */
static void or_check(struct ask_reading_state *state, const struct ask_field *fields, const bool *has_field)
{
    for (uint32_t i = 1; i + 1 < state->words.count; i++)
        if (ask_word_is(&state->words, i, "or") && has_field[i - 1] && has_field[i + 1] &&
            ask_field_equal(&fields[i - 1], &fields[i + 1]))
            ask_use_words(state, i, 1, "filter");
}

void ask_read(struct ask_reading_state *state)
{
    struct progress progress = { .last = FILLER, .filter_end = UINT32_MAX };
    struct ask_field fields[ASK_TOKENS_MAX];
    bool has_field[ASK_TOKENS_MAX] = { false };
    for (uint32_t at = 0; at < state->words.count;) {
        uint32_t count = 1, phrase_count;
        if (state->words.tokens[at].is_used) {
            at++;
            continue;
        }
        uint32_t filters_before = state->filter_count, taken = special(state, at, &progress);
        if (taken == 0) {
            const struct phrase *phrase = phrase_at(state, at, &phrase_count);
            struct ask_field field;
            struct bytes value;
            bool is_ambiguous;
            uint32_t value_count = ask_value_word(state, at, NULL, &field, &value, &is_ambiguous);
            bool is_as_written =
                value_count >= phrase_count && value_count > 0 && bytes_equal(state->words.tokens[at].text, value) &&
                !bytes_equal(state->words.tokens[at].text, state->words.tokens[at].lower); /* GET, not get */
            if (phrase != NULL && phrase_count >= value_count && !is_as_written) {
                act(state, phrase, at, phrase_count, &progress);
                ask_use_words(state, at, phrase_count, phrase->as);
                count = phrase_count;
            } else if ((taken = value_at(state, at, &progress)) > 0) {
                count = taken;
                for (uint32_t i = at; i < at + count; i++) has_field[i] = true, fields[i] = progress.filter_field;
            }
        } else {
            count = taken;
            if (state->filter_count > filters_before && state->filters[state->filter_count - 1].test == ASK_IS) {
                progress.filter_end = at + count;
                progress.filter_field = state->filters[state->filter_count - 1].field;
                for (uint32_t i = at; i < at + count; i++) has_field[i] = true, fields[i] = progress.filter_field;
            }
        }
        at += count;
    }
    or_check(state, fields, has_field);
}
