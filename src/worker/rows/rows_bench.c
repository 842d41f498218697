/* rows_bench -- what a span of 20 attributes and a log record of 6 cost from decoded request to columns, decoding not
 * included. Spans as services send them: 60% HTTP, 25% database, 15% internal; ids, times and five values new in each
 * span. Logs: 64 messages of some 120 bytes, with up to three values each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "worker/rows/rows.h"

#define REQUESTS     24
#define RECORDS      500
#define COLUMNS_ROWS 30000
#define ROWS_WANTED  1500000

struct maker {
    struct arena arena;
    struct otlp_request request;
    uint64_t random;
};

static uint64_t random_next(struct maker *maker)
{
    maker->random ^= maker->random << 13;
    maker->random ^= maker->random >> 7;
    maker->random ^= maker->random << 17;
    return maker->random;
}
static uint32_t below(struct maker *maker, uint32_t limit)
{
    return (uint32_t)(random_next(maker) >> 33) % limit;
}
#define TEXT(maker, ...) bytes_of_text(arena_printf(&(maker)->arena, __VA_ARGS__))

static void text_add(struct maker *maker, const char *key, struct bytes text)
{
    struct otlp_attribute *attribute = &maker->request.attributes.at[maker->request.attributes.count++];
    *attribute = (struct otlp_attribute){ TEXT(maker, "%s", key), { .type = OTLP_TEXT, .bytes = text } };
}
static void int_add(struct maker *maker, const char *key, int64_t integer)
{
    struct otlp_attribute *attribute = &maker->request.attributes.at[maker->request.attributes.count++];
    *attribute = (struct otlp_attribute){ TEXT(maker, "%s", key), { .type = OTLP_INT, .integer = integer } };
}

static const char *const words[] = { "alpha", "bravo", "cart",  "checkout", "user", "order", "item",  "price",
                                     "list",  "auth",  "login", "token",    "pay",  "ship",  "stock", "feed" };
static const char *word(struct maker *maker)
{
    return words[below(maker, COUNT_OF(words))];
}

static void http_span(struct maker *maker, struct otlp_span *span)
{
    static const char *const methods[] = { "GET", "GET", "GET", "POST", "PUT" };
    const char *method = methods[below(maker, COUNT_OF(methods))], *noun = word(maker), *part = word(maker);
    span->kind = below(maker, 3) < 2 ? 2 : 3;
    span->name = TEXT(maker, "%s /api/v1/%s/{id}/%s", method, noun, part);
    text_add(maker, "http.request.method", TEXT(maker, "%s", method));
    text_add(maker, "http.route", TEXT(maker, "/api/v1/%s/{id}/%s", noun, part));
    int_add(maker, "http.response.status_code", below(maker, 20) == 0 ? 404 : 200);
    text_add(maker, "url.path", TEXT(maker, "/api/v1/%s/%012" PRIx64 "/%s", noun, random_next(maker) >> 16, part));
    text_add(maker, "url.scheme", TEXT(maker, "https"));
    text_add(maker, "url.query", TEXT(maker, "page=%u&sort=desc", below(maker, 50)));
    text_add(maker, "server.address", TEXT(maker, "%s.prod.svc.cluster.local", noun));
    int_add(maker, "server.port", 8443);
    text_add(maker, "client.address",
             TEXT(maker, "10.%u.%u.%u", below(maker, 256), below(maker, 256), below(maker, 256)));
    text_add(maker, "user_agent.original",
             TEXT(maker, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/%u.0.0.0", 100 + below(maker, 25)));
    text_add(maker, "network.protocol.version", TEXT(maker, "1.1"));
    text_add(maker, "network.peer.address", TEXT(maker, "10.1.%u.%u", below(maker, 256), below(maker, 256)));
    int_add(maker, "network.peer.port", below(maker, 64000) + 1024);
    int_add(maker, "http.request.body.size", below(maker, 4000));
    int_add(maker, "http.response.body.size", below(maker, 90000));
    text_add(maker, "user.id", TEXT(maker, "u_%u", below(maker, 200000)));
    text_add(maker, "session.id", TEXT(maker, "%016" PRIx64 "%016" PRIx64, random_next(maker), random_next(maker)));
    int_add(maker, "thread.id", below(maker, 200));
    text_add(maker, "thread.name", TEXT(maker, "http-nio-8443-exec-%u", below(maker, 200)));
    text_add(maker, "tenant.plan", TEXT(maker, "%s", word(maker)));
}

static void database_span(struct maker *maker, struct otlp_span *span)
{
    static const char *const operations[] = { "SELECT", "SELECT", "INSERT", "UPDATE" };
    const char *operation = operations[below(maker, COUNT_OF(operations))], *table = word(maker);
    span->kind = 3;
    span->name = TEXT(maker, "%s %ss", operation, table);
    text_add(maker, "db.system.name", TEXT(maker, "postgresql"));
    text_add(maker, "db.namespace", TEXT(maker, "main"));
    text_add(maker, "db.operation.name", TEXT(maker, "%s", operation));
    text_add(maker, "db.collection.name", TEXT(maker, "%ss", table));
    text_add(maker, "db.query.text",
             TEXT(maker,
                  "%s t.id, t.name, t.created_at, t.status FROM %ss t JOIN owners o ON o.id = t.owner_id WHERE t.id = "
                  "$1 LIMIT %u",
                  operation, table, below(maker, 100)));
    text_add(maker, "server.address", TEXT(maker, "pg-primary.prod"));
    int_add(maker, "server.port", 5432);
    int_add(maker, "db.response.returned_rows", below(maker, 100));
    text_add(maker, "network.peer.address", TEXT(maker, "10.0.3.17"));
    int_add(maker, "network.peer.port", 5432);
    int_add(maker, "thread.id", below(maker, 200));
    text_add(maker, "thread.name", TEXT(maker, "pool-2-thread-%u", below(maker, 64)));
    text_add(maker, "user.id", TEXT(maker, "u_%u", below(maker, 200000)));
    text_add(maker, "db.client.connection.pool.name", TEXT(maker, "main-pool"));
    text_add(maker, "session.id", TEXT(maker, "%016" PRIx64 "%016" PRIx64, random_next(maker), random_next(maker)));
    text_add(maker, "code.function.name", TEXT(maker, "com.acme.repo.%sRepository.find", table));
    int_add(maker, "code.line.number", below(maker, 900));
    text_add(maker, "peer.service", TEXT(maker, "pg-primary"));
    text_add(maker, "tenant.plan", TEXT(maker, "%s", word(maker)));
    text_add(maker, "db.shard", TEXT(maker, "s%u", below(maker, 16)));
}

static void internal_span(struct maker *maker, struct otlp_span *span)
{
    const char *noun = word(maker);
    span->kind = 1;
    span->name = TEXT(maker, "%s.process", noun);
    text_add(maker, "code.function.name", TEXT(maker, "com.acme.core.%s.process", noun));
    text_add(maker, "code.file.path", TEXT(maker, "/app/src/main/java/com/acme/core/%s.java", noun));
    int_add(maker, "code.line.number", below(maker, 900));
    int_add(maker, "thread.id", below(maker, 200));
    text_add(maker, "thread.name", TEXT(maker, "worker-%u", below(maker, 64)));
    text_add(maker, "user.id", TEXT(maker, "u_%u", below(maker, 200000)));
    text_add(maker, "session.id", TEXT(maker, "%016" PRIx64 "%016" PRIx64, random_next(maker), random_next(maker)));
    text_add(maker, "cache.key", TEXT(maker, "k:%016" PRIx64, random_next(maker)));
    text_add(maker, "job.queue", TEXT(maker, "default"));
    int_add(maker, "job.attempt", below(maker, 3));
    for (uint32_t i = 0; i < 9; i++) {
        text_add(maker, arena_printf(&maker->arena, "app.custom.%s.%u", words[i], i),
                 TEXT(maker, "%s-%u", word(maker), below(maker, 500)));
    }
    text_add(maker, "tenant.plan", TEXT(maker, "%s", word(maker)));
}

static void resource_make(struct maker *maker)
{
    const char *service = word(maker);
    maker->request.resources.count = maker->request.scopes.count = 1;
    text_add(maker, "service.name", TEXT(maker, "%s-svc", service));
    text_add(maker, "service.version", TEXT(maker, "1.4.3"));
    text_add(maker, "service.namespace", TEXT(maker, "prod"));
    text_add(maker, "service.instance.id", TEXT(maker, "%s-%010" PRIx64, service, random_next(maker) >> 24));
    text_add(maker, "deployment.environment.name", TEXT(maker, "production"));
    text_add(maker, "telemetry.sdk.name", TEXT(maker, "opentelemetry"));
    text_add(maker, "telemetry.sdk.language", TEXT(maker, "java"));
    text_add(maker, "telemetry.sdk.version", TEXT(maker, "1.38.0"));
    text_add(maker, "k8s.pod.name", TEXT(maker, "%s-%010" PRIx64, service, random_next(maker) >> 24));
    text_add(maker, "k8s.namespace.name", TEXT(maker, "prod"));
    text_add(maker, "host.name", TEXT(maker, "ip-10-0-%u-%u", below(maker, 9), below(maker, 250)));
    int_add(maker, "process.pid", below(maker, 40000));
    maker->request.resources.at[0].attributes = (struct otlp_range){ 0, maker->request.attributes.count };
    maker->request.scopes.at[0].name = TEXT(maker, "io.opentelemetry.tomcat-10.0");
}

static void request_init(struct maker *maker, uint32_t seed, enum otlp_signal signal)
{
    *maker = (struct maker){ .random = 0x9E3779B97F4A7C15u * (seed + 1) };
    arena_init(&maker->arena, 0);
    struct otlp_request *request = &maker->request;
    request->signal = signal;
    request->received_unix_us = 1763800000000000;
    request->resources.at = mem_calloc(1, sizeof *request->resources.at);
    request->scopes.at = mem_calloc(1, sizeof *request->scopes.at);
    request->spans.at = mem_calloc(RECORDS, sizeof *request->spans.at);
    request->logs.at = mem_calloc(RECORDS, sizeof *request->logs.at);
    request->attributes.at = mem_calloc(RECORDS * 20 + 32, sizeof *request->attributes.at);
    resource_make(maker);
}

static struct bytes trace_id_make(struct maker *maker, uint32_t seed, uint32_t i)
{
    uint64_t trace[2] = { (seed + 1) * 1000003u * (i / 8 + 1), 0x1234567812345678u ^ (seed * RECORDS + i / 8) };
    return arena_copy(&maker->arena, bytes_from(trace, 16));
}

static struct bytes span_id_make(struct maker *maker)
{
    uint64_t id = random_next(maker);
    return arena_copy(&maker->arena, bytes_from(&id, 8));
}

static void spans_make(struct maker *maker, uint32_t seed)
{
    request_init(maker, seed, OTLP_TRACES);
    struct otlp_request *request = &maker->request;
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct otlp_span *span = &request->spans.at[request->spans.count++];
        uint32_t first = request->attributes.count, kind = below(maker, 100);
        span->trace_id = trace_id_make(maker, seed, i);
        span->span_id = span_id_make(maker);
        span->parent_span_id = span_id_make(maker);
        span->start_unix_ns = 1763800000000000000u + (uint64_t)i * 1000000u + below(maker, 1000000);
        span->end_unix_ns = span->start_unix_ns + below(maker, 200000000);
        span->flags = 0x101;
        span->bytes = 893;
        if (kind < 60)
            http_span(maker, span);
        else if (kind < 85)
            database_span(maker, span);
        else
            internal_span(maker, span);
        span->attributes = (struct otlp_range){ first, request->attributes.count - first };
    }
}

static struct bytes message_make(struct maker *maker)
{
    uint32_t which = below(maker, COUNT_OF(words));
    const char *noun = words[which], *other = words[(which + 5) % COUNT_OF(words)];
    switch (below(maker, 4)) {
    case 0:
        return TEXT(
            maker,
            "the %s service has waited %u ms for an answer of the %s service, attempt %u of 3, will try another node",
            noun, below(maker, 5000), other, below(maker, 3));
    case 1:
        return TEXT(
            maker,
            "connection of client 10.1.%u.%u:%u was closed by its peer while the request for the %s was still read",
            below(maker, 256), below(maker, 256), below(maker, 60000), noun);
    case 2:
        return TEXT(maker,
                    "order %08x-1234-4697-b07a-%012" PRIx64
                    " of the customer has been paid, it is now on its way to the %s",
                    (unsigned)random_next(maker), random_next(maker) >> 16, noun);
    default:
        return TEXT(maker,
                    "the cache of all %s pages has been read again from its primary database, the %s pages were not "
                    "changed by it",
                    noun, other);
    }
}

static void logs_make(struct maker *maker, uint32_t seed)
{
    request_init(maker, seed, OTLP_LOGS);
    struct otlp_request *request = &maker->request;
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct otlp_log *log = &request->logs.at[request->logs.count++];
        uint32_t first = request->attributes.count;
        log->time_unix_ns = log->observed_unix_ns =
            1763800000000000000u + (uint64_t)i * 1000000u + below(maker, 1000000);
        log->severity_number = below(maker, 10) == 0 ? 17 : 9;
        log->severity_text = log->severity_number == 9 ? BYTES("INFO") : BYTES("ERROR");
        log->trace_id = trace_id_make(maker, seed, i);
        log->span_id = span_id_make(maker);
        log->body = (struct otlp_value){ .type = OTLP_TEXT, .bytes = message_make(maker) };
        log->bytes = 400;
        text_add(maker, "code.function.name", TEXT(maker, "com.acme.core.%s.process", word(maker)));
        int_add(maker, "code.line.number", below(maker, 900));
        int_add(maker, "thread.id", below(maker, 200));
        text_add(maker, "thread.name", TEXT(maker, "worker-%u", below(maker, 64)));
        text_add(maker, "user.id", TEXT(maker, "u_%u", below(maker, 200000)));
        text_add(maker, "tenant.plan", TEXT(maker, "%s", word(maker)));
        log->attributes = (struct otlp_range){ first, request->attributes.count - first };
    }
}

static struct columns *bench_columns(void *ctx, enum schema_table_id table, int32_t day)
{
    (void)table, (void)day;
    struct columns *columns = ctx;
    if (columns_row_count(columns) >= COLUMNS_ROWS) columns_reset(columns);
    return columns;
}
static bool bench_row_done(void *ctx, struct columns *columns)
{
    (void)ctx;
    return columns_row_count(columns) < COLUMNS_ROWS;
}

/* Makes the ids new, else dictionaries would know them, and reads all bytes as the decoder has just done: the request
 * is in the cache then. */
static uint64_t request_freshen(struct otlp_request *request, uint32_t round)
{
    uint64_t sum = 0;
    uint8_t change = (uint8_t)(round >> 3 | 1);
    for (uint32_t i = 0; i < request->spans.count; i++) {
        struct otlp_span *span = &request->spans.at[i];
        ((uint8_t *)(uintptr_t)span->span_id.ptr)[round & 7] ^= change;
        sum += span->name.ptr[0] + span->trace_id.ptr[0];
    }
    for (uint32_t i = 0; i < request->logs.count; i++) {
        struct otlp_log *log = &request->logs.at[i];
        ((uint8_t *)(uintptr_t)log->span_id.ptr)[round & 7] ^= change;
        for (size_t b = 0; b < log->body.bytes.len; b += 64) sum += log->body.bytes.ptr[b];
    }
    for (uint32_t i = 0; i < request->attributes.count; i++) {
        const struct otlp_attribute *attribute = &request->attributes.at[i];
        sum += attribute->key.ptr[0];
        if (attribute->value.type != OTLP_TEXT) continue;
        for (size_t b = 0; b < attribute->value.bytes.len; b += 64) sum += attribute->value.bytes.ptr[b];
    }
    return sum;
}

static void request_free(struct maker *maker)
{
    free(maker->request.resources.at);
    free(maker->request.scopes.at);
    free(maker->request.spans.at);
    free(maker->request.logs.at);
    free(maker->request.attributes.at);
    arena_deinit(&maker->arena);
}

static void measure(const char *what, void (*make)(struct maker *maker, uint32_t seed))
{
    struct maker *makers = mem_calloc(REQUESTS, sizeof *makers);
    for (uint32_t i = 0; i < REQUESTS; i++) make(&makers[i], i);
    struct rows *rows = rows_create(&(struct rows_options){ 0 });
    struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
    struct rows_sink sink = { .columns = bench_columns, .row_done = bench_row_done, .ctx = columns };
    struct uuid project = uuid_random();
    uint64_t built = 0, total_ns = 0, best_ns = UINT64_MAX, sum = 0;
    for (uint32_t round = 1; built < ROWS_WANTED; round++) {
        uint64_t round_ns = 0;
        for (uint32_t i = 0; i < REQUESTS; i++) {
            struct otlp_request *request = &makers[i].request;
            sum += request_freshen(request, round);
            uint64_t from = clock_cpu_ns();
            rows_build(rows, project, request, &sink);
            round_ns += clock_cpu_ns() - from;
            built += otlp_record_count(request);
        }
        total_ns += round_ns;
        if (round_ns < best_ns) best_ns = round_ns;
    }
    printf("rows_ns_per_%s %.0f ns\n", what, (double)total_ns / (double)built);
    printf("rows_ns_per_%s_best %.0f ns\n", what, (double)best_ns / (REQUESTS * RECORDS));
    printf("columns_bytes_per_%s %.0f bytes\n", what, (double)columns_bytes(columns) / columns_row_count(columns));
    if (sum == 0) printf("nothing was read\n"); /* keeps the reading in */
    columns_destroy(columns);
    rows_destroy(rows);
    for (uint32_t i = 0; i < REQUESTS; i++) request_free(&makers[i]);
    free(makers);
}

int main(void)
{
    measure("span", spans_make);
    measure("log", logs_make);
    return 0;
}
