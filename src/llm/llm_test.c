/* Questions to a scripted server of our own: whose model, which key, further tries, budgets, what is kept; on SQLite and PostgreSQL. */
#include "meta/meta_fixture.h"

#include <pthread.h>

#include "base/clock.h"
#include "llm/llm_inside.h"
#include "meta/meta.h"
#include "net/http_fixture.h"

enum { ANSWERS_MAX = 8, HOLD = -1 };
struct answer {
    int status;
    const char *body;
    uint32_t retry_after_s;
};

struct fixture {
    struct db_fixture *base;
    struct meta *meta;
    struct db *db;
    struct meta_project shop, lobby;
    struct http_fixture server;
    char url[64], anthropic_url[64];
    struct llm *llm;
    struct arena arena;
    pthread_mutex_t lock; /* guards the rest: the handler is on the loop's thread */
    struct answer answers[ANSWERS_MAX];
    uint32_t asked;                         /* the last answer stays */
    struct http_request *held[ANSWERS_MAX]; /* answered at the end */
    uint32_t held_count;
    char *body; /* of the last request */
    char authorization[128], api_key[128], path[64];
};

static void header_copy(struct http_request *request, const char *name, char to[128])
{
    struct bytes value = http_request_header(request, name);
    snprintf(to, 128, "%.*s", (int)value.len, (const char *)value.ptr);
}

static void on_request(void *ctx, struct http_request *request)
{
    struct fixture *fixture = ctx;
    char seconds[16];
    pthread_mutex_lock(&fixture->lock);
    uint32_t at = fixture->asked++;
    while (at > 0 && (at >= ANSWERS_MAX || fixture->answers[at].status == 0)) at--;
    struct answer answer = fixture->answers[at];
    free(fixture->body);
    fixture->body = bytes_to_text(request->body);
    header_copy(request, "authorization", fixture->authorization);
    header_copy(request, "x-api-key", fixture->api_key);
    snprintf(fixture->path, sizeof fixture->path, "%.*s", (int)request->path.len, (const char *)request->path.ptr);
    if (answer.status == HOLD && fixture->held_count < ANSWERS_MAX) {
        fixture->held[fixture->held_count++] = request;
        pthread_mutex_unlock(&fixture->lock);
        return;
    }
    pthread_mutex_unlock(&fixture->lock);
    snprintf(seconds, sizeof seconds, "%u", answer.retry_after_s);
    const struct http_header headers[] = { { BYTES("content-type"), BYTES("application/json") },
                                           { BYTES("retry-after"), bytes_of_text(seconds) } };
    struct http_response response = { .status = answer.status,
                                      .headers = headers,
                                      .header_count = answer.retry_after_s > 0 ? 2 : 1,
                                      .body = bytes_of_text(answer.body) };
    http_answer(request, &response);
}

static void script(struct fixture *fixture, const struct answer *answers, uint32_t count)
{
    pthread_mutex_lock(&fixture->lock);
    memset(fixture->answers, 0, sizeof fixture->answers);
    memcpy(fixture->answers, answers, count * sizeof *answers);
    fixture->asked = 0;
    pthread_mutex_unlock(&fixture->lock);
}
#define SCRIPT(fixture, ...) \
    script(fixture, (struct answer[]){ __VA_ARGS__ }, (uint32_t)COUNT_OF(((struct answer[]){ __VA_ARGS__ })))

static bool redact(void *ctx, struct bytes text, struct buf *out)
{
    const uint8_t *at = text.ptr == NULL ? NULL : memmem(text.ptr, text.len, "hunter2", 7);
    (void)ctx;
    if (at == NULL) return buf_add(out, text.ptr, text.len);
    size_t before = (size_t)(at - text.ptr);
    return buf_add(out, text.ptr, before) && buf_add(out, "[redacted]", 10) &&
           buf_add(out, at + 7, text.len - before - 7);
}

static void open_with(struct fixture *fixture, struct llm_options options)
{
    struct err err = { 0 };
    llm_close(fixture->llm);
    options.db = fixture->db;
    options.log = &db_fixture_log;
    options.redact = redact;
    if (!llm_open(&fixture->llm, &options, &err)) fail_msg("%s", err.text);
}

static struct llm_options usual(const struct fixture *fixture)
{
    return (struct llm_options){ .url = fixture->url,
                                 .model = "m1",
                                 .key = "server-key",
                                 .allows_private = true,
                                 .audit = true,
                                 .audit_days = 30,
                                 .input_price_micros = 1000000,
                                 .output_price_micros = 2000000 };
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->base = meta_fixture_open(state, &fixture->meta, &fixture->shop, &fixture->lobby);
    fixture->db = meta_db(fixture->meta);
    pthread_mutex_init(&fixture->lock, NULL);
    http_fixture_open(&fixture->server, on_request, fixture, 4 << 20);
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u/v1", fixture->server.port);
    snprintf(fixture->anthropic_url, sizeof fixture->anthropic_url, "http://127.0.0.1:%u/v1/messages",
             fixture->server.port);
    arena_init(&fixture->arena, 0);
    open_with(fixture, usual(fixture));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    llm_close(fixture->llm);
    for (uint32_t h = 0; h < fixture->held_count; h++) http_answer_text(fixture->held[h], 500, "late");
    http_fixture_end(&fixture->server);
    arena_deinit(&fixture->arena);
    meta_close(fixture->meta);
    db_fixture_teardown(fixture->base);
    pthread_mutex_destroy(&fixture->lock);
    free(fixture->body);
    free(fixture);
    return 0;
}

#define SAYS(text)                                                       \
    "{\"model\":\"m1-0\",\"choices\":[{\"message\":{\"content\":\"" text \
    "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":10}}"
static const char same_schema[] = "{\"type\":\"object\",\"properties\":{\"same\":{\"type\":\"boolean\"}},\"required\":["
                                  "\"same\"],\"additionalProperties\":false}";

static bool ask(struct fixture *fixture, struct uuid project_id, const char *schema, struct llm_answer *answer,
                struct err *err)
{
    struct llm_message message = { .role = LLM_USER, .text = BYTES("the password is hunter2, what now?") };
    struct llm_request request = { .project_id = project_id,
                                   .purpose = "test",
                                   .messages = &message,
                                   .message_count = 1,
                                   .schema = schema,
                                   .temperature = -1,
                                   .total_ms_max = 20000,
                                   .output_tokens_max = 100 };
    *err = (struct err){ 0 };
    return llm_ask(fixture->llm, &request, &fixture->arena, answer, err);
}

struct putting {
    struct fixture *fixture;
    struct llm_settings settings;
    const struct bytes *key;
};
static bool put_run(struct db_session *session, void *ctx, struct err *err)
{
    struct putting *putting = ctx;
    return llm_settings_put(putting->fixture->llm, session, &putting->settings, putting->key, err);
}
static bool put(struct fixture *fixture, const char *url, const char *model, const char *key, struct err *err)
{
    struct bytes key_bytes = bytes_of_text(key != NULL ? key : "");
    struct putting putting = { fixture,
                               { .project_id = fixture->shop.id, .is_on = true },
                               key != NULL ? &key_bytes : NULL };
    snprintf(putting.settings.url, LLM_URL_BYTES, "%s", url);
    snprintf(putting.settings.model, LLM_MODEL_BYTES, "%s", model);
    *err = (struct err){ 0 };
    return db_transaction(fixture->db, put_run, &putting, err);
}

static int64_t number(struct fixture *fixture, const char *sql)
{
    int64_t value = -1;
    struct err err = { 0 };
    if (!db_read(fixture->db, sql, DB_NO_VALUES, db_fixture_number_read, &value, &err)) fail_msg("%s", err.text);
    return value;
}

static bool text_read(void *ctx, struct db_row *row, struct err *err)
{
    struct bytes text = db_row_text(row, 0);
    (void)err;
    snprintf(ctx, 400, "%.*s", (int)text.len, (const char *)text.ptr);
    return true;
}

/* Goal: an answer with what it used and cost; the prompt is kept without its secret; passing failures are tried again as
 * Retry-After says, others are not. Method: one answer, then a script of refusals; the time of one retry. */
static void test_answers_and_tries(void **state)
{
    struct fixture *fixture = *state;
    struct llm_answer answer;
    struct err err;
    char text[400];
    SCRIPT(fixture, { 200, SAYS("42"), 0 });
    if (!ask(fixture, fixture->shop.id, NULL, &answer, &err)) fail_msg("%s", err.text);
    assert_true(bytes_equal(answer.text, BYTES("42")));
    assert_string_equal(fixture->authorization, "Bearer server-key");
    assert_string_equal(fixture->path, "/v1/chat/completions");
    assert_int_equal(answer.input_tokens, 100);
    assert_int_equal(answer.cost_micros, 120); /* 100 at 1 and 10 at 2 a million */
    assert_true(db_read(fixture->db, "SELECT prompt FROM llm_audit", DB_NO_VALUES, text_read, text, &err));
    assert_string_equal(text, "[user]\nthe password is [redacted], what now?");
    assert_int_equal(number(fixture, "SELECT input_tokens + output_tokens FROM llm_usage"), 110);

    uint64_t begin_ns = clock_mono_ns();
    SCRIPT(fixture, { 429, "{}", 1 }, { 529, "{\"error\":{\"message\":\"busy\"}}", 0 }, { 200, SAYS("43"), 0 });
    if (!ask(fixture, fixture->shop.id, NULL, &answer, &err)) fail_msg("%s", err.text);
    assert_int_equal(answer.tries, 3);
    assert_true(clock_mono_ns() - begin_ns >= 1000000000ull);

    SCRIPT(fixture, { 429, "{\"error\":\"later\"}", 100 });
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_int_equal(err.code, ERR_QUOTA);
    assert_non_null(strstr(err.text, "in 100 s"));
    assert_int_equal(fixture->asked, 1);
    SCRIPT(fixture, { 401, "{\"error\":{\"message\":\"bad key server-key\"}}", 0 });
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_null(strstr(err.text, "server-key"));
    assert_non_null(strstr(err.text, "401: the key is not right"));
    assert_int_equal(fixture->asked, 1);
    SCRIPT(fixture, { 307, "", 0 });
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_non_null(strstr(err.text, "redirects are not followed"));
    SCRIPT(fixture, { 200, "{\"choices\":", 0 }, { 200, SAYS("44"), 0 }); /* cut */
    assert_true(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    SCRIPT(fixture, { 200, "{\"hm\":1}", 0 }); /* malformed: once more, not for ever */
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_int_equal(fixture->asked, 2);
    assert_int_equal(number(fixture, "SELECT count(*) FROM llm_reservations"), 0);
}

/* Goal: an answer by a schema fits it, or there is none; servers that have no schemas are found out once; one that is wrong
 * gets one more chance. Method: scripts of both APIs. */
static void test_schema(void **state)
{
    struct fixture *fixture = *state;
    struct llm_answer answer;
    struct err err;
    SCRIPT(fixture, { 400, "{\"error\":{\"message\":\"response_format json_schema: not supported\"}}", 0 },
           { 200, SAYS("<think>hm {</think>```json\\n{\\\"same\\\": true}\\n```"), 0 });
    if (!ask(fixture, fixture->shop.id, same_schema, &answer, &err)) fail_msg("%s", err.text);
    assert_true(bytes_equal(answer.json, BYTES("{\"same\": true}")));
    assert_non_null(strstr(fixture->body, "json_object"));
    SCRIPT(fixture, { 200, SAYS("{\\\"same\\\":false}"), 0 });
    assert_true(ask(fixture, fixture->shop.id, same_schema, &answer, &err));
    assert_int_equal(fixture->asked, 1); /* it was remembered */
    SCRIPT(fixture, { 200, SAYS("{\\\"same\\\":\\\"yes\\\"}"), 0 }, { 200, SAYS("{\\\"same\\\":true}"), 0 });
    assert_true(ask(fixture, fixture->shop.id, same_schema, &answer, &err));
    assert_non_null(strstr(fixture->body, "That was not right"));
    assert_non_null(strstr(fixture->body, "/same: it must be of type boolean"));
    assert_int_equal(answer.input_tokens, 200);
    SCRIPT(fixture, { 200, SAYS("I am sorry"), 0 });
    assert_false(ask(fixture, fixture->shop.id, same_schema, &answer, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(fixture->asked, 2);
    SCRIPT(fixture, { 200, "{\"choices\":[{\"message\":{\"content\":\"{\\\"sa\"},\"finish_reason\":\"length\"}]}", 0 });
    assert_false(ask(fixture, fixture->shop.id, same_schema, &answer, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_int_equal(fixture->asked, 1);

    assert_true(put(fixture, fixture->anthropic_url, "c1", "own-key", &err));
    SCRIPT(fixture, { 200,
                      "{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"answer\",\"input\":{\"same\":true}}"
                      "],\"stop_reason\":\"tool_use\"}",
                      0 });
    if (!ask(fixture, fixture->shop.id, same_schema, &answer, &err)) fail_msg("%s", err.text);
    assert_true(bytes_equal(answer.json, BYTES("{\"same\":true}")));
    assert_int_equal(answer.call_count, 0);
    assert_string_equal(fixture->api_key, "own-key");
    assert_string_equal(fixture->authorization, "");
    assert_string_equal(fixture->path, "/v1/messages");
}

/* Goal: keys go where they were meant to go, are not in the database as they are, and cannot be moved to another URL; a
 * project's URL reaches nothing private unless that is allowed. Method: each way one might try. */
static void test_keys(void **state)
{
    struct fixture *fixture = *state;
    struct llm_answer answer;
    struct llm_settings settings;
    struct err err;
    char other[80];
    SCRIPT(fixture, { 200, SAYS("1"), 0 });
    assert_true(put(fixture, fixture->url, "m2", NULL, &err));
    assert_true(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_string_equal(fixture->authorization, ""); /* not the server's */
    assert_non_null(strstr(fixture->body, "\"m2\""));
    assert_true(put(fixture, fixture->url, "m2", "own-key-1", &err));
    assert_true(put(fixture, fixture->url, "m3", NULL, &err)); /* stays */
    assert_true(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_string_equal(fixture->authorization, "Bearer own-key-1");
    assert_int_equal(
        number(fixture, fixture->base->kind == DB_SQLITE
                            ? "SELECT count(*) FROM llm_settings WHERE instr(CAST(key_sealed AS TEXT), 'own-key') > 0"
                            : "SELECT count(*) FROM llm_settings WHERE position('own-key'::bytea IN key_sealed) > 0"),
        0);
    assert_true(ask(fixture, fixture->lobby.id, NULL, &answer, &err)); /* another project: the server's model */
    assert_string_equal(fixture->authorization, "Bearer server-key");

    struct llm_options options = usual(fixture);
    options.seal_secret = "another";
    open_with(fixture, options);
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    open_with(fixture, usual(fixture));
    snprintf(other, sizeof other, "%s/other", fixture->url);
    assert_true(put(fixture, other, "m3", NULL, &err));
    assert_true(llm_settings_find(fixture->llm, fixture->shop.id, &settings, &err));
    assert_false(settings.has_key);
    SCRIPT(fixture, { 200, SAYS("1"), 0 });
    assert_true(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_string_equal(fixture->authorization, "");

    options = usual(fixture);
    options.allows_private = false;
    open_with(fixture, options);
    SCRIPT(fixture, { 200, SAYS("1"), 0 });
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    assert_int_equal(fixture->asked, 0);
    assert_true(ask(fixture, fixture->lobby.id, NULL, &answer, &err)); /* the operator's may be local */

    static const char *const wrong[][3] = { { "ftp://x", "m", NULL },
                                            { "http://u:p@host/v1", "m", NULL },
                                            { "https://host/v1?a=b", "m", NULL },
                                            { "https://host/v1", "", NULL },
                                            { "", "m", NULL },
                                            { "", "", "key" },
                                            { "https://host/v1", "m", "a\r\nb: c" } };
    for (size_t w = 0; w < COUNT_OF(wrong); w++) {
        if (put(fixture, wrong[w][0], wrong[w][1], wrong[w][2], &err)) fail_msg("%zu", w);
        assert_int_equal(err.code, ERR_INPUT);
    }
}

struct stream {
    char text[64];
    uint32_t pieces, pieces_max;
};
static bool stream_piece(void *ctx, struct bytes piece)
{
    struct stream *stream = ctx;
    size_t len = strlen(stream->text);
    snprintf(stream->text + len, sizeof stream->text - len, "%.*s", (int)piece.len, (const char *)piece.ptr);
    return ++stream->pieces < stream->pieces_max;
}

static void *cancel_soon(void *ctx)
{
    clock_sleep_ms(100);
    atomic_store((atomic_bool *)ctx, true);
    return NULL;
}

#define EVENT(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\n\n"
/* Goal: text comes in pieces; who has seen one is not told another story by a further try; a silent server, a total time and a
 * change of mind end a question, in words and with what was reserved given back.
 * Method: streams that are whole, cut and given up; requests that are never answered. */
static void test_streams_and_ends(void **state)
{
    struct fixture *fixture = *state;
    struct stream stream = { .pieces_max = 10 };
    atomic_bool cancel = false;
    struct llm_message message = { .role = LLM_USER, .text = BYTES("hello") };
    struct llm_request request = { .project_id = fixture->shop.id,
                                   .purpose = "test",
                                   .messages = &message,
                                   .message_count = 1,
                                   .temperature = -1,
                                   .stream = stream_piece,
                                   .stream_ctx = &stream,
                                   .cancel = &cancel };
    struct llm_answer answer;
    struct llm_options options = usual(fixture);
    struct err err = { 0 };
    pthread_t thread;
    options.first_ms_max = 300;
    open_with(fixture, options);
    SCRIPT(fixture, { 400, "{\"error\":\"unknown field stream_options\"}", 0 },
           { 200, EVENT("Hel") ": ping\n\n" EVENT("lo") "data: [DONE]\n\n", 0 });
    if (!llm_ask(fixture->llm, &request, &fixture->arena, &answer, &err)) fail_msg("%s", err.text);
    assert_string_equal(stream.text, "Hello");
    assert_true(bytes_equal(answer.text, BYTES("Hello")));
    assert_true(answer.is_estimated);
    SCRIPT(fixture, { 200, EVENT("Hel"), 0 }, { 200, EVENT("Bye") "data: [DONE]\n\n", 0 });
    stream = (struct stream){ .pieces_max = 10 };
    assert_false(llm_ask(fixture->llm, &request, &fixture->arena, &answer, &err));
    assert_string_equal(stream.text, "Hel");
    assert_non_null(strstr(err.text, "it is cut"));
    stream = (struct stream){ .pieces_max = 1 };
    assert_false(llm_ask(fixture->llm, &request, &fixture->arena, &answer, &err));
    assert_int_equal(err.code, ERR_CANCELLED);

    SCRIPT(fixture, { HOLD, NULL, 0 });
    assert_false(llm_ask(fixture->llm, &request, &fixture->arena, &answer, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_non_null(strstr(err.text, "said nothing for 300 ms"));
    request.stream = NULL;
    request.total_ms_max = 200;
    assert_false(llm_ask(fixture->llm, &request, &fixture->arena, &answer, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    request.total_ms_max = 30000;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_false(llm_ask(fixture->llm, &request, &fixture->arena, &answer, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    pthread_join(thread, NULL);
    atomic_store(&cancel, false);
    SCRIPT(fixture, { 503, "{}", 20 }); /* waits as it is told, and can be stopped while it does */
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_false(llm_ask(fixture->llm, &request, &fixture->arena, &answer, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(number(fixture, "SELECT count(*) FROM llm_reservations"), 0);
    assert_int_equal(fixture->asked, 1);
}

struct spender {
    struct fixture *fixture;
    uint32_t admitted;
};
static void *spend(void *ctx)
{
    struct spender *spender = ctx;
    struct llm_budget budget = { .tokens_day = 1000 };
    for (int i = 0; i < 10; i++) {
        struct llm_reservation reservation = { .project_id = spender->fixture->shop.id,
                                               .purpose = "test",
                                               .input_tokens = 60,
                                               .output_tokens = 40,
                                               .until_unix_us = INT64_MAX - 1 };
        struct err err = { 0 };
        int64_t opens;
        if (!llm_usage_reserve(spender->fixture->db, &reservation, &budget, clock_unix_us(), &opens, &err)) {
            if (err.code != ERR_QUOTA) fail_msg("%s", err.text);
            continue;
        }
        spender->admitted++;
        if (i % 2 == 0 && !llm_usage_settle(spender->fixture->db, &reservation, 60, 40, 0, false, &err))
            fail_msg("%s", err.text);
    }
    return NULL;
}

/* Goal: however many ask at once, and die in the middle, a budget is not passed by more than one request; what died counts; it
 * opens again, and says when. Method: 6 threads that settle every second request; then time goes on. */
static void test_budget(void **state)
{
    struct fixture *fixture = *state;
    struct spender spenders[6];
    pthread_t threads[COUNT_OF(spenders)];
    struct llm_usage day, month;
    struct llm_reservation reservation = { .project_id = fixture->shop.id, .purpose = "test", .input_tokens = 1 };
    struct llm_budget budget = { .tokens_day = 1000 }, money = { .cost_month_micros = 1 };
    struct err err = { 0 };
    uint32_t admitted = 0;
    int64_t opens, now_us = clock_unix_us();
    for (size_t t = 0; t < COUNT_OF(spenders); t++) {
        spenders[t] = (struct spender){ fixture, 0 };
        assert_int_equal(pthread_create(&threads[t], NULL, spend, &spenders[t]), 0);
    }
    for (size_t t = 0; t < COUNT_OF(spenders); t++) {
        pthread_join(threads[t], NULL);
        admitted += spenders[t].admitted;
    }
    assert_int_equal(admitted, 10);
    assert_true(llm_usage_find(fixture->db, fixture->shop.id, LLM_PAYER_SERVER, now_us, &day, &month, &err));
    assert_int_equal(day.input_tokens + day.output_tokens + day.reserved_tokens, 1000);
    int64_t under_way = number(fixture, "SELECT count(*) FROM llm_reservations");
    assert_true(under_way > 0);
    assert_true(llm_usage_sweep(fixture->db, INT64_MAX, &err)); /* they died */
    assert_true(llm_usage_find(fixture->db, fixture->shop.id, LLM_PAYER_SERVER, now_us, &day, &month, &err));
    assert_int_equal(day.input_tokens + day.output_tokens, 1000);
    assert_int_equal(day.failures, under_way);
    assert_false(llm_usage_reserve(fixture->db, &reservation, &budget, now_us, &opens, &err));
    assert_int_equal(opens % INT64_C(86400000000), 0);
    assert_true(opens > now_us && opens <= now_us + INT64_C(86400000000));
    assert_non_null(strstr(err.text, "it opens again at 20"));
    reservation.payer = LLM_PAYER_PROJECT; /* its own model is another purse */
    assert_true(llm_usage_reserve(fixture->db, &reservation, &budget, now_us, &opens, &err));
    assert_true(llm_usage_settle(fixture->db, &reservation, 5, 0, 7, false, &err));
    assert_true(llm_usage_settle(fixture->db, &reservation, 5, 0, 7, false, &err)); /* once is enough */
    assert_true(llm_usage_find(fixture->db, fixture->shop.id, LLM_PAYER_PROJECT, now_us, &day, &month, &err));
    assert_int_equal(day.cost_micros, 7);
    assert_false(llm_usage_reserve(fixture->db, &reservation, &money, now_us, &opens, &err));
    assert_non_null(strstr(err.text, "money a month"));
    assert_int_equal(opens / INT64_C(86400000000) > now_us / INT64_C(86400000000), true);
    reservation.payer = LLM_PAYER_SERVER;
    assert_true(llm_usage_reserve(fixture->db, &reservation, &budget, now_us + INT64_C(86400000000), &opens, &err));
    reservation.project_id = fixture->lobby.id;
    assert_true(llm_usage_reserve(fixture->db, &reservation, &budget, now_us, &opens, &err));
}

/* Goal: a question over the budget is not sent. A project can be without a model. Method: a budget of one token; is_on false. */
static void test_refusals(void **state)
{
    struct fixture *fixture = *state;
    struct llm_answer answer;
    struct err err;
    struct llm_stats stats;
    struct llm_options options = usual(fixture);
    bool is_there;
    char name[160];
    options.tokens_month = 1;
    open_with(fixture, options);
    SCRIPT(fixture, { 200, SAYS("1"), 0 });
    assert_true(ask(fixture, fixture->shop.id, NULL, &answer, &err)); /* the one that uses it up */
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_int_equal(err.code, ERR_QUOTA);
    assert_int_equal(fixture->asked, 1);
    llm_stats(fixture->llm, &stats);
    assert_int_equal(stats.refused, 1);
    assert_true(llm_is_there(fixture->llm, fixture->shop.id, &is_there, name, &err));
    assert_true(is_there);
    struct putting putting = { fixture, { .project_id = fixture->lobby.id, .is_on = false }, NULL };
    assert_true(db_transaction(fixture->db, put_run, &putting, &err));
    assert_false(ask(fixture, fixture->lobby.id, NULL, &answer, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_true(llm_is_there(fixture->llm, fixture->lobby.id, &is_there, name, &err));
    assert_false(is_there);
    open_with(fixture, (struct llm_options){ 0 });
    assert_false(ask(fixture, fixture->shop.id, NULL, &answer, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
}

/* Goal: what is past its days or too much of it goes, by project. Method: rows of different ages. */
static bool count_row(void *ctx, const struct llm_audit_row *row)
{
    (void)row;
    ++*(uint32_t *)ctx;
    return true;
}
static void test_audit_ends(void **state)
{
    struct fixture *fixture = *state;
    const int64_t day_us = INT64_C(86400000000), now_us = clock_unix_us();
    struct err err = { 0 };
    struct putting putting = { fixture, { .project_id = fixture->lobby.id, .is_on = true, .audit_days = 2 }, NULL };
    assert_true(db_transaction(fixture->db, put_run, &putting, &err));
    for (int days = 0; days < 8; days++) {
        struct llm_audit_row row = { .project_id = days % 2 ? fixture->shop.id : fixture->lobby.id,
                                     .at_unix_us = now_us - days * day_us - 1000,
                                     .purpose = BYTES("test") };
        assert_true(llm_audit_write(fixture->db, &row, &err));
    }
    assert_true(llm_audit_sweep(fixture->db, 5, now_us, &err)); /* shop: 1, 3 of 1 3 5 7; lobby: 0 of 0 2 4 6 */
    struct llm_audit_filter filter = { .project_id = fixture->shop.id, .count_max = 100 };
    uint32_t shop = 0, lobby = 0;
    assert_true(llm_audit_list(fixture->db, &filter, count_row, &shop, &err));
    filter.project_id = fixture->lobby.id;
    assert_true(llm_audit_list(fixture->db, &filter, count_row, &lobby, &err));
    assert_int_equal(shop, 2);
    assert_int_equal(lobby, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DB_BOTH(test_answers_and_tries, setup, teardown),
        DB_BOTH(test_schema, setup, teardown),
        DB_BOTH(test_keys, setup, teardown),
        DB_BOTH(test_budget, setup, teardown),
        DB_BOTH(test_streams_and_ends, setup, teardown),
        DB_BOTH(test_refusals, setup, teardown),
        DB_BOTH(test_audit_ends, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
