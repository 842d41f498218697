#include "worker/rows/rows_inside.h"

static struct uuid log_id_with(const struct id_name *start, uint64_t ordinal)
{
    struct id_name name = *start;
    id_name_add_number(&name, ordinal);
    return id_name_end(&name);
}

static void id_put(struct rows *rows, const struct otlp_log *log)
{
    struct id_name name = rows->id_start;
    id_name_add_number(&name, log->time_unix_ns);
    id_name_add_number(&name, log->observed_unix_ns);
    id_name_add_number(&name, (uint64_t)(int64_t)log->severity_number);
    id_name_add(&name, log->severity_text);
    id_name_add(&name, id_encode_value(&rows->record_arena, &log->body));
    id_name_add(&name, id_encode_attributes(&rows->record_arena, rows->request->attributes.at + log->attributes.first,
                                            log->attributes.count));
    id_name_add(&name, rows_resource_encoded(rows, rows->request->scopes.at[log->scope].resource));
    id_name_add(&name, rows_scope_encoded(rows, log->scope));
    id_name_add(&name, log->trace_id);
    id_name_add(&name, log->span_id);
    struct uuid id = log_id_with(&name, 0);
    uint32_t ordinal = ids_ordinal(&rows->ids, id);
    if (ordinal > 0) id = log_id_with(&name, ordinal);
    uint8_t text[ID_TEXT_BYTES];
    id_text_put(text, id);
    columns_put_text(rows->columns, LOGS_AND_SPANS_id, bytes_from(text, sizeof text));
}

/* What people read of a body, the stack trace in it, and the level that it tells itself: WORD_COUNT when none. */
struct said {
    struct bytes message, stack;
    bool is_stack_escaped; /* as it stands in a JSON text */
    enum word level;
};

/* The best members of a list that read like a message and a level. */
static struct said said_of_list(const struct otlp_value *list)
{
    struct otlp_value_reader reader;
    struct otlp_attribute entry;
    struct said said = { .level = WORD_COUNT };
    int message_rank = 0, level_rank = 0;
    otlp_value_reader_init(&reader, list);
    while (otlp_value_reader_next(&reader, &entry)) {
        int rank = entry.value.type == OTLP_TEXT ? json_message_rank(entry.key) : 0;
        if (rank != 0 && (message_rank == 0 || rank < message_rank)) {
            message_rank = rank;
            said.message = entry.value.bytes;
        }
        if (entry.value.type == OTLP_TEXT && said.stack.len == 0 && json_is_stack(entry.key))
            said.stack = entry.value.bytes;
        rank = json_level_rank(entry.key);
        if (rank == 0 || (level_rank != 0 && rank >= level_rank)) continue;
        enum word level = rows_level_of_value(&entry.value);
        if (level == WORD_COUNT) continue;
        level_rank = rank;
        said.level = level;
    }
    return said;
}

/* Puts the body and returns what it says. */
static struct said body_put(struct rows *rows, const struct otlp_value *body)
{
    struct said said = { .level = WORD_COUNT };
    if (body->type == OTLP_EMPTY) return said;
    rows->text.len = 0;
    uint8_t *start = rows_text_reserve(rows, json_value_bytes_max(body)), *end = NULL;
    if (body->type == OTLP_TEXT) {
        struct json_object object = json_compact_object(start, body->bytes);
        end = object.end;
        if (end == NULL) said.message = body->bytes;
        if (end != NULL && object.level.len > 0) said.level = rows_level_of_text(object.level);
        if (end != NULL && object.stack.len > 0) {
            said.stack = object.stack;
            said.is_stack_escaped = true;
        }
        if (end != NULL && object.message.len > 0) {
            uint8_t *plain = arena_alloc(&rows->record_arena, object.message.len);
            said.message = bytes_from(plain, (size_t)(json_unescape(plain, object.message) - plain));
        }
    } else if (body->type == OTLP_KVLIST) {
        said = said_of_list(body);
    }
    if (end == NULL) end = json_put_value(start, body);
    rows_text_end(rows, end);
    if (said.message.len == 0) said.message = buf_bytes(&rows->text);
    columns_put_text(rows->columns, LOGS_AND_SPANS_body, buf_bytes(&rows->text));
    return said;
}

/* Severity number, else text; when neither says a level, an attribute, a member of the body, or logfmt in it. */
static enum word level_of(const struct rows *rows, const struct otlp_log *log, const struct said *said)
{
    enum word level = rows_level_of_severity(log->severity_number);
    if (likely(level != WORD_COUNT)) return level;
    level = rows_level_of_text(log->severity_text);
    if (level == WORD_COUNT) level = rows_level_of_value(rows->roles[ROLE_LEVEL]);
    if (level == WORD_COUNT) level = said->level;
    if (level == WORD_COUNT && log->body.type == OTLP_TEXT) level = rows_level_of_message(said->message);
    return level;
}

/* Where a log of level ERROR and above may hold a stack trace. */
static struct bytes stack_said(struct rows *rows, const struct said *said)
{
    if (said->stack.len == 0) return said->message;
    if (!said->is_stack_escaped) return said->stack;
    uint8_t *plain = arena_alloc(&rows->record_arena, said->stack.len);
    return bytes_from(plain, (size_t)(json_unescape(plain, said->stack) - plain));
}

/* Loggers outside of a trace may send zeros. */
static bool id_is_absent(struct bytes id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] != 0) return false;
    }
    return true;
}

void rows_log_build(struct rows *rows, const struct otlp_log *log)
{
    uint32_t resource_index = rows->request->scopes.at[log->scope].resource;
    struct resource *resource = rows_resource(rows, resource_index);
    struct bytes hashes[2 + ERROR_HASHES_MAX];
    uint32_t hash_count = 0;
    struct bytes trace_text = { 0 };
    struct scope *scope = rows_scope(rows, log->scope);

    int64_t received_us = rows->request->received_unix_us;
    int64_t observed_us = log->observed_unix_ns > 0 ? (int64_t)(log->observed_unix_ns / 1000u) : received_us;
    int64_t time_us = log->time_unix_ns > 0 ? (int64_t)(log->time_unix_ns / 1000u) : observed_us;
    assert(log->trace_id.len <= 16 && log->span_id.len <= 8);

    struct columns *columns = rows_columns_at(rows, time_us);
    rows_row_begin(rows, time_us, log);
    id_put(rows, log);
    rows_resource_put(rows, resource_index);
    rows_word_put(rows, LOGS_AND_SPANS_kind, WORD_LOG);
    columns_put_int(columns, LOGS_AND_SPANS_observed_timestamp, observed_us);
    if (log->severity_text.len > 0) {
        columns_put_text(columns, LOGS_AND_SPANS_severity___severity_text, log->severity_text);
    }
    if (log->severity_number != 0) {
        columns_put_int(columns, LOGS_AND_SPANS_severity___severity_number, log->severity_number);
    }
    if (!id_is_absent(log->trace_id)) {
        uint8_t hex[TRACE_HEX_BYTES];
        hex_put(hex, log->trace_id.ptr, log->trace_id.len);
        trace_text = arena_copy(&rows->record_arena, bytes_from(hex, 2 * log->trace_id.len));
        columns_put_text(columns, LOGS_AND_SPANS_context___trace_id, trace_text);
        hashes[hash_count++] = trace_text;
    }
    if (!id_is_absent(log->span_id)) {
        uint8_t hex[SPAN_HEX_BYTES];
        hex_put(hex, log->span_id.ptr, log->span_id.len);
        columns_put_text(columns, LOGS_AND_SPANS_context___span_id, bytes_from(hex, 2 * log->span_id.len));
    }
    rows_trace_flags_put(rows, log->flags);
    columns_put_int(columns, LOGS_AND_SPANS_message_size_bytes, log->bytes);

    rows_slots_collect(rows, &rows->first_of_log, log->attributes, 0);
    struct dropped dropped = { .attributes = log->dropped_attributes_count };
    rows_slots_put(rows, LOGS_AND_SPANS_attributes, scope->json, dropped);
    /* Before events had a name of their own, it was an attribute. */
    struct bytes name = log->event_name.len > 0 ? log->event_name : value_text(rows->roles[ROLE_EVENT_NAME]);
    if (name.len > 0) columns_put_text(columns, LOGS_AND_SPANS_name, name);
    struct said said = body_put(rows, &log->body);
    enum word level = level_of(rows, log, &said);
    if (level != WORD_COUNT) rows_word_put(rows, LOGS_AND_SPANS_level, level);
    rows_log_summary_put(rows, level, name, said.message);
    struct bytes message = said.message.len > 0 ? said.message : name;
    if (message.len > 0 && log->body.type != OTLP_BYTES) {
        hashes[hash_count++] = rows_pattern_hash(rows, resource, message);
    }
    bool is_error = level == WORD_ERROR || level == WORD_FATAL;
    rows_errors_put(rows, resource, (struct otlp_range){ 0 }, /* may write over the message */
                    is_error && log->body.type != OTLP_BYTES ? stack_said(rows, &said) : (struct bytes){ 0 });
    for (uint32_t i = 0; i < rows->error_count; i++) hashes[hash_count++] = rows->errors[i].hash;
    rows_errors_describe(rows, resource, trace_text);
    if (hash_count > 0) columns_put_text_list(columns, LOGS_AND_SPANS_hashes, hashes, hash_count);
    rows->row.log = log;
    rows->row.level = level == WORD_COUNT ? 0 : (uint32_t)(level - WORD_TRACE) + 1;
    static_assert(WORD_FATAL - WORD_TRACE == 5, "levels stand in their order");
    rows->row.is_error = is_error;
    rows_row_end(rows, ROWS_LOG, resource_index, time_us);
}
