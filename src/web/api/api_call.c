#include "web/api/api_call.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "meta/db.h"
#include "web/api/api_inside.h"
#include "web/api/once.h"
#include "yaml/yaml.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { STREAM_PIECE_BYTES = 32 << 10, STREAM_WAIT_MS = 60000, ANSWER_YAML_BYTES_MAX = 4 << 20 };

/* ---- what was asked ---- */

bool percent_decode(struct arena *arena, struct bytes text, bool plus_is_blank, struct bytes *out)
{
    uint8_t *to = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '+' && plus_is_blank) c = ' ';
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1,
                low = high < 0 ? -1 : hex_digit(text.ptr[i + 2]);
            if (low < 0) return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (c == '\0') return false;
        to[len++] = c;
    }
    *out = bytes_from(to, len);
    return utf8_is_valid(*out);
}

struct bytes api_path(const struct api_call *call, const char *name)
{
    const struct api_inside *inside = call->inside;
    for (uint32_t v = 0; v < inside->match.value_count; v++)
        if (bytes_equal(inside->path_names[v], bytes_of_text(name))) return inside->path_values[v];
    assert(!"the route has no such name in its path");
    return (struct bytes){ 0 };
}

bool api_path_uuid(struct api_call *call, const char *name, struct uuid *id)
{
    if (uuid_from_text(api_path(call, name), id)) return true;
    api_fail_with(call, ERR_NOT_FOUND, "there is no such %s: its id is a UUID", name);
    return false;
}

struct bytes api_query(const struct api_call *call, const char *name)
{
    const struct api_inside *inside = call->inside;
    for (uint32_t q = 0; q < inside->query_count; q++)
        if (bytes_equal(inside->query[q].name, bytes_of_text(name))) return inside->query[q].text;
    return (struct bytes){ 0 };
}

int64_t api_query_int(const struct api_call *call, const char *name, int64_t fallback)
{
    struct bytes text = api_query(call, name);
    char digits[24];
    if (text.len == 0) return fallback;
    snprintf(digits, sizeof digits, "%.*s", (int)text.len, (const char *)text.ptr); /* a number by its schema */
    return strtoll(digits, NULL, 10);
}

bool api_query_bool(const struct api_call *call, const char *name)
{
    return bytes_equal(api_query(call, name), BYTES("true"));
}

bool api_query_time(struct api_call *call, const char *name, int64_t *unix_us)
{
    struct bytes text = api_query(call, name);
    if (text.len == 0 || rfc3339_read_relative(text, clock_unix_us(), unix_us)) return true;
    api_fail_at(call, arena_printf(call->arena, "?%s", name),
                "it must be a time such as 2026-11-27T02:00:00Z, now or now-15m");
    return false;
}

bool api_query_range(struct api_call *call, int64_t now_us, int64_t length_us, int64_t *from_unix_us,
                     int64_t *to_unix_us)
{
    *to_unix_us = now_us;
    if (!api_query_time(call, "to", to_unix_us)) return false;
    *from_unix_us = *to_unix_us - length_us;
    if (!api_query_time(call, "from", from_unix_us)) return false;
    if (*from_unix_us < *to_unix_us && *from_unix_us >= 0) return true;
    api_fail_at(call, "?from", "from must be before to, and not before 1970");
    return false;
}

struct bytes api_body_text(const struct api_call *call, const char *name)
{
    yyjson_val *value = yyjson_obj_get(call->body, name);
    return yyjson_is_str(value) ? bytes_from(yyjson_get_str(value), yyjson_get_len(value)) : (struct bytes){ 0 };
}

int64_t api_body_int(const struct api_call *call, const char *name, int64_t fallback)
{
    yyjson_val *value = yyjson_obj_get(call->body, name);
    if (yyjson_is_real(value)) return (int64_t)yyjson_get_real(value); /* 1.0, by its schema */
    return yyjson_is_int(value) ? yyjson_get_sint(value) : fallback;
}

bool api_body_bool(const struct api_call *call, const char *name, bool fallback)
{
    yyjson_val *value = yyjson_obj_get(call->body, name);
    return yyjson_is_bool(value) ? yyjson_get_bool(value) : fallback;
}

struct bytes api_request_header(const struct api_call *call, const char *lower_case_name)
{
    return http_request_header(call->request, lower_case_name);
}

bool api_is_gone(const struct api_call *call)
{
    const struct http_request *client = call->inside->client; /* NULL: a call of our own */
    return api_is_stopping(call->inside->api) || (client != NULL && http_request_is_gone(client));
}

/* ---- pieces of answers ---- */

/* Bytes that are not UTF-8 become U+FFFD. */
static struct bytes mended(struct arena *arena, struct bytes text)
{
    uint8_t *to = arena_alloc(arena, 3 * text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        size_t step = 1;
        while (step <= 4 && i + step <= text.len && !utf8_is_valid(bytes_from(text.ptr + i, step))) step++;
        bool is_fine = step <= 4 && i + step <= text.len;
        memcpy(to + len, is_fine ? text.ptr + i : (const uint8_t *)"\xEF\xBF\xBD", is_fine ? step : 3);
        len += is_fine ? step : 3;
        i += is_fine ? step : 1;
    }
    return bytes_from(to, len);
}

void api_put_text(struct api_call *call, yyjson_mut_val *object, const char *name, struct bytes text)
{
    if (!utf8_is_valid(text)) text = mended(call->arena, text);
    yyjson_mut_obj_add_strncpy(call->json, object, name, text.len > 0 ? (const char *)text.ptr : "", text.len);
}

void api_put_text_or_null(struct api_call *call, yyjson_mut_val *object, const char *name, struct bytes text)
{
    if (text.len > 0) {
        api_put_text(call, object, name, text);
    } else {
        yyjson_mut_obj_add_null(call->json, object, name);
    }
}

void api_put_uuid(struct api_call *call, yyjson_mut_val *object, const char *name, struct uuid uuid)
{
    char text[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid, text);
    yyjson_mut_obj_add_strcpy(call->json, object, name, text);
}

void api_put_time(struct api_call *call, yyjson_mut_val *object, const char *name, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write(unix_us, text);
    if (unix_us == 0) {
        yyjson_mut_obj_add_null(call->json, object, name);
    } else {
        yyjson_mut_obj_add_strcpy(call->json, object, name, text);
    }
}

/* ---- answers ---- */

void api_header(struct api_call *call, const char *name, struct bytes value)
{
    struct api_inside *inside = call->inside;
    assert(inside->header_count < API_HEADERS_MAX && inside->progress == API_ASKED);
    inside->headers[inside->header_count++] = (struct http_header){
        arena_copy(call->arena, bytes_of_text(name)),
        arena_copy(call->arena, value),
    };
}

static const struct http_header *header_find(const struct api_inside *inside, const char *name)
{
    for (uint32_t h = 0; h < inside->header_count; h++)
        if (bytes_equal(inside->headers[h].name, bytes_of_text(name))) return &inside->headers[h];
    return NULL;
}

static void header_default(struct api_call *call, const char *name, struct bytes value)
{
    if (header_find(call->inside, name) == NULL) api_header(call, name, value);
}

static void usual_headers(struct api_call *call, const char *type)
{
    if (type != NULL) header_default(call, "content-type", bytes_of_text(type));
    header_default(call, "cache-control", BYTES("no-store"));
    header_default(call, "x-content-type-options", BYTES("nosniff"));
}

static bool capture_add(struct api_capture *capture, struct bytes bytes)
{
    bool ok = !capture->is_over && (bytes.len == 0 || buf_add(&capture->body, bytes.ptr, bytes.len));
    capture->is_over = !ok;
    return ok;
}

void api_answer_bytes(struct api_call *call, int status, const char *type, struct bytes bytes)
{
    struct api_inside *inside = call->inside;
    assert(inside->progress == API_ASKED);
    usual_headers(call, bytes.len > 0 ? type : NULL);
    once_end(call, status, bytes);
    api_watch_end(call); /* the request is not ours any more after this */
    inside->progress = API_ANSWERED;
    inside->status = status;
    if (inside->capture != NULL) {
        capture_add(inside->capture, bytes);
        inside->capture->status = status;
        const struct http_header *tag = header_find(inside, "etag");
        if (tag != NULL)
            snprintf(inside->capture->tag, sizeof inside->capture->tag, "%.*s", (int)tag->value.len,
                     (const char *)tag->value.ptr);
        return;
    }
    struct http_response response = { status, inside->headers, inside->header_count, bytes };
    http_answer(call->request, &response);
}

#define TAG_BYTES sizeof(((struct api_inside *)NULL)->tag)
static void tag_of(struct bytes json, char tag[TAG_BYTES])
{
    struct hash128 hash = hash128_of(json);
    snprintf(tag, TAG_BYTES, "\"%016" PRIx64 "%016" PRIx64 "\"", hash.hi, hash.lo);
}

/* RFC 9110, 13.1: "*", or a list of tags; W/ does not matter to us. */
static bool tags_hold(struct bytes list, const char *tag)
{
    struct bytes wanted = bytes_of_text(tag);
    if (bytes_equal(list, BYTES("*"))) return true;
    return list.len > 0 && memmem(list.ptr, list.len, wanted.ptr, wanted.len) != NULL;
}

static bool json_write(struct api_call *call, yyjson_mut_val *value, struct bytes *json)
{
    size_t len;
    yyjson_write_err failed;
    char *text = yyjson_mut_val_write_opts(value, 0, NULL, &len, &failed);
    if (text == NULL) {
        log_error(call->parts->log, "api.answer_failed", log_text("route", call->route->id),
                  log_text("err", failed.msg));
        return false;
    }
    *json = arena_copy(call->arena, bytes_from(text, len));
    free(text);
    return true;
}

void api_tag(struct api_call *call, yyjson_mut_val *value)
{
    struct bytes json;
    if (json_write(call, value, &json)) tag_of(json, call->inside->tag);
}

void api_answer(struct api_call *call, yyjson_mut_val *value)
{
    struct bytes json;
    char tag[TAG_BYTES];
    int status = call->route->status;
    if (!json_write(call, value, &json)) {
        api_fail_with(call, ERR_INTERNAL, "the answer could not be written");
        return;
    }
    bool is_of_answer = call->inside->tag[0] == '\0';
    if (is_of_answer)
        tag_of(json, tag);
    else
        memcpy(tag, call->inside->tag, sizeof tag);
    if (call->route->flags & API_TAGGED) {
        api_header(call, "etag", bytes_of_text(tag));
        if (call->route->method == API_GET) header_default(call, "cache-control", BYTES("private, no-cache"));
        if (call->route->method == API_GET && is_of_answer &&
            tags_hold(api_request_header(call, "if-none-match"), tag)) {
            api_answer_bytes(call, 304, NULL, (struct bytes){ 0 });
            return;
        }
    }
    api_answer_bytes(call, status, "application/json", json);
}

bool api_wants_yaml(const struct api_call *call)
{
    struct bytes accept = api_request_header(call, "accept"), format = api_query(call, "format");
    const char *type = "application/yaml";
    if (format.len > 0) return bytes_equal(format, BYTES("yaml"));
    return accept.len > 0 && memmem(accept.ptr, accept.len, type, strlen(type)) != NULL;
}

void api_answer_yaml(struct api_call *call, yyjson_mut_val *value, yyjson_mut_val *tagged)
{
    struct buf text;
    struct err err = { 0 };
    buf_init(&text, ANSWER_YAML_BYTES_MAX);
    api_tag(call, tagged);
    if (!yaml_write(value, &text, &err)) {
        api_fail(call, &err);
    } else {
        api_header(call, "etag", bytes_of_text(call->inside->tag));
        header_default(call, "cache-control", BYTES("private, no-cache"));
        api_answer_bytes(call, call->route->status, "application/yaml", buf_bytes(&text));
    }
    buf_deinit(&text);
}

void api_answer_none(struct api_call *call)
{
    api_answer_bytes(call, call->route->status, NULL, (struct bytes){ 0 });
}

void api_problem(struct api_call *call, const struct err *err, int status, const char *pointer)
{
    struct api_inside *inside = call->inside;
    if (inside->capture == NULL) {
        problem_answer(call->request, err, status, pointer, inside->headers, inside->header_count);
        return;
    }
    inside->capture->status = status;
    inside->capture->body.len = 0;
    problem_write(&inside->capture->body, err, status, pointer);
}

static void fail(struct api_call *call, const struct err *err, int status, const char *pointer)
{
    struct api_inside *inside = call->inside;
    if (inside->progress == API_STREAMING) { /* too late for a status */
        api_stream_end(call, false);
        return;
    }
    if (inside->progress == API_ANSWERED) return;
    if (!db_outcome_is_unknown(err)) once_forget(call);
    api_watch_end(call); /* the request is not ours any more after this */
    inside->progress = API_ANSWERED;
    inside->status = status;
    api_problem(call, err, status, pointer);
}

void api_fail(struct api_call *call, const struct err *err)
{
    assert(err->code != ERR_OK);
    fail(call, err, err_http_status(err->code), NULL);
}

void api_fail_status(struct api_call *call, int status, const struct err *err)
{
    fail(call, err, status, NULL);
}

void api_fail_with(struct api_call *call, enum err_code code, const char *fmt, ...)
{
    struct err err = { .code = code };
    va_list args;
    va_start(args, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, args);
    va_end(args);
    api_fail(call, &err);
}

void api_fail_at(struct api_call *call, const char *pointer, const char *fmt, ...)
{
    struct err err = { .code = ERR_INPUT };
    va_list args;
    va_start(args, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, args);
    va_end(args);
    fail(call, &err, 400, pointer);
}

void api_fail_where(struct api_call *call, const char *pointer, const struct err *err)
{
    fail(call, err, err_http_status(err->code), pointer);
}

bool api_matches(struct api_call *call, yyjson_mut_val *now)
{
    struct bytes wanted = api_request_header(call, "if-match"), json;
    char tag[TAG_BYTES];
    if (wanted.len == 0) return true;
    if (json_write(call, now, &json)) {
        tag_of(json, tag);
        if (tags_hold(wanted, tag)) return true;
    }
    return false;
}

void api_fail_changed(struct api_call *call)
{
    struct err err = { 0 };
    err_set(&err, ERR_CONFLICT, "it has changed since it was read: read it again");
    fail(call, &err, 412, NULL);
}

/* ---- answers in pieces ---- */

bool api_stream_begin(struct api_call *call, const char *type, struct err *err)
{
    struct api_inside *inside = call->inside;
    assert(inside->progress == API_ASKED && (call->route->flags & API_STREAM));
    if (api_is_gone(call)) return err_set(err, ERR_CANCELLED, "the client went away");
    usual_headers(call, type);
    struct http_response head = { call->route->status, inside->headers, inside->header_count, { 0 } };
    if (inside->capture == NULL) http_stream_begin(call->request, &head);
    inside->progress = API_STREAMING;
    inside->status = head.status;
    return true;
}

static bool piece_send(struct api_call *call, struct err *err)
{
    struct buf *piece = &call->inside->piece;
    if (api_is_stopping(call->inside->api)) return err_set(err, ERR_CANCELLED, "the server stops");
    if (call->inside->capture != NULL) {
        bool fits = capture_add(call->inside->capture, buf_bytes(piece));
        piece->len = 0;
        return fits || err_set(err, ERR_TOO_LARGE, "the answer is too long");
    }
    bool ok = piece->len == 0 || http_stream_write(call->request, buf_bytes(piece), STREAM_WAIT_MS, err);
    piece->len = 0;
    return ok;
}

bool api_stream_write(struct api_call *call, struct bytes bytes, struct err *err)
{
    struct buf *piece = &call->inside->piece;
    assert(call->inside->progress == API_STREAMING);
    while (bytes.len > 0) {
        size_t room = STREAM_PIECE_BYTES - piece->len, take = bytes.len < room ? bytes.len : room;
        if (!buf_add(piece, bytes.ptr, take)) abort(); /* there is room */
        bytes = bytes_from(bytes.ptr + take, bytes.len - take);
        if (piece->len == STREAM_PIECE_BYTES && !piece_send(call, err)) return false;
    }
    return true;
}

bool api_stream_flush(struct api_call *call, struct err *err)
{
    return piece_send(call, err);
}

void api_stream_end(struct api_call *call, bool is_whole)
{
    struct err ignored = { 0 };
    assert(call->inside->progress == API_STREAMING);
    if (is_whole && !piece_send(call, &ignored)) is_whole = false;
    api_watch_end(call);
    call->inside->progress = API_ANSWERED;
    if (call->inside->capture != NULL) {
        call->inside->capture->status = is_whole || call->inside->capture->is_over ? call->inside->status : 500;
        return;
    }
    http_stream_end(call->request, is_whole);
}
