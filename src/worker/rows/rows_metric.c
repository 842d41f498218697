#include "worker/rows/rows_inside.h"

#define FLAG_NO_RECORDED_VALUE 1u

static enum word type_word(enum otlp_metric_type type)
{
    switch (type) {
    case OTLP_GAUGE: return WORD_GAUGE;
    case OTLP_SUM: return WORD_SUM;
    case OTLP_HISTOGRAM: return WORD_HISTOGRAM;
    case OTLP_EXPONENTIAL_HISTOGRAM: return WORD_EXPONENTIAL;
    case OTLP_SUMMARY: return WORD_SUMMARY;
    }
    return WORD_GAUGE; /* the decoder knows no other */
}

/* SQL has no unsigned numbers: what is above int64 becomes its greatest. */
static int64_t clamped(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static void counts_put(struct rows *rows, uint32_t column, struct otlp_range range)
{
    if (range.count == 0) return;
    const uint64_t *counts = rows->request->counts.at + range.first;
    uint64_t highest = 0;
    for (uint32_t i = 0; i < range.count; i++) highest |= counts[i];
    if (unlikely(highest > INT64_MAX)) {
        uint64_t *small = arena_alloc(&rows->record_arena, range.count * sizeof *small);
        for (uint32_t i = 0; i < range.count; i++) small[i] = (uint64_t)clamped(counts[i]);
        counts = small;
    }
    columns_put_int_list(rows->columns, column, counts, range.count);
}

static void numbers_put(struct rows *rows, uint32_t column, struct otlp_range range)
{
    if (range.count > 0)
        columns_put_double_list(rows->columns, column, rows->request->numbers.at + range.first, range.count);
}

static void ids_put(struct rows *rows, const struct otlp_metric *metric, const struct otlp_point *point)
{
    struct id_name name = rows->id_start;
    id_name_add(&name, metric->name);
    id_name_add(&name, word_texts[type_word(metric->type)]);
    id_name_add(&name, metric->unit);
    id_name_add(&name, rows_resource_encoded(rows, rows->request->scopes.at[metric->scope].resource));
    id_name_add(&name, id_encode_attributes(&rows->record_arena, rows->request->attributes.at + point->attributes.first,
                                            point->attributes.count));
    id_name_add(&name, rows_scope_encoded(rows, metric->scope));
    struct uuid series = id_name_end(&name);

    name = rows->id_start;
    id_name_add(&name, bytes_from(series.bytes, sizeof series.bytes));
    id_name_add_number(&name, point->time_unix_ns);
    id_name_add_number(&name, point->start_unix_ns);
    struct id_name first = name;
    id_name_add_number(&first, 0);
    struct uuid id = id_name_end(&first);
    uint32_t ordinal = ids_ordinal(&rows->ids, id);
    if (unlikely(ordinal > 0)) {
        id_name_add_number(&name, ordinal);
        id = id_name_end(&name);
    }
    uint8_t text[ID_TEXT_BYTES];
    id_text_put(text, series);
    columns_put_text(rows->columns, METRICS_series_id, bytes_from(text, sizeof text));
    id_text_put(text, id);
    columns_put_text(rows->columns, METRICS_id, bytes_from(text, sizeof text));
}

/* What all points of a metric share. */
static void metric_put(struct rows *rows, const struct otlp_point *point, const struct otlp_metric *metric)
{
    struct metric *kept = &rows->metrics[point->metric];
    const struct otlp_scope *scope = &rows->request->scopes.at[metric->scope];
    const struct otlp_resource *resource = &rows->request->resources.at[scope->resource];
    rows_repeated_put(rows, METRICS_metric_name, metric->name, &kept->name);
    rows_repeated_put(rows, METRICS_metric_unit, metric->unit, &kept->unit);
    struct {
        uint32_t column;
        struct bytes text;
        struct text_handle *handle;
    } texts[] = {
        { METRICS_metric_description, metric->description, &kept->description },
        { METRICS_scope_name, scope->name, &kept->scope_name },
        { METRICS_scope_version, scope->version, &kept->scope_version },
        { METRICS_scope_schema_url, scope->schema_url, &kept->scope_schema_url },
        { METRICS_resource_schema_url, resource->schema_url, &kept->resource_schema_url },
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i].text.len > 0) rows_repeated_put(rows, texts[i].column, texts[i].text, texts[i].handle);
    }
    rows_word_put(rows, METRICS_metric_type, type_word(metric->type));
    if (metric->aggregation_temporality == 1) rows_word_put(rows, METRICS_aggregation_temporality, WORD_DELTA);
    if (metric->aggregation_temporality == 2) rows_word_put(rows, METRICS_aggregation_temporality, WORD_CUMULATIVE);
    if (metric->type == OTLP_SUM) columns_put_bool(rows->columns, METRICS_is_monotonic, metric->is_monotonic);
}

static void number_put(struct columns *columns, const struct otlp_point *point)
{
    if (!point->has_value) return;
    if (point->is_integer) {
        columns_put_int(columns, METRICS_value_int, point->integer);
        columns_put_double(columns, METRICS_value, (double)point->integer);
    } else {
        columns_put_double(columns, METRICS_value_double, point->number);
        columns_put_double(columns, METRICS_value, point->number);
    }
}

/* The number to plot of a distribution is its mean. */
static void distribution_put(struct columns *columns, const struct otlp_point *point)
{
    columns_put_int(columns, METRICS_distribution_count, clamped(point->count));
    if (point->has_sum) columns_put_double(columns, METRICS_distribution_sum, point->sum);
    if (point->has_min) columns_put_double(columns, METRICS_distribution_min, point->min);
    if (point->has_max) columns_put_double(columns, METRICS_distribution_max, point->max);
    if (point->has_sum && point->count > 0) {
        columns_put_double(columns, METRICS_value, point->sum / (double)point->count);
    }
}

static void exponential_put(struct rows *rows, const struct otlp_point *point)
{
    struct columns *columns = rows->columns;
    columns_put_int(columns, METRICS_exp_hist_scale, point->scale);
    columns_put_int(columns, METRICS_exp_hist_zero_count, clamped(point->zero_count));
    columns_put_double(columns, METRICS_exp_hist_zero_threshold, point->zero_threshold);
    columns_put_int(columns, METRICS_exp_hist_pos_offset, point->positive_offset);
    columns_put_int(columns, METRICS_exp_hist_neg_offset, point->negative_offset);
    counts_put(rows, METRICS_exp_hist_pos_buckets, point->bucket_counts);
    counts_put(rows, METRICS_exp_hist_neg_buckets, point->negative_counts);
}

static void exemplars_put(struct rows *rows, struct otlp_range exemplars)
{
    if (exemplars.count == 0) return;
    rows->text.len = 0;
    for (uint32_t i = 0; i < exemplars.count; i++) {
        const struct otlp_exemplar *exemplar = &rows->request->exemplars.at[exemplars.first + i];
        uint8_t *at = rows_text_reserve(rows, 256);
        *at++ = i == 0 ? '[' : ',';
        at = json_put_time(json_put_raw(at, BYTES("{\"time\":")), exemplar->time_unix_ns);
        if (exemplar->has_value) {
            at = json_put_raw(at, BYTES(",\"value\":"));
            at = exemplar->is_integer ? json_put_int(at, exemplar->integer) : json_put_number(at, exemplar->number);
        }
        if (exemplar->trace_id.len > 0)
            at = rows_hex_text_put(json_put_raw(at, BYTES(",\"trace_id\":")), exemplar->trace_id);
        if (exemplar->span_id.len > 0)
            at = rows_hex_text_put(json_put_raw(at, BYTES(",\"span_id\":")), exemplar->span_id);
        rows_text_end(rows, at);
        if (exemplar->attributes.count > 0) {
            rows_text_add(rows, BYTES(",\"attributes\":"));
            rows_attributes_add_json(rows, exemplar->attributes);
        }
        rows_text_add(rows, BYTES("}"));
    }
    rows_text_add(rows, BYTES("]"));
    columns_put_text(rows->columns, METRICS_exemplars, buf_bytes(&rows->text));
}

void rows_point_build(struct rows *rows, const struct otlp_point *point)
{
    const struct otlp_metric *metric = &rows->request->metrics.at[point->metric];
    uint32_t resource_index = rows->request->scopes.at[metric->scope].resource;
    rows_resource(rows, resource_index);

    int64_t received_us = rows->request->received_unix_us;
    int64_t time_us = point->time_unix_ns > 0 ? (int64_t)(point->time_unix_ns / 1000u) : received_us;
    struct columns *columns = rows_columns_at(rows, time_us);
    rows_row_begin(rows, time_us, point);
    ids_put(rows, metric, point);
    rows_resource_put(rows, resource_index);
    metric_put(rows, point, metric);
    columns_put_int(columns, METRICS_ingested_at, received_us);
    if (point->start_unix_ns > 0) {
        columns_put_int(columns, METRICS_start_timestamp, (int64_t)(point->start_unix_ns / 1000u));
    }
    columns_put_int(columns, METRICS_flags, point->flags);
    columns_put_int(columns, METRICS_dropped_attributes_count, 0); /* the protocol has none for points */
    columns_put_int(columns, METRICS_message_size_bytes, point->bytes);
    if ((point->flags & FLAG_NO_RECORDED_VALUE) == 0) {
        switch (metric->type) {
        case OTLP_GAUGE:
        case OTLP_SUM: number_put(columns, point); break;
        case OTLP_HISTOGRAM:
            distribution_put(columns, point);
            counts_put(rows, METRICS_hist_bucket_counts, point->bucket_counts);
            numbers_put(rows, METRICS_hist_explicit_bounds, point->bounds);
            break;
        case OTLP_EXPONENTIAL_HISTOGRAM:
            distribution_put(columns, point);
            exponential_put(rows, point);
            break;
        case OTLP_SUMMARY:
            distribution_put(columns, point);
            numbers_put(rows, METRICS_summary_quantiles, point->quantiles);
            numbers_put(rows, METRICS_summary_values, point->quantile_values);
            break;
        }
    }
    rows_slots_collect(rows, &rows->first_of_point, point->attributes, 0);
    rows_slots_put(rows, METRICS_attributes, (struct bytes){ 0 }, (struct dropped){ 0 });
    exemplars_put(rows, point->exemplars);
    rows->row.point = point;
    rows_row_end(rows, ROWS_METRIC, resource_index, time_us);
}
