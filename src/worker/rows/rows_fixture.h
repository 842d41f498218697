/* rows_fixture.h -- for tests: a request built by hand, and its rows read back cell by cell through the recorder that
 * stands in for the columns. Included by one test file each. */
#pragma once
#include "worker/rows/rows.h"
#include "worker/rows/rows_recorder.h"

#define RECEIVED_US 1767225600000000 /* 2026-01-01T00:00:00Z */
#define T0_NS       1767225500000000123u
#define SENT_MAX    8192

/* ---- a request built by hand ---- */

struct fixture {
    struct rows *rows;
    struct otlp_request request;
    struct uuid project;
    struct columns *columns[8];
    int32_t days[8];
    enum schema_table_id tables[8];
    uint32_t columns_count, asked_count, rows_of_each_max;
};

#define SENT_ARRAY(array) ((array).at = mem_calloc(SENT_MAX, sizeof *(array).at), (array).cap = SENT_MAX)
static inline int setup_with(void **state, uint32_t keys_max)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->rows = rows_create(&(struct rows_options){ .attribute_keys_max = keys_max });
    f->rows_of_each_max = UINT32_MAX;
    memset(f->project.bytes, 7, 16);
    f->request.signal = OTLP_TRACES;
    f->request.received_unix_us = RECEIVED_US;
    SENT_ARRAY(f->request.resources);
    SENT_ARRAY(f->request.scopes);
    SENT_ARRAY(f->request.attributes);
    SENT_ARRAY(f->request.spans);
    SENT_ARRAY(f->request.events);
    SENT_ARRAY(f->request.links);
    SENT_ARRAY(f->request.logs);
    SENT_ARRAY(f->request.metrics);
    SENT_ARRAY(f->request.points);
    SENT_ARRAY(f->request.exemplars);
    SENT_ARRAY(f->request.counts);
    SENT_ARRAY(f->request.numbers);
    f->request.resources.count = f->request.scopes.count = 1;
    *state = f;
    return 0;
}
static inline int setup(void **state)
{
    return setup_with(state, 0);
}
static inline int setup_few_keys(void **state)
{
    return setup_with(state, 3);
}
static inline int teardown(void **state)
{
    struct fixture *f = *state;
    struct otlp_request *r = &f->request;
    void *arrays[] = { r->resources.at, r->scopes.at,  r->attributes.at, r->spans.at,     r->events.at, r->links.at,
                       r->logs.at,      r->metrics.at, r->points.at,     r->exemplars.at, r->counts.at, r->numbers.at };
    for (size_t i = 0; i < COUNT_OF(arrays); i++) free(arrays[i]);
    for (uint32_t i = 0; i < f->columns_count; i++) columns_destroy(f->columns[i]);
    rows_destroy(f->rows);
    free(f);
    return 0;
}

static inline struct otlp_attribute text_of(const char *key, const char *text)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_TEXT, .bytes = bytes_of_text(text) } };
}
static inline struct otlp_attribute int_of(const char *key, int64_t integer)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_INT, .integer = integer } };
}
static inline struct otlp_attribute double_of(const char *key, double number)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_DOUBLE, .number = number } };
}
static inline struct otlp_attribute bool_of(const char *key, bool boolean)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_BOOL, .boolean = boolean } };
}
static inline struct otlp_attribute bytes_attribute_of(const char *key, enum otlp_type type, struct bytes bytes)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = type, .bytes = bytes } };
}
static inline struct otlp_range sent_attributes(struct fixture *f, const struct otlp_attribute *attributes,
                                                uint32_t count)
{
    struct otlp_range range = { f->request.attributes.count, count };
    assert_true(range.first + count <= SENT_MAX);
    memcpy(f->request.attributes.at + range.first, attributes, count * sizeof *attributes);
    f->request.attributes.count += count;
    return range;
}
#define ATTRIBUTES(f, ...)                                             \
    sent_attributes(f, (const struct otlp_attribute[]){ __VA_ARGS__ }, \
                    (uint32_t)COUNT_OF(((const struct otlp_attribute[]){ __VA_ARGS__ })))

static inline struct otlp_span *sent_span(struct fixture *f, struct otlp_range attributes)
{
    struct otlp_span *span = &f->request.spans.at[f->request.spans.count++];
    *span = (struct otlp_span){ .kind = 2,
                                .trace_id = BYTES("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"),
                                .span_id = BYTES("\xaa\xbb\xcc\xdd\x00\x11\x22\x33"),
                                .name = BYTES("GET /cart"),
                                .start_unix_ns = T0_NS,
                                .end_unix_ns = T0_NS + 1234567,
                                .attributes = attributes,
                                .bytes = 321 };
    return span;
}
static inline struct otlp_log *sent_log(struct fixture *f, struct otlp_range attributes)
{
    f->request.signal = OTLP_LOGS;
    struct otlp_log *log = &f->request.logs.at[f->request.logs.count++];
    *log = (struct otlp_log){
        .time_unix_ns = T0_NS, .observed_unix_ns = T0_NS + 5000, .attributes = attributes, .bytes = 77
    };
    return log;
}
static inline struct otlp_point *sent_point(struct fixture *f, enum otlp_metric_type type, struct otlp_range attributes)
{
    f->request.signal = OTLP_METRICS;
    f->request.metrics.at[f->request.metrics.count] =
        (struct otlp_metric){ .type = type, .name = BYTES("http.duration"), .unit = BYTES("ms") };
    struct otlp_point *point = &f->request.points.at[f->request.points.count++];
    *point = (struct otlp_point){ .metric = f->request.metrics.count++,
                                  .time_unix_ns = T0_NS,
                                  .start_unix_ns = T0_NS - 60000000000u,
                                  .attributes = attributes,
                                  .bytes = 99 };
    return point;
}
static inline struct otlp_value body_of(const char *text)
{
    return (struct otlp_value){ .type = OTLP_TEXT, .bytes = bytes_of_text(text) };
}

/* ---- building and looking ---- */

static inline struct columns *fixture_columns(void *ctx, enum schema_table_id table, int32_t day)
{
    struct fixture *f = ctx;
    f->asked_count++;
    for (uint32_t i = 0; i < f->columns_count; i++) {
        if (f->tables[i] == table && f->days[i] == day && columns_row_count(f->columns[i]) < f->rows_of_each_max) {
            return f->columns[i];
        }
    }
    assert_true(f->columns_count < COUNT_OF(f->columns));
    f->tables[f->columns_count] = table;
    f->days[f->columns_count] = day;
    return f->columns[f->columns_count++] = columns_create(schema_table(table));
}
static inline bool fixture_row_done(void *ctx, struct columns *columns)
{
    struct fixture *f = ctx;
    return columns_row_count(columns) < f->rows_of_each_max;
}
static inline void build(struct fixture *f)
{
    struct rows_sink sink = { .columns = fixture_columns, .row_done = fixture_row_done, .ctx = f };
    rows_build(f->rows, f->project, &f->request, &sink);
}
static inline const char *cell_in(const struct columns *columns, uint32_t row, const char *name)
{
    int column = schema_column_index(columns->table, bytes_of_text(name));
    assert_true(column >= 0);
    assert_true(row < columns->row_count);
    return columns->cells[row * SCHEMA_COLUMNS_MAX + (uint32_t)column];
}
static inline const char *cell(const struct fixture *f, uint32_t row, const char *name)
{
    assert_true(f->columns_count > 0);
    return cell_in(f->columns[0], row, name);
}
#define assert_cell(f, row, name, text)                  \
    do {                                                 \
        const char *found = cell(f, row, name);          \
        if (found == NULL) fail_msg("%s is null", name); \
        assert_string_equal(found, text);                \
    } while (0)
#define assert_cell_null(f, row, name) assert_null(cell(f, row, name))

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
