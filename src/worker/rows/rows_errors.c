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

/* ---- source maps ---- */

/* A text, or a list of them: as lines. */
static struct bytes debug_ids_text(struct rows *rows, const struct otlp_value *value)
{
    struct otlp_value_reader reader;
    struct otlp_attribute item;
    struct buf lines;
    if (value->type == OTLP_TEXT) return value->bytes;
    if (value->type != OTLP_ARRAY) return (struct bytes){ 0 };
    buf_init(&lines, value->bytes.len);
    otlp_value_reader_init(&reader, value);
    while (otlp_value_reader_next(&reader, &item)) {
        if (item.value.type != OTLP_TEXT) continue;
        if (lines.len > 0 && !buf_add(&lines, "\n", 1)) break;
        if (!buf_add(&lines, item.value.bytes.ptr, item.value.bytes.len)) break;
    }
    struct bytes text = arena_copy(&rows->record_arena, buf_bytes(&lines));
    buf_deinit(&lines);
    return text;
}

/* Browsers and Node say what they are; who says nothing may be one. */
static bool language_has_maps(struct bytes language)
{
    return language.len == 0 || bytes_equal(language, BYTES("webjs")) || bytes_equal(language, BYTES("nodejs")) ||
           bytes_equal(language, BYTES("javascript"));
}

/* The stack becomes that of the sources; answers what was sent, where that is another. debug_ids NULL: the event says none. */
static struct bytes stack_resolve(struct rows *rows, const struct resource *resource,
                                  const struct otlp_value *debug_ids, struct error_source *source)
{
    struct rows_stack stack = { .project_id = rows->project_id,
                                .received_unix_us = rows->request->received_unix_us,
                                .release = resource->version,
                                .text = source->stacktrace };
    if (likely(rows->stacks.resolve == NULL) || stack.text.len == 0 || !language_has_maps(source->language))
        return (struct bytes){ 0 };
    if (debug_ids == NULL) debug_ids = rows->roles[ROLE_DEBUG_IDS];
    if (debug_ids == NULL) debug_ids = resource->debug_ids;
    if (debug_ids != NULL) stack.debug_ids = debug_ids_text(rows, debug_ids);
    if (!rows->stacks.resolve(rows->stacks.ctx, &rows->record_arena, &stack, &source->stacktrace))
        return (struct bytes){ 0 };
    return stack.text;
}

/* ---- */

static void error_add(struct rows *rows, const struct error_source *source, struct bytes raw)
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
    member_add(rows, BYTES("\"stacktrace_raw\":"), raw);
    member_add(rows, BYTES("\"fingerprint\":"), bytes_from(hash.ptr + hash.len - ID_TEXT_BYTES, ID_TEXT_BYTES));
    rows->text.ptr[rows->text.len - 1] = '}';
}

static struct error_source source_of(const struct resource *resource)
{
    return (struct error_source){ .language = resource->sdk_language, .service = resource->service_name };
}

static struct error_source error_of_event(struct rows *rows, const struct resource *resource,
                                          const struct otlp_event *event, const struct otlp_value **debug_ids)
{
    struct error_source error = source_of(resource);
    for (uint32_t i = 0; i < event->attributes.count; i++) {
        const struct otlp_attribute *attribute = &rows->request->attributes.at[event->attributes.first + i];
        if (unlikely(bytes_equal(attribute->key, BYTES("monoscope.debug_ids")))) *debug_ids = &attribute->value;
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
        const struct otlp_value *debug_ids = NULL;
        struct error_source error =
            error_of_event(rows, resource, &rows->request->events.at[events.first + i], &debug_ids);
        if (!error_is_there(&error)) continue;
        if (bytes_equal(error.type, own.type) && bytes_equal(error.message, own.message)) has_own = false;
        struct bytes raw = stack_resolve(rows, resource, debug_ids, &error);
        error_add(rows, &error, raw);
    }
    if (has_own) { /* not told by an event already */
        struct bytes raw = stack_resolve(rows, resource, NULL, &own);
        error_add(rows, &own, raw);
    }
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
