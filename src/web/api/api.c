#include "web/api/api.h"
#include "base/clock.h"
#include "base/json_object.h"
#include "base/queue.h"
#include "base/span.h"
#include "base/utf8.h"
#include "web/api/api_inside.h"
#include "web/api/api_page.h"
#include "web/api/once.h"
#include "web/api/page_app.h"
#include "yaml/yaml.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    QUICK_THREADS = 4,
    SLOW_THREADS = 4,
    QUERY_THREADS = 16,
    LIVE_THREADS = 32,
    THREADS_MAX = 128,
    WAITING_MAX = 256,
    BODY_DEPTH_MAX = 32,
    WATCH_MS = 100
};

struct job {
    struct http_request *request;
    struct api_match match;
    char address[64];
};

struct api {
    struct api_options options;
    struct schemas *schemas;
    struct buf document;
    struct queue *quick, *slow, *queries, *lives;
    pthread_t threads[THREADS_MAX];
    uint32_t thread_count, live_max;
    pthread_t watcher;
    bool has_watcher;
    pthread_mutex_t lock; /* guards watches */
    struct api_watch *watches;
    atomic_bool is_stopping, is_over;
    _Atomic uint64_t answers[6], busy_refused;
    _Atomic uint32_t running, waiting, live; /* live: those that go on until their client goes */
    _Atomic uint32_t waiting_for_models;
    struct histogram durations;
};

const struct schemas *api_schemas(const struct api *api)
{
    return api->schemas;
}

bool api_is_stopping(const struct api *api)
{
    return atomic_load(&api->is_stopping);
}

static uint32_t query_threads(const struct api_options *options)
{
    return options->query_threads ? options->query_threads : QUERY_THREADS;
}

bool api_model_begin(struct api *api)
{
    if (atomic_fetch_add(&api->waiting_for_models, 1) < (query_threads(&api->options) + 1) / 2) return true;
    atomic_fetch_sub(&api->waiting_for_models, 1);
    return false;
}

void api_model_end(struct api *api)
{
    atomic_fetch_sub(&api->waiting_for_models, 1);
}

struct bytes api_document(const struct api *api)
{
    return buf_bytes(&api->document);
}

/* ---- one request, on a thread of the API ---- */

static bool path_read(struct api_call *call, struct err *err)
{
    struct api_inside *inside = call->inside;
    const char *template = call->route->path;
    for (uint32_t v = 0; v < inside->match.value_count; v++) {
        const char *open = strchr(template, '{'), *close = strchr(open, '}');
        inside->path_names[v] = bytes_from(open + 1, (size_t)(close - open - 1));
        template = close;
        if (!percent_decode(call->arena, inside->match.values[v], false, &inside->path_values[v]))
            return err_set(err, ERR_NOT_FOUND, "there is nothing here");
    }
    return true;
}

static bool may_do(struct api_call *call, struct err *err)
{
    const struct api_parts *parts = call->parts;
    enum permission permission = call->route->permission;
    if (permission_rule(permission)->reach != REACH_PROJECT)
        return access_check(parts->db, call->actor, permission, NULL, err);
    if (!access_project(parts->meta, parts->db, call->actor, permission, api_path(call, "project"), &call->project,
                        err))
        return false;
    return call->actor->kind != ACTOR_SHARE || (call->route->flags & API_SHARED) ||
           err_set(err, ERR_FORBIDDEN, "a shared link shows rows of its own time alone; for this sign in");
}

bool api_still_may(struct api_call *call, struct err *err)
{
    struct actor actor;
    const struct actor *before = call->actor;
    bool ok = account_find(call, &actor, err);
    call->actor = &actor;
    ok = ok && may_do(call, err);
    call->actor = before;
    return ok;
}

/* Of the blank-separated parameters the one that is called so in a query: by its "name", else by what it is listed as. */
static yyjson_val *parameter_find(const struct schemas *schemas, const char *names, struct bytes name)
{
    for (size_t len; *names != '\0'; names += len + strspn(names + len, " ")) {
        len = strcspn(names, " ");
        struct bytes listed = bytes_from(names, len);
        yyjson_val *parameter = schemas_parameter(schemas, listed);
        if (parameter != NULL && bytes_equal(schemas_parameter_name(schemas, listed), name)) return parameter;
    }
    return NULL;
}

static bool query_value_check(struct api_call *call, const struct api_value *value, const char **pointer,
                              struct err *err)
{
    char ignored[SCHEMA_POINTER_BYTES];
    const struct schemas *schemas = call->inside->api->schemas;
    yyjson_val *parameter = parameter_find(schemas, call->route->query, value->name), as;
    if (parameter == NULL && (call->route->flags & API_PAGED))
        parameter = parameter_find(schemas, "limit cursor", value->name);
    if (call->route->flags & API_PAGE) return true; /* an identity provider adds what it likes */
    *pointer = arena_printf(call->arena, "?%.*s", (int)utf8_cut(value->name, 60), (const char *)value->name.ptr);
    if (parameter == NULL) return err_set(err, ERR_INPUT, "there is no such query parameter");
    for (uint32_t q = 0; q < call->inside->query_count; q++)
        if (bytes_equal(call->inside->query[q].name, value->name))
            return err_set(err, ERR_INPUT, "the parameter is there twice");
    yyjson_val *schema = yyjson_obj_get(parameter, "schema");
    assert(schema != NULL); /* api_test looks at each */
    return schema_value_of_text(schema, value->text, &as, err) &&
           schema_check(call->inside->api->schemas, schema, &as, ignored, err);
}

static bool query_read(struct api_call *call, const char **pointer, struct err *err)
{
    struct api_inside *inside = call->inside;
    struct bytes rest = call->request->query;
    if (call->route->flags & API_APP) return true;
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.ptr, '&', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);
        const uint8_t *equals = len == 0 ? NULL : memchr(rest.ptr, '=', len);
        size_t name_len = equals == NULL ? len : (size_t)(equals - rest.ptr);
        struct bytes name = bytes_from(rest.ptr, name_len);
        struct bytes text = equals == NULL ? bytes_from(rest.ptr, 0) : bytes_from(equals + 1, len - name_len - 1);
        struct api_value value;
        rest = bytes_from(rest.ptr + len, rest.len - len);
        if (rest.len > 0) rest = bytes_from(rest.ptr + 1, rest.len - 1);
        if (len == 0) continue;
        if (!percent_decode(call->arena, name, true, &value.name) ||
            !percent_decode(call->arena, text, true, &value.text))
            return err_set(err, ERR_INPUT, "the query is not percent-encoded UTF-8");
        if (inside->query_count == API_QUERY_MAX) return err_set(err, ERR_INPUT, "there are too many parameters");
        if (!query_value_check(call, &value, pointer, err)) return false;
        inside->query[inside->query_count++] = value;
    }
    return true;
}

static struct bytes body_type(const struct http_request *request)
{
    struct bytes type = http_request_header(request, "content-type");
    const uint8_t *end = type.len == 0 ? NULL : memchr(type.ptr, ';', type.len);
    return end == NULL ? type : http_trimmed(bytes_from(type.ptr, (size_t)(end - type.ptr)));
}

static bool json_read(struct bytes body, yyjson_doc **doc, struct err *err)
{
    yyjson_read_err failed;
    *doc = yyjson_read_opts((char *)(uintptr_t)body.ptr, body.len, 0, NULL, &failed);
    return *doc != NULL ||
           err_set(err, ERR_INPUT, "the body is not JSON: byte %zu: %s", failed.pos, body.len ? failed.msg : "empty");
}

static bool yaml_body_read(struct api_call *call, yyjson_doc **doc, struct err *err)
{
    yyjson_mut_val *value;
    if (!yaml_read(call->request->body, call->json, &value, err)) return err_within(err, "the body is not YAML");
    *doc = yyjson_mut_val_imut_copy(value, NULL);
    return *doc != NULL || err_set(err, ERR_INTERNAL, "the body cannot be kept");
}

/* 415 is not among the codes of err.h: status says it. */
static bool body_read(struct api_call *call, yyjson_doc **doc, char *pointer, int *status, struct err *err)
{
    struct bytes type = body_type(call->request);
    bool may_yaml = (call->route->flags & API_YAML) != 0;
    pointer[0] = '\0';
    if (call->route->request[0] == '\0' || (call->route->flags & API_PAGE)) return true;
    if (may_yaml && http_text_is(type, "application/yaml")) {
        if (!yaml_body_read(call, doc, err)) return false;
    } else if (http_text_is(type, "application/json")) {
        if (!json_read(call->request->body, doc, err)) return false;
    } else {
        *status = 415;
        return err_set(err, ERR_INPUT, "the body must be JSON: content-type: application/json%s",
                       may_yaml ? ", or YAML: application/yaml" : "");
    }
    call->body = yyjson_doc_get_root(*doc);
    if (json_is_deep(call->body, BODY_DEPTH_MAX))
        return err_set(err, ERR_INPUT, "the body is nested deeper than %d", BODY_DEPTH_MAX);
    yyjson_val *schema = schemas_find(call->inside->api->schemas, call->route->request);
    return schema_check(call->inside->api->schemas, schema, call->body, pointer, err);
}

static void call_refuse(struct api_call *call, const struct err *err, int status, const char *pointer)
{
    struct api_inside *inside = call->inside;
    api_watch_end(call);
    inside->progress = API_ANSWERED;
    inside->status = status;
    api_problem(call, err, status, pointer);
}

/* All that is asked before a handler, in the order that tells strangers least. */
static void call_run(struct api_call *call, const char *address)
{
    struct actor actor = { 0 };
    struct err err = { 0 };
    char pointer[SCHEMA_POINTER_BYTES] = "";
    const char *query_pointer = NULL;
    int status = 0;
    yyjson_doc *doc = NULL;
    call->actor = &actor;
    bool ok = path_read(call, &err) && account_find(call, &actor, &err);
    snprintf(actor.address, sizeof actor.address, "%s", address);
    ok = ok && may_do(call, &err) && query_read(call, &query_pointer, &err);
    if (ok) {
        query_pointer = NULL;
        ok = body_read(call, &doc, pointer, &status, &err) && once_begin(call, &err);
    }
    if (!ok) {
        call_refuse(call, &err, status ? status : err_http_status(err.code), query_pointer ? query_pointer : pointer);
    } else if (call->inside->progress == API_ASKED) { /* else it was answered as it was before */
        call->route->handle(call);
    }
    if (call->inside->progress == API_STREAMING) api_stream_end(call, false);
    if (call->inside->progress == API_ASKED) {
        err_set(&err, ERR_INTERNAL, "the request was not answered");
        log_error(call->parts->log, "api.not_answered", log_text("route", call->route->id));
        call_refuse(call, &err, 500, NULL);
    }
    yyjson_doc_free(doc);
}

/* What the outer request says of itself is not the inner one's. */
static bool header_is_inner(const struct http_header *header)
{
    static const char *const left_out[] = { "content-type", "content-length", "accept", "idempotency-key",
                                            "if-match",     "if-none-match",  "range" };
    for (size_t l = 0; l < COUNT_OF(left_out); l++)
        if (bytes_equal(header->name, bytes_of_text(left_out[l]))) return false;
    return true;
}

void api_inner(struct api_call *outer, const struct api_inner_ask *ask, struct api_capture *capture)
{
    struct api_inside inside = {
        .api = outer->inside->api, .client = outer->inside->client, .own = outer->inside->own, .capture = capture
    };
    struct http_header *headers = arena_alloc(outer->arena, (outer->request->header_count + 2) * sizeof *headers);
    struct http_request request = { .method = bytes_of_text(ask->method),
                                    .path = ask->path,
                                    .query = ask->query,
                                    .body = ask->body,
                                    .headers = headers };
    struct err err = { 0 };
    for (uint32_t h = 0; h < outer->request->header_count; h++)
        if (header_is_inner(&outer->request->headers[h])) headers[request.header_count++] = outer->request->headers[h];
    headers[request.header_count++] = (struct http_header){ BYTES("content-type"), BYTES("application/json") };
    if (ask->header.name.len > 0) headers[request.header_count++] = ask->header;
    if (!api_route_find(request.method, request.path, &inside.match)) {
        err_set(&err, ERR_NOT_FOUND, "there is nothing here");
        capture->status = 404;
        problem_write(&capture->body, &err, 404, NULL);
        return;
    }
    assert(!(inside.match.route->flags & (API_LIVE | API_PAGE)));
    buf_init(&inside.piece, HTTP_STREAM_BYTES_MAX);
    struct api_call call = { .parts = outer->parts,
                             .route = inside.match.route,
                             .request = &request,
                             .arena = outer->arena,
                             .json = outer->json,
                             .inside = &inside };
    call_run(&call, outer->actor->address);
    api_watch_end(&call);
    buf_deinit(&inside.piece);
}

void api_own(struct api *api, const struct actor *actor, void (*work)(void *ctx, struct api_call *call), void *ctx)
{
    struct arena arena;
    struct http_request request = { .method = BYTES("POST"), .path = BYTES("/api/v1/mcp") };
    struct api_inside inside = { .api = api, .own = actor };
    arena_init(&arena, 0);
    struct api_call call = { .parts = &api->options.parts,
                             .request = &request,
                             .arena = &arena,
                             .actor = actor,
                             .json = yyjson_mut_doc_new(NULL),
                             .inside = &inside };
    work(ctx, &call);
    yyjson_mut_doc_free(call.json);
    arena_deinit(&arena);
}

static void job_run(struct api *api, struct job *job)
{
    struct arena arena;
    struct api_inside inside = { .api = api, .client = job->request, .match = job->match };
    uint64_t begin_ns = clock_mono_ns();
    struct span span;
    bool is_health = (job->match.route->flags & API_OPEN) && job->match.route->method == API_GET;
    arena_init(&arena, 0);
    span_begin(&span, is_health ? NULL : api->options.parts.log, NULL, SPAN_SERVER, job->match.route->id);
    buf_init(&inside.piece, HTTP_STREAM_BYTES_MAX);
    struct api_call call = { .parts = &api->options.parts,
                             .route = job->match.route,
                             .request = job->request,
                             .arena = &arena,
                             .json = yyjson_mut_doc_new(NULL),
                             .inside = &inside };
    call_run(&call, job->address);
    api_watch_end(&call);
    atomic_fetch_add(&api->answers[inside.status / 100 % 6], 1);
    if (!(job->match.route->flags & API_LIVE)) histogram_add_ns(&api->durations, clock_mono_ns() - begin_ns);
    if (span.name != NULL)
        span_end(&span, api->options.parts.log, inside.status >= 500 ? "ERR_INTERNAL" : NULL,
                 LOG_FIELDS(log_text("http.request.method", api_method_name(job->match.route->method)),
                            log_text("http.route", job->match.route->path),
                            log_number("http.response.status_code", inside.status)));
    yyjson_mut_doc_free(call.json);
    buf_deinit(&inside.piece);
    arena_deinit(&arena);
    free(job);
}

struct lane {
    struct api *api;
    struct queue *queue;
};

static void *lane_run(void *arg)
{
    struct lane lane = *(struct lane *)arg;
    bool closed = false;
    void *item;
    free(arg);
    while (!closed) {
        if (queue_pop(lane.queue, &item, 1, -1, &closed) == 0) continue;
        atomic_fetch_sub(&lane.api->waiting, 1);
        atomic_fetch_add(&lane.api->running, 1);
        job_run(lane.api, item);
        atomic_fetch_sub(&lane.api->running, 1);
        if (lane.queue == lane.api->lives) atomic_fetch_sub(&lane.api->live, 1);
    }
    return NULL;
}

/* ---- who has gone ---- */

static void watch_list(struct api *api, struct api_watch *watch)
{
    watch->is_listed = true;
    watch->next = api->watches;
    if (watch->next != NULL) watch->next->prev = watch;
    api->watches = watch;
}

void api_watch_begin(struct api_call *call, void (*cancel)(void *ctx), void *ctx)
{
    struct api *api = call->inside->api;
    struct api_watch *watch = &call->inside->watch;
    assert(!watch->is_listed && call->inside->progress != API_ANSWERED);
    *watch = (struct api_watch){ .request = call->inside->client, .cancel = cancel, .ctx = ctx };
    pthread_mutex_lock(&api->lock);
    watch_list(api, watch);
    pthread_mutex_unlock(&api->lock);
}

/* A project has at most three quarters of the threads: others' statements find one that comes to its turn. */
bool api_watch_statement(struct api_call *call, void (*cancel)(void *ctx), void *ctx, struct err *err)
{
    struct api *api = call->inside->api;
    struct api_watch *watch = &call->inside->watch;
    uint32_t threads = query_threads(&api->options), most = threads - threads / 4, count = 0;
    assert(!watch->is_listed && call->inside->progress != API_ANSWERED);
    *watch = (struct api_watch){
        .request = call->inside->client, .cancel = cancel, .ctx = ctx, .statement_of = call->project.id
    };
    pthread_mutex_lock(&api->lock);
    for (const struct api_watch *other = api->watches; other != NULL; other = other->next)
        count += uuid_equal(other->statement_of, watch->statement_of);
    if (count < most) watch_list(api, watch);
    pthread_mutex_unlock(&api->lock);
    if (count < most) return true;
    err_set(err, ERR_QUOTA, "%u statements of this project run or wait over HTTP already: wait for one to end", count);
    return err_hint(err, "ask again in a second; the SQL port has room for more at once");
}

void api_watch_end(struct api_call *call)
{
    struct api *api = call->inside->api;
    struct api_watch *watch = &call->inside->watch;
    if (!watch->is_listed) return;
    pthread_mutex_lock(&api->lock);
    *(watch->prev != NULL ? &watch->prev->next : &api->watches) = watch->next;
    if (watch->next != NULL) watch->next->prev = watch->prev;
    pthread_mutex_unlock(&api->lock);
    watch->is_listed = false;
}

/* Calls of our own have no client. */
static bool is_gone(const struct http_request *request)
{
    return request != NULL && http_request_is_gone(request);
}

/* cancel only raises a flag, so it may run under the lock. */
static void *watcher_run(void *arg)
{
    struct api *api = arg;
    while (!atomic_load(&api->is_over)) {
        clock_sleep_ms(WATCH_MS);
        bool is_stopping = atomic_load(&api->is_stopping);
        pthread_mutex_lock(&api->lock);
        for (struct api_watch *watch = api->watches; watch != NULL; watch = watch->next) {
            if (watch->cancel == NULL || !(is_stopping || is_gone(watch->request))) continue;
            watch->cancel(watch->ctx);
            watch->cancel = NULL;
        }
        pthread_mutex_unlock(&api->lock);
    }
    return NULL;
}

/* ---- on the loop ---- */

static void refuse(struct api *api, struct http_request *request, int status, const struct err *err,
                   const struct http_header *header)
{
    atomic_fetch_add(&api->answers[status / 100], 1);
    problem_answer(request, err, status, NULL, header, header != NULL);
}

static void refuse_method(struct api *api, struct http_request *request, uint32_t allowed)
{
    struct err err = { 0 };
    char names[64] = "";
    for (enum api_method m = 0; m < API_METHODS; m++) {
        if (!(allowed >> m & 1)) continue;
        size_t len = strlen(names);
        snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "", api_method_name(m));
        if (m == API_GET) strcat(names, ", HEAD");
    }
    struct http_header allow = { BYTES("allow"), bytes_of_text(names) };
    err_set(&err, ERR_INPUT, "the methods here are %s", names);
    refuse(api, request, 405, &err, &allow);
}

/* Readers that take their time with long answers keep no sign-in waiting, and neither keeps a short question. */
static struct queue *lane_of(const struct api *api, const struct api_route *route)
{
    if (route->flags & API_LIVE) return api->lives;
    if (!(route->flags & API_SLOW)) return api->quick;
    return route->permission == PERMISSION_QUERY ? api->queries : api->slow;
}

void api_request(struct api *api, struct http_request *request)
{
    struct api_match match;
    struct err err = { 0 };
    if (!api_route_find(request->method, request->path, &match)) {
        if (match.allowed != 0) {
            refuse_method(api, request, match.allowed);
            return;
        }
        err_set(&err, ERR_NOT_FOUND,
                "there is nothing here: /api/v1/openapi.json lists the API; besides there are /metrics, /healthz, "
                "/readyz and /sign-in");
        refuse(api, request, 404, &err, NULL);
        return;
    }
    bool is_live = match.route->flags & API_LIVE;
    if (is_live && atomic_fetch_add(&api->live, 1) >= api->live_max) { /* it would wait for one of them to go */
        atomic_fetch_sub(&api->live, 1);
        atomic_fetch_add(&api->busy_refused, 1);
        err_set(&err, ERR_BUSY, "%u live streams are open on this server: try again later", api->live_max);
        refuse(api, request, 503, &err, NULL);
        return;
    }
    struct job *job = mem_calloc(1, sizeof *job);
    job->request = request;
    job->match = match;
    http_request_peer(request, job->address, sizeof job->address);
    atomic_fetch_add(&api->waiting, 1);
    if (queue_push(lane_of(api, match.route), job, 0)) return;
    atomic_fetch_sub(&api->waiting, 1);
    if (is_live) atomic_fetch_sub(&api->live, 1);
    atomic_fetch_add(&api->busy_refused, 1);
    free(job);
    err_set(&err, ERR_BUSY, "too many requests wait: try again in a second");
    refuse(api, request, 503, &err, NULL);
}

static const struct api_route page_route = { .method = API_GET,
                                             .path = "/p",
                                             .id = "page_app",
                                             .tag = "Pages",
                                             .permission = PERMISSION_PUBLIC,
                                             .query = "",
                                             .request = "",
                                             .answer = "",
                                             .status = 200,
                                             .flags = API_OPEN | API_PAGE | API_APP,
                                             .summary = "A page of the UI",
                                             .handle = api_page_app };

bool api_page(struct api *api, struct http_request *request)
{
    if (!page_app_is_known(request)) return false;
    struct job *job = mem_calloc(1, sizeof *job);
    job->request = request;
    job->match.route = &page_route;
    http_request_peer(request, job->address, sizeof job->address);
    atomic_fetch_add(&api->waiting, 1);
    if (queue_push(api->quick, job, 0)) return true;
    atomic_fetch_sub(&api->waiting, 1);
    free(job);
    return false;
}

void api_refuse(struct http_request *request, const struct http_refusal *refusal)
{
    struct err err = { 0 };
    char seconds[12];
    int len = snprintf(seconds, sizeof seconds, "%u", refusal->retry_after_s);
    struct http_header retry = { BYTES("retry-after"), bytes_from(seconds, (size_t)len) };
    err_set(&err,
            refusal->status == 413   ? ERR_TOO_LARGE
            : refusal->status == 503 ? ERR_BUSY
                                     : ERR_INPUT,
            "%s", refusal->text);
    problem_answer(request, &err, refusal->status, NULL, &retry, refusal->retry_after_s > 0);
}

/* ---- its life ---- */

static bool threads_start(struct api *api, struct queue *queue, uint32_t count)
{
    for (uint32_t t = 0; t < count && api->thread_count < THREADS_MAX; t++) {
        struct lane *lane = mem_alloc(sizeof *lane);
        *lane = (struct lane){ api, queue };
        if (pthread_create(&api->threads[api->thread_count], NULL, lane_run, lane) != 0) {
            free(lane);
            return false;
        }
        api->thread_count++;
    }
    return true;
}

bool api_open(struct api **out, const struct api_options *options, struct err *err)
{
    struct api *api = mem_calloc(1, sizeof *api);
    api->options = *options;
    api->quick = queue_create(WAITING_MAX, UINT64_MAX);
    api->slow = queue_create(WAITING_MAX, UINT64_MAX);
    api->queries = queue_create(WAITING_MAX, UINT64_MAX);
    api->lives = queue_create(WAITING_MAX, UINT64_MAX);
    api->live_max = options->live_threads ? options->live_threads : LIVE_THREADS;
    buf_init(&api->document, API_ANSWER_BYTES_MAX);
    pthread_mutex_init(&api->lock, NULL);
    bool ok =
        schemas_open(&api->schemas, err) && openapi_make(api->schemas, options->parts.version, &api->document, err);
    if (ok &&
        (!threads_start(api, api->quick, options->quick_threads ? options->quick_threads : QUICK_THREADS) ||
         !threads_start(api, api->slow, options->slow_threads ? options->slow_threads : SLOW_THREADS) ||
         !threads_start(api, api->queries, query_threads(options)) || !threads_start(api, api->lives, api->live_max)))
        ok = err_set(err, ERR_IO, "could not start the threads of the API");
    if (ok) api->has_watcher = pthread_create(&api->watcher, NULL, watcher_run, api) == 0;
    if (ok && !api->has_watcher) ok = err_set(err, ERR_IO, "could not start the watcher of the API");
    if (!ok) {
        api_stop(api);
        api_close(api);
        *out = NULL;
        return false;
    }
    *out = api;
    return true;
}

void api_stats(const struct api *api, struct api_stats *stats)
{
    for (size_t a = 0; a < COUNT_OF(stats->answers); a++) stats->answers[a] = atomic_load(&api->answers[a]);
    stats->busy_refused = atomic_load(&api->busy_refused);
    stats->running = atomic_load(&api->running);
    stats->waiting = atomic_load(&api->waiting);
}

const struct histogram *api_durations(const struct api *api)
{
    return &api->durations;
}

void api_stop(struct api *api)
{
    if (api == NULL) return;
    atomic_store(&api->is_stopping, true);
    queue_close(api->quick);
    queue_close(api->slow);
    queue_close(api->queries);
    queue_close(api->lives);
    for (uint32_t t = 0; t < api->thread_count; t++) pthread_join(api->threads[t], NULL);
    api->thread_count = 0;
    atomic_store(&api->is_over, true);
    if (api->has_watcher) pthread_join(api->watcher, NULL);
    api->has_watcher = false;
}

void api_close(struct api *api)
{
    if (api == NULL) return;
    assert(api->thread_count == 0);
    queue_destroy(api->quick);
    queue_destroy(api->slow);
    queue_destroy(api->queries);
    queue_destroy(api->lives);
    schemas_close(api->schemas);
    pthread_mutex_destroy(&api->lock);
    buf_deinit(&api->document);
    free(api);
}
