#include "base/utf8.h"
#include "worker/rows/rows_inside.h"

/* Parts are `field;style=>value`. Fields repeat in every row, so the words are short and values are those that repeat:
 * a unique value would cost its bytes again in every file. Styles are known to the readers of docs/rows.md. */
#define PARTS_MAX             12
#define LOG_MESSAGE_BYTES_MAX 500
#define TEXT_BYTES_MAX        100

struct line {
    struct bytes parts[PARTS_MAX];
    uint32_t count;
    struct arena *arena;
};

static struct bytes cut(struct bytes text, size_t len_max)
{
    if (likely(text.len <= len_max)) return text;
    return bytes_from(text.ptr, utf8_cut(text, len_max));
}

static inline void part_add(struct line *line, struct bytes head, struct bytes value)
{
    if (value.len == 0 || line->count == PARTS_MAX) return;
    uint8_t *start = arena_alloc(line->arena, head.len + value.len);
    uint8_t *at = json_put_raw(start, head);
    at = json_put_raw(at, value);
    line->parts[line->count++] = bytes_from(start, (size_t)(at - start));
}

static inline bool text_is(struct bytes text, struct bytes a, struct bytes b)
{
    /* a, one space, b; or a alone when b is empty */
    if (b.len == 0) return bytes_equal(text, a);
    return text.len == a.len + 1 + b.len && memcmp(text.ptr, a.ptr, a.len) == 0 && text.ptr[a.len] == ' ' &&
           memcmp(text.ptr + a.len + 1, b.ptr, b.len) == 0;
}

/* 0: no status that we know. */
static int64_t status_number(const struct otlp_value *value)
{
    if (value == NULL) return 0;
    int64_t number = 0;
    if (value->type == OTLP_INT) number = value->integer;
    if (value->type == OTLP_TEXT && value->bytes.len == 3) {
        for (size_t i = 0; i < 3; i++) {
            if (value->bytes.ptr[i] < '0' || value->bytes.ptr[i] > '9') return 0;
            number = number * 10 + (value->bytes.ptr[i] - '0');
        }
    }
    return number >= 100 && number <= 999 ? number : 0;
}

static void status_add(struct line *line, const struct otlp_value *value)
{
    int64_t number = status_number(value);
    if (number == 0) return;
    uint8_t head[] = "status;badge-Nxx=>", text[JSON_NUMBER_BYTES_MAX];
    head[sizeof "status;badge-" - 1] = (uint8_t)('0' + number / 100);
    part_add(line, bytes_from(head, sizeof head - 1), bytes_from(text, (size_t)(json_put_int(text, number) - text)));
}

/* Two digits that count: "850ns", "1.2ms", "13ms", "130ms", "2.0s". */
static uint8_t *duration_put(uint8_t *at, uint64_t ns)
{
    static const struct {
        uint64_t ns;
        char text[3];
    } units[] = { { 1000000000u, "s" }, { 1000000u, "ms" }, { 1000u, "us" }, { 1u, "ns" } };
    size_t unit = 0;
    while (unit < 3 && ns < units[unit].ns) unit++;
    uint64_t tenths =
        ns >= UINT64_MAX / 20 ? ns / units[unit].ns * 10 : (ns * 10 + units[unit].ns / 2) / units[unit].ns;
    if (tenths < 100 && unit < 3) {
        at = json_put_int(at, (int64_t)(tenths / 10));
        *at++ = '.';
        *at++ = (uint8_t)('0' + tenths % 10);
    } else {
        uint64_t whole = (tenths + 5) / 10, power = 1;
        if (unit == 3) whole = ns;
        while (whole / power >= 100) power *= 10;
        at = json_put_int(at, (int64_t)((whole + power / 2) / power * power));
    }
    return json_put_raw(at, bytes_of_text(units[unit].text));
}

static void http_add(struct line *line, struct rows *rows, struct bytes name, bool *names_it)
{
    struct bytes method = value_text(rows->roles[ROLE_HTTP_METHOD]);
    struct bytes route = value_text(rows->roles[ROLE_HTTP_ROUTE]);
    if (route.len == 0) {
        struct bytes path = value_text(rows->roles[ROLE_URL_PATH]);
        if (path.len > 0) route = rows_path_template(&rows->record_arena, path);
    }
    if (method.len == 0 && route.len == 0) return;
    status_add(line, rows->roles[ROLE_HTTP_STATUS]);
    part_add(line, BYTES("method;badge=>"), cut(method, 16));
    part_add(line, BYTES("route;text=>"), cut(route, TEXT_BYTES_MAX));
    *names_it = text_is(name, method, route) || bytes_equal(name, method) || bytes_equal(name, route);
}

static void db_add(struct line *line, struct rows *rows, struct bytes name, bool *names_it)
{
    struct bytes system = value_text(rows->roles[ROLE_DB_SYSTEM]);
    if (system.len == 0) return;
    part_add(line, BYTES("db;badge=>"), cut(system, 40));
    struct bytes summary = value_text(rows->roles[ROLE_DB_SUMMARY]);
    struct bytes operation = value_text(rows->roles[ROLE_DB_OPERATION]);
    struct bytes collection = value_text(rows->roles[ROLE_DB_COLLECTION]);
    if (summary.len > 0) {
        part_add(line, BYTES("query;text=>"), cut(summary, TEXT_BYTES_MAX));
        *names_it = bytes_equal(name, summary);
    } else if (operation.len > 0) {
        *names_it = text_is(name, operation, collection);
        if (*names_it) { /* one part, and of more words, for the same */
            part_add(line, BYTES("query;text=>"), cut(name, TEXT_BYTES_MAX));
            return;
        }
        part_add(line, BYTES("query;text=>"), cut(operation, 40));
        part_add(line, BYTES("table;text=>"), cut(collection, TEXT_BYTES_MAX));
    } else {
        part_add(line, BYTES("query;text=>"), cut(value_text(rows->roles[ROLE_DB_TEXT]), TEXT_BYTES_MAX));
    }
}

static void rpc_add(struct line *line, struct rows *rows, struct bytes name, bool *names_it)
{
    struct bytes service = value_text(rows->roles[ROLE_RPC_SERVICE]), method = value_text(rows->roles[ROLE_RPC_METHOD]);
    if (service.len > 0 || method.len > 0) {
        bool is_named = service.len > 0 && method.len > 0 && name.len == service.len + 1 + method.len &&
                        memcmp(name.ptr, service.ptr, service.len) == 0;
        part_add(line, BYTES("rpc;text=>"), cut(is_named ? name : method.len > 0 ? method : service, TEXT_BYTES_MAX));
        *names_it = is_named;
        const struct otlp_value *status = rows->roles[ROLE_RPC_STATUS];
        if (status != NULL && status->type == OTLP_INT && status->integer > 0 && status->integer <= 16) {
            uint8_t text[JSON_NUMBER_BYTES_MAX];
            part_add(line, BYTES("grpc;badge-error=>"),
                     bytes_from(text, (size_t)(json_put_int(text, status->integer) - text)));
        }
    }
    struct bytes system = value_text(rows->roles[ROLE_MESSAGING_SYSTEM]);
    if (system.len > 0) {
        part_add(line, BYTES("messaging;badge=>"), cut(system, 40));
        part_add(line, BYTES("destination;text=>"),
                 cut(value_text(rows->roles[ROLE_MESSAGING_DESTINATION]), TEXT_BYTES_MAX));
    }
}

void rows_span_summary_put(struct rows *rows, const struct otlp_span *span, enum word kind, uint64_t duration_ns)
{
    struct line line = { .arena = &rows->record_arena };
    bool names_it = false; /* the parts so far say what the span's name would */
    if (kind != WORD_INTERNAL) part_add(&line, BYTES("kind;badge=>"), word_texts[kind]);
    http_add(&line, rows, span->name, &names_it);
    db_add(&line, rows, span->name, &names_it);
    rpc_add(&line, rows, span->name, &names_it);
    if (!names_it) part_add(&line, BYTES("name;text=>"), cut(span->name, TEXT_BYTES_MAX));
    if (span->status_code == 2) {
        struct bytes type = value_text(rows->roles[ROLE_ERROR_TYPE]);
        if (type.len == 0) type = value_text(rows->roles[ROLE_EXCEPTION_TYPE]);
        part_add(&line, BYTES("error;badge-error=>"), type.len > 0 ? cut(type, TEXT_BYTES_MAX) : BYTES("ERROR"));
    }
    if (span->end_unix_ns > 0) {
        uint8_t text[JSON_NUMBER_BYTES_MAX];
        part_add(&line, BYTES("duration;right=>"), bytes_from(text, (size_t)(duration_put(text, duration_ns) - text)));
    }
    columns_put_text_list(rows->columns, LOGS_AND_SPANS_summary, line.parts, line.count);
}

void rows_log_summary_put(struct rows *rows, enum word level, struct bytes message)
{
    static const struct {
        enum key_role role;
        const char *head;
    } attributes[] = { { ROLE_HTTP_METHOD, "method;badge=>" },
                       { ROLE_HTTP_ROUTE, "route;text=>" },
                       { ROLE_EXCEPTION_TYPE, "exception;badge-error=>" },
                       { ROLE_ERROR_TYPE, "error;badge-error=>" } };
    struct line line = { .arena = &rows->record_arena };
    switch (level) {
    case WORD_FATAL:
    case WORD_ERROR: part_add(&line, BYTES("level;badge-error=>"), word_texts[level]); break;
    case WORD_WARN: part_add(&line, BYTES("level;badge-warning=>"), word_texts[level]); break;
    case WORD_COUNT: /* none */ break;
    default: part_add(&line, BYTES("level;badge=>"), word_texts[level]);
    }
    part_add(&line, BYTES("message;text=>"), cut(message, LOG_MESSAGE_BYTES_MAX));
    status_add(&line, rows->roles[ROLE_HTTP_STATUS]);
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        part_add(&line, bytes_of_text(attributes[i].head),
                 cut(value_text(rows->roles[attributes[i].role]), TEXT_BYTES_MAX));
    }
    columns_put_text_list(rows->columns, LOGS_AND_SPANS_summary, line.parts, line.count);
}

/* Digits only; or, of 8 bytes and more, made of hex digits and dashes with a digit among them; or, of 20 and more,
 * letters and digits mixed. */
static bool segment_is_id(struct bytes segment)
{
    size_t digits = 0, hex_letters = 0, letters = 0, dashes = 0;
    for (size_t i = 0; i < segment.len; i++) {
        uint8_t byte = segment.ptr[i];
        if (byte >= '0' && byte <= '9') {
            digits++;
        } else if ((byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F')) {
            hex_letters++;
        } else if ((byte >= 'g' && byte <= 'z') || (byte >= 'G' && byte <= 'Z')) {
            letters++;
        } else if (byte == '-' || byte == '_') {
            dashes++;
        } else {
            return false;
        }
    }
    if (digits == 0) return false;
    if (digits == segment.len) return true;
    if (letters == 0 && segment.len >= 8) return true;
    return segment.len >= 20 && digits >= 4 && dashes * 4 < segment.len;
}

struct bytes rows_path_template(struct arena *arena, struct bytes path)
{
    uint8_t *start = arena_alloc(arena, path.len * 5 + 5);
    uint8_t *at = start;
    size_t from = 0;
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/') continue;
        struct bytes segment = bytes_from(path.ptr + from, i - from);
        at = segment_is_id(segment) ? json_put_raw(at, BYTES("{id}")) : json_put_bytes(at, segment);
        if (i < path.len) *at++ = '/';
        from = i + 1;
    }
    return bytes_from(start, (size_t)(at - start));
}
