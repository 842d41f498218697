/* api_call.h -- what a handler gets, and how it answers. For handlers of routes.h.
 *
 *   void api_project_get(struct api_call *call)
 *   {
 *       yyjson_mut_val *project = yyjson_mut_obj(call->json);
 *       yyjson_mut_obj_add_str(call->json, project, "name", call->project.name);
 *       api_answer(call, project);
 *   }
 *
 * Before it is called: the caller is known and may do what the route's permission says (in {project}, where the path has
 * one: it was found, and is not foreign), query parameters and the body are right by their schemas. It answers once, by
 * one api_answer*, api_fail* or a stream; when it returns without, the client gets 500.
 * Thread: one of the API's; it may block, but look at api_is_gone() now and then when it takes long.
 * Memory: all of a call, and what its arena and json hold, lives until the handler returns.
 * Errors: api_fail makes problem+json of any struct err: status by its code, Retry-After where trying again may help. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/uuid.h"
#include "meta/access.h"
#include "meta/meta.h"
#include "web/api/api.h"
#include "web/api/api_route.h"
#include <yyjson.h>

struct http_request;

struct api_call {
    const struct api_parts *parts;
    const struct api_route *route;
    struct http_request *request; /* headers; the body is read already */
    struct arena *arena;
    const struct actor *actor;
    struct meta_project project; /* {project} of the path, by name or id; zero where it has none */
    yyjson_val *body;            /* right by the route's schema; NULL where it has none */
    yyjson_mut_doc *json;        /* to make the answer in */
    struct api_inside *inside;   /* the API's own */
};

/* ---- what was asked ---- */

/* {name} of the path, decoded; never empty. */
struct bytes api_path(const struct api_call *call, const char *name);
/* The same where an id is expected. False: it is none, and the client was told 404. */
MUST_CHECK bool api_path_uuid(struct api_call *call, const char *name, struct uuid *id);
/* Query parameters: right by their schema; absent ones are empty, or fallback. */
struct bytes api_query(const struct api_call *call, const char *name);
int64_t api_query_int(const struct api_call *call, const char *name, int64_t fallback);
bool api_query_bool(const struct api_call *call, const char *name);
/* RFC 3339 or now-15m, in microseconds. Where it is absent *unix_us stays. False: the client was told what is wrong. */
MUST_CHECK bool api_query_time(struct api_call *call, const char *name, int64_t *unix_us);
/* The query's from and to: now where to is not said, from length_us before to. False: the client was told what is wrong with them. */
MUST_CHECK bool api_query_range(struct api_call *call, int64_t now_us, int64_t length_us, int64_t *from_unix_us,
                                int64_t *to_unix_us);
/* Members of the body; absent and null ones are empty, or fallback. */
struct bytes api_body_text(const struct api_call *call, const char *name);
int64_t api_body_int(const struct api_call *call, const char *name, int64_t fallback);
bool api_body_bool(const struct api_call *call, const char *name, bool fallback);
struct bytes api_request_header(const struct api_call *call, const char *lower_case_name);
bool api_is_gone(const struct api_call *call); /* the client went away, or the process stops */
/* Who is it, and may they still? For streams that go on for hours: a session may have ended, a key been revoked. */
MUST_CHECK bool api_still_may(struct api_call *call, struct err *err);

/* ---- pieces of answers; texts that are not UTF-8 are mended ---- */

void api_put_text(struct api_call *call, yyjson_mut_val *object, const char *name, struct bytes text);
void api_put_text_or_null(struct api_call *call, yyjson_mut_val *object, const char *name,
                          struct bytes text); /* null: it is empty */
void api_put_uuid(struct api_call *call, yyjson_mut_val *object, const char *name, struct uuid uuid);
/* As RFC 3339 in UTC; 0 is null. */
void api_put_time(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t unix_us);

/* ---- answers ---- */

void api_header(struct api_call *call, const char *name, struct bytes value); /* of the answer; before it */
void api_answer(struct api_call *call, yyjson_mut_val *value);                /* with the route's status */
/* For API_YAML: does the request say format=yaml, or accept: application/yaml? */
bool api_wants_yaml(const struct api_call *call);
/* value as YAML, with the ETag that api_answer would give for tagged. */
void api_answer_yaml(struct api_call *call, yyjson_mut_val *value, yyjson_mut_val *tagged);
void api_answer_none(struct api_call *call); /* the route's status, no body */
/* Any type: pages, redirects (with a location header). bytes are copied. */
void api_answer_bytes(struct api_call *call, int status, const char *type, struct bytes bytes);
void api_fail(struct api_call *call, const struct err *err);
/* With a status that no code has: 406, 415 ... */
void api_fail_status(struct api_call *call, int status, const struct err *err);
void api_fail_with(struct api_call *call, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* ERR_INPUT about one value: pointer is a JSON pointer into the body ("/limits/0") or "?name" of a query parameter. */
void api_fail_at(struct api_call *call, const char *pointer, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for an error that is there, with the place in a statement that it may have. */
void api_fail_where(struct api_call *call, const char *pointer, const struct err *err);

/* ---- races: If-Match ---- */

/* Of the value as api_answer would send it: an ETag. Compared with If-Match when the request has one: false when the thing
 * has changed since it was read; then answer by api_fail_changed. To be asked inside the transaction that changes it. */
MUST_CHECK bool api_matches(struct api_call *call, yyjson_mut_val *now);
/* The ETag is made of this, not of the answer: of a thing whose figures move by themselves. Before api_answer, which then
 * always sends the answer; api_matches wants the same. */
void api_tag(struct api_call *call, yyjson_mut_val *value);
void api_fail_changed(struct api_call *call); /* 412 */

/* ---- long work ---- */

/* From now until api_watch_end cancel(ctx) is called, once, when the client has gone or the process stops: within 0.1 s, on
 * another thread. One at a time. */
void api_watch_begin(struct api_call *call, void (*cancel)(void *ctx), void *ctx);
/* The same for a statement of the call's project; false: it has as many as may be. */
MUST_CHECK bool api_watch_statement(struct api_call *call, void (*cancel)(void *ctx), void *ctx, struct err *err);
void api_watch_end(struct api_call *call); /* cancel is not running when it returns; without a begin: nothing */

/* ---- answers in pieces ---- */

/* Sends the head. From here errors cannot change the status: end with is_whole false and the client sees a cut answer. */
MUST_CHECK bool api_stream_begin(struct api_call *call, const char *type, struct err *err);
/* Waits while the client reads slowly. False: it is gone; stop. */
MUST_CHECK bool api_stream_write(struct api_call *call, struct bytes bytes, struct err *err);
/* Small writes are gathered: what was written so far is to be sent now. */
MUST_CHECK bool api_stream_flush(struct api_call *call, struct err *err);
void api_stream_end(struct api_call *call, bool is_whole);
