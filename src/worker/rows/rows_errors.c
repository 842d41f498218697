#include "worker/rows/rows_inside.h"

struct error {
    struct bytes type, message, stacktrace;
};

static bool error_is_there(const struct error *error)
{
    return error->type.len > 0 || error->message.len > 0;
}

static void member_add(struct rows *rows, struct bytes name, struct bytes text, bool is_first)
{
    uint8_t *at = rows_text_reserve(rows, 32 + json_text_bytes_max(text.len));
    if (!is_first) *at++ = ',';
    at = json_put_raw(at, name);
    rows_text_end(rows, json_put_text(at, text));
}

static void error_add(struct rows *rows, const struct error *error)
{
    rows_text_add(rows, rows->text.len == 0 ? BYTES("[{") : BYTES(",{"));
    bool is_first = true;
    if (error->type.len > 0) {
        member_add(rows, BYTES("\"type\":"), error->type, is_first);
        is_first = false;
    }
    if (error->message.len > 0) {
        member_add(rows, BYTES("\"message\":"), error->message, is_first);
        is_first = false;
    }
    if (error->stacktrace.len > 0) member_add(rows, BYTES("\"stacktrace\":"), error->stacktrace, is_first);
    rows_text_add(rows, BYTES("}"));
}

static struct error error_of_event(const struct rows *rows, const struct otlp_event *event)
{
    struct error error = { 0 };
    for (uint32_t i = 0; i < event->attributes.count; i++) {
        const struct otlp_attribute *attribute = &rows->request->attributes.at[event->attributes.first + i];
        if (attribute->value.type != OTLP_TEXT) continue;
        if (bytes_equal(attribute->key, BYTES("exception.type"))) error.type = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("exception.message"))) error.message = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("exception.stacktrace"))) error.stacktrace = attribute->value.bytes;
    }
    return error;
}

void rows_errors_put(struct rows *rows, struct otlp_range events)
{
    struct error own = { .type = value_text(rows->roles[ROLE_EXCEPTION_TYPE]),
                         .message = value_text(rows->roles[ROLE_EXCEPTION_MESSAGE]),
                         .stacktrace = value_text(rows->roles[ROLE_EXCEPTION_STACKTRACE]) };
    bool has_own = error_is_there(&own);
    if (likely(events.count == 0 && !has_own)) return;
    rows->text.len = 0;
    for (uint32_t i = 0; i < events.count; i++) {
        struct error error = error_of_event(rows, &rows->request->events.at[events.first + i]);
        if (!error_is_there(&error)) continue;
        error_add(rows, &error);
        if (bytes_equal(error.type, own.type) && bytes_equal(error.message, own.message)) has_own = false;
    }
    if (has_own) error_add(rows, &own); /* not told by an event already */
    if (rows->text.len == 0) return;
    rows_text_add(rows, BYTES("]"));
    columns_put_text(rows->columns, LOGS_AND_SPANS_errors, buf_bytes(&rows->text));
}
