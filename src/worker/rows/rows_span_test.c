/* Spans as rows: fields, attributes, events, resources. */
#include <math.h>

#include "worker/rows/rows_fixture.h"

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
    assert_cell(f, 0, "hashes", "0123456789abcdef0123456789abcdef|err:5f875114-1fd5-5ada-bf07-5640d0d52c29");
    assert_cell(f, 1, "hashes", "0123456789abcdef0123456789abcdef");

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

/* Goal: an attribute with a column is stored once, there; one whose type is not the column's stays in the remainder
 * too. Method: right and wrong types for text, integer and bigint columns. */
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
    assert_cell(f, 0, "errors",
                "[{\"type\":\"IOError\",\"message\":\"no "
                "\\\"x\\\"\",\"stacktrace\":\"a\\nb\",\"fingerprint\":\"682d4f25-a2bb-51bc-be6b-a457efba20da\"}]");
    assert_cell(f, 0, "attributes", "{\"otel.dropped_links_count\":4}");
    assert_cell(f, 1, "attributes___exception___type", "E");
    assert_cell(f, 1, "errors",
                "[{\"type\":\"E\",\"message\":\"m\",\"fingerprint\":\"5c348adb-94e4-53e7-937f-091c0d0ce450\"}]");
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
    assert_cell(f, 0, "errors",
                "[{\"type\":\"E\",\"message\":\"m\",\"fingerprint\":\"5c348adb-94e4-53e7-937f-091c0d0ce450\"}]");
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
        assert_cell(f, row, "resource___host___name", "h1");
        assert_cell(f, row, "resource", "{\"service.version\":3}");
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
        { "attributes___http___route", "/cart/{id}" },
        { "attributes", "{\"http.response.status_code\":200,\"tenant.plan\":\"team\","
                        "\"otel.scope.name\":\"io.opentelemetry.tomcat-10.0\"}" },
        { "resource___host___name", "h1" },
        { "summary",
          "kind;badge=>server|status;badge-2xx=>200|method;badge=>GET|route;text=>/cart/{id}|duration;right=>13ms" },
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++) assert_cell(f, 0, expected[i][0], expected[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_span_fields),           TEST(test_span_kinds_and_statuses), TEST(test_flat_columns_and_remainder),
        TEST(test_remainder_types),       TEST(test_last_of_equal_keys),      TEST(test_many_and_large_attributes),
        TEST(test_events_links_errors),   TEST(test_error_told_twice),        TEST(test_resource_and_scope),
        TEST(test_scope_named_by_sender), TEST(test_example_of_docs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
