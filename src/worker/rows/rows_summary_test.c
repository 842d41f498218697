/* The line people read. */
#include "worker/rows/rows_fixture.h"

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

/* Goal: each kind of span says what an on-call person asks first: where, how it went, what was wrong. */
static void test_kinds_of_spans(void **state)
{
    struct fixture *f = *state;
    const struct {
        uint32_t kind;
        const char *name;
        struct otlp_attribute sent[8];
        const char *line;
    } cases[] = {
        { 3,
          "GET",
          { text_of("http.request.method", "GET"),
            text_of("url.full", "https://u:p@api.bank.example:8443/charge/42?x=1"),
            int_of("http.response.status_code", 503) },
          "kind;badge=>client|status;badge-5xx=>503|method;badge=>GET|host;text=>api.bank.example|route;text=>/charge/"
          "{id}" },
        { 3,
          "GET /charge/{id}",
          { text_of("http.request.method", "GET"), text_of("server.address", "bank"),
            text_of("url.template", "/charge/{id}") },
          "kind;badge=>client|method;badge=>GET|host;text=>bank|route;text=>/charge/{id}" },
        { 3,
          "POST",
          { text_of("http.request.method", "POST"), text_of("url.full", "http://[::1]:80") },
          "kind;badge=>client|method;badge=>POST|host;text=>[::1]" },
        { 2,
          "GET /a",
          { text_of("http.request.method", "GET"), text_of("http.route", "/a"), text_of("server.address", "shop") },
          "kind;badge=>server|method;badge=>GET|route;text=>/a" },
        { 1,
          "documentLoad",
          { text_of("http.url", "https://shop.example/cart/7#x") },
          "host;text=>shop.example|route;text=>/cart/{id}|name;text=>documentLoad" },
        { 1, "click", { text_of("target_element", "BUTTON") }, "name;text=>click|target;text=>BUTTON" },
        { 3,
          "db",
          { text_of("db.system.name", "mysql"), text_of("db.query.text", "SELECT * FROM t WHERE id = 4711") },
          "kind;badge=>client|db;badge=>mysql|query;text=>SELECT * FROM t WHERE id = <*>|name;text=>db" },
        { 2,
          "acme.Cart/Add",
          { text_of("rpc.service", "acme.Cart"), text_of("rpc.method", "Add"), int_of("rpc.grpc.status_code", 14) },
          "kind;badge=>server|rpc;text=>acme.Cart/Add|grpc;badge-error=>UNAVAILABLE" },
        { 2,
          "acme.Cart/Add",
          { text_of("rpc.method", "acme.Cart/Add"), int_of("rpc.grpc.status_code", 0) },
          "kind;badge=>server|rpc;text=>acme.Cart/Add" },
        { 5,
          "orders process",
          { text_of("messaging.system", "kafka"), text_of("messaging.destination.name", "orders"),
            text_of("messaging.operation", "process"), int_of("messaging.batch.message_count", 10) },
          "kind;badge=>consumer|messaging;badge=>kafka|operation;badge=>process|destination;text=>orders|batch;text=>"
          "10" },
        { 2,
          "nightly",
          { text_of("faas.trigger", "timer"), bool_of("faas.coldstart", true) },
          "kind;badge=>server|trigger;badge=>timer|start;badge-warning=>cold|name;text=>nightly" },
        { 3,
          "resize",
          { text_of("faas.invoked_name", "resize") },
          "kind;badge=>client|function;text=>resize|name;text=>resize" },
        { 3,
          "chat gpt-x",
          { text_of("gen_ai.system", "openai"), text_of("gen_ai.operation.name", "chat"),
            text_of("gen_ai.request.model", "gpt-x"), int_of("gen_ai.usage.input_tokens", 1234),
            int_of("gen_ai.usage.completion_tokens", 56) },
          "kind;badge=>client|ai;badge=>openai|operation;badge=>chat|model;text=>gpt-x|tokens;text=>1200 in, 56 out" },
        { 1,
          "execute_tool search",
          { text_of("gen_ai.operation.name", "execute_tool"), text_of("gen_ai.tool.name", "search") },
          "operation;badge=>execute_tool|tool;text=>search" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t count = 0;
        while (count < COUNT_OF(cases[i].sent) && cases[i].sent[count].key.len > 0) count++;
        struct otlp_span *span = sent_span(f, sent_attributes(f, cases[i].sent, count));
        span->kind = cases[i].kind;
        span->name = bytes_of_text(cases[i].name);
        span->end_unix_ns = 0;
    }
    build(f);
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) assert_cell(f, i, "summary", cases[i].line);
}

/* Goal: a failed span says why, by its exception before its status. */
static void test_failures(void **state)
{
    struct fixture *f = *state;
    f->request.events.at[0] =
        (struct otlp_event){ .name = BYTES("exception"),
                             .attributes = ATTRIBUTES(f, text_of("exception.type", "KeyError"),
                                                      text_of("exception.message", "no item 42")) };
    struct otlp_span *span = sent_span(f, ATTRIBUTES(f, text_of("error.type", "500")));
    span->events = (struct otlp_range){ 0, 1 };
    struct otlp_span *plain = sent_span(f, (struct otlp_range){ 0 });
    plain->status_message = BYTES("gave up");
    struct otlp_span *handled = sent_span(f, (struct otlp_range){ 0 });
    handled->events = (struct otlp_range){ 0, 1 };
    span->status_code = plain->status_code = 2;
    span->end_unix_ns = plain->end_unix_ns = handled->end_unix_ns = 0;
    build(f);
    assert_cell(f, 0, "summary",
                "kind;badge=>server|name;text=>GET /cart|error;badge-error=>KeyError|message;text=>no item 42");
    assert_cell(f, 1, "summary",
                "kind;badge=>server|name;text=>GET /cart|error;badge-error=>ERROR|message;text=>gave up");
    assert_cell(f, 2, "summary", "kind;badge=>server|name;text=>GET /cart");
}

/* Goal: logs say level, event, message, and what else is known of them. */
static void test_logs(void **state)
{
    struct fixture *f = *state;
    sent_log(f, ATTRIBUTES(f, text_of("exception.type", "IOError"), text_of("exception.message", "disk full")))->body =
        body_of("could not save");
    sent_log(f, ATTRIBUTES(f, text_of("exception.type", "IOError"), text_of("exception.message", "disk full")));
    sent_log(f, ATTRIBUTES(f, text_of("k8s.event.reason", "BackOff"), int_of("k8s.event.count", 17)))->body =
        body_of("Back-off restarting failed container");
    sent_log(f, ATTRIBUTES(f, text_of("browser.web_vital.name", "lcp"), double_of("browser.web_vital.value", 2512.25),
                           text_of("browser.web_vital.rating", "needs-improvement")))
        ->event_name = BYTES("browser.web_vital");
    sent_log(f, ATTRIBUTES(f, text_of("browser.web_vital.name", "cls"), double_of("browser.web_vital.value", 0.1249),
                           text_of("browser.web_vital.rating", "poor")));
    sent_log(f, ATTRIBUTES(f, text_of("browser.web_vital.name", "inp"), int_of("browser.web_vital.value", 40),
                           text_of("browser.web_vital.rating", "good")));
    sent_log(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/a"),
                           int_of("http.response.status_code", 200)))
        ->severity_number = 9;
    f->request.logs.at[2].severity_text = BYTES("Warning");
    build(f);
    const char *lines[] = {
        "message;text=>could not save|exception;badge-error=>IOError|cause;text=>disk full",
        "message;text=>disk full|exception;badge-error=>IOError",
        "level;badge-warning=>WARN|reason;badge=>BackOff|message;text=>Back-off restarting failed "
        "container|count;text=>17",
        "event;badge=>browser.web_vital|vital;badge=>lcp|value;text=>2.5s|rating;badge-warning=>needs-improvement",
        "vital;badge=>cls|value;text=>0.12|rating;badge-error=>poor",
        "vital;badge=>inp|value;text=>40ms|rating;badge=>good",
        "level;badge=>INFO|status;badge-2xx=>200|method;badge=>GET|route;text=>/a",
    };
    for (uint32_t i = 0; i < COUNT_OF(lines); i++) assert_cell(f, i, "summary", lines[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_span_summary),
        TEST(test_kinds_of_spans),
        TEST(test_failures),
        TEST(test_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
