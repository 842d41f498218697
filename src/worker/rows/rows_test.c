/* Rows read back cell by cell through a recorder in place of the columns. */
#include "worker/rows/rows.h"

#include <math.h>

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
static int setup_with(void **state, uint32_t keys_max)
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
static int setup(void **state)
{
    return setup_with(state, 0);
}
static int setup_few_keys(void **state)
{
    return setup_with(state, 3);
}
static int teardown(void **state)
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

static struct otlp_attribute text_of(const char *key, const char *text)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_TEXT, .bytes = bytes_of_text(text) } };
}
static struct otlp_attribute int_of(const char *key, int64_t integer)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_INT, .integer = integer } };
}
static struct otlp_attribute double_of(const char *key, double number)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_DOUBLE, .number = number } };
}
static struct otlp_attribute bool_of(const char *key, bool boolean)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = OTLP_BOOL, .boolean = boolean } };
}
static struct otlp_attribute bytes_attribute_of(const char *key, enum otlp_type type, struct bytes bytes)
{
    return (struct otlp_attribute){ bytes_of_text(key), { .type = type, .bytes = bytes } };
}
static struct otlp_range sent_attributes(struct fixture *f, const struct otlp_attribute *attributes, uint32_t count)
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

static struct otlp_span *sent_span(struct fixture *f, struct otlp_range attributes)
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
static struct otlp_log *sent_log(struct fixture *f, struct otlp_range attributes)
{
    f->request.signal = OTLP_LOGS;
    struct otlp_log *log = &f->request.logs.at[f->request.logs.count++];
    *log = (struct otlp_log){
        .time_unix_ns = T0_NS, .observed_unix_ns = T0_NS + 5000, .attributes = attributes, .bytes = 77
    };
    return log;
}
static struct otlp_point *sent_point(struct fixture *f, enum otlp_metric_type type, struct otlp_range attributes)
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
static struct otlp_value body_of(const char *text)
{
    return (struct otlp_value){ .type = OTLP_TEXT, .bytes = bytes_of_text(text) };
}

/* ---- building and looking ---- */

static struct columns *fixture_columns(void *ctx, enum schema_table_id table, int32_t day)
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
static bool fixture_row_done(void *ctx, struct columns *columns)
{
    struct fixture *f = ctx;
    return columns_row_count(columns) < f->rows_of_each_max;
}
static void build(struct fixture *f)
{
    struct rows_sink sink = { fixture_columns, fixture_row_done, f };
    rows_build(f->rows, f->project, &f->request, &sink);
}
static const char *cell_in(const struct columns *columns, uint32_t row, const char *name)
{
    int column = schema_column_index(columns->table, bytes_of_text(name));
    assert_true(column >= 0);
    assert_true(row < columns->row_count);
    return columns->cells[row * SCHEMA_COLUMNS_MAX + (uint32_t)column];
}
static const char *cell(const struct fixture *f, uint32_t row, const char *name)
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

/* ---- spans ---- */

/* Goal: each field of a span stands where schema.md says, in its form.
 * Method: a span with all of them, and one with none. */
static void test_span_fields(void **state)
{
    struct fixture *f = *state;
    struct otlp_span *span = sent_span(f, (struct otlp_range){ 0 });
    span->parent_span_id = BYTES("\x01\x02\x03\x04\x05\x06\x07\x08");
    span->trace_state = BYTES("a=b");
    span->flags = 0x301;
    span->status_code = 2;
    span->status_message = BYTES("broke");
    struct otlp_span *bare = sent_span(f, (struct otlp_range){ 0 });
    bare->kind = 0;
    bare->end_unix_ns = 0;
    bare->name.len = 0;
    build(f);

    assert_int_equal(f->columns[0]->row_count, 2);
    assert_int_equal(f->columns[0]->timestamps[0], T0_NS / 1000);
    assert_cell(f, 0, "kind", "server");
    assert_cell(f, 0, "name", "GET /cart");
    assert_cell(f, 0, "status_code", "ERROR");
    assert_cell(f, 0, "status_message", "broke");
    assert_cell(f, 0, "parent_id", "0102030405060708");
    assert_cell(f, 0, "context___trace_id", "0123456789abcdef0123456789abcdef");
    assert_cell(f, 0, "context___span_id", "aabbccdd00112233");
    assert_cell(f, 0, "context___trace_state", "a=b");
    assert_cell(f, 0, "context___trace_flags", "01");
    assert_cell(f, 0, "context___is_remote", "true");
    assert_cell(f, 0, "start_time", "1767225500000000");
    assert_cell(f, 0, "end_time", "1767225500001234");
    assert_cell(f, 0, "duration", "1234567");
    assert_cell(f, 0, "message_size_bytes", "321");
    assert_cell(f, 0, "hashes", "0123456789abcdef0123456789abcdef");

    assert_cell(f, 1, "kind", "internal");
    assert_cell(f, 1, "status_code", "UNSET");
    const char *nulls[] = { "name",     "status_message", "parent_id", "context___trace_state", "context___trace_flags",
                            "end_time", "duration",       "events",    "context___is_remote",   "attributes",
                            "links",    "errors",         "level",     "observed_timestamp",    "resource" };
    for (size_t i = 0; i < COUNT_OF(nulls); i++) assert_cell_null(f, 1, nulls[i]);
}

static void test_span_kinds_and_statuses(void **state)
{
    struct fixture *f = *state;
    const char *kinds[] = { "internal", "internal", "server", "client", "producer", "consumer", "internal" };
    const char *statuses[] = { "UNSET", "OK", "ERROR", "UNSET" };
    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) {
        struct otlp_span *span = sent_span(f, (struct otlp_range){ 0 });
        span->kind = i;
        span->status_code = i < COUNT_OF(statuses) ? i : 0;
    }
    build(f);
    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) assert_cell(f, i, "kind", kinds[i]);
    for (uint32_t i = 0; i < COUNT_OF(statuses); i++) assert_cell(f, i, "status_code", statuses[i]);
}

/* Goal: an attribute with a column is stored once, there; one whose type is not the column's stays in the remainder too.
 * Method: right and wrong types for text, integer and bigint columns. */
static void test_flat_columns_and_remainder(void **state)
{
    struct fixture *f = *state;
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), int_of("server.port", 8080),
                            int_of("http.request.body.size", 5000000000), text_of("tenant", "a\"b")));
    sent_span(f, ATTRIBUTES(f, int_of("http.response.status_code", 200), text_of("server.port", "8443"),
                            text_of("client.port", "many"), int_of("code.line.number", 5000000000),
                            bool_of("url.scheme", true), double_of("user.id", 1.5), text_of("x", "y")));
    sent_span(f, ATTRIBUTES(f, text_of("http.response.status_code", "404"), text_of("code.line.number", "007")));
    build(f);
    assert_cell(f, 0, "attributes___http___request___method", "GET");
    assert_cell(f, 0, "attributes___server___port", "8080");
    assert_cell(f, 0, "attributes___http___request___body___size", "5000000000");
    assert_cell(f, 0, "attributes", "{\"tenant\":\"a\\\"b\"}");

    assert_cell(f, 1, "attributes___http___response___status_code", "200");
    assert_cell(f, 1, "attributes___server___port", "8443");
    assert_cell_null(f, 1, "attributes___client___port");
    assert_cell_null(f, 1, "attributes___code___line___number");
    assert_cell(f, 1, "attributes___url___scheme", "true");
    assert_cell_null(f, 1, "attributes___user___id");
    assert_cell(f, 1, "attributes",
                "{\"http.response.status_code\":200,\"server.port\":\"8443\",\"client.port\":\"many\","
                "\"code.line.number\":5000000000,\"url.scheme\":true,\"user.id\":1.5,\"x\":\"y\"}");

    assert_cell(f, 2, "attributes___http___response___status_code", "404");
    assert_cell_null(f, 2, "attributes___code___line___number");
    assert_cell(f, 2, "attributes", "{\"code.line.number\":\"007\"}");
}

/* Goal: the remainder keeps every OTLP type. Method: one attribute of each, nested ones too. */
static void test_remainder_types(void **state)
{
    struct fixture *f = *state;
    /* ["a", 1, {"k": true, "e": <empty>}] */
    struct bytes list = BYTES("\x0a\x03\x0a\x01"
                              "a"
                              "\x0a\x02\x18\x01"
                              "\x0a\x12\x32\x10\x0a\x07\x0a\x01"
                              "k"
                              "\x12\x02\x10\x01\x0a\x05\x0a\x01"
                              "e"
                              "\x12\x00");
    sent_span(f,
              ATTRIBUTES(f, int_of("i", INT64_MIN), double_of("d", 3), double_of("n", NAN), double_of("m", -INFINITY),
                         bool_of("b", false), bytes_attribute_of("y", OTLP_BYTES, BYTES("\x00\xff\x10\x80")),
                         bytes_attribute_of("e", OTLP_EMPTY, BYTES("")), bytes_attribute_of("l", OTLP_ARRAY, list)));
    build(f);
    assert_cell(
        f, 0, "attributes",
        "{\"i\":-9223372036854775808,\"d\":3.0,\"n\":\"NaN\",\"m\":\"-Infinity\",\"b\":false,\"y\":\"AP8QgA==\","
        "\"e\":null,\"l\":[\"a\",1,{\"k\":true,\"e\":null}]}");
}

/* Goal: of equal keys in one record the last counts, in columns and remainder. */
static void test_last_of_equal_keys(void **state)
{
    struct fixture *f = *state;
    sent_span(f, ATTRIBUTES(f, text_of("k", "1"), text_of("user.id", "a"), text_of("k", "2"), text_of("user.id", "b"),
                            text_of("k", "3")));
    sent_span(f, ATTRIBUTES(f, text_of("k", "4")));
    build(f);
    assert_cell(f, 0, "attributes___user___id", "b");
    assert_cell(f, 0, "attributes", "{\"k\":\"3\"}");
    assert_cell(f, 1, "attributes", "{\"k\":\"4\"}");
}

/* Goal: large remainders and 10,000 attributes pass whole. */
static void test_many_and_large_attributes(void **state)
{
    struct fixture *f = *state;
    size_t large_len = 1 << 20;
    char *large = mem_alloc(large_len + 1);
    memset(large, '"', large_len);
    large[large_len] = '\0';
    struct otlp_range few = ATTRIBUTES(f, text_of("large", large));
    struct otlp_range many = { f->request.attributes.count, 6000 };
    char(*keys)[8] = mem_calloc(many.count, sizeof *keys);
    for (uint32_t i = 0; i < many.count; i++) {
        snprintf(keys[i], sizeof *keys, "k%u", i);
        struct otlp_attribute attribute = int_of(keys[i], i);
        sent_attributes(f, &attribute, 1);
    }
    sent_span(f, few);
    sent_span(f, many);
    sent_span(f, few);
    build(f);
    assert_int_equal(strlen(cell(f, 0, "attributes")), 2 * large_len + strlen("{\"large\":\"\"}"));
    assert_string_equal(cell(f, 0, "attributes"), cell(f, 2, "attributes"));
    assert_non_null(strstr(cell(f, 1, "attributes"), "\"k5999\":5999}"));
    assert_non_null(strstr(cell(f, 1, "attributes"), "{\"k0\":0,\"k1\":1,"));
    free(large);
    free(keys);
}

/* Goal: old names become current ones, unless the current one is there with another value. */
static void test_old_names(void **state)
{
    struct fixture *f = *state;
    sent_span(f, ATTRIBUTES(f, text_of("http.method", "PUT"), int_of("http.status_code", 503),
                            text_of("http.target", "/a/b?x=1"), text_of("http.url", "http://h/a/b?x=1"),
                            text_of("http.scheme", "http"), text_of("http.user_agent", "curl"),
                            text_of("http.flavor", "2.0"), text_of("net.peer.name", "10.0.0.9"),
                            int_of("net.peer.port", 4711), text_of("net.host.name", "shop"),
                            int_of("net.host.port", 80), text_of("net.sock.peer.addr", "10.0.0.1"),
                            text_of("net.transport", "ip_tcp"), text_of("enduser.id", "u1")));
    struct otlp_span *client =
        sent_span(f, ATTRIBUTES(f, text_of("db.system", "mysql"), text_of("db.statement", "SELECT 1"),
                                text_of("db.name", "shop"), text_of("db.operation", "SELECT"),
                                text_of("db.sql.table", "cart"), text_of("net.peer.name", "db1"),
                                text_of("code.function", "find"), text_of("code.namespace", "com.acme.Repo"),
                                text_of("code.filepath", "/a.c"), int_of("code.lineno", 7),
                                text_of("deployment.environment", "prod")));
    client->kind = 3;
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.method", "GET"),
                            text_of("url.path", "/x"), text_of("http.target", "/y?q"),
                            text_of("http.host", "[::1]:8080")));
    sent_span(f, ATTRIBUTES(f, text_of("http.host", "shop.example"), text_of("code.namespace", "only")));
    build(f);
    const char *expected[][2] = { { "attributes___http___request___method", "PUT" },
                                  { "attributes___http___response___status_code", "503" },
                                  { "attributes___url___path", "/a/b" },
                                  { "attributes___url___query", "x=1" },
                                  { "attributes___url___full", "http://h/a/b?x=1" },
                                  { "attributes___url___scheme", "http" },
                                  { "attributes___user_agent___original", "curl" },
                                  { "attributes___network___protocol___version", "2" },
                                  { "attributes___client___address", "10.0.0.9" },
                                  { "attributes___client___port", "4711" },
                                  { "attributes___server___address", "shop" },
                                  { "attributes___server___port", "80" },
                                  { "attributes___network___peer___address", "10.0.0.1" },
                                  { "attributes___network___transport", "tcp" },
                                  { "attributes___user___id", "u1" },
                                  { "attributes", "{\"http.response.status_code\":503}" } };
    for (size_t i = 0; i < COUNT_OF(expected); i++) assert_cell(f, 0, expected[i][0], expected[i][1]);

    assert_cell(f, 1, "attributes___db___system___name", "mysql");
    assert_cell(f, 1, "attributes___db___query___text", "SELECT 1");
    assert_cell(f, 1, "attributes___db___namespace", "shop");
    assert_cell(f, 1, "attributes___db___operation___name", "SELECT");
    assert_cell(f, 1, "attributes___db___collection___name", "cart");
    assert_cell(f, 1, "attributes___server___address", "db1");
    assert_cell(f, 1, "attributes___code___function___name", "com.acme.Repo.find");
    assert_cell(f, 1, "attributes___code___file___path", "/a.c");
    assert_cell(f, 1, "attributes___code___line___number", "7");
    assert_cell(f, 1, "attributes", "{\"deployment.environment.name\":\"prod\"}");

    assert_cell(f, 2, "attributes___http___request___method", "GET");
    assert_cell(f, 2, "attributes___url___path", "/x");
    assert_cell_null(f, 2, "attributes___url___query");
    assert_cell(f, 2, "attributes___server___address", "[::1]");
    assert_cell(f, 2, "attributes___server___port", "8080");
    assert_cell(f, 2, "attributes", "{\"http.target\":\"/y?q\"}");
    assert_cell(f, 3, "attributes___server___address", "shop.example");
    assert_cell(f, 3, "attributes", "{\"code.namespace\":\"only\"}");
}

/* Goal: events and links are JSON arrays, exceptions also errors; times keep their nanoseconds. */
static void test_events_links_errors(void **state)
{
    struct fixture *f = *state;
    f->request.events.at[0] = (struct otlp_event){ .time_unix_ns = T0_NS, .name = BYTES("retry") };
    f->request.events.at[1] = (struct otlp_event){
        .time_unix_ns = 951782399000000000u, /* 2000-02-28T23:59:59Z, the day before a leap day */
        .name = BYTES("exception"),
        .attributes = ATTRIBUTES(f, text_of("exception.type", "IOError"), text_of("exception.message", "no \"x\""),
                                 text_of("exception.stacktrace", "a\nb"), int_of("k", 1)),
        .dropped_attributes_count = 2,
    };
    f->request.links.at[0] =
        (struct otlp_link){ .trace_id = BYTES("\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"),
                            .span_id = BYTES("\x22\x22\x22\x22\x22\x22\x22\x22"),
                            .attributes = ATTRIBUTES(f, text_of("why", "batch")) };
    struct otlp_span *span = sent_span(f, (struct otlp_range){ 0 });
    span->events = (struct otlp_range){ 0, 2 };
    span->links = (struct otlp_range){ 0, 1 };
    span->dropped_links_count = 4;
    sent_span(f, ATTRIBUTES(f, text_of("exception.type", "E"), text_of("exception.message", "m")));
    build(f);
    assert_cell(
        f, 0, "events",
        "[{\"name\":\"retry\",\"time\":\"2025-12-31T23:58:20.000000123Z\"},"
        "{\"name\":\"exception\",\"time\":\"2000-02-28T23:59:59.000000000Z\",\"attributes\":{\"exception.type\":"
        "\"IOError\",\"exception.message\":\"no \\\"x\\\"\",\"exception.stacktrace\":\"a\\nb\",\"k\":1},"
        "\"dropped_attributes_count\":2}]");
    assert_cell(f, 0, "links",
                "[{\"trace_id\":\"11111111111111111111111111111111\",\"span_id\":\"2222222222222222\","
                "\"attributes\":{\"why\":\"batch\"}}]");
    assert_cell(f, 0, "errors", "[{\"type\":\"IOError\",\"message\":\"no \\\"x\\\"\",\"stacktrace\":\"a\\nb\"}]");
    assert_cell(f, 0, "attributes", "{\"otel.dropped_links_count\":4}");
    assert_cell(f, 1, "attributes___exception___type", "E");
    assert_cell(f, 1, "errors", "[{\"type\":\"E\",\"message\":\"m\"}]");
}

/* Goal: an exception told by an event and by attributes is one error. */
static void test_error_told_twice(void **state)
{
    struct fixture *f = *state;
    f->request.events.at[0] = (struct otlp_event){ .name = BYTES("exception"),
                                                   .attributes = ATTRIBUTES(f, text_of("exception.type", "E"),
                                                                            text_of("exception.message", "m")) };
    struct otlp_span *span =
        sent_span(f, ATTRIBUTES(f, text_of("exception.type", "E"), text_of("exception.message", "m")));
    span->events = (struct otlp_range){ 0, 1 };
    build(f);
    assert_cell(f, 0, "errors", "[{\"type\":\"E\",\"message\":\"m\"}]");
}

/* Goal: the resource's columns and remainder stand in each of its rows, the scope in the remainder. */
static void test_resource_and_scope(void **state)
{
    struct fixture *f = *state;
    f->request.resources.count = f->request.scopes.count = 2;
    f->request.resources.at[0].attributes =
        ATTRIBUTES(f, text_of("service.name", "cart"), text_of("deployment.environment", "prod"),
                   text_of("host.name", "h1"), int_of("service.version", 3));
    f->request.resources.at[1].attributes = ATTRIBUTES(f, text_of("service.name", "pay"));
    f->request.scopes.at[0] = (struct otlp_scope){ .name = BYTES("lib"),
                                                   .version = BYTES("1.0"),
                                                   .attributes = ATTRIBUTES(f, text_of("s", "t")) };
    f->request.scopes.at[1].resource = 1;
    sent_span(f, (struct otlp_range){ 0 });
    sent_span(f, ATTRIBUTES(f, text_of("k", "v")))->scope = 1;
    sent_span(f, ATTRIBUTES(f, text_of("k", "v")));
    build(f);
    for (uint32_t row = 0; row < 3; row += 2) {
        assert_cell(f, row, "resource___service___name", "cart");
        assert_cell(f, row, "resource___deployment___environment___name", "prod");
        assert_cell(f, row, "resource___service___version", "3");
        assert_cell(f, row, "resource", "{\"host.name\":\"h1\",\"service.version\":3}");
    }
    assert_cell(f, 0, "attributes",
                "{\"otel.scope.name\":\"lib\",\"otel.scope.version\":\"1.0\",\"otel.scope.attributes\":{\"s\":\"t\"}}");
    assert_cell(f, 2, "attributes",
                "{\"k\":\"v\",\"otel.scope.name\":\"lib\",\"otel.scope.version\":\"1.0\",\"otel.scope.attributes\":{"
                "\"s\":\"t\"}}");
    assert_cell(f, 1, "resource___service___name", "pay");
    assert_cell_null(f, 1, "resource");
    assert_cell(f, 1, "attributes", "{\"k\":\"v\"}");
}

/* Goal: no key stands twice in a remainder. Method: a sender that names the scope itself. */
static void test_scope_named_by_sender(void **state)
{
    struct fixture *f = *state;
    f->request.scopes.at[0].name = BYTES("lib");
    sent_span(f, ATTRIBUTES(f, text_of("otel.scope.name", "own")));
    struct otlp_span *span = sent_span(f, (struct otlp_range){ 0 });
    span->dropped_attributes_count = 1;
    span->dropped_events_count = 2;
    span->dropped_links_count = 3;
    build(f);
    assert_cell(f, 0, "attributes", "{\"otel.scope.name\":\"own\"}");
    assert_cell(f, 1, "attributes",
                "{\"otel.dropped_attributes_count\":1,\"otel.dropped_events_count\":2,\"otel.dropped_links_count\":3,"
                "\"otel.scope.name\":\"lib\"}");
}

/* Goal: docs/rows.md shows what is true. Method: its example. */
static void test_example_of_docs(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"), text_of("host.name", "h1"));
    f->request.scopes.at[0].name = BYTES("io.opentelemetry.tomcat-10.0");
    struct otlp_span *span =
        sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/cart/{id}"),
                                text_of("http.target", "/cart/42?full=1"), int_of("http.response.status_code", 200),
                                text_of("user.id", "u1"), text_of("tenant.plan", "team")));
    span->name = BYTES("GET /cart/{id}");
    span->end_unix_ns = span->start_unix_ns + 13000000;
    span->flags = 1;
    build(f);
    const char *expected[][2] = {
        { "duration", "13000000" },
        { "context___trace_flags", "01" },
        { "attributes___url___path", "/cart/42" },
        { "attributes___url___query", "full=1" },
        { "attributes___http___response___status_code", "200" },
        { "attributes", "{\"http.route\":\"/cart/{id}\",\"http.response.status_code\":200,\"tenant.plan\":\"team\","
                        "\"otel.scope.name\":\"io.opentelemetry.tomcat-10.0\"}" },
        { "resource", "{\"host.name\":\"h1\"}" },
        { "summary",
          "kind;badge=>server|status;badge-2xx=>200|method;badge=>GET|route;text=>/cart/{id}|duration;right=>13ms" },
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++) assert_cell(f, 0, expected[i][0], expected[i][1]);
}

/* Goal: the endpoint of a server span has one hash, from route or from a path with ids taken out; it differs by service,
 * method and project, and a client span has none. */
static void test_endpoint_hash(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/user/{id}/cart")));
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("url.path", "/user/42/cart")));
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "PUT"), text_of("url.path", "/user/42/cart")));
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/user/{id}/cart")))->kind =
        3;
    build(f);
    const char *trace = "0123456789abcdef0123456789abcdef";
    assert_int_equal(strlen(cell(f, 0, "hashes")), 32 + 1 + 36);
    assert_memory_equal(cell(f, 0, "hashes"), trace, 32);
    assert_string_equal(cell(f, 0, "hashes"), cell(f, 1, "hashes"));
    assert_string_not_equal(cell(f, 0, "hashes"), cell(f, 2, "hashes"));
    assert_cell(f, 3, "hashes", trace);
    char *first = strdup(cell(f, 0, "hashes"));
    f->project.bytes[0] ^= 1;
    build(f);
    assert_string_not_equal(cell(f, 4, "hashes"), first);
    assert_string_equal(cell(f, 4, "hashes"), cell(f, 5, "hashes"));
    free(first);
}

/* Goal: the line people read says what a span is, shortly. */
static void test_span_summary(void **state)
{
    struct fixture *f = *state;
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/cart"),
                            int_of("http.response.status_code", 404)));
    struct otlp_span *db =
        sent_span(f,
                  ATTRIBUTES(f, text_of("db.system.name", "postgresql"), text_of("db.operation.name", "SELECT"),
                             text_of("db.collection.name", "carts"), text_of("db.query.text", "SELECT * FROM carts")));
    db->kind = 3;
    db->name = BYTES("SELECT carts");
    db->end_unix_ns = db->start_unix_ns + 987654321;
    struct otlp_span *failed = sent_span(f, ATTRIBUTES(f, text_of("error.type", "Timeout")));
    failed->kind = 1;
    failed->name = BYTES("work");
    failed->status_code = 2;
    failed->end_unix_ns = failed->start_unix_ns + 850;
    build(f);
    assert_cell(f, 0, "summary",
                "kind;badge=>server|status;badge-4xx=>404|method;badge=>GET|route;text=>/cart|duration;right=>1.2ms");
    assert_cell(f, 1, "summary",
                "kind;badge=>client|db;badge=>postgresql|query;text=>SELECT carts|duration;right=>990ms");
    assert_cell(f, 2, "summary", "name;text=>work|error;badge-error=>Timeout|duration;right=>850ns");
}

/* ---- logs ---- */

static void test_log_fields(void **state)
{
    struct fixture *f = *state;
    struct otlp_log *log = sent_log(f, ATTRIBUTES(f, text_of("user.id", "u1"), text_of("k", "v")));
    log->severity_number = 17;
    log->severity_text = BYTES("Error");
    log->trace_id = BYTES("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef");
    log->span_id = BYTES("\xaa\xbb\xcc\xdd\x00\x11\x22\x33");
    log->event_name = BYTES("paid");
    log->flags = 0x2;
    log->body = body_of("it \"broke\"");
    struct otlp_log *bare = sent_log(f, (struct otlp_range){ 0 });
    bare->time_unix_ns = 0;
    bare->trace_id = BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    struct otlp_log *barest = sent_log(f, (struct otlp_range){ 0 });
    barest->time_unix_ns = barest->observed_unix_ns = 0;
    build(f);
    assert_cell(f, 0, "kind", "log");
    assert_cell(f, 0, "name", "paid");
    assert_cell(f, 0, "level", "ERROR");
    assert_cell(f, 0, "severity___severity_text", "Error");
    assert_cell(f, 0, "severity___severity_number", "17");
    assert_cell(f, 0, "body", "\"it \\\"broke\\\"\"");
    assert_cell(f, 0, "context___trace_id", "0123456789abcdef0123456789abcdef");
    assert_cell(f, 0, "context___span_id", "aabbccdd00112233");
    assert_cell(f, 0, "context___trace_flags", "02");
    assert_cell(f, 0, "hashes", "0123456789abcdef0123456789abcdef");
    assert_cell(f, 0, "observed_timestamp", "1767225500000005");
    assert_cell(f, 0, "attributes___user___id", "u1");
    assert_cell(f, 0, "attributes", "{\"k\":\"v\"}");
    assert_cell(f, 0, "message_size_bytes", "77");
    assert_cell(f, 0, "summary", "level;badge-error=>ERROR|message;text=>it \"broke\"");
    const char *nulls[] = { "parent_id", "status_code", "duration", "start_time", "end_time" };
    for (size_t i = 0; i < COUNT_OF(nulls); i++) assert_cell_null(f, 0, nulls[i]);
    assert_int_equal(f->columns[0]->timestamps[1], (T0_NS + 5000) / 1000);
    assert_cell_null(f, 1, "context___trace_id");
    assert_cell_null(f, 1, "hashes");
    assert_cell_null(f, 1, "body");
    assert_cell_null(f, 1, "level");
    assert_cell(f, 1, "summary", "");
    /* Received a day later than the others' times: columns of their own. */
    assert_int_equal(f->columns_count, 2);
    assert_int_equal(f->columns[1]->timestamps[0], RECEIVED_US);
    assert_string_equal(cell_in(f->columns[1], 0, "observed_timestamp"), "1767225600000000");
}

static void test_log_levels(void **state)
{
    struct fixture *f = *state;
    const struct {
        int32_t number;
        const char *text, *level;
    } cases[] = {
        { 1, "", "TRACE" },       { 4, "", "TRACE" },       { 5, "", "DEBUG" },
        { 9, "", "INFO" },        { 12, "ERROR", "INFO" },  { 13, "", "WARN" },
        { 20, "", "ERROR" },      { 21, "", "FATAL" },      { 24, "", "FATAL" },
        { 0, "warning", "WARN" }, { 0, "Err", "ERROR" },    { 0, "CRITICAL", "FATAL" },
        { 0, "panic", "FATAL" },  { 0, "notice", "INFO" },  { 0, "information", "INFO" },
        { 0, "info2", "INFO" },   { 0, "strange", NULL },   { 0, "", NULL },
        { 25, "", NULL },         { -1, "debug", "DEBUG" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct otlp_log *log = sent_log(f, (struct otlp_range){ 0 });
        log->severity_number = cases[i].number;
        log->severity_text = bytes_of_text(cases[i].text);
    }
    build(f);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        const char *level = cell(f, i, "level");
        if (cases[i].level == NULL) {
            assert_null(level);
        } else {
            assert_non_null(level);
            assert_string_equal(level, cases[i].level);
        }
    }
}

/* Goal: a text that is a JSON object is stored as that object; all else as the value it is; and the line says what people
 * read of it. */
static void test_log_bodies(void **state)
{
    struct fixture *f = *state;
    sent_log(f, (struct otlp_range){ 0 })->body =
        body_of(" { \"msg\" : \"paid \\u00e9 \\ud83d\\ude00\\n\", \"n\": [1, 2.50, -0e1, {}], \"ok\": true } ");
    sent_log(f, (struct otlp_range){ 0 })->body = body_of("{\"a\":1,}");
    sent_log(f, (struct otlp_range){ 0 })->body = body_of("[1]");
    sent_log(f, (struct otlp_range){ 0 })->body = (struct otlp_value){ .type = OTLP_INT, .integer = 42 };
    sent_log(f, (struct otlp_range){ 0 })->body =
        (struct otlp_value){ .type = OTLP_KVLIST,
                             .bytes = BYTES("\x0a\x0e\x0a\x07message\x12\x03\x0a\x01"
                                            "x") };
    build(f);
    assert_cell(f, 0, "body", "{\"msg\":\"paid \\u00e9 \\ud83d\\ude00\\n\",\"n\":[1,2.50,-0e1,{}],\"ok\":true}");
    assert_cell(f, 0, "summary", "message;text=>paid \xc3\xa9 \xf0\x9f\x98\x80\n");
    assert_cell(f, 1, "body", "\"{\\\"a\\\":1,}\"");
    assert_cell(f, 1, "summary", "message;text=>{\"a\":1,}");
    assert_cell(f, 2, "body", "\"[1]\"");
    assert_cell(f, 3, "body", "42");
    assert_cell(f, 3, "summary", "message;text=>42");
    assert_cell(f, 4, "body", "{\"message\":\"x\"}");
    assert_cell(f, 4, "summary", "message;text=>x");
}

/* Goal: the message is cut between characters. Method: 499 bytes, then a character of two. */
static void test_log_message_is_cut(void **state)
{
    struct fixture *f = *state;
    char text[600] = { 0 };
    memset(text, 'a', 499);
    memcpy(text + 499, "\xc3\xa9tail", 6);
    sent_log(f, (struct otlp_range){ 0 })->body = body_of(text);
    build(f);
    assert_int_equal(strlen(cell(f, 0, "summary")), strlen("message;text=>") + 499);
}

/* ---- metrics ---- */

static void test_number_points(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0] = (struct otlp_resource){
        .attributes = ATTRIBUTES(f, text_of("service.name", "cart"), text_of("host.name", "h"), text_of("os", "x")),
        .schema_url = BYTES("res-url"),
    };
    f->request.scopes.at[0] =
        (struct otlp_scope){ .name = BYTES("lib"), .version = BYTES("1"), .schema_url = BYTES("u") };
    struct otlp_point *point = sent_point(f, OTLP_SUM,
                                          ATTRIBUTES(f, int_of("http.response.status_code", 200),
                                                     text_of("messaging.operation", "receive"), text_of("k", "v")));
    point->has_value = point->is_integer = true;
    point->integer = 7;
    f->request.metrics.at[0].is_monotonic = true;
    f->request.metrics.at[0].aggregation_temporality = 2;
    f->request.metrics.at[0].description = BYTES("how many");
    point = sent_point(f, OTLP_GAUGE, (struct otlp_range){ 0 });
    point->has_value = true;
    point->number = 0.5;
    f->request.metrics.at[1].unit.len = 0;
    point = sent_point(f, OTLP_GAUGE, (struct otlp_range){ 0 });
    point->has_value = true;
    point->flags = 1;
    build(f);
    const char *expected[][2] = { { "metric_name", "http.duration" },
                                  { "metric_type", "sum" },
                                  { "metric_unit", "ms" },
                                  { "metric_description", "how many" },
                                  { "aggregation_temporality", "cumulative" },
                                  { "is_monotonic", "true" },
                                  { "flags", "0" },
                                  { "value", "7" },
                                  { "value_int", "7" },
                                  { "ingested_at", "1767225600000000" },
                                  { "start_timestamp", "1767225440000000" },
                                  { "dropped_attributes_count", "0" },
                                  { "message_size_bytes", "99" },
                                  { "resource___service___name", "cart" },
                                  { "resource___host___name", "h" },
                                  { "resource", "{\"os\":\"x\"}" },
                                  { "resource_schema_url", "res-url" },
                                  { "scope_name", "lib" },
                                  { "scope_version", "1" },
                                  { "scope_schema_url", "u" },
                                  { "attributes___http___response___status_code", "200" },
                                  { "attributes___messaging___operation", "receive" },
                                  { "attributes", "{\"k\":\"v\"}" } };
    for (size_t i = 0; i < COUNT_OF(expected); i++) assert_cell(f, 0, expected[i][0], expected[i][1]);
    assert_cell_null(f, 0, "value_double");
    assert_cell(f, 1, "metric_type", "gauge");
    assert_cell(f, 1, "metric_unit", "");
    assert_cell(f, 1, "value_double", "0.5");
    assert_cell(f, 1, "value", "0.5");
    assert_cell_null(f, 1, "value_int");
    assert_cell_null(f, 1, "is_monotonic");
    assert_cell_null(f, 2, "value"); /* no recorded value */
    assert_cell(f, 2, "flags", "1");
}

static void test_distribution_points(void **state)
{
    struct fixture *f = *state;
    uint64_t counts[] = { 1, UINT64_MAX, 2 };
    double numbers[] = { 0.5, 10 };
    memcpy(f->request.counts.at, counts, sizeof counts);
    memcpy(f->request.numbers.at, numbers, sizeof numbers);
    f->request.counts.count = 3;
    f->request.numbers.count = 2;
    struct otlp_point *point = sent_point(f, OTLP_HISTOGRAM, (struct otlp_range){ 0 });
    point->count = 4;
    point->has_sum = point->has_min = point->has_max = true;
    point->sum = 10;
    point->min = 1;
    point->max = 6;
    point->bucket_counts = (struct otlp_range){ 0, 3 };
    point->bounds = (struct otlp_range){ 0, 2 };
    f->request.exemplars.at[0] =
        (struct otlp_exemplar){ .time_unix_ns = T0_NS,
                                .has_value = true,
                                .number = 2,
                                .trace_id = BYTES("\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11"),
                                .attributes = ATTRIBUTES(f, text_of("k", "v")) };
    point->exemplars = (struct otlp_range){ 0, 1 };
    point = sent_point(f, OTLP_EXPONENTIAL_HISTOGRAM, (struct otlp_range){ 0 });
    point->count = 0;
    point->has_sum = true;
    point->scale = -2;
    point->zero_count = 3;
    point->zero_threshold = 0.25;
    point->positive_offset = 4;
    point->negative_offset = -5;
    point->bucket_counts = (struct otlp_range){ 0, 1 };
    point->negative_counts = (struct otlp_range){ 2, 1 };
    point = sent_point(f, OTLP_SUMMARY, (struct otlp_range){ 0 });
    point->count = UINT64_MAX;
    point->quantiles = (struct otlp_range){ 0, 1 };
    point->quantile_values = (struct otlp_range){ 1, 1 };
    build(f);
    const char *expected[][3] = { { "0", "value", "2.5" },
                                  { "0", "distribution_count", "4" },
                                  { "0", "distribution_sum", "10" },
                                  { "0", "distribution_min", "1" },
                                  { "0", "distribution_max", "6" },
                                  { "0", "hist_bucket_counts", "1|9223372036854775807|2" },
                                  { "0", "hist_explicit_bounds", "0.5|10" },
                                  { "0", "exemplars",
                                    "[{\"time\":\"2025-12-31T23:58:20.000000123Z\",\"value\":2.0,\"trace_id\":"
                                    "\"11111111111111111111111111111111\",\"attributes\":{\"k\":\"v\"}}]" },
                                  { "1", "metric_type", "exponential_histogram" },
                                  { "1", "exp_hist_scale", "-2" },
                                  { "1", "exp_hist_zero_count", "3" },
                                  { "1", "exp_hist_zero_threshold", "0.25" },
                                  { "1", "exp_hist_pos_offset", "4" },
                                  { "1", "exp_hist_neg_offset", "-5" },
                                  { "1", "exp_hist_pos_buckets", "1" },
                                  { "1", "exp_hist_neg_buckets", "2" },
                                  { "2", "metric_type", "summary" },
                                  { "2", "distribution_count", "9223372036854775807" },
                                  { "2", "summary_quantiles", "0.5" },
                                  { "2", "summary_values", "10" } };
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_cell(f, (uint32_t)(expected[i][0][0] - '0'), expected[i][1], expected[i][2]);
    }
    assert_cell_null(f, 1, "value"); /* a mean of nothing */
    assert_cell_null(f, 1, "hist_bucket_counts");
}

/* ---- ids, days, keys ---- */

/* Goal: the same request makes the same rows, with another rows and after other requests; equal records get ids of
 * their own; a field more makes another id. Method: every signal, built twice. */
static void test_replay_is_equal(void **state)
{
    struct fixture *f = *state;
    const char *id_names[] = { "id", "id", "id" };
    for (int signal = 0; signal < 3; signal++) {
        struct otlp_request *r = &f->request;
        r->spans.count = r->logs.count = r->points.count = r->metrics.count = r->attributes.count = 0;
        for (int i = 0; i < 4; i++) {
            struct otlp_range attributes = ATTRIBUTES(f, text_of("b", "2"), text_of("a", i == 3 ? "other" : "1"));
            if (signal == 0) {
                r->signal = OTLP_TRACES;
                struct otlp_span *span = sent_span(f, attributes);
                if (i == 3) span->span_id = BYTES("\xaa\xbb\xcc\xdd\x00\x11\x22\x34");
            } else if (signal == 1) {
                sent_log(f, attributes);
            } else {
                sent_point(f, OTLP_GAUGE, attributes);
            }
        }
        struct fixture other = { .rows = rows_create(&(struct rows_options){ 0 }),
                                 .request = f->request,
                                 .project = f->project,
                                 .rows_of_each_max = UINT32_MAX };
        for (uint32_t i = 0; i < f->columns_count; i++) columns_destroy(f->columns[i]);
        f->columns_count = 0;
        build(f);
        build(f);
        build(&other);
        const struct schema_table *table = f->columns[0]->table;
        for (uint32_t row = 0; row < 4; row++) {
            for (uint32_t column = 0; column < table->column_count; column++) {
                const char *name = table->columns[column].name, *first = cell(f, row, name);
                const char *again = cell(f, row + 4, name), *elsewhere = cell(&other, row, name);
                assert_true((first == NULL) == (again == NULL) && (first == NULL) == (elsewhere == NULL));
                if (first == NULL) continue;
                assert_string_equal(first, again);
                assert_string_equal(first, elsewhere);
            }
            for (uint32_t before = 0; before < row; before++) {
                assert_string_not_equal(cell(f, row, id_names[signal]), cell(f, before, id_names[signal]));
            }
        }
        if (signal == 2) {
            assert_string_equal(cell(f, 0, "series_id"), cell(f, 1, "series_id"));
            assert_string_not_equal(cell(f, 0, "series_id"), cell(f, 3, "series_id"));
        }
        for (uint32_t i = 0; i < other.columns_count; i++) columns_destroy(other.columns[i]);
        rows_destroy(other.rows);
    }
}

/* Goal: ids are those of docs/rows.md, made there by another program. Method: its test vectors. */
static void test_id_vectors(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    f->request.resources.count = f->request.scopes.count = 2;
    f->request.scopes.at[0] = (struct otlp_scope){ .name = BYTES("lib"), .version = BYTES("1.0") };
    f->request.scopes.at[1].resource = 1; /* of no attributes, no name */
    struct otlp_range attributes =
        ATTRIBUTES(f, int_of("z", 1), text_of("a", "x"), double_of("m", 2.5), bool_of("b", true));
    struct otlp_range http =
        ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/user/{id}/cart"));
    sent_span(f, http);
    sent_span(f, attributes);
    build(f);
    assert_cell(f, 0, "id", "8ae992d9-9b71-5a8e-a24f-d86f5bd750a0");
    assert_cell(f, 1, "id", "3b1262af-e095-5e40-b87f-25b483be9f2a"); /* ordinal 1 */
    assert_cell(f, 0, "hashes", "0123456789abcdef0123456789abcdef|1ee15ccb-7104-538a-8d29-26b9860a827e");

    f->request.spans.count = 0;
    for (int i = 0; i < 2; i++) {
        struct otlp_log *log = sent_log(f, attributes);
        log->severity_number = 9;
        log->severity_text = BYTES("INFO");
        log->body = body_of("paid");
        log->trace_id = BYTES("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef");
        log->span_id = BYTES("\xaa\xbb\xcc\xdd\x00\x11\x22\x33");
    }
    struct otlp_log *bare = sent_log(f, (struct otlp_range){ 0 });
    bare->scope = 1;
    bare->observed_unix_ns = 0;
    build(f);
    assert_cell(f, 2, "id", "9fcd8244-cc54-5e57-be31-fca7f2be4b26");
    assert_cell(f, 3, "id", "123e80cf-9d1c-5b11-900f-ee3c7e85022a");
    assert_cell(f, 4, "id", "df638e35-ad40-5401-9526-03eaa42e3657");

    f->request.logs.count = 0;
    sent_point(f, OTLP_HISTOGRAM, attributes);
    build(f);
    assert_string_equal(cell_in(f->columns[1], 0, "series_id"), "087d1099-f491-58b9-86f3-bf242b431414");
    assert_string_equal(cell_in(f->columns[1], 0, "id"), "ec9fdff0-6388-531a-8283-975136605f30");
}

/* Goal: ids do not depend on the order of attributes, and do on the project. */
static void test_log_id(void **state)
{
    struct fixture *f = *state;
    sent_log(f, ATTRIBUTES(f, text_of("a", "1"), text_of("b", "2")));
    build(f);
    f->request.logs.count = 0;
    sent_log(f, ATTRIBUTES(f, text_of("b", "2"), text_of("a", "1")));
    build(f);
    f->project.bytes[3]++;
    build(f);
    assert_string_equal(cell(f, 0, "id"), cell(f, 1, "id"));
    assert_string_not_equal(cell(f, 0, "id"), cell(f, 2, "id"));
}

/* Goal: rows go to the columns of their day, and to fresh ones when the sink says that the last are full, with words and
 * resource whole in each. Method: two rows each, days alternating. */
static void test_days_and_full_columns(void **state)
{
    struct fixture *f = *state;
    f->rows_of_each_max = 2;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    for (uint32_t i = 0; i < 8; i++) {
        sent_span(f, (struct otlp_range){ 0 })->start_unix_ns = T0_NS - (i % 2) * 86400000000000u;
    }
    build(f);
    assert_int_equal(f->columns_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(f->columns[i]->row_count, 2);
        for (uint32_t row = 0; row < 2; row++) {
            assert_int_equal(f->columns[i]->timestamps[row] / 86400000000, f->days[i]);
            assert_string_equal(cell_in(f->columns[i], row, "resource___service___name"), "cart");
            assert_string_equal(cell_in(f->columns[i], row, "kind"), "server");
        }
    }
    f->request.spans.count = 1;
    uint32_t asked_before = f->asked_count;
    sent_span(f, (struct otlp_range){ 0 });
    build(f);
    assert_int_equal(f->asked_count, asked_before + 1); /* not for each row */
}

/* Goal: a project names at most attribute_keys_max keys; further ones keep their values in one member, and keys known
 * before, keys with columns and other projects go on as ever. */
static void test_attribute_keys_max(void **state)
{
    struct fixture *f = *state; /* of three keys */
    sent_span(f, ATTRIBUTES(f, text_of("a", "1"), text_of("b", "2"), text_of("c", "3"), text_of("d", "4"),
                            text_of("user.id", "u"), text_of("e", "5")));
    sent_span(f, ATTRIBUTES(f, text_of("d", "6"), text_of("b", "7")));
    sent_span(f, ATTRIBUTES(f, int_of("f", 8)));
    build(f);
    assert_cell(f, 0, "attributes",
                "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"monoscope.attributes_overflow\":{\"d\":\"4\",\"e\":\"5\"}}");
    assert_cell(f, 0, "attributes___user___id", "u");
    assert_cell(f, 1, "attributes", "{\"b\":\"7\",\"monoscope.attributes_overflow\":{\"d\":\"6\"}}");
    assert_cell(f, 2, "attributes", "{\"monoscope.attributes_overflow\":{\"f\":8}}");
    f->project.bytes[0]++;
    build(f);
    assert_cell(f, 5, "attributes", "{\"monoscope.attributes_overflow\":{\"f\":8}}");
    f->project.bytes[0]++;
    f->request.spans.at[0] = f->request.spans.at[2];
    f->request.spans.count = 1;
    build(f);
    assert_cell(f, 6, "attributes", "{\"f\":8}");
}

/* Goal: more keys than are remembered do no harm. Method: 40,000 keys over 100 requests, a known one in each. */
static void test_keys_are_forgotten(void **state)
{
    struct fixture *f = *state;
    char(*keys)[16] = mem_calloc(400, sizeof *keys);
    for (uint32_t request = 0; request < 100; request++) {
        f->request.attributes.count = f->request.spans.count = 0;
        struct otlp_range range = { 0, 401 };
        for (uint32_t i = 0; i < 400; i++) {
            snprintf(keys[i], sizeof *keys, "key.%u", request * 400 + i);
            struct otlp_attribute attribute = int_of(keys[i], i);
            sent_attributes(f, &attribute, 1);
        }
        ATTRIBUTES(f, text_of("user.id", "u"));
        sent_span(f, range);
        build(f);
        char last[40];
        snprintf(last, sizeof last, "\"key.%u\":399}", request * 400 + 399);
        assert_cell(f, request, "attributes___user___id", "u");
        assert_non_null(strstr(cell(f, request, "attributes"), last));
    }
    free(keys);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_span_fields),
        TEST(test_span_kinds_and_statuses),
        TEST(test_flat_columns_and_remainder),
        TEST(test_remainder_types),
        TEST(test_last_of_equal_keys),
        TEST(test_many_and_large_attributes),
        TEST(test_old_names),
        TEST(test_events_links_errors),
        TEST(test_error_told_twice),
        TEST(test_resource_and_scope),
        TEST(test_scope_named_by_sender),
        TEST(test_example_of_docs),
        TEST(test_endpoint_hash),
        TEST(test_span_summary),
        TEST(test_log_fields),
        TEST(test_log_levels),
        TEST(test_log_bodies),
        TEST(test_log_message_is_cut),
        TEST(test_number_points),
        TEST(test_distribution_points),
        TEST(test_replay_is_equal),
        TEST(test_id_vectors),
        TEST(test_log_id),
        TEST(test_days_and_full_columns),
        cmocka_unit_test_setup_teardown(test_attribute_keys_max, setup_few_keys, teardown),
        TEST(test_keys_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
