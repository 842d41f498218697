#include "base/utf8.h"
#include "patterns/mask.h"
#include "worker/rows/rows_inside.h"

/* Parts are `field;style=>value`. Fields repeat in every row, so the words are short and values are those that repeat:
 * a unique value would cost its bytes again in every file. Styles are known to the readers of docs/rows.md. */
#define PARTS_MAX             16
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

/* Two digits that count, the rest zeros: 1234 is 1200. */
static uint8_t *rounded_put(uint8_t *at, int64_t number)
{
    int64_t power = 1;
    while (number / power >= 100) power *= 10;
    return json_put_int(at, number / power * power);
}

static void number_add(struct line *line, struct bytes head, const struct otlp_value *value, int64_t above)
{
    if (value == NULL || value->type != OTLP_INT || value->integer <= above) return;
    uint8_t text[JSON_NUMBER_BYTES_MAX];
    part_add(line, head, bytes_from(text, (size_t)(json_put_int(text, value->integer) - text)));
}

/* "https://user@host:8080/path?query": host and path. */
static void url_split(struct bytes url, struct bytes *host, struct bytes *path)
{
    const uint8_t *scheme = url.len == 0 ? NULL : memmem(url.ptr, url.len, "://", 3);
    if (scheme == NULL) return;
    const uint8_t *from = scheme + 3, *end = url.ptr + url.len, *at = from;
    while (at < end && *at != '/' && *at != '?' && *at != '#') at++;
    struct bytes authority = bytes_from(from, (size_t)(at - from));
    const uint8_t *user = authority.len == 0 ? NULL : memrchr(authority.ptr, '@', authority.len);
    if (user != NULL) authority = bytes_from(user + 1, (size_t)(at - user - 1));
    const uint8_t *port = authority.len == 0 ? NULL : memrchr(authority.ptr, ':', authority.len);
    if (port != NULL && memchr(port, ']', (size_t)(at - port)) == NULL) authority.len = (size_t)(port - authority.ptr);
    *host = authority;
    from = at;
    while (at < end && *at != '?' && *at != '#') at++;
    *path = bytes_from(from, (size_t)(at - from));
}

/* Calls go to a host; on a server it is always the same. Spans of browsers (documentLoad, resourceFetch) have a URL
 * only. */
static void http_add(struct line *line, struct rows *rows, struct bytes name, bool is_outgoing, bool *names_it)
{
    struct bytes method = value_text(rows->roles[ROLE_HTTP_METHOD]);
    struct bytes route = value_text(rows->roles[ROLE_HTTP_ROUTE]), host = { 0 }, path = { 0 };
    if (is_outgoing) {
        url_split(value_text(rows->roles[ROLE_URL_FULL]), &host, &path);
        if (route.len == 0) route = value_text(rows->roles[ROLE_URL_TEMPLATE]);
        if (rows->roles[ROLE_SERVER_ADDRESS] != NULL) host = value_text(rows->roles[ROLE_SERVER_ADDRESS]);
    }
    if (route.len == 0) {
        struct bytes own = value_text(rows->roles[ROLE_URL_PATH]);
        if (own.len > 0) path = own;
        if (path.len > 0) route = rows_path_template(&rows->record_arena, path);
    }
    if (method.len == 0 && route.len == 0) return;
    status_add(line, rows->roles[ROLE_HTTP_STATUS]);
    part_add(line, BYTES("method;badge=>"), cut(method, 16));
    part_add(line, BYTES("host;text=>"), cut(host, TEXT_BYTES_MAX));
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
    } else if (rows->roles[ROLE_DB_TEXT] != NULL) { /* without its values, which would be new in each row */
        uint8_t room[MASK_ROOM_BYTES];
        struct bytes text = mask_text(room, cut(value_text(rows->roles[ROLE_DB_TEXT]), 2 * TEXT_BYTES_MAX));
        part_add(line, BYTES("query;text=>"), cut(text, TEXT_BYTES_MAX));
    }
}

static void rpc_add(struct line *line, struct rows *rows, struct bytes name, bool *names_it)
{
    struct bytes method = value_text(rows->roles[ROLE_RPC_METHOD]);
    if (method.len == 0) method = value_text(rows->roles[ROLE_RPC_SERVICE]);
    if (method.len == 0) return;
    part_add(line, BYTES("rpc;text=>"), cut(method, TEXT_BYTES_MAX));
    *names_it = bytes_equal(name, method);
    struct bytes status = value_text(rows->roles[ROLE_RPC_STATUS]);
    if (!bytes_equal(status, BYTES("OK"))) part_add(line, BYTES("grpc;badge-error=>"), cut(status, 40));
}

static void messaging_add(struct line *line, struct rows *rows, struct bytes name, bool *names_it)
{
    struct bytes system = value_text(rows->roles[ROLE_MESSAGING_SYSTEM]);
    if (system.len == 0) return;
    struct bytes operation = value_text(rows->roles[ROLE_MESSAGING_OPERATION]);
    struct bytes destination = value_text(rows->roles[ROLE_MESSAGING_TEMPLATE]);
    if (destination.len == 0) destination = value_text(rows->roles[ROLE_MESSAGING_DESTINATION]);
    part_add(line, BYTES("messaging;badge=>"), cut(system, 40));
    part_add(line, BYTES("operation;badge=>"), cut(operation, 40));
    part_add(line, BYTES("destination;text=>"), cut(destination, TEXT_BYTES_MAX));
    number_add(line, BYTES("batch;text=>"), rows->roles[ROLE_MESSAGING_COUNT], 1);
    *names_it = text_is(name, operation, destination) || text_is(name, destination, operation);
}

static void faas_add(struct line *line, struct rows *rows)
{
    const struct otlp_value *cold = rows->roles[ROLE_FAAS_COLDSTART];
    struct bytes trigger = value_text(rows->roles[ROLE_FAAS_TRIGGER]);
    if (!bytes_equal(trigger, BYTES("http"))) part_add(line, BYTES("trigger;badge=>"), cut(trigger, 40));
    part_add(line, BYTES("function;text=>"), cut(value_text(rows->roles[ROLE_FAAS_INVOKED]), TEXT_BYTES_MAX));
    if (cold != NULL && cold->type == OTLP_BOOL && cold->boolean) {
        part_add(line, BYTES("start;badge-warning=>"), BYTES("cold"));
    }
}

static void ai_add(struct line *line, struct rows *rows, struct bytes name, bool *names_it)
{
    struct bytes provider = value_text(rows->roles[ROLE_AI_PROVIDER]);
    struct bytes operation = value_text(rows->roles[ROLE_AI_OPERATION]);
    if (provider.len == 0 && operation.len == 0) return;
    struct bytes model = value_text(rows->roles[ROLE_AI_MODEL]);
    if (model.len == 0) model = value_text(rows->roles[ROLE_AI_ANSWERED_MODEL]);
    struct bytes tool = value_text(rows->roles[ROLE_AI_TOOL]), agent = value_text(rows->roles[ROLE_AI_AGENT]);
    part_add(line, BYTES("ai;badge=>"), cut(provider, 40));
    part_add(line, BYTES("operation;badge=>"), cut(operation, 40));
    part_add(line, BYTES("model;text=>"), cut(model, 60));
    part_add(line, BYTES("agent;text=>"), cut(agent, 60));
    part_add(line, BYTES("tool;text=>"), cut(tool, 60));
    *names_it = text_is(name, operation, tool.len > 0 ? tool : agent.len > 0 ? agent : model);
    const struct otlp_value *in = rows->roles[ROLE_AI_TOKENS_IN], *out = rows->roles[ROLE_AI_TOKENS_OUT];
    if (in == NULL || in->type != OTLP_INT || in->integer < 0) return;
    uint8_t text[2 * JSON_NUMBER_BYTES_MAX + 16];
    uint8_t *at = json_put_raw(rounded_put(text, in->integer), BYTES(" in"));
    if (out != NULL && out->type == OTLP_INT && out->integer >= 0) {
        at = json_put_raw(rounded_put(json_put_raw(at, BYTES(", ")), out->integer), BYTES(" out"));
    }
    part_add(line, BYTES("tokens;text=>"), bytes_from(text, (size_t)(at - text)));
}

/* What went wrong, in the words of the first exception, else of the span. */
static void failure_add(struct line *line, struct rows *rows, const struct otlp_span *span)
{
    if (span->status_code != 2) return;
    struct bytes type = value_text(rows->roles[ROLE_ERROR_TYPE]), message = rows->first_error_message;
    if (rows->first_error_type.len > 0) type = rows->first_error_type;
    if (message.len == 0) message = span->status_message;
    part_add(line, BYTES("error;badge-error=>"), type.len > 0 ? cut(type, TEXT_BYTES_MAX) : BYTES("ERROR"));
    part_add(line, BYTES("message;text=>"), cut(message, TEXT_BYTES_MAX));
}

void rows_span_summary_put(struct rows *rows, const struct otlp_span *span, enum word kind, uint64_t duration_ns)
{
    struct line line = { .arena = &rows->record_arena };
    bool names_it = false; /* the parts so far say what the span's name would */
    if (kind != WORD_INTERNAL) part_add(&line, BYTES("kind;badge=>"), word_texts[kind]);
    http_add(&line, rows, span->name, kind == WORD_CLIENT || kind == WORD_INTERNAL, &names_it);
    db_add(&line, rows, span->name, &names_it);
    rpc_add(&line, rows, span->name, &names_it);
    messaging_add(&line, rows, span->name, &names_it);
    faas_add(&line, rows);
    ai_add(&line, rows, span->name, &names_it);
    if (!names_it) part_add(&line, BYTES("name;text=>"), cut(span->name, TEXT_BYTES_MAX));
    part_add(&line, BYTES("target;text=>"), cut(value_text(rows->roles[ROLE_TARGET_ELEMENT]), 40));
    failure_add(&line, rows, span);
    if (span->end_unix_ns > 0) {
        uint8_t text[JSON_NUMBER_BYTES_MAX];
        part_add(&line, BYTES("duration;right=>"), bytes_from(text, (size_t)(duration_put(text, duration_ns) - text)));
    }
    columns_put_text_list(rows->columns, LOGS_AND_SPANS_summary, line.parts, line.count);
}

/* Web vitals are milliseconds, but for the layout shift, a number of its own. */
static void vital_add(struct line *line, struct rows *rows)
{
    struct bytes name = value_text(rows->roles[ROLE_VITAL_NAME]), rating = value_text(rows->roles[ROLE_VITAL_RATING]);
    const struct otlp_value *value = rows->roles[ROLE_VITAL_VALUE];
    if (name.len == 0) return;
    part_add(line, BYTES("vital;badge=>"), cut(name, 16));
    double number = value == NULL                ? -1
                    : value->type == OTLP_DOUBLE ? value->number
                    : value->type == OTLP_INT    ? (double)value->integer
                                                 : -1;
    if (number >= 0 && number < 1e9) {
        uint8_t text[JSON_NUMBER_BYTES_MAX], *at = text;
        if (bytes_equal(name, BYTES("cls")) || bytes_equal(name, BYTES("CLS"))) {
            at = json_put_double(at, (double)(int64_t)(number * 100 + 0.5) / 100);
        } else {
            at = duration_put(at, (uint64_t)(number * 1e6));
        }
        part_add(line, BYTES("value;text=>"), bytes_from(text, (size_t)(at - text)));
    }
    if (bytes_equal(rating, BYTES("poor"))) {
        part_add(line, BYTES("rating;badge-error=>"), rating);
    } else if (bytes_equal(rating, BYTES("good"))) {
        part_add(line, BYTES("rating;badge=>"), rating);
    } else {
        part_add(line, BYTES("rating;badge-warning=>"), cut(rating, 20));
    }
}

static void level_add(struct line *line, enum word level)
{
    switch (level) {
    case WORD_FATAL:
    case WORD_ERROR: part_add(line, BYTES("level;badge-error=>"), word_texts[level]); break;
    case WORD_WARN: part_add(line, BYTES("level;badge-warning=>"), word_texts[level]); break;
    case WORD_COUNT: /* none */ break;
    default: part_add(line, BYTES("level;badge=>"), word_texts[level]);
    }
}

void rows_log_summary_put(struct rows *rows, enum word level, struct bytes name, struct bytes message)
{
    static const struct {
        enum key_role role;
        const char *head;
    } attributes[] = { { ROLE_HTTP_METHOD, "method;badge=>" },
                       { ROLE_HTTP_ROUTE, "route;text=>" },
                       { ROLE_EXCEPTION_TYPE, "exception;badge-error=>" },
                       { ROLE_ERROR_TYPE, "error;badge-error=>" } };
    struct line line = { .arena = &rows->record_arena };
    struct bytes exception = value_text(rows->roles[ROLE_EXCEPTION_MESSAGE]);
    if (message.len == 0) {
        message = exception;
        exception.len = 0;
    }
    level_add(&line, level);
    part_add(&line, BYTES("event;badge=>"), cut(name, TEXT_BYTES_MAX));
    part_add(&line, BYTES("reason;badge=>"), cut(value_text(rows->roles[ROLE_K8S_REASON]), 40));
    part_add(&line, BYTES("message;text=>"), cut(message, LOG_MESSAGE_BYTES_MAX));
    number_add(&line, BYTES("count;text=>"), rows->roles[ROLE_K8S_COUNT], 1);
    vital_add(&line, rows);
    status_add(&line, rows->roles[ROLE_HTTP_STATUS]);
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        part_add(&line, bytes_of_text(attributes[i].head),
                 cut(value_text(rows->roles[attributes[i].role]), TEXT_BYTES_MAX));
    }
    if (!bytes_equal(exception, message)) part_add(&line, BYTES("cause;text=>"), cut(exception, TEXT_BYTES_MAX));
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
