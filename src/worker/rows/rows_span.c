#include "worker/rows/rows_inside.h"

/* OTLP Span.flags: 8 bits of W3C trace flags, then whether is_remote is known, then is_remote (of the parent). */
#define FLAGS_TRACE         0xFFu
#define FLAGS_HAS_IS_REMOTE 0x100u
#define FLAGS_IS_REMOTE     0x200u
#define NAME_BYTES          44 /* of a span's name behind the project: trace id, span id, ordinal, with their lengths */

/* Unknown and unspecified kinds are internal, as the protocol lets receivers assume. */
static enum word kind_word(uint32_t kind)
{
    static const enum word words[] = { WORD_INTERNAL, WORD_INTERNAL, WORD_SERVER,
                                       WORD_CLIENT,   WORD_PRODUCER, WORD_CONSUMER };
    return kind < COUNT_OF(words) ? words[kind] : WORD_INTERNAL;
}

static enum rows_kind kind_of(enum word word)
{
    switch (word) {
    case WORD_SERVER: return ROWS_SERVER;
    case WORD_CLIENT: return ROWS_CLIENT;
    case WORD_PRODUCER: return ROWS_PRODUCER;
    case WORD_CONSUMER: return ROWS_CONSUMER;
    default: return ROWS_INTERNAL;
    }
}

static enum word status_word(uint32_t code)
{
    return code == 1 ? WORD_OK : code == 2 ? WORD_ERROR_STATUS : WORD_UNSET;
}

/* What id_name_add would do with the three parts, as one piece: this runs for every span. */
static struct uuid span_id_with(const struct rows *rows, const struct otlp_span *span, uint64_t ordinal)
{
    struct id_name name = rows->id_start;
    if (likely(span->trace_id.len == 16 && span->span_id.len == 8)) {
        uint8_t parts[NAME_BYTES] = { [3] = 16, [23] = 8, [35] = 8 };
        memcpy(parts + 4, span->trace_id.ptr, 16);
        memcpy(parts + 24, span->span_id.ptr, 8);
        ordinal = __builtin_bswap64(ordinal);
        memcpy(parts + 36, &ordinal, 8);
        sha1_add(&name.sha1, parts, sizeof parts);
    } else {
        id_name_add(&name, span->trace_id);
        id_name_add(&name, span->span_id);
        id_name_add_number(&name, ordinal);
    }
    return id_name_end(&name);
}

static void id_put(struct rows *rows, const struct otlp_span *span)
{
    struct uuid id = span_id_with(rows, span, 0);
    uint32_t ordinal = ids_ordinal(&rows->ids, id);
    if (unlikely(ordinal > 0)) id = span_id_with(rows, span, ordinal);
    uint8_t *text = columns_text_reserve(rows->columns, ID_TEXT_BYTES);
    id_text_put(text, id);
    columns_put_text_reserved(rows->columns, LOGS_AND_SPANS_id, ID_TEXT_BYTES);
}

static void times_put(struct columns *columns, const struct otlp_span *span, int64_t start_us, uint64_t duration_ns)
{
    columns_put_int(columns, LOGS_AND_SPANS_start_time, start_us);
    if (span->end_unix_ns == 0) return; /* not told: no end, no duration */
    columns_put_int(columns, LOGS_AND_SPANS_end_time, (int64_t)(span->end_unix_ns / 1000u));
    columns_put_int(columns, LOGS_AND_SPANS_duration, (int64_t)duration_ns);
}

void rows_trace_flags_put(struct rows *rows, uint32_t flags)
{
    if ((flags & FLAGS_TRACE) == 1) {
        rows_word_put(rows, LOGS_AND_SPANS_context___trace_flags, WORD_FLAGS_01);
    } else if ((flags & FLAGS_TRACE) != 0) { /* 0 cannot be told from not sent */
        uint8_t byte = (uint8_t)(flags & FLAGS_TRACE), hex[2];
        hex_put(hex, &byte, 1);
        columns_put_text(rows->columns, LOGS_AND_SPANS_context___trace_flags, bytes_from(hex, 2));
    }
}

static void events_put(struct rows *rows, const struct otlp_span *span)
{
    if (span->events.count == 0) return;
    rows->text.len = 0;
    for (uint32_t i = 0; i < span->events.count; i++) {
        const struct otlp_event *event = &rows->request->events.at[span->events.first + i];
        uint8_t *at = rows_text_reserve(rows, 64 + json_text_bytes_max(event->name.len) + JSON_TIME_BYTES);
        *at++ = i == 0 ? '[' : ',';
        at = json_put_raw(at, BYTES("{\"name\":"));
        at = json_put_text(at, event->name);
        at = json_put_raw(at, BYTES(",\"time\":"));
        at = json_put_time(at, event->time_unix_ns);
        rows_text_end(rows, at);
        if (event->attributes.count > 0) {
            rows_text_add(rows, BYTES(",\"attributes\":"));
            rows_attributes_add_json(rows, event->attributes);
        }
        at = rows_text_reserve(rows, 64 + JSON_NUMBER_BYTES_MAX);
        if (event->dropped_attributes_count > 0) {
            at = json_put_raw(at, BYTES(",\"dropped_attributes_count\":"));
            at = json_put_int(at, event->dropped_attributes_count);
        }
        *at++ = '}';
        rows_text_end(rows, at);
    }
    rows_text_add(rows, BYTES("]"));
    columns_put_text(rows->columns, LOGS_AND_SPANS_events, buf_bytes(&rows->text));
}

uint8_t *rows_hex_text_put(uint8_t *at, struct bytes id)
{
    *at++ = '"';
    hex_put(at, id.ptr, id.len);
    at += 2 * id.len;
    *at++ = '"';
    return at;
}

static void links_put(struct rows *rows, const struct otlp_span *span)
{
    if (span->links.count == 0) return;
    rows->text.len = 0;
    for (uint32_t i = 0; i < span->links.count; i++) {
        const struct otlp_link *link = &rows->request->links.at[span->links.first + i];
        uint8_t *at = rows_text_reserve(rows, 256 + json_text_bytes_max(link->trace_state.len));
        *at++ = i == 0 ? '[' : ',';
        at = rows_hex_text_put(json_put_raw(at, BYTES("{\"trace_id\":")), link->trace_id);
        at = rows_hex_text_put(json_put_raw(at, BYTES(",\"span_id\":")), link->span_id);
        if (link->trace_state.len > 0) {
            at = json_put_text(json_put_raw(at, BYTES(",\"trace_state\":")), link->trace_state);
        }
        if (link->flags != 0) at = json_put_int(json_put_raw(at, BYTES(",\"flags\":")), link->flags);
        rows_text_end(rows, at);
        if (link->attributes.count > 0) {
            rows_text_add(rows, BYTES(",\"attributes\":"));
            rows_attributes_add_json(rows, link->attributes);
        }
        at = rows_text_reserve(rows, 64 + JSON_NUMBER_BYTES_MAX);
        if (link->dropped_attributes_count > 0) {
            at = json_put_raw(at, BYTES(",\"dropped_attributes_count\":"));
            at = json_put_int(at, link->dropped_attributes_count);
        }
        *at++ = '}';
        rows_text_end(rows, at);
    }
    rows_text_add(rows, BYTES("]"));
    columns_put_text(rows->columns, LOGS_AND_SPANS_links, buf_bytes(&rows->text));
}

static void hashes_put(struct rows *rows, const struct otlp_span *span, enum word kind, const struct resource *resource,
                       struct bytes trace_hex)
{
    struct bytes hashes[2 + ERROR_HASHES_MAX];
    uint32_t count = 0;
    if (trace_hex.len > 0) hashes[count++] = trace_hex;
    struct bytes endpoint = rows_endpoint_hash(rows, kind, resource->service_name);
    if (endpoint.len > 0) hashes[count++] = endpoint;
    rows->row.endpoint = endpoint;
    if (unlikely(span->status_code == 2 && rows->error_count == 0) && !rows_failure_is_told(rows, span))
        rows_failure_add(rows, resource, span);
    for (uint32_t i = 0; i < rows->error_count; i++) hashes[count++] = rows->errors[i].hash;
    if (count > 0) columns_put_text_list(rows->columns, LOGS_AND_SPANS_hashes, hashes, count);
}

/* Of who listens. */
static void row_describe(struct rows *rows, const struct otlp_span *span, enum word kind, uint64_t duration_ns)
{
    struct rows_row *row = &rows->row;
    row->span = span;
    row->is_error = span->status_code == 2;
    row->has_duration = span->end_unix_ns > 0;
    row->duration_ns = duration_ns;
    if (kind == WORD_INTERNAL || kind == WORD_SERVER) return;
    row->peer_service = value_text(rows->roles[ROLE_PEER_SERVICE]);
    row->server_address = value_text(rows->roles[ROLE_SERVER_ADDRESS]);
    row->db_system = value_text(rows->roles[ROLE_DB_SYSTEM]);
    row->db_namespace = value_text(rows->roles[ROLE_DB_NAMESPACE]);
    row->messaging_system = value_text(rows->roles[ROLE_MESSAGING_SYSTEM]);
    row->messaging_destination = value_text(rows->roles[ROLE_MESSAGING_TEMPLATE]);
    if (row->messaging_destination.len == 0)
        row->messaging_destination = value_text(rows->roles[ROLE_MESSAGING_DESTINATION]);
}

void rows_span_build(struct rows *rows, const struct otlp_span *span)
{
    uint32_t resource_index = rows->request->scopes.at[span->scope].resource;
    struct resource *resource = rows_resource(rows, resource_index);
    struct scope *scope = rows_scope(rows, span->scope);
    struct dropped dropped = { span->dropped_attributes_count, span->dropped_events_count, span->dropped_links_count };

    int64_t start_us =
        span->start_unix_ns > 0 ? (int64_t)(span->start_unix_ns / 1000u) : rows->request->received_unix_us;
    uint64_t duration_ns = span->end_unix_ns > span->start_unix_ns ? span->end_unix_ns - span->start_unix_ns : 0;
    if (unlikely(duration_ns > INT64_MAX)) duration_ns = INT64_MAX;
    enum word kind = kind_word(span->kind);
    uint8_t trace_hex[TRACE_HEX_BYTES], span_hex[SPAN_HEX_BYTES];
    assert(span->trace_id.len <= 16 && span->span_id.len <= 8 && span->parent_span_id.len <= 8);

    struct columns *columns = rows_columns_at(rows, start_us);
    rows_row_begin(rows, start_us, span);
    id_put(rows, span);
    rows_resource_put(rows, resource_index);
    rows_word_put(rows, LOGS_AND_SPANS_kind, kind);
    rows_word_put(rows, LOGS_AND_SPANS_status_code, status_word(span->status_code));
    if (span->name.len > 0) columns_put_text(columns, LOGS_AND_SPANS_name, span->name);
    if (span->status_message.len > 0) columns_put_text(columns, LOGS_AND_SPANS_status_message, span->status_message);
    times_put(columns, span, start_us, duration_ns);

    hex_put(trace_hex, span->trace_id.ptr, span->trace_id.len);
    hex_put(span_hex, span->span_id.ptr, span->span_id.len);
    struct bytes trace_text = bytes_from(trace_hex, 2 * span->trace_id.len);
    /* OTLP's spans have both; those that SQL writes may have none. */
    if (likely(trace_text.len > 0)) columns_put_text(columns, LOGS_AND_SPANS_context___trace_id, trace_text);
    if (likely(span->span_id.len > 0))
        columns_put_text(columns, LOGS_AND_SPANS_context___span_id, bytes_from(span_hex, 2 * span->span_id.len));
    if (span->parent_span_id.len > 0) {
        hex_put(span_hex, span->parent_span_id.ptr, span->parent_span_id.len);
        columns_put_text(columns, LOGS_AND_SPANS_parent_id, bytes_from(span_hex, 2 * span->parent_span_id.len));
    }
    if (span->trace_state.len > 0) columns_put_text(columns, LOGS_AND_SPANS_context___trace_state, span->trace_state);
    rows_trace_flags_put(rows, span->flags);
    if ((span->flags & FLAGS_HAS_IS_REMOTE) != 0) {
        columns_put_bool(columns, LOGS_AND_SPANS_context___is_remote, (span->flags & FLAGS_IS_REMOTE) != 0);
    }
    columns_put_int(columns, LOGS_AND_SPANS_message_size_bytes, span->bytes);

    rows_slots_collect(rows, &rows->first_of_span, span->attributes, span->kind);
    rows_slots_put(rows, LOGS_AND_SPANS_attributes, scope->json, dropped);
    rows_errors_put(rows, resource, span->events, (struct bytes){ 0 });
    hashes_put(rows, span, kind, resource, trace_text);
    rows_errors_describe(rows, resource, trace_text);
    rows_span_summary_put(rows, span, kind,
                          duration_ns); /* these look at the roles still; the next use the slots anew */
    if (rows->sink->row != NULL) row_describe(rows, span, kind, duration_ns);
    events_put(rows, span);
    links_put(rows, span);
    rows_row_end(rows, kind_of(kind), resource_index, start_us);
}
