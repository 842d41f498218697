#include "web/web.h"
#include "base/json.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"
#include "telemetry/prometheus.h"
#include "telemetry/telemetry.h"
#include "web/api/api.h"
#include "web/api/api_route.h"
#include "web/ui/ui.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define IN_FLIGHT_BYTES_MAX (16u << 20) /* and one upload */
#define BODY_BYTES_MAX      (1u << 20)
#define METRICS_BYTES_MAX   (16u << 20)
#define READY_BYTES_MAX     16384

struct web {
    struct web_options options;
    struct admission *admission;
    struct loop *loop;
    struct http_server *server;
    _Atomic(struct api *) api; /* NULL: not open yet */
};

void web_part_add(struct web_readiness *readiness, const char *name, bool is_ready, const char *why)
{
    assert(readiness->part_count < WEB_PARTS_MAX);
    struct web_part *part = &readiness->parts[readiness->part_count++];
    part->name = name;
    part->is_ready = is_ready;
    snprintf(part->why, sizeof part->why, "%s", is_ready ? "" : why);
    for (char *c = part->why; *c; c++)
        if ((uint8_t)*c > 0x7E) *c = '?'; /* JSON wants UTF-8 whatever a path in it is made of */
}

static void answer(struct http_request *request, int status, const char *type, struct bytes body)
{
    const struct http_header headers[] = { { BYTES("content-type"), bytes_of_text(type) },
                                           { BYTES("cache-control"), BYTES("no-store") } };
    struct http_response response = {
        .status = status, .headers = headers, .header_count = COUNT_OF(headers), .body = body
    };
    http_answer(request, &response);
}

static void serve_metrics(struct web *web, struct http_request *request)
{
    struct buf out;
    buf_init(&out, METRICS_BYTES_MAX);
    if (telemetry_text(web->options.telemetry, &out)) {
        answer(request, 200, PROMETHEUS_CONTENT_TYPE, buf_bytes(&out));
    } else {
        http_answer_text(request, 500, "the metrics are larger than they can be");
    }
    buf_deinit(&out);
}

static void serve_health(struct web *web, struct http_request *request)
{
    (void)web;
    http_answer_text(request, 200, "ok");
}

/* {"ready":false,"parts":[{"name":"log","ready":false,"why":"..."}]} */
static void serve_ready(struct web *web, struct http_request *request)
{
    struct web_readiness readiness = { 0 };
    uint8_t text[READY_BYTES_MAX], *at = text;
    bool is_ready = true;
    static_assert(WEB_PARTS_MAX * (6 * sizeof readiness.parts[0].why + 128) + 64 <= READY_BYTES_MAX, "it fits");
    web->options.ready(web->options.ctx, &readiness);
    for (uint32_t p = 0; p < readiness.part_count; p++) is_ready = is_ready && readiness.parts[p].is_ready;
    at = json_put_raw(at, BYTES("{\"ready\":"));
    at = json_put_raw(at, is_ready ? BYTES("true") : BYTES("false"));
    at = json_put_raw(at, BYTES(",\"parts\":["));
    for (uint32_t p = 0; p < readiness.part_count; p++) {
        const struct web_part *part = &readiness.parts[p];
        at = json_put_raw(at, p > 0 ? BYTES(",{\"name\":") : BYTES("{\"name\":"));
        at = json_put_text(at, bytes_of_text(part->name));
        at = json_put_raw(at, part->is_ready ? BYTES(",\"ready\":true") : BYTES(",\"ready\":false,\"why\":"));
        if (!part->is_ready) at = json_put_text(at, bytes_of_text(part->why));
        at = json_put_raw(at, BYTES("}"));
    }
    at = json_put_raw(at, BYTES("]}\n"));
    answer(request, is_ready ? 200 : 503, "application/json", bytes_from(text, (size_t)(at - text)));
}

static const struct route {
    struct bytes path;
    void (*serve)(struct web *web, struct http_request *request);
} routes[] = {
    { { (const uint8_t *)"/metrics", 8 }, serve_metrics },
    { { (const uint8_t *)"/healthz", 8 }, serve_health },
    { { (const uint8_t *)"/readyz", 7 }, serve_ready },
};

static void on_request(void *ctx, struct http_request *request)
{
    struct web *web = ctx;
    for (size_t r = 0; r < COUNT_OF(routes); r++) {
        if (!bytes_equal(request->path, routes[r].path)) continue;
        if (bytes_equal(request->method, BYTES("GET")) || bytes_equal(request->method, BYTES("HEAD"))) {
            routes[r].serve(web, request);
            return;
        }
        const struct http_header allow = { BYTES("allow"), BYTES("GET, HEAD") };
        struct http_response response = { .status = 405, .headers = &allow, .header_count = 1 };
        http_answer(request, &response);
        return;
    }
    struct api_match match;
    struct api *api = atomic_load(&web->api);
    bool is_api = request->path.len >= 5 && memcmp(request->path.ptr, "/api/", 5) == 0;
    if (!is_api && !api_route_find(request->method, request->path, &match) && match.allowed == 0) {
        if (api != NULL && ui_is_page(request) && api_page(api, request)) return;
        if (ui_answer(request)) return;
    }
    if (api != NULL) {
        api_request(api, request);
    } else if (is_api) {
        answer(request, 503, "application/problem+json",
               BYTES("{\"type\":\"urn:monoscope:problem:busy\",\"title\":\"Service Unavailable\",\"status\":503,"
                     "\"detail\":\"the server is starting: /readyz says how far it is\",\"code\":\"busy\"}\n"));
    } else {
        http_answer_text(request, 404, "there is nothing here; there are /metrics, /healthz and /readyz");
    }
}

/* Uploads are larger than what else people send. */
static uint32_t on_body(void *ctx, const struct http_request *request)
{
    const struct web *web = ctx;
    static const char end[] = "/source-maps";
    size_t len = sizeof end - 1;
    bool is_upload = web->options.upload_bytes_max > BODY_BYTES_MAX && request->path.len > len &&
                     memcmp(request->path.ptr + request->path.len - len, end, len) == 0;
    return is_upload ? web->options.upload_bytes_max : BODY_BYTES_MAX;
}

static void on_refusal(void *ctx, struct http_request *request, const struct http_refusal *refusal)
{
    (void)ctx;
    api_refuse(request, refusal);
}

bool web_open(struct web **out, const struct web_options *options, struct err *err)
{
    struct web *web = mem_calloc(1, sizeof *web);
    web->options = *options;
    web->admission = admission_create(IN_FLIGHT_BYTES_MAX + options->upload_bytes_max);
    struct http_options http_options = {
        .address = options->address,
        .port = options->port,
        .body_bytes_max = BODY_BYTES_MAX,
        .admission = web->admission,
        .tls = options->tls,
        .handler = { .call = on_request, .refuse = on_refusal, .body_bytes_max = on_body, .ctx = web },
        .log = options->log,
    };
    if (!loop_open(&web->loop, err) || !http_server_open(&web->server, web->loop, &http_options, err)) {
        web_close(web);
        *out = NULL;
        return false;
    }
    *out = web;
    return true;
}

uint16_t web_port(const struct web *web)
{
    return http_server_port(web->server);
}

void web_set_api(struct web *web, struct api *api)
{
    atomic_store(&web->api, api);
}

void web_close(struct web *web)
{
    if (!web) return;
    loop_stop(web->loop);
    http_server_close(web->server);
    loop_close(web->loop);
    admission_release(web->admission);
    free(web);
}
