#include "web/api/ask_plan.h"
#include "base/json_object.h"
#include "base/rfc3339.h"
#include <math.h>
#include <stdio.h>

/* ---- out ---- */

static void put_text(yyjson_mut_doc *json, yyjson_mut_val *object, const char *name, struct bytes text)
{
    yyjson_mut_obj_add_strncpy(json, object, name, (const char *)text.ptr, text.len);
}

static void put_time(yyjson_mut_doc *json, yyjson_mut_val *object, const char *name, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write(unix_us, text);
    yyjson_mut_obj_add_strcpy(json, object, name, text);
}

void ask_field_text(const struct ask_field *field, char text[ASK_FIELD_TEXT_BYTES])
{
    bool has_key = field->id >= ASK_FIELD_ATTRIBUTE;
    snprintf(text, ASK_FIELD_TEXT_BYTES, "%s%s%.*s", ask_field_names[field->id], has_key ? ":" : "",
             has_key ? (int)field->key.len : 0, has_key ? (const char *)field->key.ptr : "");
}

static yyjson_mut_val *field_json(yyjson_mut_doc *json, const struct ask_field *field)
{
    char text[ASK_FIELD_TEXT_BYTES];
    ask_field_text(field, text);
    return yyjson_mut_strcpy(json, text);
}

static yyjson_mut_val *filters_json(yyjson_mut_doc *json, const struct ask_filter *filters, uint32_t count)
{
    yyjson_mut_val *list = yyjson_mut_arr(json);
    for (uint32_t f = 0; f < count; f++) {
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(json, list);
        yyjson_mut_obj_add_val(json, object, "field", field_json(json, &filters[f].field));
        yyjson_mut_obj_add_str(json, object, "test", ask_test_names[filters[f].test]);
        yyjson_mut_val *values = yyjson_mut_obj_add_arr(json, object, "values");
        for (uint32_t v = 0; v < filters[f].value_count; v++)
            yyjson_mut_arr_add_strncpy(json, values, (const char *)filters[f].values[v].ptr, filters[f].values[v].len);
    }
    return list;
}

static void measures_put(yyjson_mut_doc *json, yyjson_mut_val *list, const struct ask_plan *plan)
{
    for (uint32_t m = 0; m < plan->measure_count; m++) {
        const struct ask_measure *measure = &plan->measures[m];
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(json, list);
        yyjson_mut_obj_add_str(json, object, "kind", ask_measure_names[measure->kind]);
        if (measure->kind != ASK_COUNT && measure->kind != ASK_ERROR_RATE)
            yyjson_mut_obj_add_val(json, object, "field", field_json(json, &measure->field));
        if (measure->kind == ASK_PERCENTILE)
            yyjson_mut_obj_add_real(json, object, "percentile", measure->per_mille / 10.0);
    }
}

yyjson_mut_val *ask_plan_json(yyjson_mut_doc *json, const struct ask_plan *plan)
{
    yyjson_mut_val *object = yyjson_mut_obj(json);
    yyjson_mut_obj_add_str(json, object, "of", ask_of_names[plan->of]);
    yyjson_mut_obj_add_val(json, object, "filters", filters_json(json, plan->filters, plan->filter_count));
    yyjson_mut_val *parts = yyjson_mut_obj_add_arr(json, object, "parts");
    for (uint32_t p = 0; p < plan->part_count; p++) {
        yyjson_mut_val *part = yyjson_mut_arr_add_obj(json, parts);
        yyjson_mut_obj_add_str(json, part, "of", ask_of_names[plan->parts[p].of]);
        yyjson_mut_obj_add_val(json, part, "filters",
                               filters_json(json, plan->parts[p].filters, plan->parts[p].filter_count));
    }
    measures_put(json, yyjson_mut_obj_add_arr(json, object, "measures"), plan);
    yyjson_mut_val *groups = yyjson_mut_obj_add_arr(json, object, "groups");
    for (uint32_t g = 0; g < plan->group_count; g++) yyjson_mut_arr_append(groups, field_json(json, &plan->groups[g]));
    yyjson_mut_obj_add_bool(json, object, "groups_are_there", plan->groups_are_there);
    yyjson_mut_obj_add_str(json, object, "step", ask_step_names[plan->step]);
    put_time(json, object, "from", plan->from_us);
    put_time(json, object, "to", plan->to_us);
    if (plan->has_before) {
        yyjson_mut_val *before = yyjson_mut_obj_add_obj(json, object, "before");
        put_time(json, before, "from", plan->before_from_us);
        put_time(json, before, "to", plan->before_to_us);
    } else {
        yyjson_mut_obj_add_null(json, object, "before");
    }
    yyjson_mut_obj_add_str(json, object, "order", ask_order_names[plan->order]);
    yyjson_mut_obj_add_uint(json, object, "limit", plan->limit);
    yyjson_mut_obj_add_str(json, object, "display", ask_display_names[plan->display]);
    put_text(json, object, "zone", plan->zone);
    yyjson_mut_obj_add_bool(json, object, "time_was_said", plan->time_was_said);
    return object;
}

/* ---- in ---- */

/* The index of a name; count: it is none of them. */
static uint32_t named(yyjson_val *value, const char *const *names, uint32_t count)
{
    struct bytes text = json_text(value);
    uint32_t n = 0;
    while (n < count && !bytes_equal(text, bytes_of_text(names[n]))) n++;
    return n;
}

static bool field_read(struct arena *arena, yyjson_val *value, struct ask_field *field, struct err *err)
{
    struct bytes text = json_text(value);
    for (enum ask_field_id id = ASK_FIELD_ATTRIBUTE; id <= ASK_FIELD_RESOURCE; id++) {
        struct bytes name = bytes_of_text(ask_field_names[id]);
        if (text.len <= name.len || memcmp(text.ptr, name.ptr, name.len) != 0 || text.ptr[name.len] != ':') continue;
        *field = (struct ask_field){
            .id = id, .key = arena_copy(arena, bytes_from(text.ptr + name.len + 1, text.len - name.len - 1))
        };
        return ask_key_is_plain(field->key) ||
               err_set(err, ERR_INPUT, "an attribute's key here is letters, digits, \".\", \"_\" and \"-\"");
    }
    *field = (struct ask_field){ .id = (enum ask_field_id)named(value, ask_field_names, ASK_FIELD_ATTRIBUTE) };
    return field->id < ASK_FIELD_ATTRIBUTE || err_set(err, ERR_INPUT, "a plan has no such field");
}

static bool filters_read(struct arena *arena, yyjson_val *list, struct ask_filter *filters, uint32_t *count,
                         struct err *err)
{
    yyjson_val *one, *value;
    size_t i, v, size, values;
    *count = 0;
    yyjson_arr_foreach(list, i, size, one)
    {
        struct ask_filter *filter = &filters[*count];
        if (*count == ASK_FILTERS_MAX) return err_set(err, ERR_INPUT, "there are at most %d filters", ASK_FILTERS_MAX);
        *filter =
            (struct ask_filter){ .test = (enum ask_test)named(yyjson_obj_get(one, "test"), ask_test_names, ASK_TESTS) };
        if (!field_read(arena, yyjson_obj_get(one, "field"), &filter->field, err)) return false;
        yyjson_arr_foreach(yyjson_obj_get(one, "values"), v, values, value)
        {
            if (filter->value_count == ASK_VALUES_MAX)
                return err_set(err, ERR_INPUT, "a filter has at most %d values", ASK_VALUES_MAX);
            filter->values[filter->value_count++] = arena_copy(arena, json_text(value));
        }
        (*count)++;
    }
    return true;
}

static bool parts_read(struct arena *arena, yyjson_val *list, struct ask_plan *plan, struct err *err)
{
    yyjson_val *one;
    size_t i, size;
    yyjson_arr_foreach(list, i, size, one)
    {
        if (plan->part_count == ASK_PARTS_MAX)
            return err_set(err, ERR_INPUT, "there are at most %d parts", ASK_PARTS_MAX);
        struct ask_part *part = &plan->parts[plan->part_count++];
        part->of = (enum ask_of)named(yyjson_obj_get(one, "of"), ask_of_names, ASK_OFS);
        if (!filters_read(arena, yyjson_obj_get(one, "filters"), part->filters, &part->filter_count, err)) return false;
    }
    return true;
}

static bool measures_read(struct arena *arena, yyjson_val *list, struct ask_plan *plan, struct err *err)
{
    yyjson_val *one;
    size_t i, size;
    yyjson_arr_foreach(list, i, size, one)
    {
        if (plan->measure_count == ASK_MEASURES_MAX)
            return err_set(err, ERR_INPUT, "there are at most %d measures", ASK_MEASURES_MAX);
        struct ask_measure *measure = &plan->measures[plan->measure_count++];
        measure->kind = (enum ask_measure_kind)named(yyjson_obj_get(one, "kind"), ask_measure_names, ASK_MEASURES);
        double percentile = yyjson_get_num(yyjson_obj_get(one, "percentile"));
        measure->per_mille = percentile > 0 && percentile < 100 ? (uint32_t)lround(percentile * 10) : 0;
        measure->field = (struct ask_field){ .id = ASK_FIELD_DURATION };
        yyjson_val *field = yyjson_obj_get(one, "field");
        if (field != NULL && !yyjson_is_null(field) && !field_read(arena, field, &measure->field, err)) return false;
    }
    return true;
}

static bool groups_read(struct arena *arena, yyjson_val *list, struct ask_plan *plan, struct err *err)
{
    yyjson_val *one;
    size_t i, size;
    yyjson_arr_foreach(list, i, size, one)
    {
        if (plan->group_count == ASK_GROUPS_MAX)
            return err_set(err, ERR_INPUT, "there are at most %d groups", ASK_GROUPS_MAX);
        if (!field_read(arena, one, &plan->groups[plan->group_count++], err)) return false;
    }
    return true;
}

static bool time_read(yyjson_val *object, const char *name, int64_t *unix_us, struct err *err)
{
    return rfc3339_read(json_text(yyjson_obj_get(object, name)), unix_us) ||
           err_set(err, ERR_INPUT, "\"%s\" is a time such as 2026-11-27T02:00:00Z", name);
}

bool ask_plan_read(struct arena *arena, yyjson_val *json, struct ask_plan *plan, struct err *err)
{
    yyjson_val *before = yyjson_obj_get(json, "before");
    *plan = (struct ask_plan){
        .of = (enum ask_of)named(yyjson_obj_get(json, "of"), ask_of_names, ASK_OFS),
        .groups_are_there = yyjson_is_true(yyjson_obj_get(json, "groups_are_there")),
        .step = (enum ask_step)named(yyjson_obj_get(json, "step"), ask_step_names, ASK_STEPS),
        .has_before = yyjson_is_obj(before),
        .order = (enum ask_order)named(yyjson_obj_get(json, "order"), ask_order_names, ASK_ORDERS),
        .limit = (uint32_t)yyjson_get_uint(yyjson_obj_get(json, "limit")),
        .display = (enum ask_display)named(yyjson_obj_get(json, "display"), ask_display_names, ASK_DISPLAYS),
        .zone = arena_copy(arena, json_text(yyjson_obj_get(json, "zone"))),
        .time_was_said = yyjson_is_true(yyjson_obj_get(json, "time_was_said")),
    };
    if (plan->zone.len == 0) plan->zone = BYTES("UTC");
    return filters_read(arena, yyjson_obj_get(json, "filters"), plan->filters, &plan->filter_count, err) &&
           parts_read(arena, yyjson_obj_get(json, "parts"), plan, err) &&
           measures_read(arena, yyjson_obj_get(json, "measures"), plan, err) &&
           groups_read(arena, yyjson_obj_get(json, "groups"), plan, err) &&
           time_read(json, "from", &plan->from_us, err) && time_read(json, "to", &plan->to_us, err) &&
           (!plan->has_before || (time_read(before, "from", &plan->before_from_us, err) &&
                                  time_read(before, "to", &plan->before_to_us, err))) &&
           ask_plan_check(plan, err);
}
