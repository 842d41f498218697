#include "ingest/route.h"

#include <stdio.h>
#include <stdlib.h>

/* What a secret was found to be; ROUTE_SECRETS_MAX and above are no index of keys. */
enum verdict { UNKNOWN = ROUTE_SECRETS_MAX, FOR_PAGES, FOR_ASKING, ONE_TOO_MANY, MISSING };

struct secrets {
    struct {
        struct bytes secret;
        uint32_t verdict;
    } at[ROUTE_SECRETS_MAX];
    uint32_t count;
};

/* A project's first key stands for it. */
static uint32_t key_index(struct route *route, const struct ingest_key *key)
{
    for (uint32_t i = 0; i < route->key_count; i++) {
        if (uuid_equal(route->keys[i].project_id, key->project_id)) return i;
    }
    route->keys[route->key_count] = *key;
    return route->key_count++;
}

static uint32_t secret_look(struct route *route, struct secrets *secrets, const struct ingest_keys *keys,
                            struct bytes secret)
{
    if (secret.len == 0) return MISSING;
    for (uint32_t i = secrets->count; i-- > 0;) { /* neighbours are mostly the same */
        if (bytes_equal(secrets->at[i].secret, secret)) return secrets->at[i].verdict;
    }
    if (secrets->count == ROUTE_SECRETS_MAX) return ONE_TOO_MANY;
    struct ingest_key key = { 0 };
    uint32_t verdict = UNKNOWN;
    /* A page sends its key as header, where its origin is checked; without a header there was no page. */
    if (keys->find(keys->ctx, secret, &key)) {
        verdict = key.is_for_asking ? FOR_ASKING : key.is_browser ? FOR_PAGES : key_index(route, &key);
    }
    secrets->at[secrets->count].secret = secret;
    secrets->at[secrets->count++].verdict = verdict;
    return verdict;
}

static const char *verdict_text(uint32_t verdict)
{
    switch (verdict) {
    case UNKNOWN: return "unknown or revoked API key in the resource attribute \"" OTLP_PROJECT_KEY "\"";
    case FOR_PAGES: return "the key in \"" OTLP_PROJECT_KEY "\" is for web pages, which send it as header";
    case FOR_ASKING: return "the key in \"" OTLP_PROJECT_KEY "\" is not for sending (scope ingest)";
    case ONE_TOO_MANY: return "one request may have at most 64 different keys in \"" OTLP_PROJECT_KEY "\"";
    default: return "no API key, neither as header nor as resource attribute \"" OTLP_PROJECT_KEY "\"";
    }
}

static void resource_reject(struct route *route, const struct otlp_request *request, uint32_t resource,
                            uint32_t verdict)
{
    static const char *const names[] = {
        [OTLP_LOGS] = "resource_logs", [OTLP_TRACES] = "resource_spans", [OTLP_METRICS] = "resource_metrics"
    };
    static_assert(ROUTE_SECRETS_MAX == 64, "as verdict_text says");
    route->rejected_count += request->resources.at[resource].record_count;
    if (route->rejected_reason[0] != '\0' || request->resources.at[resource].record_count == 0) return;
    snprintf(route->rejected_reason, sizeof route->rejected_reason, "%s[%u]: %s", names[request->signal], resource,
             verdict_text(verdict));
}

bool route_find(struct route *route, const struct ingest_keys *keys, const struct otlp_request *request,
                struct err *err)
{
    struct secrets secrets = { .count = 0 };
    uint32_t count = request->resources.count, worst = MISSING;
    *route = (struct route){ .parts = mem_alloc(count * sizeof *route->parts), .is_whole = true };
    for (uint32_t i = 0; i < count; i++) {
        uint32_t verdict = secret_look(route, &secrets, keys, request->resources.at[i].project_key);
        bool is_ours = verdict < ROUTE_SECRETS_MAX;
        route->parts[i] = is_ours ? verdict : ROUTE_NONE;
        route->is_whole = route->is_whole && verdict == 0;
        if (is_ours) continue;
        resource_reject(route, request, i, verdict);
        if (verdict < worst) worst = verdict;
    }
    if (route->key_count > 0) return true;
    if (worst == MISSING) return route_no_key(err);
    return err_set(err, worst == FOR_PAGES || worst == FOR_ASKING ? ERR_FORBIDDEN : ERR_UNAUTHENTICATED, "%s",
                   verdict_text(worst));
}

void route_deinit(struct route *route)
{
    free(route->parts);
    route->parts = NULL;
}

bool route_may_have_keys(struct bytes body)
{
    static const char name[] = OTLP_PROJECT_KEY;
    return body.len > 0 && memmem(body.ptr, body.len, name, sizeof name - 1) != NULL;
}

bool route_no_key(struct err *err)
{
    return err_set(
        err, ERR_UNAUTHENTICATED,
        "no API key: set the header \"authorization: Bearer KEY\" (or x-api-key), for SDKs "
        "OTEL_EXPORTER_OTLP_HEADERS=\"authorization=Bearer KEY\", or the resource attribute " OTLP_PROJECT_KEY);
}
