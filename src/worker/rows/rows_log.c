#include "worker/rows/rows_inside.h"

#define LEVEL_BYTES_MAX 15

/* Severity numbers come in fours: TRACE 1-4, DEBUG 5-8, INFO 9-12, WARN 13-16, ERROR 17-20, FATAL 21-24. */
static enum word level_of_number(int32_t number)
{
    static const enum word levels[] = { WORD_TRACE, WORD_DEBUG, WORD_INFO, WORD_WARN, WORD_ERROR, WORD_FATAL };
    return number >= 1 && number <= 24 ? levels[(number - 1) / 4] : WORD_COUNT;
}

/* What frameworks, syslog and journald call their levels; a number at the end ("INFO2") is the protocol's finer step. */
static enum word level_of_text(struct bytes text)
{
    static const struct {
        char name[LEVEL_BYTES_MAX + 1];
        enum word level;
    } names[] = {
        { "TRACE", WORD_TRACE },      { "VERBOSE", WORD_TRACE },      { "FINEST", WORD_TRACE },
        { "FINER", WORD_TRACE },      { "DEBUG", WORD_DEBUG },        { "DBG", WORD_DEBUG },
        { "FINE", WORD_DEBUG },       { "CONFIG", WORD_DEBUG },       { "INFO", WORD_INFO },
        { "INFORMATION", WORD_INFO }, { "INFORMATIONAL", WORD_INFO }, { "NOTICE", WORD_INFO },
        { "LOG", WORD_INFO },         { "WARN", WORD_WARN },          { "WARNING", WORD_WARN },
        { "ERROR", WORD_ERROR },      { "ERR", WORD_ERROR },          { "SEVERE", WORD_ERROR },
        { "FATAL", WORD_FATAL },      { "CRITICAL", WORD_FATAL },     { "CRIT", WORD_FATAL },
        { "PANIC", WORD_FATAL },      { "ALERT", WORD_FATAL },        { "EMERGENCY", WORD_FATAL },
        { "EMERG", WORD_FATAL },
    };
    char upper[LEVEL_BYTES_MAX + 1] = { 0 };
    while (text.len > 0 && text.ptr[0] == ' ') text = bytes_from(text.ptr + 1, text.len - 1);
    while (text.len > 0 &&
           (text.ptr[text.len - 1] == ' ' || (text.ptr[text.len - 1] >= '1' && text.ptr[text.len - 1] <= '4'))) {
        text.len--;
    }
    if (text.len == 0 || text.len > LEVEL_BYTES_MAX) return WORD_COUNT;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        upper[i] = (char)(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(upper, names[i].name) == 0) return names[i].level;
    }
    return WORD_COUNT;
}

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

/* The best member of a list that reads like a message; empty when there is none. */
static struct bytes message_of_list(const struct otlp_value *list)
{
    struct otlp_value_reader reader;
    struct otlp_attribute entry;
    struct bytes message = { 0 };
    int rank_best = 0;
    otlp_value_reader_init(&reader, list);
    while (otlp_value_reader_next(&reader, &entry)) {
        int rank = entry.value.type == OTLP_TEXT ? json_message_rank(entry.key) : 0;
        if (rank == 0 || (rank_best != 0 && rank >= rank_best)) continue;
        rank_best = rank;
        message = entry.value.bytes;
    }
    return message;
}

/* Puts the body and returns what of it people read. */
static struct bytes body_put(struct rows *rows, const struct otlp_value *body)
{
    if (body->type == OTLP_EMPTY) return (struct bytes){ 0 };
    rows->text.len = 0;
    uint8_t *start = rows_text_reserve(rows, json_value_bytes_max(body)), *end = NULL;
    struct bytes message = { 0 };
    if (body->type == OTLP_TEXT) {
        struct json_object object = json_compact_object(start, body->bytes);
        end = object.end;
        if (end == NULL) {
            message = body->bytes;
        } else if (object.message.len > 0) {
            /* The line shows 500 bytes: an escape has at most 12 for one byte of text. */
            message = object.message;
            uint8_t *plain = arena_alloc(&rows->record_arena, message.len);
            message = bytes_from(plain, (size_t)(json_unescape(plain, message) - plain));
        }
    } else if (body->type == OTLP_KVLIST) {
        message = message_of_list(body);
    }
    if (end == NULL) end = json_put_value(start, body);
    rows_text_end(rows, end);
    if (message.len == 0) message = buf_bytes(&rows->text);
    columns_put_text(rows->columns, LOGS_AND_SPANS_body, buf_bytes(&rows->text));
    return message;
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
    struct scope *scope = rows_scope(rows, log->scope);

    int64_t received_us = rows->request->received_unix_us;
    int64_t observed_us = log->observed_unix_ns > 0 ? (int64_t)(log->observed_unix_ns / 1000u) : received_us;
    int64_t time_us = log->time_unix_ns > 0 ? (int64_t)(log->time_unix_ns / 1000u) : observed_us;
    enum word level = level_of_number(log->severity_number);
    if (level == WORD_COUNT) level = level_of_text(log->severity_text);
    assert(log->trace_id.len <= 16 && log->span_id.len <= 8);

    struct columns *columns = rows_columns_at(rows, time_us);
    columns_row_begin(columns, time_us);
    id_put(rows, log);
    rows_resource_put(rows, resource_index);
    rows_word_put(rows, LOGS_AND_SPANS_kind, WORD_LOG);
    columns_put_int(columns, LOGS_AND_SPANS_observed_timestamp, observed_us);
    if (log->event_name.len > 0) columns_put_text(columns, LOGS_AND_SPANS_name, log->event_name);
    if (level != WORD_COUNT) rows_word_put(rows, LOGS_AND_SPANS_level, level);
    if (log->severity_text.len > 0) {
        columns_put_text(columns, LOGS_AND_SPANS_severity___severity_text, log->severity_text);
    }
    if (log->severity_number != 0) {
        columns_put_int(columns, LOGS_AND_SPANS_severity___severity_number, log->severity_number);
    }
    if (!id_is_absent(log->trace_id)) {
        uint8_t hex[TRACE_HEX_BYTES];
        hex_put(hex, log->trace_id.ptr, log->trace_id.len);
        struct bytes text = bytes_from(hex, 2 * log->trace_id.len);
        columns_put_text(columns, LOGS_AND_SPANS_context___trace_id, text);
        hashes[hash_count++] = arena_copy(&rows->record_arena, text);
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
    struct bytes message = body_put(rows, &log->body);
    if (message.len == 0) message = log->event_name;
    rows_log_summary_put(rows, level, message);
    if (message.len > 0) hashes[hash_count++] = rows_pattern_hash(rows, resource, message);
    rows_errors_put(rows, resource->service_name, (struct otlp_range){ 0 }); /* may write over the message */
    for (uint32_t i = 0; i < rows->error_hash_count; i++) hashes[hash_count++] = rows->error_hashes[i];
    if (hash_count > 0) columns_put_text_list(columns, LOGS_AND_SPANS_hashes, hashes, hash_count);
    rows_row_end(rows);
}
