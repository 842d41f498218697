/* web.h -- the HTTP port for people and their tools: metrics, health, the REST API, the web UI.
 *
 *   GET /metrics   Prometheus text of the process (telemetry.h)
 *   GET /healthz   200 while the process can answer at all
 *   GET /readyz    200 when every part is ready, else 503; JSON says which part is not, and why
 *   /api/v1 ...    the REST API, and pages to sign in (api/api.h), from web_set_api on
 *   any page       the web UI (ui/ui.h)
 *
 * It opens first and closes last, so that a start that replays for long and a stop that flushes can be watched. The first
 * three ask for no key: names of projects and counts are told there, nothing of what was sent. The paths are a table in web.c.
 * Thread: a loop of its own, so that a scrape never waits behind telemetry coming in; callbacks run on it.
 * Memory: a page; 16 MiB for all requests in flight. Errors: of the port that cannot be had. */
#pragma once
#include "base/err.h"
#include "base/log.h"

struct api;
struct telemetry;
struct tls_context;
struct web;

#define WEB_PARTS_MAX 8
struct web_part {
    const char *name; /* "log" */
    bool is_ready;
    char why[160]; /* when it is not, for a person */
};
struct web_readiness {
    struct web_part parts[WEB_PARTS_MAX];
    uint32_t part_count;
};
void web_part_add(struct web_readiness *readiness, const char *name, bool is_ready, const char *why);

struct web_options {
    const char *address;
    uint16_t port;             /* 0: any free one */
    struct tls_context *tls;   /* NULL: in the clear */
    uint32_t upload_bytes_max; /* of a source map; 0: as other bodies */
    struct telemetry *telemetry;
    void (*ready)(void *ctx, struct web_readiness *readiness);
    void *ctx;
    const struct log *log;
};
MUST_CHECK bool web_open(struct web **web, const struct web_options *options, struct err *err);
uint16_t web_port(const struct web *web);
/* Outlives the web. Until then its paths answer 503. */
void web_set_api(struct web *web, struct api *api);
void web_close(struct web *web); /* NULL is fine */
