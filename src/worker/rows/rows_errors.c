#include "worker/rows/rows_inside.h"

static bool error_is_there(const struct row_error *error)
{
    return error->type.len > 0 || error->message.len > 0;
}

/* One of rows->error_hashes: each of them once. */
static void hash_add(struct rows *rows, struct bytes hash)
{
    for (uint32_t i = 0; i < rows->error_hash_count; i++) {
        if (bytes_equal(rows->error_hashes[i], hash)) return;
    }
    if (rows->error_hash_count < ERROR_HASHES_MAX) rows->error_hashes[rows->error_hash_count++] = hash;
}

static void member_add(struct rows *rows, struct bytes name, struct bytes text)
{
    if (text.len == 0) return;
    uint8_t *at = rows_text_reserve(rows, 32 + json_text_bytes_max(text.len));
    at = json_put_text(json_put_raw(at, name), text);
    *at++ = ',';
    rows_text_end(rows, at);
}

static void error_add(struct rows *rows, struct bytes service, const struct row_error *error)
{
    struct bytes hash = rows_error_hash(rows, service, error);
    hash_add(rows, hash);
    if (rows->text.len == 0) rows->first_error = *error;
    rows_text_add(rows, rows->text.len == 0 ? BYTES("[{") : BYTES(",{"));
    member_add(rows, BYTES("\"type\":"), error->type);
    member_add(rows, BYTES("\"message\":"), error->message);
    member_add(rows, BYTES("\"stacktrace\":"), error->stacktrace);
    member_add(rows, BYTES("\"fingerprint\":"), bytes_from(hash.ptr + hash.len - ID_TEXT_BYTES, ID_TEXT_BYTES));
    rows->text.ptr[rows->text.len - 1] = '}';
}

static struct row_error error_of_event(const struct rows *rows, const struct otlp_event *event)
{
    struct row_error error = { 0 };
    for (uint32_t i = 0; i < event->attributes.count; i++) {
        const struct otlp_attribute *attribute = &rows->request->attributes.at[event->attributes.first + i];
        if (attribute->value.type != OTLP_TEXT) continue;
        if (bytes_equal(attribute->key, BYTES("exception.type"))) error.type = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("exception.message"))) error.message = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("exception.stacktrace"))) error.stacktrace = attribute->value.bytes;
    }
    return error;
}

void rows_errors_put(struct rows *rows, struct bytes service, struct otlp_range events)
{
    struct row_error own = { .type = value_text(rows->roles[ROLE_EXCEPTION_TYPE]),
                             .message = value_text(rows->roles[ROLE_EXCEPTION_MESSAGE]),
                             .stacktrace = value_text(rows->roles[ROLE_EXCEPTION_STACKTRACE]) };
    bool has_own = error_is_there(&own);
    rows->error_hash_count = 0;
    rows->first_error = (struct row_error){ 0 };
    if (likely(events.count == 0 && !has_own)) return;
    rows->text.len = 0;
    for (uint32_t i = 0; i < events.count; i++) {
        struct row_error error = error_of_event(rows, &rows->request->events.at[events.first + i]);
        if (!error_is_there(&error)) continue;
        error_add(rows, service, &error);
        if (bytes_equal(error.type, own.type) && bytes_equal(error.message, own.message)) has_own = false;
    }
    if (has_own) error_add(rows, service, &own); /* not told by an event already */
    if (rows->text.len == 0) return;
    rows_text_add(rows, BYTES("]"));
    columns_put_text(rows->columns, LOGS_AND_SPANS_errors, buf_bytes(&rows->text));
}

void rows_failure_hash(struct rows *rows, struct bytes service, const struct otlp_span *span)
{
    struct row_error error = { .type = value_text(rows->roles[ROLE_ERROR_TYPE]),
                               .message = span->status_message,
                               .place = span->name };
    hash_add(rows, rows_error_hash(rows, service, &error));
}
