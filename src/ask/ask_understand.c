/* What was read becomes a plan: which rows, what is missing, what a follow-up changes; and what was not understood is told. */
#include "ask/ask_inside.h"
#include <stdarg.h>
#include <stdio.h>

enum { ROWS = 100, TOP = 10, TRACES = 20, TABLE_ROWS = 1000 };

void ask_use_words(void *ctx, uint32_t from, uint32_t count, const char *as)
{
    struct ask_reading_state *state = ctx;
    for (uint32_t i = from; i < from + count && i < state->words.count; i++) state->words.tokens[i].is_used = true;
    if (as == NULL || state->out->use_count == ASK_TOKENS_MAX) return;
    uint32_t end = from + count < state->words.count ? from + count : state->words.count;
    state->out->uses[state->out->use_count++] =
        (struct ask_use){ .from = state->words.tokens[from].from, .to = state->words.tokens[end - 1].to, .as = as };
}

void ask_trouble(struct ask_understood *out, uint32_t from, uint32_t to, const char *fmt, ...)
{
    va_list args;
    if (out->trouble_count == ASK_TROUBLES_MAX) return;
    struct ask_trouble *trouble = &out->troubles[out->trouble_count++];
    *trouble = (struct ask_trouble){ .from = from, .to = to };
    va_start(args, fmt);
    vsnprintf(trouble->text, sizeof trouble->text, fmt, args);
    va_end(args);
}

/* ---- words that are left ---- */

/* "billing service": the field that the word was to be a value of. */
static bool field_beside(const struct ask_reading_state *state, uint32_t at, struct ask_field *field)
{
    struct ask_reading_state *free =
        (struct ask_reading_state *)(uintptr_t)state; /* marks are looked over, and put back */
    bool is_plural, found = false;
    for (int side = 0; side < 2 && !found; side++) {
        if (side == 1 && at == 0) break;
        uint32_t i = side == 0 ? at + 1 : at - 1;
        if (i >= state->words.count) continue;
        bool was_used = free->words.tokens[i].is_used;
        free->words.tokens[i].is_used = false;
        found = ask_field_word(state, i, field, &is_plural) > 0 && !is_plural;
        free->words.tokens[i].is_used = was_used;
    }
    return found;
}

static void leftovers_tell(struct ask_reading_state *state)
{
    for (uint32_t i = 0; i < state->words.count; i++) {
        struct ask_token *token = &state->words.tokens[i];
        struct ask_field field;
        if (token->is_used) continue;
        bool is_named = !token->is_quoted && field_beside(state, i, &field) && field.id < ASK_FIELD_ATTRIBUTE;
        bool is_itself = ask_field_word(state, i, &field, &(bool){ false }) > 0;
        if (is_itself) {
            ask_trouble(state->out, token->from, token->to, "does not say which one, or what of it");
        } else if (is_named) {
            struct ask_field beside;
            (void)field_beside(state, i, &beside);
            ask_trouble(state->out, token->from, token->to, "is no %s that this project has",
                        ask_field_names[beside.id]);
        } else {
            ask_trouble(state->out, token->from, token->to, "means nothing here that I know");
        }
        if (state->out->trouble_count > 0)
            ask_suggest(state, token, &state->out->troubles[state->out->trouble_count - 1]);
    }
    if (state->words.is_cut) ask_trouble(state->out, 0, 0, "the question has more than %d words", ASK_TOKENS_MAX);
    if (state->is_full)
        ask_trouble(state->out, 0, 0, "the question has more filters, groups or measures than fit one answer");
    if (state->is_negated) ask_trouble(state->out, 0, 0, "what is not to be there is not clear");
}

/* ---- which rows ---- */

static bool has_filter(const struct ask_reading_state *state, enum ask_field_id id)
{
    for (uint32_t f = 0; f < state->filter_count; f++)
        if (state->filters[f].field.id == id) return true;
    return false;
}

static void of_errors(struct ask_reading_state *state)
{
    const struct ask_field outcome = { .id = ASK_FIELD_OUTCOME }, level = { .id = ASK_FIELD_LEVEL };
    if (state->has_of && state->of == ASK_LOGS) {
        if (has_filter(state, ASK_FIELD_LEVEL)) return;
        ask_filter_add(state, &level, ASK_IS, BYTES("ERROR"));
        ask_filter_add(state, &level, ASK_IS, BYTES("FATAL"));
    } else if (has_filter(state, ASK_FIELD_STATUS)) { /* "500 errors" are answers */
        state->of = ASK_REQUESTS;
    } else if (state->has_of) { /* spans of some kind */
        ask_filter_add(state, &outcome, ASK_IS, BYTES("ERROR"));
    } else {
        state->of = ASK_ERRORS;
    }
    state->has_of = true;
}

static bool has_database(const struct ask_reading_state *state)
{
    return has_filter(state, ASK_FIELD_DATABASE) || has_filter(state, ASK_FIELD_NAMESPACE) ||
           has_filter(state, ASK_FIELD_TABLE) || has_filter(state, ASK_FIELD_OPERATION);
}

/* What is asked about, where no word says it but others do. */
static void of_find(struct ask_reading_state *state)
{
    const struct ask_field outcome = { .id = ASK_FIELD_OUTCOME };
    if (state->is_exceptions && !state->has_of) {
        state->has_of = true;
        state->of = ASK_ROWS;
    }
    if (state->is_errors && !(state->is_exceptions && state->of == ASK_ROWS)) of_errors(state);
    if (!state->has_of && has_filter(state, ASK_FIELD_LEVEL)) {
        state->has_of = true;
        state->of = ASK_LOGS;
    }
    bool is_by_exception = state->has_subject && state->subject.id == ASK_FIELD_EXCEPTION;
    if (!state->has_of && (is_by_exception || has_filter(state, ASK_FIELD_EXCEPTION))) {
        state->has_of = true;
        state->of = ASK_ROWS;
    }
    bool of_requests = state->is_failed || state->wants_share || has_filter(state, ASK_FIELD_STATUS) ||
                       state->measure_count > 0 || state->has_duration || has_filter(state, ASK_FIELD_DURATION) ||
                       state->has_subject || state->group_count > 0 || state->superlative == ASK_SLOWEST ||
                       state->superlative == ASK_FASTEST;
    bool of_spans = state->is_traces && !has_filter(state, ASK_FIELD_STATUS);
    if (!state->has_of && of_requests) {
        state->has_of = true;
        state->of = of_spans ? ASK_SPANS : has_database(state) ? ASK_QUERIES : ASK_REQUESTS;
    }
    if (state->is_failed && !state->wants_share && state->of != ASK_ERRORS && !has_filter(state, ASK_FIELD_OUTCOME))
        ask_filter_add(state, &outcome, ASK_IS, BYTES("ERROR"));
}

/* ---- how much ---- */

static void measure_add(struct ask_plan *plan, enum ask_measure_kind kind, struct ask_field field, uint32_t per_mille)
{
    if (plan->measure_count < ASK_MEASURES_MAX)
        plan->measures[plan->measure_count++] =
            (struct ask_measure){ .kind = kind, .field = field, .per_mille = per_mille };
}

static void measures_find(struct ask_reading_state *state, struct ask_plan *plan)
{
    const struct ask_field duration = { .id = ASK_FIELD_DURATION };
    bool ranks = state->has_subject && !state->subject_is_counted;
    for (uint32_t m = 0; m < state->measure_count; m++)
        measure_add(plan, state->measures[m].kind, state->measures[m].field, state->measures[m].per_mille);
    if (plan->measure_count > 0) return;
    if (state->wants_share) {
        measure_add(plan, ASK_ERROR_RATE, duration, 0);
    } else if (state->has_duration && state->superlative_is_behind && !ranks && state->group_count == 0) {
        return; /* rows by their duration */
    } else if (state->has_duration && !ranks &&
               (state->superlative == ASK_SLOWEST || state->superlative == ASK_HIGHEST)) {
        measure_add(plan, ASK_MAXIMUM, duration, 0);
    } else if (state->has_duration && !ranks &&
               (state->superlative == ASK_FASTEST || state->superlative == ASK_LOWEST)) {
        measure_add(plan, ASK_MINIMUM, duration, 0);
    } else if ((state->has_duration && !has_filter(state, ASK_FIELD_DURATION)) ||
               (ranks && (state->superlative == ASK_SLOWEST || state->superlative == ASK_FASTEST))) {
        measure_add(plan, ASK_PERCENTILE, duration, 950);
    } else if (state->subject_is_counted ||
               (state->has_subject && !state->is_which && !state->is_top && state->superlative == ASK_NO_SUPERLATIVE &&
                state->step != ASK_STEP_NONE)) {
        measure_add(plan, ASK_DISTINCT, state->subject, 0);
    }
}

/* A bucket for a range: by 60, rounded up. */
static enum ask_step step_for(const struct ask_plan *plan)
{
    int64_t wanted_s = (plan->to_us - plan->from_us) / 1000000 / 60;
    for (enum ask_step s = ASK_STEP_1M; s < ASK_STEP_1D; s++)
        if (ask_step_seconds[s] >= wanted_s) return s;
    return ASK_STEP_1D;
}

/* ---- what it is about, and how it is shown ---- */

static bool is_ranking(enum ask_superlative superlative)
{
    return superlative == ASK_MOST || superlative == ASK_LEAST || superlative == ASK_HIGHEST ||
           superlative == ASK_LOWEST;
}

static void subject_find(struct ask_reading_state *state)
{
    if (state->has_subject || state->group_count > 0 || state->is_traces || state->measure_count > 0 ||
        state->has_duration)
        return;
    bool is_most = is_ranking(state->superlative) || (state->is_top && state->superlative == ASK_NO_SUPERLATIVE);
    if (!is_most) return;
    enum ask_field_id id = state->is_exceptions                               ? ASK_FIELD_EXCEPTION
                           : state->of == ASK_ERRORS || state->of == ASK_LOGS ? ASK_FIELD_MESSAGE
                           : state->of == ASK_REQUESTS                        ? ASK_FIELD_ROUTE
                                                                              : ASK_FIELD_NAME;
    if (!state->has_of) return;
    state->has_subject = true;
    state->subject = (struct ask_field){ .id = id };
}

static void groups_find(struct ask_reading_state *state, struct ask_plan *plan)
{
    bool is_grouped = state->has_subject && !state->subject_is_counted &&
                      !(plan->measure_count > 0 && plan->measures[0].kind == ASK_DISTINCT);
    for (uint32_t g = 0; g < state->group_count && g < ASK_GROUPS_MAX; g++) {
        bool is_there = false;
        for (uint32_t other = 0; other < plan->group_count; other++)
            is_there = is_there || ask_field_equal(&plan->groups[other], &state->groups[g]);
        if (!is_there) plan->groups[plan->group_count++] = state->groups[g];
    }
    if (is_grouped && plan->group_count < ASK_GROUPS_MAX) {
        for (uint32_t g = 0; g < plan->group_count; g++)
            if (ask_field_equal(&plan->groups[g], &state->subject)) return;
        plan->groups[plan->group_count++] = state->subject;
        plan->groups_are_there = true;
    }
}

static void show_find(struct ask_reading_state *state, struct ask_plan *plan)
{
    const struct ask_field duration = { .id = ASK_FIELD_DURATION };
    bool is_ranked = is_ranking(state->superlative) || state->superlative == ASK_SLOWEST ||
                     state->superlative == ASK_FASTEST || state->is_top;
    plan->order =
        state->superlative == ASK_LEAST || state->superlative == ASK_LOWEST || state->superlative == ASK_FASTEST
            ? ASK_SMALLEST
            : ASK_LARGEST;
    if (state->step != ASK_STEP_NONE || state->wants_chart) {
        plan->display = ASK_SHOW_CHART;
        plan->step = state->step != ASK_STEP_NONE ? state->step : step_for(plan);
    } else if (plan->group_count > 0 || state->wants_table) {
        plan->display = plan->group_count > 0 ? ASK_SHOW_TABLE : ASK_SHOW_NUMBER;
    } else if (plan->measure_count > 0 || state->wants_count || plan->has_before) {
        plan->display = ASK_SHOW_NUMBER;
    } else {
        plan->display = ASK_SHOW_ROWS;
        if (state->has_duration && state->superlative == ASK_HIGHEST) state->superlative = ASK_SLOWEST;
        if (state->has_duration && state->superlative == ASK_LOWEST) state->superlative = ASK_FASTEST;
        if (state->is_one && state->superlative != ASK_NO_SUPERLATIVE && state->top == 0) state->top = 1;
        plan->order = state->superlative == ASK_SLOWEST   ? ASK_LARGEST
                      : state->superlative == ASK_FASTEST ? ASK_SMALLEST
                      : state->superlative == ASK_FIRST   ? ASK_OLDEST
                                                          : ASK_NEWEST;
        plan->limit = state->top > 0                                              ? state->top
                      : plan->order == ASK_LARGEST || plan->order == ASK_SMALLEST ? TOP
                                                                                  : ROWS;
        return;
    }
    if (plan->measure_count == 0) measure_add(plan, ASK_COUNT, duration, 0);
    plan->limit = state->top > 0                                 ? state->top
                  : is_ranked && plan->display == ASK_SHOW_TABLE ? TOP
                  : plan->display == ASK_SHOW_TABLE              ? TABLE_ROWS
                                                                 : ROWS;
}

/* ---- traces ---- */

static void part_filter(struct ask_part *part, const struct ask_filter *filter)
{
    if (part->filter_count < ASK_FILTERS_MAX) part->filters[part->filter_count++] = *filter;
}

/* Of two services a trace has a row each; all else is of one row. */
static void traces_find(struct ask_reading_state *state, struct ask_plan *plan)
{
    plan->display = ASK_SHOW_WATERFALL;
    plan->of = ASK_SPANS;
    plan->order = state->superlative == ASK_SLOWEST || state->superlative == ASK_HIGHEST ? ASK_LARGEST
                  : state->superlative == ASK_FASTEST                                    ? ASK_SMALLEST
                                                                                         : ASK_NEWEST;
    bool is_ranked = plan->order != ASK_NEWEST;
    plan->limit = state->top > 0                                                           ? state->top
                  : state->is_one_trace && (is_ranked || state->superlative == ASK_LATEST) ? 1
                  : is_ranked                                                              ? TOP
                                                                                           : TRACES;
    enum ask_of of = state->has_of ? state->of : ASK_SPANS;
    uint32_t services = 1;
    for (uint32_t f = 0; f < state->filter_count; f++)
        if (state->filters[f].field.id == ASK_FIELD_SERVICE && state->filters[f].test == ASK_IS)
            services = state->filters[f].value_count;
    if (state->filter_count == 0 && !state->has_of) return;
    for (uint32_t s = 0; s < services && plan->part_count < ASK_PARTS_MAX; s++) {
        struct ask_part *part = &plan->parts[plan->part_count++];
        *part = (struct ask_part){ .of = of };
        for (uint32_t f = 0; f < state->filter_count; f++) {
            struct ask_filter filter = state->filters[f];
            if (services > 1 && filter.field.id == ASK_FIELD_SERVICE && filter.test == ASK_IS) {
                filter.values[0] = filter.values[s];
                filter.value_count = 1;
            }
            part_filter(part, &filter);
        }
    }
}

/* "how many traces", "traces with errors per hour": a number of them, no list. */
static void traces_count(struct ask_reading_state *state)
{
    bool is_list =
        !state->wants_count && !state->wants_chart && state->step == ASK_STEP_NONE && state->group_count == 0;
    if (!state->is_traces || (is_list && state->measure_count == 0 && !state->wants_share && !state->times.has_shift))
        return;
    if (state->measure_count > 0 || state->wants_share || state->times.has_shift) {
        ask_trouble(state->out, 0, 0,
                    "traces are listed and counted; of requests I know rates, durations and what was before");
        return;
    }
    if (!state->has_of) {
        state->has_of = true;
        state->of = ASK_SPANS;
    }
    state->is_traces = false;
    state->has_subject = true;
    state->subject_is_counted = true;
    state->subject = (struct ask_field){ .id = ASK_FIELD_TRACE };
}

/* ---- a question of its own ---- */

static void plan_times(const struct ask_reading_state *state, struct ask_plan *plan)
{
    plan->from_us = state->times.from_us;
    plan->to_us = state->times.to_us;
    plan->has_before = state->times.has_before;
    plan->before_from_us = state->times.before_from_us;
    plan->before_to_us = state->times.before_to_us;
    plan->time_was_said = state->times.is_said;
}

static void fresh(struct ask_reading_state *state)
{
    struct ask_plan *plan = &state->out->plan;
    const struct ask_field exception = { .id = ASK_FIELD_EXCEPTION };
    of_find(state);
    traces_count(state);
    *plan = (struct ask_plan){ .zone = bytes_of_text(zone_name(state->question->zone)) };
    plan_times(state, plan);
    if (state->is_traces) {
        traces_find(state, plan);
        return;
    }
    subject_find(state);
    if (!state->has_of && state->out->trouble_count == 0)
        ask_trouble(state->out, 0, 0, "say what of: requests, errors, logs, traces, queries, users ...");
    plan->of = state->of;
    bool is_by_exception = state->has_subject && state->subject.id == ASK_FIELD_EXCEPTION;
    if (state->is_exceptions && !is_by_exception && !has_filter(state, ASK_FIELD_EXCEPTION))
        ask_filter_add(state, &exception, ASK_HAS, (struct bytes){ 0 });
    measures_find(state, plan);
    groups_find(state, plan);
    memcpy(plan->filters, state->filters, sizeof plan->filters);
    plan->filter_count = state->filter_count;
    show_find(state, plan);
    if (state->wants_share && !state->is_failed && !state->is_errors)
        ask_trouble(state->out, 0, 0, "of shares I know that of requests that failed");
    if (plan->display == ASK_SHOW_CHART && (state->top > 0 || state->is_top))
        ask_trouble(state->out, 0, 0, "a chart shows all groups: ask for a top without a time axis");
    if (state->wants_compare && !plan->has_before && state->out->trouble_count == 0)
        ask_trouble(state->out, 0, 0, "say what to compare it with: the day before, last week, the period before");
}

/* ---- a question that changes the one before ---- */

static bool stands_alone(const struct ask_reading_state *state)
{
    bool has_head = state->has_of || state->is_errors || state->is_traces || state->is_exceptions ||
                    state->measure_count > 0 || state->has_subject || state->has_duration ||
                    state->superlative != ASK_NO_SUPERLATIVE;
    return has_head && !state->is_marked;
}

static void filter_merge(struct ask_filter *filters, uint32_t *count, const struct ask_filter *filter, bool *is_first)
{
    if (*is_first) { /* another value of the same field takes the place of those before */
        uint32_t kept = 0;
        for (uint32_t f = 0; f < *count; f++)
            if (!ask_field_equal(&filters[f].field, &filter->field)) filters[kept++] = filters[f];
        *count = kept;
        *is_first = false;
    }
    if (*count < ASK_FILTERS_MAX) filters[(*count)++] = *filter;
}

static void filters_merge(struct ask_reading_state *state, struct ask_filter *filters, uint32_t *count)
{
    for (uint32_t f = 0; f < state->filter_count; f++) {
        bool is_first = true;
        for (uint32_t other = 0; other < f; other++)
            if (ask_field_equal(&state->filters[other].field, &state->filters[f].field)) is_first = false;
        filter_merge(filters, count, &state->filters[f], &is_first);
    }
}

static void measures_merge(struct ask_reading_state *state, struct ask_plan *plan)
{
    struct ask_plan alone = { 0 };
    measures_find(state, &alone);
    if (alone.measure_count > 0) {
        memcpy(plan->measures, alone.measures, sizeof plan->measures);
        plan->measure_count = alone.measure_count;
    } else if (state->wants_count) {
        plan->measure_count = 0;
    }
}

/* Display and limits again, of what the plan now has. */
static void shape_again(struct ask_reading_state *state, struct ask_plan *plan)
{
    const struct ask_field duration = { .id = ASK_FIELD_DURATION };
    bool was_chart = plan->display == ASK_SHOW_CHART, was_table = plan->display == ASK_SHOW_TABLE;
    if (state->wants_table || (state->group_count > 0 && was_chart && state->step == ASK_STEP_NONE))
        was_chart = was_chart && !state->wants_table;
    if (state->step != ASK_STEP_NONE || state->wants_chart || was_chart) {
        plan->step = state->step != ASK_STEP_NONE  ? state->step
                     : plan->step != ASK_STEP_NONE ? plan->step
                                                   : step_for(plan);
        if ((plan->to_us - plan->from_us) / 1000000 / ask_step_seconds[plan->step] > 1500) plan->step = step_for(plan);
        plan->display = ASK_SHOW_CHART;
    } else if (plan->group_count > 0) {
        if (!was_table) plan->order = ASK_LARGEST;
        plan->display = ASK_SHOW_TABLE;
    } else if (plan->measure_count > 0 || state->wants_count || plan->has_before) {
        plan->display = ASK_SHOW_NUMBER;
    } else {
        return;
    }
    if (plan->measure_count == 0) measure_add(plan, ASK_COUNT, duration, 0);
    if (plan->display == ASK_SHOW_TABLE && !was_table) plan->limit = TABLE_ROWS;
    if (state->top > 0 && plan->display == ASK_SHOW_CHART)
        ask_trouble(state->out, 0, 0, "a chart shows all groups: ask for a top without a time axis");
    if (state->top > 0) plan->limit = state->top;
}

static void follow(struct ask_reading_state *state)
{
    struct ask_plan *plan = &state->out->plan;
    const struct ask_plan *context = state->question->context;
    bool changes_of = state->has_of || state->is_errors;
    *plan = *context;
    plan->zone = bytes_of_text(zone_name(state->question->zone));
    if (state->times.is_said) plan_times(state, plan);
    plan->has_before = ask_times_shift(&state->times, state->question->zone, plan->from_us, plan->to_us,
                                       &plan->before_from_us, &plan->before_to_us);
    if (state->times.has_shift && !plan->has_before)
        ask_trouble(state->out, 0, 0, "what to compare it with does not end before it begins");
    if (changes_of || state->is_failed) {
        if (!state->has_of && !state->is_errors) {
            state->has_of = true;
            state->of = context->of;
        }
        of_find(state);
        plan->of = state->of;
    }
    if (plan->display == ASK_SHOW_WATERFALL) {
        if (state->measure_count > 0 || state->group_count > 0 || state->step != ASK_STEP_NONE || state->wants_count ||
            state->wants_chart || state->times.has_shift)
            ask_trouble(state->out, 0, 0, "of a list of traces that is a question of its own: say it whole");
        if (plan->part_count == 0 && state->filter_count > 0)
            plan->parts[plan->part_count++] = (struct ask_part){ .of = ASK_SPANS };
        for (uint32_t p = 0; p < plan->part_count; p++)
            filters_merge(state, plan->parts[p].filters, &plan->parts[p].filter_count);
        if (state->top > 0) plan->limit = state->top;
        return;
    }
    filters_merge(state, plan->filters, &plan->filter_count);
    measures_merge(state, plan);
    if (state->group_count > 0 || (state->has_subject && !state->subject_is_counted)) {
        plan->group_count = 0;
        plan->groups_are_there = false;
        groups_find(state, plan);
    } else if (state->wants_count) {
        plan->group_count = 0;
    }
    shape_again(state, plan);
}

void ask_understand(struct arena *arena, const struct ask_question *question, struct ask_understood *understood)
{
    struct ask_reading_state *state = arena_calloc(arena, sizeof *state);
    struct err err = { 0 };
    *state = (struct ask_reading_state){ .arena = arena, .question = question, .out = understood };
    *understood = (struct ask_understood){ 0 };
    if (question->text.len > ASK_QUESTION_BYTES_MAX) {
        ask_trouble(understood, 0, 0, "a question has at most %d bytes", ASK_QUESTION_BYTES_MAX);
        return;
    }
    ask_words_read(arena, question->text, &state->words);
    if (state->words.count == 0) {
        ask_trouble(understood, 0, 0, "there is no question");
        return;
    }
    ask_times_read(&state->words, question->zone, question->now_us, &state->times, ask_use_words, state);
    ask_read(state);
    leftovers_tell(state);
    understood->is_follow_up = question->context != NULL && !stands_alone(state);
    if (understood->is_follow_up) {
        follow(state);
    } else {
        fresh(state);
    }
    if (understood->trouble_count == 0 && !ask_plan_check(&understood->plan, &err))
        ask_trouble(understood, 0, 0, "%s", err.text);
    understood->is_understood = understood->trouble_count == 0;
}
