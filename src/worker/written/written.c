#include "worker/written/written.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/hex.h"
#include "worker/written/written_json.h"
#include <stdlib.h>
#include <strings.h>

#define ROWS_MAX      4096 /* of one request */
#define ROWS_BYTES    (4u << 20)
#define KEPT_BYTES    (32u << 20)
#define RESOURCES_MAX 16 /* that are looked at again: rows of one come side by side */

struct seen_resource {
    struct hash128 hash;
    uint32_t scope;
};

struct written {
    struct batch_reader reader;
    struct batch_row next; /* read, and not yet of a request */
    bool has_next;
    int64_t received_unix_us;
    struct otlp_request request;
    enum schema_table_id table;
    struct arena arena;
    struct seen_resource seen[RESOURCES_MAX];
    uint32_t seen_count, seen_next;
    struct buf key;           /* of a resource */
    const uint8_t **spans_at; /* where the row of each stands in the batch */
    const uint8_t **logs_at, **points_at;
};

struct written *written_create(void)
{
    struct written *written = mem_calloc(1, sizeof *written);
    otlp_request_init(&written->request);
    arena_init(&written->arena, 64 << 10);
    buf_init(&written->key, SIZE_MAX / 4);
    written->spans_at = mem_calloc(ROWS_MAX, sizeof *written->spans_at);
    written->logs_at = mem_calloc(ROWS_MAX, sizeof *written->logs_at);
    written->points_at = mem_calloc(ROWS_MAX, sizeof *written->points_at);
    return written;
}

void written_destroy(struct written *written)
{
    if (!written) return;
    otlp_request_deinit(&written->request);
    arena_deinit(&written->arena);
    buf_deinit(&written->key);
    free(written->spans_at);
    free(written->logs_at);
    free(written->points_at);
    free(written);
}

bool written_begin(struct written *written, struct bytes batch, int64_t received_unix_us, struct err *err)
{
    written->received_unix_us = received_unix_us;
    written->has_next = false;
    if (!batch_reader_init(&written->reader, batch, err)) return false;
    while (batch_reader_next(&written->reader, &written->next, err)) continue; /* all of it or nothing */
    if (err->code != ERR_OK) return false;
    written->has_next =
        batch_reader_init(&written->reader, batch, err) && batch_reader_next(&written->reader, &written->next, err);
    return true;
}

enum schema_table_id written_table(const struct written *written)
{
    return written->table;
}

/* --- values by name --- */

static struct bytes text_of(const struct batch_row *row, uint32_t column)
{
    const struct batch_value *value = batch_row_value(row, column);
    return value ? value->text : (struct bytes){ 0 };
}

static int64_t int_of(const struct batch_row *row, uint32_t column, int64_t otherwise)
{
    const struct batch_value *value = batch_row_value(row, column);
    return value ? value->integer : otherwise;
}

static double double_of(const struct batch_row *row, uint32_t column)
{
    const struct batch_value *value = batch_row_value(row, column);
    return value ? value->number : 0;
}

/* Place of the text in the list, in any case; otherwise when it is none of them. */
static uint32_t word_of(struct bytes text, const char *const *words, uint32_t count, uint32_t otherwise)
{
    for (uint32_t w = 0; w < count; w++)
        if (words[w] && strlen(words[w]) == text.len && strncasecmp(words[w], (const char *)text.ptr, text.len) == 0)
            return w;
    return otherwise;
}

/* An id of so many bytes in hex; empty when the text is none. */
static struct bytes id_of(struct written *written, struct bytes text, size_t id_bytes)
{
    if (text.len != 2 * id_bytes) return (struct bytes){ 0 };
    uint8_t *id = arena_alloc(&written->arena, id_bytes);
    for (size_t i = 0; i < id_bytes; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) return (struct bytes){ 0 };
        id[i] = (uint8_t)(high << 4 | low);
    }
    return bytes_from(id, id_bytes);
}

static uint64_t ns_of(int64_t us)
{
    return us > 0 ? (uint64_t)us * 1000 : 0;
}

/* --- attributes: those of the JSON, then those of columns, which count --- */

static void attribute_add(struct otlp_request *request, const struct schema_column *column,
                          const struct batch_value *value)
{
    struct otlp_attribute *attribute = WRITTEN_ADD(request->attributes);
    attribute->key = bytes_of_text(column->attribute);
    switch (value->type) {
    case SCHEMA_TYPE_TEXT: attribute->value = (struct otlp_value){ .type = OTLP_TEXT, .bytes = value->text }; break;
    case SCHEMA_TYPE_DOUBLE:
        attribute->value = (struct otlp_value){ .type = OTLP_DOUBLE, .number = value->number };
        break;
    case SCHEMA_TYPE_BOOLEAN:
        attribute->value = (struct otlp_value){ .type = OTLP_BOOL, .boolean = value->boolean };
        break;
    default: attribute->value = (struct otlp_value){ .type = OTLP_INT, .integer = value->integer };
    }
}

static struct otlp_range attributes_add(struct written *written, const struct batch_row *row, bool is_resource,
                                        uint32_t json_column)
{
    struct otlp_request *request = &written->request;
    const struct schema_table *table = schema_table(row->table);
    struct otlp_range range = { .first = request->attributes.count };
    struct bytes json = text_of(row, json_column);
    if (json.len > 0) written_attributes_add(request, &written->arena, json);
    for (uint32_t v = 0; v < row->value_count; v++) {
        const struct schema_column *column = &table->columns[row->values[v].column];
        if (column->attribute[0] && column->is_resource == is_resource) attribute_add(request, column, &row->values[v]);
    }
    range.count = request->attributes.count - range.first;
    return range;
}

static bool is_of_scope(const struct batch_row *row, uint32_t column, uint32_t json_column)
{
    if (column == json_column || schema_table(row->table)->columns[column].is_resource) return true;
    return row->table == SCHEMA_METRICS &&
           (column == METRICS_scope_name || column == METRICS_scope_version || column == METRICS_scope_schema_url ||
            column == METRICS_resource_schema_url);
}

/* The scope of the row's resource: rows with the same values share one. */
static uint32_t scope_of(struct written *written, const struct batch_row *row)
{
    uint32_t json_column =
        row->table == SCHEMA_METRICS ? (uint32_t)METRICS_resource : (uint32_t)LOGS_AND_SPANS_resource;
    struct otlp_request *request = &written->request;
    written->key.len = 0;
    for (uint32_t v = 0; v < row->value_count; v++) {
        const struct batch_value *value = &row->values[v];
        uint32_t head[2] = { value->column, (uint32_t)value->text.len };
        if (!is_of_scope(row, value->column, json_column)) continue;
        if (!buf_add(&written->key, head, sizeof head) ||
            (value->text.len > 0 && !buf_add(&written->key, value->text.ptr, value->text.len)))
            abort(); /* no longer than the batch */
    }
    struct hash128 hash = hash128_of(buf_bytes(&written->key));
    for (uint32_t s = 0; s < written->seen_count; s++)
        if (hash128_equal(written->seen[s].hash, hash)) return written->seen[s].scope;
    struct otlp_resource *resource = WRITTEN_ADD(request->resources);
    resource->attributes = attributes_add(written, row, true, json_column);
    struct otlp_scope *scope = WRITTEN_ADD(request->scopes);
    scope->resource = request->resources.count - 1;
    if (row->table == SCHEMA_METRICS) {
        scope->name = text_of(row, METRICS_scope_name);
        scope->version = text_of(row, METRICS_scope_version);
    }
    uint32_t at = written->seen_count < RESOURCES_MAX ? written->seen_count++ : written->seen_next++ % RESOURCES_MAX;
    written->seen[at] = (struct seen_resource){ hash, request->scopes.count - 1 };
    return request->scopes.count - 1;
}

/* --- rows as records --- */

static bool is_span(const struct batch_row *row, uint32_t *kind)
{
    static const char *const kinds[] = { NULL, "internal", "server", "client", "producer", "consumer" };
    struct bytes text = text_of(row, LOGS_AND_SPANS_kind);
    *kind = 1;
    if (text.ptr) {
        *kind = word_of(text, kinds, COUNT_OF(kinds), 0);
        return *kind != 0;
    }
    return batch_row_value(row, LOGS_AND_SPANS_duration) || batch_row_value(row, LOGS_AND_SPANS_start_time) ||
           batch_row_value(row, LOGS_AND_SPANS_end_time);
}

static void span_add(struct written *written, const struct batch_row *row, uint32_t kind)
{
    static const char *const codes[] = { "UNSET", "OK", "ERROR" };
    uint32_t scope = scope_of(written, row);
    struct otlp_range attributes = attributes_add(written, row, false, LOGS_AND_SPANS_attributes);
    struct bytes events = text_of(row, LOGS_AND_SPANS_events);
    struct otlp_range events_range = { 0 };
    if (events.len > 0) events_range = written_events_add(&written->request, &written->arena, events);
    struct otlp_span *span = WRITTEN_ADD(written->request.spans);
    int64_t duration_ns = int_of(row, LOGS_AND_SPANS_duration, -1);
    *span = (struct otlp_span){
        .scope = scope,
        .kind = kind,
        .status_code = word_of(text_of(row, LOGS_AND_SPANS_status_code), codes, COUNT_OF(codes), 0),
        .trace_id = id_of(written, text_of(row, LOGS_AND_SPANS_context___trace_id), 16),
        .span_id = id_of(written, text_of(row, LOGS_AND_SPANS_context___span_id), 8),
        .parent_span_id = id_of(written, text_of(row, LOGS_AND_SPANS_parent_id), 8),
        .name = text_of(row, LOGS_AND_SPANS_name),
        .status_message = text_of(row, LOGS_AND_SPANS_status_message),
        .start_unix_ns = ns_of(row->timestamp_us),
        .end_unix_ns = ns_of(int_of(row, LOGS_AND_SPANS_end_time, 0)),
        .attributes = attributes,
        .events = events_range,
        .bytes = (uint32_t)row->whole.len,
    };
    if (duration_ns >= 0) span->end_unix_ns = span->start_unix_ns + (uint64_t)duration_ns;
    written->spans_at[written->request.spans.count - 1] = row->whole.ptr;
}

/* A level alone is one by its number, as loggers send it. */
static int32_t severity_of(const struct batch_row *row)
{
    static const char *const levels[] = { NULL, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };
    uint32_t level = word_of(text_of(row, LOGS_AND_SPANS_level), levels, COUNT_OF(levels), 0);
    if (level > 0) return (int32_t)(level * 4 - 3);
    return (int32_t)int_of(row, LOGS_AND_SPANS_severity___severity_number, 0);
}

static void log_add(struct written *written, const struct batch_row *row)
{
    uint32_t scope = scope_of(written, row);
    struct otlp_range attributes = attributes_add(written, row, false, LOGS_AND_SPANS_attributes);
    struct bytes body = text_of(row, LOGS_AND_SPANS_body);
    struct otlp_log *log = WRITTEN_ADD(written->request.logs);
    *log = (struct otlp_log){
        .scope = scope,
        .severity_number = severity_of(row),
        .severity_text = text_of(row, LOGS_AND_SPANS_severity___severity_text),
        .trace_id = id_of(written, text_of(row, LOGS_AND_SPANS_context___trace_id), 16),
        .span_id = id_of(written, text_of(row, LOGS_AND_SPANS_context___span_id), 8),
        .event_name = text_of(row, LOGS_AND_SPANS_name),
        .time_unix_ns = ns_of(row->timestamp_us),
        .observed_unix_ns = ns_of(int_of(row, LOGS_AND_SPANS_observed_timestamp, 0)),
        .attributes = attributes,
        .bytes = (uint32_t)row->whole.len,
    };
    if (body.len > 0) log->body = written_body(&written->arena, body);
    written->logs_at[written->request.logs.count - 1] = row->whole.ptr;
}

static void metric_add(struct written *written, const struct batch_row *row, uint32_t scope)
{
    static const char *const types[] = { NULL, "gauge", "sum", "histogram", "exponential_histogram", "summary" };
    static const char *const temporalities[] = { NULL, "delta", "cumulative" };
    const struct batch_value *is_monotonic = batch_row_value(row, METRICS_is_monotonic);
    struct otlp_metric *metric = WRITTEN_ADD(written->request.metrics);
    *metric = (struct otlp_metric){
        .scope = scope,
        .type = (enum otlp_metric_type)word_of(text_of(row, METRICS_metric_type), types, COUNT_OF(types), OTLP_GAUGE),
        .name = text_of(row, METRICS_metric_name),
        .description = text_of(row, METRICS_metric_description),
        .unit = text_of(row, METRICS_metric_unit),
        .aggregation_temporality =
            word_of(text_of(row, METRICS_aggregation_temporality), temporalities, COUNT_OF(temporalities), 0),
        .is_monotonic = is_monotonic && is_monotonic->boolean,
    };
}

/* The distributions' lists are put as they were written. */
static void point_add(struct written *written, const struct batch_row *row)
{
    uint32_t scope = scope_of(written, row);
    struct otlp_range attributes = attributes_add(written, row, false, METRICS_attributes);
    metric_add(written, row, scope);
    const struct batch_value *integer = batch_row_value(row, METRICS_value_int);
    const struct batch_value *number = batch_row_value(row, METRICS_value_double);
    int64_t count = int_of(row, METRICS_distribution_count, 0);
    if (!number && !integer) number = batch_row_value(row, METRICS_value);
    struct otlp_point *point = WRITTEN_ADD(written->request.points);
    *point = (struct otlp_point){
        .metric = written->request.metrics.count - 1,
        .flags = (uint32_t)int_of(row, METRICS_flags, 0),
        .time_unix_ns = ns_of(row->timestamp_us),
        .start_unix_ns = ns_of(int_of(row, METRICS_start_timestamp, 0)),
        .attributes = attributes,
        .bytes = (uint32_t)row->whole.len,
        .has_value = integer || number,
        .is_integer = integer != NULL,
        .integer = integer ? integer->integer : 0,
        .number = !integer && number ? number->number : 0,
        .count = count > 0 ? (uint64_t)count : 0,
        .has_sum = batch_row_value(row, METRICS_distribution_sum) != NULL,
        .has_min = batch_row_value(row, METRICS_distribution_min) != NULL,
        .has_max = batch_row_value(row, METRICS_distribution_max) != NULL,
        .sum = double_of(row, METRICS_distribution_sum),
        .min = double_of(row, METRICS_distribution_min),
        .max = double_of(row, METRICS_distribution_max),
        .scale = (int32_t)int_of(row, METRICS_exp_hist_scale, 0),
        .positive_offset = (int32_t)int_of(row, METRICS_exp_hist_pos_offset, 0),
        .negative_offset = (int32_t)int_of(row, METRICS_exp_hist_neg_offset, 0),
    };
    int64_t zeros = int_of(row, METRICS_exp_hist_zero_count, 0);
    point->zero_count = zeros > 0 ? (uint64_t)zeros : 0;
    point->zero_threshold = double_of(row, METRICS_exp_hist_zero_threshold);
    written->points_at[written->request.points.count - 1] = row->whole.ptr;
}

static void row_add(struct written *written)
{
    const struct batch_row *row = &written->next;
    uint32_t kind;
    if (row->table == SCHEMA_METRICS) {
        point_add(written, row);
    } else if (is_span(row, &kind)) {
        span_add(written, row, kind);
    } else {
        log_add(written, row);
    }
}

/* The arrays stay for the next request, unless one was very large. */
static void request_begin(struct written *written)
{
    struct otlp_request *request = &written->request;
    if (otlp_request_bytes(request) > KEPT_BYTES) {
        otlp_request_deinit(request);
        otlp_request_init(request);
    }
    request->resources.count = request->scopes.count = request->attributes.count = request->spans.count = 0;
    request->events.count = request->links.count = request->logs.count = request->metrics.count = 0;
    request->points.count = request->exemplars.count = request->counts.count = request->numbers.count = 0;
    request->signal = written->table == SCHEMA_METRICS ? OTLP_METRICS : OTLP_TRACES;
    request->received_unix_us = written->received_unix_us;
    written->seen_count = written->seen_next = 0;
    arena_reset(&written->arena);
}

bool written_next(struct written *written, const struct otlp_request **request)
{
    size_t bytes = 0;
    if (!written->has_next) return false;
    written->table = written->next.table;
    request_begin(written);
    for (uint32_t rows = 0; rows < ROWS_MAX && bytes < ROWS_BYTES && written->has_next; rows++) {
        if (written->next.table != written->table) break;
        bytes += written->next.whole.len;
        row_add(written);
        struct err err = { 0 };
        written->has_next = batch_reader_next(&written->reader, &written->next, &err);
        assert(err.code == ERR_OK); /* written_begin has read it */
    }
    *request = &written->request;
    return true;
}

/* --- what was written, as it was written --- */

static const uint8_t *place_of(const struct written *written, const void *record)
{
    const struct otlp_request *request = &written->request;
    uintptr_t at = (uintptr_t)record;
    uintptr_t spans = (uintptr_t)request->spans.at, logs = (uintptr_t)request->logs.at;
    if (at >= spans && at < (uintptr_t)(request->spans.at + request->spans.count))
        return written->spans_at[(at - spans) / sizeof *request->spans.at];
    if (at >= logs && at < (uintptr_t)(request->logs.at + request->logs.count))
        return written->logs_at[(at - logs) / sizeof *request->logs.at];
    assert(at >= (uintptr_t)request->points.at && at < (uintptr_t)(request->points.at + request->points.count));
    return written->points_at[(at - (uintptr_t)request->points.at) / sizeof *request->points.at];
}

static void list_put(const struct batch_value *value, struct columns *columns)
{
    uint32_t count = value->list.count;
    if (value->type == SCHEMA_TYPE_TEXT_LIST) {
        struct bytes *texts = mem_alloc((count + 1u) * sizeof *texts);
        const uint8_t *at = value->list.at;
        for (uint32_t i = 0; i < count; i++) texts[i] = batch_list_text(&at);
        columns_put_text_list(columns, value->column, texts, count);
        free(texts);
        return;
    }
    if (value->type == SCHEMA_TYPE_BIGINT_LIST) {
        uint64_t *numbers = mem_alloc((count + 1u) * sizeof *numbers);
        for (uint32_t i = 0; i < count; i++) numbers[i] = (uint64_t)batch_list_int(value, i);
        columns_put_int_list(columns, value->column, numbers, count);
        free(numbers);
        return;
    }
    double *numbers = mem_alloc((count + 1u) * sizeof *numbers);
    for (uint32_t i = 0; i < count; i++) numbers[i] = batch_list_double(value, i);
    columns_put_double_list(columns, value->column, numbers, count);
    free(numbers);
}

static void value_put(const struct batch_value *value, struct columns *columns)
{
    switch (value->type) {
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT:
    case SCHEMA_TYPE_TIMESTAMPTZ: columns_put_int(columns, value->column, value->integer); break;
    case SCHEMA_TYPE_DOUBLE: columns_put_double(columns, value->column, value->number); break;
    case SCHEMA_TYPE_BOOLEAN: columns_put_bool(columns, value->column, value->boolean); break;
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: columns_put_text(columns, value->column, value->text); break;
    default: list_put(value, columns);
    }
}

/* Attributes go by way of the record: their JSON may name some that have columns, and the project's limit of keys counts. */
static bool is_by_record(enum schema_table_id table, uint32_t column)
{
    return table == SCHEMA_METRICS ? column == METRICS_attributes || column == METRICS_resource
                                   : column == LOGS_AND_SPANS_attributes || column == LOGS_AND_SPANS_resource;
}

void written_put(const struct written *written, const void *record, struct columns *columns)
{
    struct batch_reader reader = { .at = place_of(written, record), .end = written->reader.end };
    struct batch_row row;
    struct err err = { 0 };
    if (!batch_reader_next(&reader, &row, &err)) abort(); /* it was read before */
    for (uint32_t v = 0; v < row.value_count; v++)
        if (!is_by_record(row.table, row.values[v].column)) value_put(&row.values[v], columns);
}
