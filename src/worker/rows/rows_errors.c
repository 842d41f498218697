#include "worker/rows/rows_inside.h"

/* What the stack says of itself where nobody else did. */
static void type_fill(struct rows *rows, struct error_source *source)
{
    if ((source->type.len > 0 && source->message.len > 0) || source->stacktrace.len == 0) return;
    const struct error_event *event = error_event_read(&rows->record_arena, source);
    for (uint32_t i = 0; i < event->exception_count; i++) {
        if (event->exceptions[i].frame_count == 0) continue; /* any text */
        source->type = event->exceptions[0].type;
        source->message = event->exceptions[0].message;
        return;
    }
}

static bool error_is_there(const struct error_source *error)
{
    return error->type.len > 0 || error->message.len > 0;
}

static struct bytes hash_add(struct rows *rows, const struct error_source *source)
{
    struct rows_error error = { .source = *source };
    rows_error_hash(rows, source, &error);
    for (uint32_t i = 0; i < rows->error_count; i++) {
        if (bytes_equal(rows->errors[i].hash, error.hash)) return error.hash;
    }
    if (rows->error_count < ERROR_HASHES_MAX) rows->errors[rows->error_count++] = error;
    return error.hash;
}

static void member_add(struct rows *rows, struct bytes name, struct bytes text)
{
    if (text.len == 0) return;
    uint8_t *at = rows_text_reserve(rows, 32 + json_text_bytes_max(text.len));
    at = json_put_text(json_put_raw(at, name), text);
    *at++ = ',';
    rows_text_end(rows, at);
}

static void error_add(struct rows *rows, const struct error_source *source)
{
    struct bytes hash = hash_add(rows, source);
    if (rows->text.len == 0) {
        rows->first_error_type = source->type;
        rows->first_error_message = source->message;
    }
    rows_text_add(rows, rows->text.len == 0 ? BYTES("[{") : BYTES(",{"));
    member_add(rows, BYTES("\"type\":"), source->type);
    member_add(rows, BYTES("\"message\":"), source->message);
    member_add(rows, BYTES("\"stacktrace\":"), source->stacktrace);
    member_add(rows, BYTES("\"fingerprint\":"), bytes_from(hash.ptr + hash.len - ID_TEXT_BYTES, ID_TEXT_BYTES));
    rows->text.ptr[rows->text.len - 1] = '}';
}

static struct error_source source_of(const struct resource *resource)
{
    return (struct error_source){ .language = resource->sdk_language, .service = resource->service_name };
}

static struct error_source error_of_event(struct rows *rows, const struct resource *resource,
                                          const struct otlp_event *event)
{
    struct error_source error = source_of(resource);
    for (uint32_t i = 0; i < event->attributes.count; i++) {
        const struct otlp_attribute *attribute = &rows->request->attributes.at[event->attributes.first + i];
        if (attribute->value.type != OTLP_TEXT) continue;
        if (bytes_equal(attribute->key, BYTES("exception.type"))) error.type = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("exception.message"))) error.message = attribute->value.bytes;
        if (bytes_equal(attribute->key, BYTES("exception.stacktrace"))) error.stacktrace = attribute->value.bytes;
    }
    type_fill(rows, &error);
    return error;
}

/* Loggers that know no attributes write the stack behind the message. */
static bool stack_is_said(struct rows *rows, struct bytes said, struct error_source *error)
{
    if (said.len == 0 || memchr(said.ptr, '\n', said.len) == NULL) return false;
    error->stacktrace = arena_copy(&rows->record_arena, said); /* it may stand in rows->text */
    type_fill(rows, error);
    return error_is_there(error);
}

void rows_errors_put(struct rows *rows, const struct resource *resource, struct otlp_range events, struct bytes said)
{
    struct error_source own = source_of(resource);
    own.type = value_text(rows->roles[ROLE_EXCEPTION_TYPE]);
    own.message = value_text(rows->roles[ROLE_EXCEPTION_MESSAGE]);
    own.stacktrace = value_text(rows->roles[ROLE_EXCEPTION_STACKTRACE]);
    type_fill(rows, &own);
    bool has_own = error_is_there(&own);
    rows->error_count = 0;
    rows->first_error_type.len = rows->first_error_message.len = 0;
    if (likely(events.count == 0 && !has_own)) {
        if (likely(said.len == 0) || !stack_is_said(rows, said, &own)) return;
        has_own = true;
    }
    rows->text.len = 0;
    for (uint32_t i = 0; i < events.count; i++) {
        struct error_source error = error_of_event(rows, resource, &rows->request->events.at[events.first + i]);
        if (!error_is_there(&error)) continue;
        if (bytes_equal(error.type, own.type) && bytes_equal(error.message, own.message)) has_own = false;
        error_add(rows, &error);
    }
    if (has_own) error_add(rows, &own); /* not told by an event already */
    if (rows->text.len == 0) return;
    rows_text_add(rows, BYTES("]"));
    columns_put_text(rows->columns, LOGS_AND_SPANS_errors, buf_bytes(&rows->text));
}

void rows_failure_add(struct rows *rows, const struct resource *resource, const struct otlp_span *span)
{
    struct error_source error = source_of(resource);
    error.type = value_text(rows->roles[ROLE_ERROR_TYPE]);
    error.message = span->status_message;
    error.place = span->name;
    hash_add(rows, &error);
}

void rows_errors_describe(struct rows *rows, const struct resource *resource, struct bytes trace_hex)
{
    struct rows_row *row = &rows->row;
    if (rows->error_count == 0) return;
    row->errors = rows->errors;
    row->error_count = rows->error_count;
    row->release = resource->version;
    row->environment = resource->environment;
    row->user_id = value_text(rows->roles[ROLE_USER_ID]);
    row->session_id = value_text(rows->roles[ROLE_SESSION_ID]);
    row->trace_id = trace_hex;
}
