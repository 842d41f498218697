/* Elements of `hashes`: endpoints, errors, log patterns. */
#include "worker/rows/rows_fixture.h"

#define TRACE "0123456789abcdef0123456789abcdef"

/* Element n of a row's hashes, behind the trace id as 0; NULL when there are not so many. */
static const char *element(const struct fixture *f, uint32_t row, uint32_t n)
{
    static char room[8][64];
    static uint32_t used;
    const char *at = cell(f, row, "hashes");
    for (; at != NULL && n > 0; n--) {
        at = strchr(at, '|');
        if (at != NULL) at++;
    }
    if (at == NULL) return NULL;
    char *text = room[used++ % COUNT_OF(room)];
    snprintf(text, sizeof room[0], "%.*s", (int)strcspn(at, "|"), at);
    return text;
}

/* Goal: an endpoint has one hash, from route or from a path with ids taken out; it differs by service, method and
 * project. RPC methods and queues are endpoints too, and the URL templates of clients others. */
static void test_endpoints(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    struct otlp_range route =
        ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("http.route", "/user/{id}/cart"));
    sent_span(f, route);
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("url.path", "/user/42/cart")));
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "PUT"), text_of("url.path", "/user/42/cart")));
    sent_span(f, route)->kind = 3;
    sent_span(f, ATTRIBUTES(f, text_of("rpc.system", "grpc"), text_of("rpc.service", "Cart"),
                            text_of("rpc.method", "Add")));
    struct otlp_range queue =
        ATTRIBUTES(f, text_of("messaging.destination.name", "orders"), text_of("messaging.operation.type", "process"));
    sent_span(f, queue)->kind = 5;
    sent_span(f, queue)->kind = 4;
    sent_span(f, ATTRIBUTES(f, text_of("messaging.destination.name", "amq.gen-x"),
                            bool_of("messaging.destination.temporary", true)))
        ->kind = 5;
    sent_span(f, ATTRIBUTES(f, text_of("http.request.method", "GET"), text_of("server.address", "api.bank.example"),
                            text_of("url.template", "/charge/{id}")))
        ->kind = 3;
    build(f);
    assert_string_equal(element(f, 0, 0), TRACE);
    assert_string_equal(element(f, 0, 1), "1ee15ccb-7104-538a-8d29-26b9860a827e");
    assert_string_equal(element(f, 1, 1), element(f, 0, 1));
    assert_string_not_equal(element(f, 2, 1), element(f, 0, 1));
    assert_null(element(f, 3, 1));
    assert_string_equal(element(f, 4, 1), "4b06353d-5044-50bd-885b-eab88bcc2e6f");
    assert_string_equal(element(f, 5, 1), "57472bab-5464-5d2b-86c3-b31ce234bf67");
    assert_null(element(f, 6, 1));
    assert_null(element(f, 7, 1));
    assert_string_equal(element(f, 8, 1), "3a1a6f63-ab9d-5b3f-bc60-0158b8f464ed");
    f->project.bytes[0] ^= 1;
    build(f);
    assert_string_not_equal(element(f, 9, 1), element(f, 0, 1));
    assert_string_equal(element(f, 9, 1), element(f, 10, 1));
}

/* Goal: logs that say the same with other values share a pattern; it is of one service and project, and of what people
 * read of an object. */
static void test_patterns(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    f->request.resources.count = f->request.scopes.count = 2;
    f->request.scopes.at[1].resource = 1;
    const char *bodies[] = { "user 42 took 35ms", "user 100017 took 1.5s", "{\"msg\":\"user 7 took 2s\",\"k\":1}",
                             "user left",         "{\"a\":1,\"b\":\"x\"}", "{\"a\":2,\"b\":\"y\"}" };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) sent_log(f, (struct otlp_range){ 0 })->body = body_of(bodies[i]);
    struct otlp_log *elsewhere = sent_log(f, (struct otlp_range){ 0 });
    elsewhere->body = body_of(bodies[0]);
    elsewhere->scope = 1;
    sent_log(f, (struct otlp_range){ 0 });
    sent_log(f, (struct otlp_range){ 0 })->body = (struct otlp_value){ .type = OTLP_BYTES, .bytes = BYTES("\x01\x02") };
    build(f);
    assert_cell_null(f, 8, "hashes");
    assert_cell(f, 0, "hashes", "pat:89257d29-4ca2-5d08-ab56-8c375f3edfd1");
    assert_string_equal(cell(f, 1, "hashes"), cell(f, 0, "hashes"));
    assert_string_equal(cell(f, 2, "hashes"), cell(f, 0, "hashes"));
    assert_string_not_equal(cell(f, 3, "hashes"), cell(f, 0, "hashes"));
    assert_string_not_equal(cell(f, 4, "hashes"), cell(f, 0, "hashes"));
    assert_string_equal(cell(f, 5, "hashes"), cell(f, 4, "hashes"));
    assert_string_not_equal(cell(f, 6, "hashes"), cell(f, 0, "hashes"));
    assert_cell_null(f, 7, "hashes");
}

/* Goal: an error is its type, its message without values and its place in the program, line numbers aside; a failed
 * span without an exception is told by its name; a row names each of its errors once. */
static void test_errors(void **state)
{
    struct fixture *f = *state;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    const char *stacks[] = { "E: x\n\tat java.util.List.get(List.java:1)\n\tat com.acme.Cart.add(Cart.java:42)\n",
                             "E: y\n\tat java.util.List.get(List.java:9)\n\tat com.acme.Cart.add(Cart.java:57)\n",
                             "E: y\n\tat com.acme.Cart.drop(Cart.java:57)\n" };
    for (uint32_t i = 0; i < 3; i++) {
        f->request.events.at[i] = (struct otlp_event){
            .name = BYTES("exception"),
            .attributes = ATTRIBUTES(f, text_of("exception.type", "E"),
                                     text_of("exception.message", i == 0 ? "no item 42" : "no item 7"),
                                     text_of("exception.stacktrace", stacks[i])),
        };
        sent_span(f, (struct otlp_range){ 0 })->events = (struct otlp_range){ i, 1 };
    }
    sent_span(f, (struct otlp_range){ 0 })->events = (struct otlp_range){ 0, 3 };
    for (uint32_t i = 0; i < 2; i++) {
        struct otlp_span *failed = sent_span(f, ATTRIBUTES(f, text_of("error.type", "timeout")));
        failed->status_code = 2;
        failed->status_message = i == 0 ? BYTES("after 5 s") : BYTES("after 17 s");
    }
    build(f);
    assert_string_equal(element(f, 0, 1), "err:ecfafb26-5230-5d83-a9cb-527c318d4d22");
    assert_string_equal(element(f, 1, 1), element(f, 0, 1));
    assert_string_not_equal(element(f, 2, 1), element(f, 0, 1));
    assert_string_equal(element(f, 3, 1), element(f, 0, 1));
    assert_string_equal(element(f, 3, 2), element(f, 2, 1));
    assert_null(element(f, 3, 3));
    assert_non_null(strstr(cell(f, 0, "errors"), "\"fingerprint\":\"ecfafb26-5230-5d83-a9cb-527c318d4d22\"}]"));
    assert_string_equal(element(f, 4, 1), "err:8429d7fa-40ca-5736-b2de-2f611da3858f");
    assert_string_equal(element(f, 5, 1), element(f, 4, 1));
    assert_cell_null(f, 4, "errors");
}

/* Goal: a failure is told once, by the lowest span that has it: spans of the service above it, which failed for it, are no errors
 * of their own; those of another service, of another trace and beside it are. Method: a tree of failed spans, an id a letter. */
static void test_failures_above(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *trace, *id, *parent;
        uint32_t scope;
        bool has_exception, is_error;
    } spans[] = {
        { "one", "a", "", 0, false, false },   /* above b, c and d */
        { "one", "d", "c", 0, true, true },    /* the exception */
        { "one", "c", "b", 0, false, false },  /* the order of spans says nothing */
        { "one", "b", "a", 0, false, false },  /* */
        { "one", "e", "a", 0, false, true },   /* beside b */
        { "one", "f", "e", 1, false, true },   /* another service's, called by e */
        { "two", "a", "", 0, false, true },    /* the same id in another trace */
        { "two", "g", "h", 0, false, true },   /* its parent is not here */
        { "three", "i", "j", 0, false, true }, /* one of these is above the other */
        { "three", "j", "i", 0, false, false },
    };
    f->request.resources.count = f->request.scopes.count = 2;
    f->request.scopes.at[1].resource = 1;
    f->request.resources.at[0].attributes = ATTRIBUTES(f, text_of("service.name", "cart"));
    f->request.resources.at[1].attributes = ATTRIBUTES(f, text_of("service.name", "payments"));
    f->request.events.at[0] =
        (struct otlp_event){ .name = BYTES("exception"), .attributes = ATTRIBUTES(f, text_of("exception.type", "E")) };
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        struct otlp_span *span = sent_span(f, (struct otlp_range){ 0 });
        span->scope = spans[i].scope;
        span->trace_id = bytes_of_text(spans[i].trace);
        span->span_id = bytes_of_text(spans[i].id);
        span->parent_span_id = bytes_of_text(spans[i].parent);
        span->status_code = 2;
        if (spans[i].has_exception) span->events = (struct otlp_range){ 0, 1 };
    }
    build(f);
    for (uint32_t i = 0; i < COUNT_OF(spans); i++) {
        const char *hash = element(f, i, 1);
        if ((hash != NULL) != spans[i].is_error) fail_msg("span %s of %s: %s", spans[i].id, spans[i].trace, hash);
    }
}

/* Goal: many hashes at once do no harm to those kept. Method: more patterns than are kept, each built twice. */
static void test_hashes_are_kept(void **state)
{
    struct fixture *f = *state;
    char(*bodies)[32] = mem_calloc(1500, sizeof *bodies);
    for (uint32_t i = 0; i < 1500; i++) {
        snprintf(bodies[i], sizeof *bodies, "%c%c%c%c is done", 'a' + i % 20, 'b' + i / 20 % 20, 'c' + i / 400, 'z');
        sent_log(f, (struct otlp_range){ 0 })->body = body_of(bodies[i]);
    }
    build(f);
    build(f);
    for (uint32_t i = 0; i < 1500; i++) {
        assert_string_equal(cell(f, i, "hashes"), cell(f, 1500 + i, "hashes"));
        if (i > 0) assert_string_not_equal(cell(f, i, "hashes"), cell(f, i - 1, "hashes"));
    }
    free(bodies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_endpoints),      TEST(test_patterns),        TEST(test_errors),
        TEST(test_failures_above), TEST(test_hashes_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
