/* One question over HTTP: the budget before it, further tries, what was used after. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "llm/llm_inside.h"
#include "net/http_client.h"

#define CONNECT_MS      10000
#define BACKOFF_MS      500 /* doubled for each try */
#define BACKOFF_MS_MAX  8000
#define LEARN_MAX       6        /* quirks a question may find out one after the other */
#define RESERVE_MORE_US 60000000 /* beyond the time that a question may take */
#define BYTES_PER_TOKEN 4
#define CLOCKS_MS       50 /* the client's clock may be over a little before ours */
#define ANTHROPIC_DATE  "2023-06-01"

struct attempt {
    struct llm *llm;
    const struct llm_model *model;
    const struct llm_request *request;
    uint64_t until_mono_ns;
    enum wire_api api;
    char url[WIRE_URL_BYTES];
    uint32_t quirks;
    uint64_t began_mono_ns, moved_mono_ns; /* this try; the last piece of it */
    struct wire_reader *reader;            /* of this try */
    /* how this try ended */
    int status; /* 0: no answer */
    uint32_t retry_after_ms;
    bool may_again; /* the failure is of the passing kind */
    bool has_learned;
    uint32_t malformed; /* tries that answered so */
};

static int64_t cost_of(const struct llm_model *model, int64_t input_tokens, int64_t output_tokens)
{
    int64_t sum = input_tokens * model->input_price_micros + output_tokens * model->output_price_micros;
    return (sum + 999999) / 1000000;
}

static uint64_t left_ms(const struct attempt *attempt)
{
    uint64_t now_ns = clock_mono_ns();
    return now_ns < attempt->until_mono_ns ? (attempt->until_mono_ns - now_ns) / 1000000 : 0;
}

static bool is_cancelled(const struct attempt *attempt)
{
    return attempt->request->cancel != NULL && atomic_load(attempt->request->cancel);
}

/* On the client's thread. Whoever sends comments to keep the connection alive has the time to the first token as well. */
static bool on_piece(void *ctx, struct bytes bytes)
{
    struct attempt *attempt = ctx;
    struct wire_reader *reader = attempt->reader;
    uint64_t first_ns = attempt->llm->options.first_ms_max * 1000000ull;
    attempt->moved_mono_ns = clock_mono_ns();
    if (!wire_reader_feed(reader, bytes)) return false;
    if (attempt->request->stream == NULL || reader->first_mono_ns != 0) return true;
    if (clock_mono_ns() - attempt->began_mono_ns < first_ns) return true;
    return err_set(&reader->err, ERR_TIMEOUT, "the model said nothing for %u ms", attempt->llm->options.first_ms_max);
}

static bool timeout_tell(struct attempt *attempt, struct err *err)
{
    uint32_t total_ms = attempt->request->total_ms_max > 0 ? attempt->request->total_ms_max : LLM_TOTAL_MS;
    attempt->may_again = false;
    return err_set(err, ERR_TIMEOUT, "the model at %s did not answer within %u ms", attempt->model->host, total_ms);
}

/* No answer, or one that broke off. */
static bool failure_read(struct attempt *attempt, const struct err *failure, struct err *err)
{
    const struct wire_reader *reader = attempt->reader;
    attempt->may_again = failure->code == ERR_IO && !reader->was_streamed;
    if (reader->err.code != ERR_OK) { /* we gave it up ourselves */
        attempt->status = reader->status;
        attempt->may_again = (reader->err.code == ERR_IO || reader->err.code == ERR_QUOTA) && !reader->was_streamed;
        *err = reader->err;
        return false;
    }
    if (is_cancelled(attempt)) return err_set(err, ERR_CANCELLED, "the question was given up");
    if (left_ms(attempt) <= CLOCKS_MS) return timeout_tell(attempt, err);
    if (attempt->request->stream != NULL && failure->code == ERR_IO &&
        clock_mono_ns() - attempt->moved_mono_ns >= attempt->llm->options.first_ms_max * 1000000ull) {
        attempt->may_again = false;
        return err_set(err, ERR_TIMEOUT, "the model said nothing for %u ms", attempt->llm->options.first_ms_max);
    }
    *err = *failure;
    return err_within(err, "the language model");
}

static bool says_too_long(struct bytes refusal)
{
    static const char *const words[] = { "context_length", "context length", "prompt is too long", "context window" };
    for (size_t w = 0; w < COUNT_OF(words); w++)
        if (memmem(refusal.ptr, refusal.len, words[w], strlen(words[w])) != NULL) return true;
    return false;
}

/* Any status that is not 2xx. */
static bool refusal_read(struct attempt *attempt, const struct http_exchange *exchange, struct err *err)
{
    const struct llm_model *model = attempt->model;
    struct bytes refusal = buf_bytes(&exchange->body_answer);
    int status = attempt->status = exchange->status;
    char words[WIRE_WORDS_BYTES] = "";
    bool has_key = model->key[0] != '\0' && refusal.len > 0 &&
                   memmem(refusal.ptr, refusal.len, model->key, strlen(model->key)) != NULL;
    if (refusal.len > 0 && !has_key) wire_words(refusal, words);
    attempt->retry_after_ms = exchange->retry_after_ms;
    attempt->may_again = status == 408 || status == 409 || status == 429 || status >= 500;
    if (status == 400 || status == 404 || status == 422 || status == 501) {
        uint32_t quirks = wire_learn(attempt->api, attempt->quirks, attempt->request, refusal);
        attempt->has_learned = quirks != attempt->quirks;
        attempt->quirks = quirks;
    }
    if (status >= 300 && status < 400)
        return err_set(err, ERR_IO, "the model's server at %s answered %d: redirects are not followed", model->host,
                       status);
    enum err_code code = status == 429 ? ERR_QUOTA : status == 413 || says_too_long(refusal) ? ERR_TOO_LARGE : ERR_IO;
    return err_set(err, code, "the model's server at %.80s answered %d%s%s", model->host, status,
                   words[0] != '\0'                 ? ": "
                   : status == 401 || status == 403 ? ": the key is not right"
                                                    : "",
                   words);
}

static bool exchange_run(struct attempt *attempt, struct bytes body, struct http_exchange *exchange)
{
    const struct llm_model *model = attempt->model;
    char bearer[LLM_KEY_BYTES + 8];
    struct http_client_header headers[5] = { { "content-type", "application/json" } };
    uint32_t count = 1;
    bool is_anthropic = attempt->api == WIRE_ANTHROPIC;
    if (attempt->request->stream != NULL)
        headers[count++] = (struct http_client_header){ "accept", "text/event-stream" };
    if (is_anthropic) headers[count++] = (struct http_client_header){ "anthropic-version", ANTHROPIC_DATE };
    snprintf(bearer, sizeof bearer, "%s%s", is_anthropic ? "" : "Bearer ", model->key);
    if (model->key[0] != '\0')
        headers[count++] = (struct http_client_header){ is_anthropic ? "x-api-key" : "authorization", bearer };
    uint64_t left = left_ms(attempt);
    *exchange = (struct http_exchange){ .method = "POST",
                                        .url = attempt->url,
                                        .headers = headers,
                                        .body.bytes = body,
                                        .connect_ms_max = CONNECT_MS,
                                        .idle_ms_max =
                                            attempt->request->stream != NULL ? attempt->llm->options.first_ms_max : 0,
                                        .total_ms_max = left > 0 ? (uint32_t)left : 1,
                                        .answer_bytes_max = SIZE_MAX,
                                        .piece = on_piece,
                                        .piece_ctx = attempt,
                                        .cancel = attempt->request->cancel };
    attempt->began_mono_ns = attempt->moved_mono_ns = clock_mono_ns();
    http_client_run(model->client, exchange, 1);
    exchange->headers = NULL; /* they end here */
    exchange->url = NULL;
    explicit_bzero(bearer, sizeof bearer);
    return exchange->err.code == ERR_OK && exchange->status / 100 == 2;
}

/* One exchange. used: what it used, as told or estimated. */
static bool try_run(struct attempt *attempt, struct bytes body, struct arena *arena, struct llm_answer *answer,
                    struct llm_attempt *used, struct err *err)
{
    struct wire_reader reader;
    struct http_exchange exchange;
    wire_reader_init(&reader, attempt->api, attempt->request->stream, attempt->request->stream_ctx);
    attempt->reader = &reader;
    attempt->status = 0;
    attempt->retry_after_ms = 0;
    attempt->may_again = attempt->has_learned = false;
    bool ok = exchange_run(attempt, body, &exchange);
    bool was_refused = !ok && exchange.err.code == ERR_OK;
    if (!ok) {
        if (was_refused) {
            refusal_read(attempt, &exchange, err);
        } else {
            failure_read(attempt, &exchange.err, err);
        }
    } else if (!wire_reader_end(&reader, arena, answer, err)) {
        ok = false;
        attempt->status = reader.status;
        attempt->may_again = (err->code == ERR_IO || err->code == ERR_QUOTA) && !reader.was_streamed &&
                             (reader.is_cut || reader.status != 0 || attempt->malformed++ == 0);
    }
    bool was_worked_on =
        ok || reader.bytes > 0 || (!was_refused && exchange.err.code != ERR_FORBIDDEN && err->code != ERR_IO);
    if (was_worked_on) {
        used->input_tokens = reader.has_input ? reader.input_tokens : body.len / BYTES_PER_TOKEN + 1;
        used->output_tokens = reader.has_output ? reader.output_tokens : reader.text.len / BYTES_PER_TOKEN;
        for (uint32_t c = 0; c < reader.call_count && !reader.has_output; c++)
            used->output_tokens += reader.calls[c].arguments.len / BYTES_PER_TOKEN;
        used->cost_micros = cost_of(attempt->model, (int64_t)used->input_tokens, (int64_t)used->output_tokens);
    }
    if (reader.first_mono_ns > 0)
        used->first_ms = (uint32_t)((reader.first_mono_ns - attempt->began_mono_ns) / 1000000);
    http_exchange_deinit(&exchange);
    wire_reader_deinit(&reader);
    attempt->reader = NULL;
    return ok;
}

static bool reserve(struct attempt *attempt, size_t body_bytes, struct llm_reservation *reservation, struct err *err)
{
    const struct llm_request *request = attempt->request;
    int64_t opens_unix_us, now_us = clock_unix_us();
    *reservation = (struct llm_reservation){
        .project_id = request->project_id,
        .payer = attempt->model->payer,
        .purpose = request->purpose,
        .input_tokens = (int64_t)(body_bytes / BYTES_PER_TOKEN) + 1,
        .output_tokens = request->output_tokens_max > 0 ? request->output_tokens_max : LLM_OUTPUT_TOKENS,
        .until_unix_us = now_us + (int64_t)left_ms(attempt) * 1000 + RESERVE_MORE_US,
    };
    reservation->cost_micros = cost_of(attempt->model, reservation->input_tokens, reservation->output_tokens);
    bool ok =
        llm_usage_reserve(attempt->llm->options.db, reservation, &attempt->model->budget, now_us, &opens_unix_us, err);
    if (!ok && err->code == ERR_QUOTA) atomic_fetch_add(&attempt->llm->refused, 1);
    return ok;
}

/* What was used is used, also when the answer is good for nothing. A settling that fails is made up for by the sweep, which
 * counts the reservation in full. */
static void settle(struct attempt *attempt, const struct llm_reservation *reservation, const struct llm_attempt *used,
                   bool has_failed)
{
    struct llm *llm = attempt->llm;
    struct err failure = { 0 };
    atomic_fetch_add(&llm->input_tokens, used->input_tokens);
    atomic_fetch_add(&llm->output_tokens, used->output_tokens);
    atomic_fetch_add(&llm->cost_micros, (uint64_t)used->cost_micros);
    if (!llm_usage_settle(llm->options.db, reservation, (int64_t)used->input_tokens, (int64_t)used->output_tokens,
                          used->cost_micros, has_failed, &failure))
        log_warn(llm->options.log, "llm.settle_failed", log_text("err", failure.text));
}

/* False: the time is over, or the question was given up. */
static bool wait_ms(const struct attempt *attempt, uint64_t ms)
{
    uint64_t end_ns = clock_mono_ns() + ms * 1000000ull;
    while (clock_mono_ns() < end_ns) {
        if (is_cancelled(attempt)) return false;
        uint64_t rest_ms = (end_ns - clock_mono_ns()) / 1000000 + 1;
        clock_sleep_ms(rest_ms < 50 ? (uint32_t)rest_ms : 50);
    }
    return !is_cancelled(attempt);
}

/* Between half and all of a time that doubles; what Retry-After says is kept to, with a little more so that not all come at
 * once. False: err is to stay. */
static bool wait_before(struct attempt *attempt, uint32_t tries, struct err *err)
{
    uint64_t random, ms = (uint64_t)BACKOFF_MS << (tries < 5 ? tries - 1 : 4);
    random_fill(&random, sizeof random);
    if (ms > BACKOFF_MS_MAX) ms = BACKOFF_MS_MAX;
    ms = ms / 2 + random % (ms / 2 + 1);
    if (attempt->retry_after_ms > 0) ms = attempt->retry_after_ms + random % 250;
    if (ms >= left_ms(attempt)) {
        if (attempt->retry_after_ms > 0)
            return err_set(err, ERR_QUOTA, "the model's server at %.80s says to come again in %u s",
                           attempt->model->host, attempt->retry_after_ms / 1000);
        return false;
    }
    if (!wait_ms(attempt, ms)) return err_set(err, ERR_CANCELLED, "the question was given up");
    return true;
}

static void add(struct llm_attempt *to, const struct llm_attempt *used)
{
    to->first_ms = used->first_ms;
    to->input_tokens += used->input_tokens;
    to->output_tokens += used->output_tokens;
    to->cost_micros += used->cost_micros;
}

bool llm_attempt(struct llm *llm, const struct llm_model *model, const struct llm_request *request,
                 uint64_t until_mono_ns, struct arena *arena, struct llm_answer *answer, struct llm_attempt *sum,
                 struct err *err)
{
    struct attempt attempt = { .llm = llm, .model = model, .request = request, .until_mono_ns = until_mono_ns };
    uint32_t failed = 0, learned = 0;
    attempt.api = wire_url(model->url, attempt.url);
    attempt.quirks = llm_quirks_find(llm, model);
    for (;;) {
        struct llm_reservation reservation;
        struct llm_attempt used = { 0 };
        struct buf body;
        *err = (struct err){ 0 };
        if (is_cancelled(&attempt)) return err_set(err, ERR_CANCELLED, "the question was given up");
        buf_init(&body, LLM_REQUEST_BYTES_MAX + 1);
        bool ok = wire_request(attempt.api, attempt.quirks, model->model, request, &body, err) &&
                  reserve(&attempt, body.len, &reservation, err);
        if (!ok) {
            buf_deinit(&body);
            return false;
        }
        sum->tries++;
        ok = try_run(&attempt, buf_bytes(&body), arena, answer, &used, err);
        settle(&attempt, &reservation, &used, !ok);
        add(sum, &used);
        buf_deinit(&body);
        if (ok) return true;
        if (attempt.has_learned && learned++ < LEARN_MAX) {
            llm_quirks_keep(llm, model, attempt.quirks);
            continue;
        }
        if (!attempt.may_again || failed++ == LLM_RETRIES_MAX || !wait_before(&attempt, failed, err)) return false;
        atomic_fetch_add(&llm->retries, 1);
    }
}
