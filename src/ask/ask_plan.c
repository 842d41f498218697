/* What plans are made of, by name; and which plans can be asked. */
#include "ask/ask_inside.h"
#include "base/utf8.h"
#include <ctype.h>

#define ASK_TEXT(name, text, ...) [ASK_##name] = text,
const char *const ask_of_names[ASK_OFS] = { ASK_OF_LIST(ASK_TEXT) };
#undef ASK_TEXT
#define ASK_TEXT(name, text, sql) [ASK_FIELD_##name] = text,
const char *const ask_field_names[ASK_FIELDS] = {
    ASK_FIELD_LIST(ASK_TEXT)[ASK_FIELD_ATTRIBUTE] = "attribute", [ASK_FIELD_RESOURCE] = "resource"
};
#undef ASK_TEXT
#define ASK_TEXT(name, text, seconds) [ASK_STEP_##name] = text,
const char *const ask_step_names[ASK_STEPS] = { ASK_STEP_LIST(ASK_TEXT) };
#undef ASK_TEXT
#define ASK_SECONDS(name, text, seconds) [ASK_STEP_##name] = seconds,
const int64_t ask_step_seconds[ASK_STEPS] = { ASK_STEP_LIST(ASK_SECONDS) };
#undef ASK_SECONDS
const char *const ask_display_names[ASK_DISPLAYS] = { "number", "chart", "table", "rows", "waterfall" };
const char *const ask_test_names[ASK_TESTS] = {
    "is", "is_not", "at_least", "more", "at_most", "less", "contains", "has"
};
const char *const ask_measure_names[ASK_MEASURES] = { "count",   "error_rate", "average",    "minimum",
                                                      "maximum", "sum",        "percentile", "distinct" };
const char *const ask_order_names[ASK_ORDERS] = { "newest", "oldest", "largest", "smallest" };

enum { BUCKETS_MAX = 5000, YEARS_MAX = 20, VALUES_MAX = 64 };

bool ask_key_is_plain(struct bytes key)
{
    if (key.len == 0 || key.len > ASK_KEY_BYTES_MAX) return false;
    for (size_t i = 0; i < key.len; i++)
        if (!isalnum(key.ptr[i]) && key.ptr[i] != '.' && key.ptr[i] != '_' && key.ptr[i] != '-') return false;
    return true;
}

bool ask_field_equal(const struct ask_field *a, const struct ask_field *b)
{
    bool has_key = a->id >= ASK_FIELD_ATTRIBUTE;
    return a->id == b->id && (!has_key || bytes_equal(a->key, b->key));
}

bool ask_field_is_number(const struct ask_field *field)
{
    return field->id == ASK_FIELD_DURATION || field->id == ASK_FIELD_STATUS || field->id >= ASK_FIELD_ATTRIBUTE;
}

static bool field_check(const struct ask_field *field, struct err *err)
{
    if (field->id >= ASK_FIELDS) return err_set(err, ERR_INPUT, "there is no such field");
    if (field->id >= ASK_FIELD_ATTRIBUTE && !ask_key_is_plain(field->key))
        return err_set(err, ERR_INPUT, "an attribute's key here is letters, digits, \".\", \"_\" and \"-\"");
    return true;
}

static bool number_is(struct bytes text)
{
    size_t digits = 0, points = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (isdigit(text.ptr[i])) {
            digits++;
        } else if (text.ptr[i] == '.') {
            points++;
        } else if (i > 0 || text.ptr[i] != '-') {
            return false;
        }
    }
    return digits > 0 && points <= 1 && text.len <= 18;
}

static bool whole_is(struct bytes text)
{
    return number_is(text) && memchr(text.ptr, '.', text.len) == NULL;
}

static bool filter_check(const struct ask_filter *filter, struct err *err)
{
    bool is_ordered = filter->test >= ASK_AT_LEAST && filter->test <= ASK_LESS;
    uint32_t low = filter->test == ASK_HAS ? 0 : 1;
    uint32_t high = filter->test == ASK_HAS ? 0 : is_ordered || filter->test == ASK_CONTAINS ? 1 : ASK_VALUES_MAX;
    if (!field_check(&filter->field, err)) return false;
    if (filter->test >= ASK_TESTS) return err_set(err, ERR_INPUT, "there is no such test");
    if (filter->value_count < low || filter->value_count > high)
        return err_set(err, ERR_INPUT, "a filter \"%s\" has %u to %u values", ask_test_names[filter->test], low, high);
    if (is_ordered && !ask_field_is_number(&filter->field))
        return err_set(err, ERR_INPUT, "\"%s\" has no order: only numbers have one", ask_field_names[filter->field.id]);
    for (uint32_t v = 0; v < filter->value_count; v++) {
        struct bytes value = filter->values[v];
        if (value.len == 0 || value.len > ASK_VALUE_BYTES_MAX || !utf8_is_valid(value) ||
            memchr(value.ptr, 0, value.len))
            return err_set(err, ERR_INPUT, "a value has 1 to %d bytes of UTF-8", ASK_VALUE_BYTES_MAX);
        bool needs_whole =
            filter->field.id == ASK_FIELD_DURATION || (is_ordered && filter->field.id == ASK_FIELD_STATUS);
        if ((needs_whole && !whole_is(value)) || (is_ordered && !number_is(value)))
            return err_set(err, ERR_INPUT, "\"%s\" is compared with a number", ask_field_names[filter->field.id]);
    }
    return true;
}

static bool filters_check(const struct ask_filter *filters, uint32_t count, struct err *err)
{
    if (count > ASK_FILTERS_MAX) return err_set(err, ERR_INPUT, "there are at most %d filters", ASK_FILTERS_MAX);
    for (uint32_t f = 0; f < count; f++)
        if (!filter_check(&filters[f], err)) return false;
    return true;
}

static bool measure_check(const struct ask_measure *measure, struct err *err)
{
    if (measure->kind >= ASK_MEASURES) return err_set(err, ERR_INPUT, "there is no such measure");
    if (measure->kind == ASK_COUNT || measure->kind == ASK_ERROR_RATE) return true;
    if (!field_check(&measure->field, err)) return false;
    if (measure->kind == ASK_PERCENTILE && (measure->per_mille < 1 || measure->per_mille > 999))
        return err_set(err, ERR_INPUT, "a percentile is between 0.1 and 99.9");
    if (measure->kind != ASK_DISTINCT && !ask_field_is_number(&measure->field))
        return err_set(err, ERR_INPUT, "\"%s\" is no number: it can be counted (distinct), not averaged",
                       ask_field_names[measure->field.id]);
    return true;
}

static bool times_check(const struct ask_plan *plan, struct err *err)
{
    const int64_t longest_us = (int64_t)YEARS_MAX * 366 * 86400 * 1000000;
    int64_t spans[2] = { plan->to_us - plan->from_us,
                         plan->has_before ? plan->before_to_us - plan->before_from_us : 1 };
    for (int s = 0; s < 2; s++)
        if (spans[s] <= 0 || spans[s] > longest_us)
            return err_set(err, ERR_INPUT, "from must be before to, by at most %d years", YEARS_MAX);
    if (plan->from_us < 0 || (plan->has_before && plan->before_from_us < 0))
        return err_set(err, ERR_INPUT, "times begin in 1970");
    if (plan->has_before && plan->before_to_us > plan->from_us)
        return err_set(err, ERR_INPUT, "what it is compared with must end before it begins");
    if (plan->step != ASK_STEP_NONE && spans[0] / 1000000 / ask_step_seconds[plan->step] > BUCKETS_MAX)
        return err_set(err, ERR_INPUT, "a chart of more than %d steps: choose longer ones or a shorter time",
                       BUCKETS_MAX);
    return true;
}

static bool shape_check(const struct ask_plan *plan, struct err *err)
{
    bool is_list = plan->display == ASK_SHOW_ROWS || plan->display == ASK_SHOW_WATERFALL;
    if (is_list != (plan->measure_count == 0))
        return err_set(err, ERR_INPUT, "a list has no measures, all else has one");
    if (is_list && (plan->group_count > 0 || plan->has_before))
        return err_set(err, ERR_INPUT, "a list is not grouped and not compared");
    if ((plan->display == ASK_SHOW_CHART) != (plan->step != ASK_STEP_NONE))
        return err_set(err, ERR_INPUT, "a chart has a step, nothing else has one");
    if ((plan->display == ASK_SHOW_TABLE) != (plan->group_count > 0) && plan->display != ASK_SHOW_CHART)
        return err_set(err, ERR_INPUT, "a table is grouped, and what is grouped is a table or a chart");
    if (plan->part_count > 0 && (plan->display != ASK_SHOW_WATERFALL || plan->filter_count > 0))
        return err_set(err, ERR_INPUT, "parts are of traces, and have the filters themselves");
    return true;
}

/* So that all parameters have room; those of parts stand in the SQL twice. */
static bool values_check(const struct ask_plan *plan, struct err *err)
{
    uint32_t count = 0;
    static_assert(2 * VALUES_MAX + 16 <= ASK_PARAMETERS_MAX, "values of all filters, times and limits fit");
    for (uint32_t f = 0; f < plan->filter_count; f++) count += plan->filters[f].value_count;
    for (uint32_t p = 0; p < plan->part_count; p++)
        for (uint32_t f = 0; f < plan->parts[p].filter_count; f++) count += plan->parts[p].filters[f].value_count;
    return count <= VALUES_MAX || err_set(err, ERR_INPUT, "all filters together have at most %d values", VALUES_MAX);
}

bool ask_plan_check(const struct ask_plan *plan, struct err *err)
{
    if (plan->of >= ASK_OFS || plan->step >= ASK_STEPS || plan->order >= ASK_ORDERS || plan->display >= ASK_DISPLAYS)
        return err_set(err, ERR_INPUT, "the plan has a kind that there is not");
    if (plan->part_count > ASK_PARTS_MAX || plan->measure_count > ASK_MEASURES_MAX ||
        plan->group_count > ASK_GROUPS_MAX)
        return err_set(err, ERR_INPUT, "the plan has too many parts, measures or groups");
    if (plan->limit < 1 || plan->limit > ASK_LIMIT_MAX)
        return err_set(err, ERR_INPUT, "the limit is 1 to %d rows", ASK_LIMIT_MAX);
    if (!filters_check(plan->filters, plan->filter_count, err)) return false;
    for (uint32_t p = 0; p < plan->part_count; p++)
        if (plan->parts[p].of >= ASK_OFS || !filters_check(plan->parts[p].filters, plan->parts[p].filter_count, err))
            return err->code != ERR_OK ? false : err_set(err, ERR_INPUT, "the plan has a kind that there is not");
    for (uint32_t m = 0; m < plan->measure_count; m++)
        if (!measure_check(&plan->measures[m], err)) return false;
    for (uint32_t g = 0; g < plan->group_count; g++) {
        if (!field_check(&plan->groups[g], err)) return false;
        for (uint32_t other = 0; other < g; other++)
            if (ask_field_equal(&plan->groups[g], &plan->groups[other]))
                return err_set(err, ERR_INPUT, "it is grouped by the same field twice");
    }
    return values_check(plan, err) && times_check(plan, err) && shape_check(plan, err);
}
