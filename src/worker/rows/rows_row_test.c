/* What a listener is told of each row. */
#include "worker/rows/rows_fixture.h"

struct heard {
    struct rows_row rows[8];
    uint32_t count;
    char texts[8][400]; /* kind service method route endpoint? | attributes | resource's */
};

static void text_add(char *text, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void text_add(char *text, const char *fmt, ...)
{
    va_list args;
    size_t len = strlen(text);
    va_start(args, fmt);
    vsnprintf(text + len, sizeof((struct heard *)0)->texts[0] - len, fmt, args);
    va_end(args);
}

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).ptr

static void hear(void *ctx, const struct rows_row *row)
{
    struct heard *heard = ctx;
    assert_true(heard->count < COUNT_OF(heard->rows));
    char *text = heard->texts[heard->count];
    heard->rows[heard->count++] = *row;
    for (uint32_t e = 0; e < row->error_count; e++) {
        text_add(text, "[%.*s %.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s] ", 4, (const char *)row->errors[e].hash.ptr,
                 TEXT(row->errors[e].source.type), TEXT(row->errors[e].source.language), TEXT(row->release),
                 TEXT(row->environment), TEXT(row->user_id), TEXT(row->session_id), TEXT(row->trace_id));
    }
    text_add(text, "%s %.*s %.*s %.*s", rows_kind_words[row->kind], TEXT(row->service), TEXT(row->method),
             TEXT(row->route));
    for (uint32_t a = 0; a < row->attribute_count; a++) text_add(text, " %.*s", TEXT(row->attributes[a].key));
    for (uint32_t a = 0; a < row->resource_attribute_count; a++)
        text_add(text, " r:%.*s", TEXT(row->resource_attributes[a].key));
}

/* The sink's ctx is one for all its functions: the fixture's stand first. */
struct listening {
    struct fixture *f;
    struct heard *heard;
};
static struct columns *listening_columns(void *ctx, enum schema_table_id table, int32_t day)
{
    return fixture_columns(((struct listening *)ctx)->f, table, day);
}
static bool listening_row_done(void *ctx, struct columns *columns)
{
    return fixture_row_done(((struct listening *)ctx)->f, columns);
}
static void listening_row(void *ctx, const struct rows_row *row)
{
    hear(((struct listening *)ctx)->heard, row);
}

static void listen(struct fixture *f, struct heard *heard, bool wants_attributes)
{
    struct listening listening = { f, heard };
    struct rows_sink sink = { .columns = listening_columns,
                              .row_done = listening_row_done,
                              .ctx = &listening,
                              .row = listening_row,
                              .wants_attributes = &wants_attributes };
    rows_build(f->rows, f->project, &f->request, &sink);
}

/* Goal: a listener hears of every span what the columns and hashes say, under current names; attributes only when it
 * wants them.
 * Method: a server, a database call, an internal span that failed. */
static void test_spans(void **state)
{
    struct fixture *f = *state;
    struct heard heard = { .count = 0 };
    f->request.resources.at[0].attributes =
        ATTRIBUTES(f, text_of("service.name", "cart"), text_of("deployment.environment", "prod"));
    sent_span(f, ATTRIBUTES(f, text_of("http.method", "GET"), text_of("url.path", "/user/42/cart")));
    struct otlp_span *call = sent_span(f, ATTRIBUTES(f, text_of("db.system", "postgresql"), text_of("db.name", "shop"),
                                                     text_of("server.address", "db1"), text_of("peer.service", "pg")));
    call->kind = 3;
    call->end_unix_ns = 0;
    struct otlp_span *failed = sent_span(f, (struct otlp_range){ 0 });
    failed->kind = 1;
    failed->status_code = 2;
    listen(f, &heard, true);
    assert_int_equal(heard.count, 3);
    assert_string_equal(heard.texts[0], "server cart GET /user/{id}/cart url.path http.request.method r:service.name "
                                        "r:deployment.environment.name");
    assert_int_equal(heard.rows[0].endpoint.len, 36);
    assert_true(heard.rows[0].has_duration);
    assert_int_equal(heard.rows[0].duration_ns, 1234567);
    assert_int_equal(heard.rows[0].timestamp_us, T0_NS / 1000);
    assert_false(heard.rows[0].is_error);
    assert_true(heard.rows[1].kind == ROWS_CLIENT && !heard.rows[1].has_duration);
    assert_true(bytes_equal(heard.rows[1].db_system, BYTES("postgresql")));
    assert_true(bytes_equal(heard.rows[1].db_namespace, BYTES("shop")));
    assert_true(bytes_equal(heard.rows[1].server_address, BYTES("db1")));
    assert_true(bytes_equal(heard.rows[1].peer_service, BYTES("pg")));
    assert_true(heard.rows[2].is_error);
    assert_ptr_equal(heard.rows[2].span, failed);
    assert_int_equal(heard.rows[2].endpoint.len, 0);

    struct heard again = { .count = 0 };
    listen(f, &again, false);
    assert_string_equal(again.texts[0], "server cart GET /user/{id}/cart r:service.name r:deployment.environment.name");
}

static void test_logs_and_points(void **state)
{
    struct fixture *f = *state;
    struct heard heard = { .count = 0 };
    sent_log(f, (struct otlp_range){ 0 })->severity_number = 17;
    sent_log(f, (struct otlp_range){ 0 })->severity_number = 9;
    listen(f, &heard, false);
    f->request.logs.count = 0;
    sent_point(f, OTLP_GAUGE, ATTRIBUTES(f, int_of("k", 1)));
    listen(f, &heard, true);
    assert_int_equal(heard.count, 3);
    assert_true(heard.rows[0].kind == ROWS_LOG && heard.rows[0].is_error && !heard.rows[1].is_error);
    assert_ptr_equal(heard.rows[2].point, &f->request.points.at[0]);
    assert_string_equal(heard.texts[2], "metric    k");
}

/* Goal: a listener hears of a row's errors, and whom they met: release, environment, user, session, trace. */
static void test_errors(void **state)
{
    struct fixture *f = *state;
    struct heard heard = { .count = 0 };
    f->request.resources.at[0].attributes =
        ATTRIBUTES(f, text_of("service.name", "cart"), text_of("service.version", "1.2"),
                   text_of("deployment.environment", "prod"), text_of("telemetry.sdk.language", "php"));
    sent_span(f,
              ATTRIBUTES(f, text_of("error.type", "timeout"), text_of("enduser.id", "u1"), text_of("session.id", "s1")))
        ->status_code = 2;
    sent_span(f, ATTRIBUTES(f, text_of("exception.type", "E"), text_of("exception.message", "m")));
    sent_span(f, ATTRIBUTES(f, text_of("user.id", "u1")));
    listen(f, &heard, false);
    assert_non_null(
        strstr(heard.texts[0], "[err: timeout|php|1.2|prod|u1|s1|0123456789abcdef0123456789abcdef] server"));
    assert_non_null(strstr(heard.texts[1], "[err: E|php|1.2|prod|||0123456789abcdef0123456789abcdef] server"));
    assert_int_equal(heard.rows[2].error_count, 0);
    assert_int_equal(heard.rows[2].user_id.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_errors), TEST(test_spans), TEST(test_logs_and_points) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
