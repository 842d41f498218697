#include "bench/load/spans.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum patch_kind {
    PATCH_HEX,
    PATCH_DIGITS,
    PATCH_START,
    PATCH_END,
    PATCH_TRACE,
    PATCH_PARENT,
    PATCH_SPAN,
    PATCH_SEQUENCE
};

struct patch {
    uint32_t offset;
    uint16_t len;
    uint8_t kind;
    uint32_t span; /* which of the request; PATCH_TRACE, PATCH_PARENT: of the trace's root */
};
struct template
{
    uint8_t *bytes;
    uint32_t len, cap;
    struct patch *patches;
    uint32_t patch_count, patch_cap;
    uint64_t *durations_ns;
};
struct spans {
    struct spans_options options;
    struct template *templates;
    uint32_t next;
    uint64_t random;
    uint64_t attribute_count;
    uint8_t *out;
};

static const char *const words[] = { "alpha",   "bravo", "cart",    "checkout", "user",  "order", "item",
                                     "price",   "list",  "detail",  "search",   "auth",  "login", "token",
                                     "refresh", "pay",   "invoice", "ship",     "stock", "quote", "geo",
                                     "map",     "feed",  "post",    "like",     "share" };
static const char *const methods[] = { "GET", "GET", "GET", "POST", "PUT", "DELETE" };
static const char *const plans[] = { "free", "pro", "team", "enterprise" };

static uint64_t random_next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
static uint32_t random_below(struct spans *spans, uint32_t n)
{
    return (uint32_t)((random_next(&spans->random) >> 32) * n >> 32);
}
#define PICK(spans, list) ((list)[random_below(spans, COUNT_OF(list))])

static void put(struct template *t, const void *bytes, size_t len)
{
    if (t->len + len > t->cap) {
        t->cap = (t->cap ? t->cap * 2 : 1 << 20) + (uint32_t)len;
        t->bytes = mem_realloc(t->bytes, t->cap);
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += (uint32_t)len;
}
static void put_varint(struct template *t, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    for (; value >= 128; value >>= 7) bytes[len++] = (uint8_t)(value | 128);
    bytes[len++] = (uint8_t)value;
    put(t, bytes, len);
}
static void put_tag(struct template *t, uint32_t field, uint32_t wire)
{
    put_varint(t, field << 3 | wire);
}
static void put_bytes(struct template *t, uint32_t field, const void *bytes, size_t len)
{
    put_tag(t, field, 2);
    put_varint(t, len);
    put(t, bytes, len);
}
static void put_text(struct template *t, uint32_t field, const char *text)
{
    put_bytes(t, field, text, strlen(text));
}
static void put_fixed64(struct template *t, uint32_t field, uint64_t value)
{
    put_tag(t, field, 1);
    put(t, &value, 8);
}
/* A submessage: five bytes of length, filled in at the end (a padded varint). */
static uint32_t begin(struct template *t, uint32_t field)
{
    put_tag(t, field, 2);
    put(t, "\0\0\0\0\0", 5);
    return t->len;
}
static void end(struct template *t, uint32_t at)
{
    uint32_t len = t->len - at;
    for (int b = 0; b < 5; b++) t->bytes[at - 5 + (uint32_t)b] = (uint8_t)((len >> (7 * b) & 127) | (b < 4 ? 128 : 0));
}
/* Spans and attributes are many: their lengths fit two bytes or one, as a real encoder writes them. */
static uint32_t begin_short(struct template *t, uint32_t field, uint32_t length_bytes)
{
    put_tag(t, field, 2);
    put(t, "\0\0", length_bytes);
    return t->len;
}
static void end_short(struct template *t, uint32_t at, uint32_t length_bytes)
{
    uint32_t len = t->len - at;
    if (len >= 1u << (7 * length_bytes)) abort(); /* the texts above are too long for the layout */
    if (length_bytes == 1) {
        t->bytes[at - 1] = (uint8_t)len;
    } else {
        t->bytes[at - 2] = (uint8_t)((len & 127) | 128);
        t->bytes[at - 1] = (uint8_t)(len >> 7);
    }
}
static void patch_add(struct template *t, enum patch_kind kind, uint32_t offset, size_t len, uint32_t span)
{
    if (t->patch_count == t->patch_cap) {
        t->patch_cap = t->patch_cap ? t->patch_cap * 2 : 4096;
        t->patches = mem_realloc(t->patches, t->patch_cap * sizeof *t->patches);
    }
    t->patches[t->patch_count++] = (struct patch){ offset, (uint16_t)len, (uint8_t)kind, span };
}

static uint32_t attribute_begin(struct template *t, uint32_t field, const char *key, uint32_t *value_at,
                                uint32_t length_bytes)
{
    uint32_t at = begin_short(t, field, length_bytes);
    put_text(t, 1, key);
    *value_at = begin_short(t, 2, length_bytes);
    return at;
}
static void attribute_text(struct spans *spans, struct template *t, uint32_t field, const char *key, const char *text)
{
    uint32_t value_at, length_bytes = strlen(key) + strlen(text) > 110 ? 2 : 1;
    uint32_t at = attribute_begin(t, field, key, &value_at, length_bytes);
    put_text(t, 1, text);
    end_short(t, value_at, length_bytes);
    end_short(t, at, length_bytes);
    spans->attribute_count += field == 9;
}
static void attribute_int(struct spans *spans, struct template *t, const char *key, uint64_t number)
{
    uint32_t value_at;
    uint32_t at = attribute_begin(t, 9, key, &value_at, 1);
    put_tag(t, 3, 0);
    put_varint(t, number);
    end_short(t, value_at, 1);
    end_short(t, at, 1);
    spans->attribute_count++;
}
/* prefix + len characters that are new in every request + suffix */
static void attribute_fresh(struct spans *spans, struct template *t, const char *key, const char *prefix,
                            enum patch_kind kind, uint32_t len, const char *suffix)
{
    char text[200];
    snprintf(text, sizeof text, "%s%0*d%s", prefix, (int)len, 0, suffix);
    attribute_text(spans, t, 9, key, text);
    patch_add(t, kind, t->len - (uint32_t)(len + strlen(suffix)), len, 0);
}

static void resource_put(struct spans *spans, struct template *t, uint32_t service)
{
    char text[80];
    uint32_t at = begin(t, 1);
    const char *word = words[service % COUNT_OF(words)];
    snprintf(text, sizeof text, "%s-%s-svc-%02u", word, words[(service * 7 + 3) % COUNT_OF(words)], service);
    attribute_text(spans, t, 1, "service.name", text);
    attribute_text(spans, t, 1, "k8s.deployment.name", text);
    snprintf(text, sizeof text, "%s-%010" PRIx64 "-%05x", word, random_next(&spans->random) & 0xffffffffff,
             service * 977);
    attribute_text(spans, t, 1, "k8s.pod.name", text);
    attribute_text(spans, t, 1, "service.instance.id", text);
    attribute_text(spans, t, 1, "service.version", "1.4.3");
    attribute_text(spans, t, 1, "service.namespace", "prod");
    attribute_text(spans, t, 1, "deployment.environment.name", "production");
    attribute_text(spans, t, 1, "telemetry.sdk.name", "opentelemetry");
    attribute_text(spans, t, 1, "telemetry.sdk.language", service % 2 ? "java" : "go");
    attribute_text(spans, t, 1, "telemetry.sdk.version", "1.38.0");
    attribute_text(spans, t, 1, "k8s.namespace.name", "prod");
    attribute_text(spans, t, 1, "cloud.region", "us-east-1");
    snprintf(text, sizeof text, "ip-10-0-%u-%u", service % 9, service * 13 % 250);
    attribute_text(spans, t, 1, "host.name", text);
    end(t, at);
}

static void server_attributes(struct spans *spans, struct template *t, uint32_t service, const char *method,
                              const char *route)
{
    char text[200];
    bool is_error = random_below(spans, 100) < 3;
    attribute_text(spans, t, 9, "http.request.method", method);
    attribute_text(spans, t, 9, "http.route", route);
    attribute_int(spans, t, "http.response.status_code", is_error ? 503 : random_below(spans, 12) ? 200 : 404);
    snprintf(text, sizeof text, "/api/v1/accounts/%s/items/", words[service % COUNT_OF(words)]);
    attribute_fresh(spans, t, "url.path", text, PATCH_HEX, 12, "/detail");
    attribute_text(spans, t, 9, "url.scheme", "https");
    snprintf(text, sizeof text, "page=%u&sort=desc", 1 + random_below(spans, 50));
    attribute_text(spans, t, 9, "url.query", text);
    snprintf(text, sizeof text, "%s-svc.prod.svc.cluster.local", words[service % COUNT_OF(words)]);
    attribute_text(spans, t, 9, "server.address", text);
    attribute_int(spans, t, "server.port", 8443);
    attribute_fresh(spans, t, "client.address", "10.1.1", PATCH_DIGITS, 6, "");
    snprintf(text, sizeof text,
             "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%u.0.0.0 Safari/537.36",
             100 + random_below(spans, 25));
    attribute_text(spans, t, 9, "user_agent.original", text);
    attribute_text(spans, t, 9, "network.protocol.version", "1.1");
    attribute_int(spans, t, "http.response.body.size", 100 + random_below(spans, 90000));
    attribute_fresh(spans, t, "user.id", "u_", PATCH_DIGITS, 6, "");
    attribute_fresh(spans, t, "session.id", "", PATCH_HEX, 32, "");
    attribute_fresh(spans, t, "request.id", "", PATCH_HEX, 16, "");
    attribute_int(spans, t, "thread.id", 1 + random_below(spans, 200));
    snprintf(text, sizeof text, "http-nio-8443-exec-%u", 1 + random_below(spans, 200));
    attribute_text(spans, t, 9, "thread.name", text);
    attribute_text(spans, t, 9, "tenant.plan", PICK(spans, plans));
    attribute_int(spans, t, "app.retry", random_below(spans, 3));
    attribute_text(spans, t, 9, "app.release.channel", PICK(spans, words));
}

static void database_attributes(struct spans *spans, struct template *t, const char *table)
{
    char text[220];
    attribute_text(spans, t, 9, "db.system.name", "postgresql");
    attribute_text(spans, t, 9, "db.namespace", "main");
    attribute_text(spans, t, 9, "db.operation.name", "SELECT");
    attribute_text(spans, t, 9, "db.collection.name", table);
    snprintf(text, sizeof text,
             "SELECT t.id, t.name, t.created_at, t.status FROM %s t JOIN owners o ON o.id = t.owner_id WHERE t.id = $1 "
             "AND t.tenant_id = "
             "$2 AND t.deleted_at IS NULL ORDER BY t.created_at DESC LIMIT %u",
             table, 1 + random_below(spans, 100));
    attribute_text(spans, t, 9, "db.query.text", text);
    attribute_text(spans, t, 9, "server.address", "pg-primary.prod.svc.cluster.local");
    attribute_int(spans, t, "server.port", 5432);
    attribute_int(spans, t, "db.response.returned_rows", random_below(spans, 100));
    attribute_text(spans, t, 9, "network.peer.address", "10.0.3.17");
    attribute_int(spans, t, "network.peer.port", 5432);
    attribute_text(spans, t, 9, "db.client.connection.pool.name", "main-pool");
    snprintf(text, sizeof text, "com.acme.repo.%sRepository.find", table);
    attribute_text(spans, t, 9, "code.function.name", text);
    attribute_int(spans, t, "code.line.number", 1 + random_below(spans, 900));
    attribute_text(spans, t, 9, "peer.service", "pg-primary");
    attribute_fresh(spans, t, "user.id", "u_", PATCH_DIGITS, 6, "");
    attribute_fresh(spans, t, "session.id", "", PATCH_HEX, 32, "");
    attribute_fresh(spans, t, "request.id", "", PATCH_HEX, 16, "");
    attribute_fresh(spans, t, "cache.key", "k:", PATCH_HEX, 16, "");
    attribute_fresh(spans, t, "client.address", "10.1.1", PATCH_DIGITS, 6, "");
    attribute_text(spans, t, 9, "tenant.plan", PICK(spans, plans));
}

/* Span number `index` of the request; every eighth begins a trace. */
static void span_put(struct spans *spans, struct template *t, uint32_t service, uint32_t index)
{
    static const uint8_t zeros[16];
    uint32_t root = index - index % 8, at = begin_short(t, 2, 2);
    char name[96], route[80];
    bool is_server = index % 8 == 0 || random_below(spans, 10) < 6;
    const char *method = PICK(spans, methods), *table = PICK(spans, words);
    snprintf(route, sizeof route, "/api/v1/%s/{id}/detail", PICK(spans, words));
    snprintf(name, sizeof name, "%s %s", is_server ? method : "SELECT", is_server ? route : table);
    put_bytes(t, 1, zeros, 16);
    patch_add(t, PATCH_TRACE, t->len - 16, 16, root);
    put_bytes(t, 2, zeros, 8);
    patch_add(t, PATCH_SPAN, t->len - 8, 8, index);
    if (index != root) {
        put_bytes(t, 4, zeros, 8);
        patch_add(t, PATCH_PARENT, t->len - 8, 8, root);
    }
    put_text(t, 5, name);
    put_tag(t, 6, 0);
    put_varint(t, is_server ? 2 : 3);
    put_fixed64(t, 7, 0);
    patch_add(t, PATCH_START, t->len - 8, 8, index);
    put_fixed64(t, 8, 0);
    patch_add(t, PATCH_END, t->len - 8, 8, index);
    t->durations_ns[index] = 1000 + random_below(spans, 200000000);
    if (is_server) {
        server_attributes(spans, t, service, method, route);
    } else {
        database_attributes(spans, t, table);
    }
    if (spans->options.is_numbered) {
        uint32_t value_at;
        attribute_text(spans, t, 9, "load.sender", spans->options.sender);
        uint32_t attribute_at = attribute_begin(t, 9, "load.seq", &value_at, 1);
        put_tag(t, 3, 0);
        put(t, "\x80\x80\x80\x80\x80\x80\x80\x00", 8); /* 56 bits, padded */
        patch_add(t, PATCH_SEQUENCE, t->len - 8, 8, index);
        end_short(t, value_at, 1);
        end_short(t, attribute_at, 1);
    }
    end_short(t, at, 2);
}

static void template_make(struct spans *spans, struct template *t)
{
    uint32_t count = spans->options.span_count, made = 0;
    t->durations_ns = mem_calloc(count, sizeof *t->durations_ns);
    while (made < count) {
        uint32_t service = random_below(spans, 40), until = made + (count + 4) / 5;
        uint32_t resource_at = begin(t, 1);
        resource_put(spans, t, service);
        uint32_t scope_at = begin(t, 2), name_at = begin_short(t, 1, 1);
        put_text(t, 1, "io.opentelemetry.tomcat-10.0");
        put_text(t, 2, "2.9.0-alpha");
        end_short(t, name_at, 1);
        for (; made < count && made < until; made++) span_put(spans, t, service, made);
        end(t, scope_at);
        end(t, resource_at);
    }
}

struct spans *spans_create(const struct spans_options *options)
{
    struct spans *spans = mem_calloc(1, sizeof *spans);
    uint32_t len_max = 0;
    spans->options = *options;
    spans->random = options->seed;
    spans->templates = mem_calloc(options->template_count, sizeof *spans->templates);
    for (uint32_t k = 0; k < options->template_count; k++) {
        template_make(spans, &spans->templates[k]);
        if (spans->templates[k].len > len_max) len_max = spans->templates[k].len;
    }
    spans->out = mem_alloc(len_max);
    return spans;
}

void spans_destroy(struct spans *spans)
{
    for (uint32_t k = 0; k < spans->options.template_count; k++) {
        free(spans->templates[k].bytes);
        free(spans->templates[k].patches);
        free(spans->templates[k].durations_ns);
    }
    free(spans->templates);
    free(spans->out);
    free(spans);
}

uint32_t spans_attributes_mean(const struct spans *spans)
{
    return (uint32_t)(spans->attribute_count / ((uint64_t)spans->options.span_count * spans->options.template_count));
}

struct bytes spans_next(struct spans *spans, uint64_t sequence, uint64_t now_unix_ns)
{
    static const char hex[] = "0123456789abcdef";
    struct template *t = &spans->templates[spans->next++ % spans->options.template_count];
    uint64_t request = random_next(&spans->random);
    memcpy(spans->out, t->bytes, t->len);
    for (uint32_t p = 0; p < t->patch_count; p++) {
        const struct patch *patch = &t->patches[p];
        uint8_t *at = spans->out + patch->offset;
        uint64_t start_ns = now_unix_ns - 300000000ull + patch->span * 100000ull, value;
        uint64_t of_span = request + patch->span * 0x9E3779B97F4A7C15u;
        switch ((enum patch_kind)patch->kind) {
        case PATCH_TRACE:
            value = random_next(&of_span);
            memcpy(at, &value, 8);
            value = random_next(&of_span);
            memcpy(at + 8, &value, 8);
            break;
        case PATCH_PARENT:
        case PATCH_SPAN:
            of_span ^= 0x5555555555555555u;
            value = random_next(&of_span) | 1;
            memcpy(at, &value, 8);
            break;
        case PATCH_START: memcpy(at, &start_ns, 8); break;
        case PATCH_END:
            value = start_ns + t->durations_ns[patch->span];
            memcpy(at, &value, 8);
            break;
        case PATCH_SEQUENCE:
            value = sequence + patch->span;
            for (int b = 0; b < 8; b++) at[b] = (uint8_t)((value >> (7 * b) & 127) | (b < 7 ? 128 : 0));
            break;
        case PATCH_HEX:
        case PATCH_DIGITS:
            value = 0;
            for (uint32_t c = 0; c < patch->len; c++) {
                if (c % 16 == 0) value = random_next(&spans->random);
                at[c] = patch->kind == PATCH_HEX ? (uint8_t)hex[value & 15] : (uint8_t)('0' + (value & 15) % 10);
                value >>= 4;
            }
            break;
        }
    }
    return bytes_from(spans->out, t->len);
}
