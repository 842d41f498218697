#include "telemetry/otlp_write.h"
#include "base/utf8.h"
#include "base/varint.h"

#define SCOPE_NAME     "monoscope"
#define LENGTH_BYTES   5 /* of a message's length while it is being written: up to 32 bits */
#define TEXT_BYTES_MAX 4096

static void put(struct otlp_writer *writer, const void *ptr, size_t len)
{
    if (!writer->is_full && !buf_add(writer->out, ptr, len)) writer->is_full = true;
}

static void put_varint(struct otlp_writer *writer, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    put(writer, bytes, (size_t)(varint_put(bytes, value) - bytes));
}

static void put_number(struct otlp_writer *writer, uint32_t field, uint64_t value)
{
    put_varint(writer, (uint64_t)field << 3);
    put_varint(writer, value);
}

static void put_fixed64(struct otlp_writer *writer, uint32_t field, uint64_t value)
{
    put_varint(writer, (uint64_t)field << 3 | 1);
    put(writer, &value, sizeof value); /* little-endian, as the machines we build for */
}

static void put_double(struct otlp_writer *writer, uint32_t field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed64(writer, field, bits);
}

static void put_bytes(struct otlp_writer *writer, uint32_t field, const void *ptr, size_t len)
{
    put_varint(writer, (uint64_t)field << 3 | 2);
    put_varint(writer, len);
    put(writer, ptr, len);
}

/* What is not UTF-8 would be rejected by whoever reads it: its bytes above ASCII become '?', as on stderr. */
static void put_text(struct otlp_writer *writer, uint32_t field, const char *text)
{
    struct bytes bytes = bytes_of_text(text);
    char clean[TEXT_BYTES_MAX];
    if (utf8_is_valid(bytes)) {
        if (bytes.len > sizeof clean) bytes.len = utf8_cut(bytes, sizeof clean);
    } else {
        if (bytes.len > sizeof clean) bytes.len = sizeof clean;
        for (size_t i = 0; i < bytes.len; i++) clean[i] = bytes.ptr[i] < 0x80 ? (char)bytes.ptr[i] : '?';
        bytes.ptr = (const uint8_t *)clean;
    }
    put_bytes(writer, field, bytes.ptr, bytes.len);
}

/* A message under field: its length is not known before its end, so room is left for it and closed up then. */
static size_t message_begin(struct otlp_writer *writer, uint32_t field)
{
    static const uint8_t room[LENGTH_BYTES];
    put_varint(writer, (uint64_t)field << 3 | 2);
    put(writer, room, sizeof room);
    return writer->out->len;
}

static void message_end(struct otlp_writer *writer, size_t begin)
{
    if (writer->is_full) return;
    uint8_t bytes[VARINT_BYTES_MAX], *content = writer->out->ptr + begin;
    size_t len = writer->out->len - begin, length_len = (size_t)(varint_put(bytes, len) - bytes);
    assert(length_len <= LENGTH_BYTES);
    memmove(content - LENGTH_BYTES + length_len, content, len);
    memcpy(content - LENGTH_BYTES, bytes, length_len);
    writer->out->len -= LENGTH_BYTES - length_len;
}

/* KeyValue { 1: key, 2: AnyValue { 1: string | 3: int } } */
static void put_attribute_text(struct otlp_writer *writer, uint32_t field, const char *key, const char *text)
{
    size_t pair = message_begin(writer, field);
    put_text(writer, 1, key);
    size_t value = message_begin(writer, 2);
    put_text(writer, 1, text);
    message_end(writer, value);
    message_end(writer, pair);
}

static void put_attribute_number(struct otlp_writer *writer, uint32_t field, const char *key, int64_t number)
{
    size_t pair = message_begin(writer, field);
    put_text(writer, 1, key);
    size_t value = message_begin(writer, 2);
    put_number(writer, 3, (uint64_t)number);
    message_end(writer, value);
    message_end(writer, pair);
}

static void put_fields(struct otlp_writer *writer, uint32_t field, const struct log_field *fields)
{
    for (; fields->key; fields++) {
        if (fields->text) {
            put_attribute_text(writer, field, fields->key, fields->text);
        } else {
            put_attribute_number(writer, field, fields->key, fields->number);
        }
    }
}

void otlp_write_request(struct otlp_writer *writer, const struct metric_attribute *resource, struct bytes records)
{
    size_t of_resource = message_begin(writer, 1), at = message_begin(writer, 1);
    for (; resource->key; resource++) put_attribute_text(writer, 1, resource->key, resource->value);
    message_end(writer, at);
    size_t of_scope = message_begin(writer, 2);
    at = message_begin(writer, 1);
    put_text(writer, 1, SCOPE_NAME);
    message_end(writer, at);
    put(writer, records.ptr, records.len);
    message_end(writer, of_scope);
    message_end(writer, of_resource);
}

/* LogRecord: 1 time, 11 observed, 2 severity number, 3 its text, 5 body, 6 attributes, 12 event name */
void otlp_write_log(struct otlp_writer *writer, uint64_t time_unix_ns, enum log_level level, const char *event,
                    const struct log_field *fields)
{
    static const struct {
        const char *text;
        uint32_t number;
    } severities[] = { { "DEBUG", 5 }, { "INFO", 9 }, { "WARN", 13 }, { "ERROR", 17 } };
    size_t record = message_begin(writer, 2);
    put_fixed64(writer, 1, time_unix_ns);
    put_number(writer, 2, severities[level].number);
    put_text(writer, 3, severities[level].text);
    size_t body = message_begin(writer, 5);
    put_text(writer, 1, event);
    message_end(writer, body);
    put_fields(writer, 6, fields);
    put_fixed64(writer, 11, time_unix_ns);
    put_text(writer, 12, event);
    message_end(writer, record);
}

/* Span: 1 trace id, 2 id, 4 parent id, 5 name, 6 kind, 7 begin, 8 end, 9 attributes, 15 status { 3: code } */
void otlp_write_span(struct otlp_writer *writer, const struct span *span, uint64_t duration_ns, const char *failure,
                     const struct log_field *fields)
{
    size_t record = message_begin(writer, 2);
    put_bytes(writer, 1, span->trace_id.bytes, sizeof span->trace_id.bytes);
    put_bytes(writer, 2, &span->id, sizeof span->id);
    if (span->parent_id) put_bytes(writer, 4, &span->parent_id, sizeof span->parent_id);
    put_text(writer, 5, span->name);
    put_number(writer, 6, span->kind);
    put_fixed64(writer, 7, span->begin_unix_ns);
    put_fixed64(writer, 8, span->begin_unix_ns + duration_ns);
    put_fields(writer, 9, fields);
    if (failure) {
        put_attribute_text(writer, 9, "error.type", failure);
        size_t status = message_begin(writer, 15);
        put_number(writer, 3, 2);
        message_end(writer, status);
    }
    message_end(writer, record);
}

static void put_point_head(struct otlp_writer *writer, const struct metric_point *point, uint32_t attributes_field,
                           uint64_t start_unix_ns, uint64_t time_unix_ns)
{
    for (uint32_t a = 0; a < point->attribute_count; a++)
        put_attribute_text(writer, attributes_field, point->attributes[a].key, point->attributes[a].value);
    if (start_unix_ns) put_fixed64(writer, 2, start_unix_ns);
    put_fixed64(writer, 3, time_unix_ns);
}

/* NumberDataPoint: 7 attributes, 2 start, 3 time, 4 double | 6 sfixed64 */
static void put_number_point(struct otlp_writer *writer, const struct metric_point *point, uint64_t start_unix_ns,
                             uint64_t time_unix_ns)
{
    size_t at = message_begin(writer, 1);
    put_point_head(writer, point, 7, start_unix_ns, time_unix_ns);
    if (point->is_integer) {
        put_fixed64(writer, 6, point->integer < INT64_MAX ? point->integer : INT64_MAX);
    } else {
        put_double(writer, 4, point->number);
    }
    message_end(writer, at);
}

/* HistogramDataPoint: 9 attributes, 2 start, 3 time, 4 count, 5 sum, 6 bucket counts, 7 bounds */
static void put_histogram_point(struct otlp_writer *writer, const struct metric_point *point, uint64_t start_unix_ns,
                                uint64_t time_unix_ns)
{
    size_t at = message_begin(writer, 1);
    put_point_head(writer, point, 9, start_unix_ns, time_unix_ns);
    put_fixed64(writer, 4, point->histogram->count);
    put_double(writer, 5, point->histogram->sum_s);
    put_bytes(writer, 6, point->histogram->counts, sizeof point->histogram->counts);
    put_bytes(writer, 7, histogram_bounds_s, sizeof histogram_bounds_s);
    message_end(writer, at);
}

/* Metric: 1 name, 2 description, 3 unit, 5 gauge | 7 sum | 9 histogram { 1: points, 2: temporality, 3: monotonic } */
static void put_family(struct otlp_writer *writer, const struct metric_family *family,
                       const struct metric_point *points, uint64_t start_unix_ns, uint64_t time_unix_ns)
{
    static const uint32_t data_field[] = { 7, 7, 5, 9 };
    const uint32_t cumulative = 2;
    size_t metric = message_begin(writer, 2);
    put_text(writer, 1, family->name);
    put_text(writer, 2, family->description);
    put_text(writer, 3, family->unit);
    size_t data = message_begin(writer, data_field[family->kind]);
    for (const struct metric_point *point = points; point; point = point->next) {
        if (point->is_skipped) continue;
        if (family->kind == METRIC_HISTOGRAM) {
            put_histogram_point(writer, point, start_unix_ns, time_unix_ns);
        } else {
            put_number_point(writer, point, family->kind == METRIC_GAUGE ? 0 : start_unix_ns, time_unix_ns);
        }
    }
    if (family->kind != METRIC_GAUGE) put_number(writer, 2, cumulative);
    if (family->kind == METRIC_COUNTER) put_number(writer, 3, 1);
    message_end(writer, data);
    message_end(writer, metric);
}

void otlp_write_metrics(struct otlp_writer *writer, const struct metric_set *set, uint64_t start_unix_ns,
                        uint64_t time_unix_ns)
{
    for (uint32_t id = 0; id < METRIC_COUNT; id++) {
        const struct metric_point *point = set->first[id];
        while (point && point->is_skipped) point = point->next;
        if (point) put_family(writer, &metric_families[id], point, start_unix_ns, time_unix_ns);
    }
}
