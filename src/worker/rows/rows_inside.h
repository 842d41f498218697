/* rows_inside.h -- what the files of this folder share. Not for other folders: they include rows.h.
 *
 *   rows.c             the loop over a request, attributes, resources
 *   rows_span.c, rows_log.c, rows_metric.c   one record to one row
 *   rows_key.c         attribute keys         rows_rename.c  old names of them
 *   rows_json.c        values as JSON
 *   rows_id.c          UUIDs of rows          rows_summary.c   the line people read
 *   rows_hash.c        endpoints, patterns    rows_errors.c    exceptions
 *   rows_level.c       what loggers call their levels
 *   stack traces: errors/fingerprint.h; messages: patterns/mask.h */
#pragma once
#include "base/arena.h"
#include "base/hash.h"
#include "errors/error_event.h"
#include "worker/rows/rows.h"
#include "worker/rows/rows_id.h"
#include "worker/rows/rows_json.h"
#include "worker/rows/rows_key.h"

#define ID_TEXT_BYTES   36
#define TRACE_HEX_BYTES 32
#define SPAN_HEX_BYTES  16

/* One attribute of the record at hand. key NULL: taken out (an old name whose value stands under the current one). */
struct slot {
    struct key *key;
    const struct otlp_value *value;
    bool overflows; /* the project may not name another key: the value goes under monoscope.attributes_overflow */
};

/* Values that repeat over many rows of one columns: their handle, made when first needed. */
#define WORDS(X)                            \
    X(INTERNAL, "internal")                 \
    X(SERVER, "server")                     \
    X(CLIENT, "client")                     \
    X(PRODUCER, "producer")                 \
    X(CONSUMER, "consumer")                 \
    X(LOG, "log")                           \
    X(UNSET, "UNSET")                       \
    X(OK, "OK")                             \
    X(ERROR_STATUS, "ERROR")                \
    X(TRACE, "TRACE")                       \
    X(DEBUG, "DEBUG")                       \
    X(INFO, "INFO")                         \
    X(WARN, "WARN")                         \
    X(ERROR, "ERROR")                       \
    X(FATAL, "FATAL")                       \
    X(FLAGS_01, "01")                       \
    X(GAUGE, "gauge")                       \
    X(SUM, "sum")                           \
    X(HISTOGRAM, "histogram")               \
    X(EXPONENTIAL, "exponential_histogram") \
    X(SUMMARY, "summary")                   \
    X(DELTA, "delta")                       \
    X(CUMULATIVE, "cumulative")
enum word {
#define X(name, text) WORD_##name,
    WORDS(X)
#undef X
        WORD_COUNT
};
extern const struct bytes word_texts[WORD_COUNT];

struct text_handle {
    uint64_t generation; /* of rows->columns; handles of older ones are gone */
    uint32_t handle;
};

/* A resource as rows need it, made when its first record comes. */
struct resource_column {
    uint32_t column;
    struct bytes text;
    struct text_handle handle;
};
struct resource {
    bool is_made;
    struct resource_column *columns; /* flat ones, then the remainder */
    uint32_t column_count;
    struct bytes service_name, sdk_language, version, environment;
    const struct otlp_value *debug_ids; /* NULL: it says none */
    bool is_encoded, has_pattern_key;
    struct bytes encoded;                    /* for ids: rows_id.h */
    const struct rows_attribute *attributes; /* when somebody listens */
    uint32_t attribute_count;
    struct hash128 pattern_key; /* rows_hash.c */
};
struct scope {
    bool is_made;
    struct bytes json; /* "otel.scope.name":"...","otel.scope.version":"...", as the end of a remainder, or empty */
    bool is_encoded;
    struct bytes encoded;
};
struct metric { /* handles of what all its points share */
    struct text_handle name, description, unit, scope_name, scope_version, scope_schema_url, resource_schema_url;
};

/* Elements of `hashes` made before; a slot is overwritten by the next that falls on it. */
#define HASHES_KEPT_MIN 256 /* powers of two */
#define HASHES_KEPT_MAX 8192
struct kept_hash {
    struct hash128 key; /* of all its parts, project first */
    uint16_t rule_line; /* of errors ... */
    uint8_t by;         /* ... enum fingerprint_by */
    uint8_t text[sizeof "err:" - 1 + ID_TEXT_BYTES];
};
struct kept_hashes {
    struct kept_hash *at;
    uint32_t cap, pushed_count; /* since it grew */
};

#define ERROR_HASHES_MAX ROWS_ERRORS_MAX

struct rows {
    struct keys keys;
    struct key_sets key_sets;
    struct kept_hashes hashes;

    struct rows_rules_source rules_source;
    struct rows_stacks_source stacks;

    /* of the request */
    struct rows_rules rules;
    bool has_rules; /* they were taken */
    const struct otlp_request *request;
    const struct rows_sink *sink;
    enum schema_table_id table;
    struct uuid project_id;
    uint32_t key_set;
    uint64_t request_number;
    struct ids ids;
    struct id_name id_start; /* namespace and project already in it */
    struct resource *resources;
    struct scope *scopes;
    struct metric *metrics;
    struct rows_failed *failed; /* rows_failed.c; NULL: nobody asked yet */
    struct arena arena;         /* lives until the request is done */
    struct arena record_arena;  /* until the record is done */

    /* where rows go now */
    struct columns *columns;
    int32_t day;
    uint64_t generation; /* new whenever columns may have changed */
    struct text_handle words[WORD_COUNT];

    /* of the record */
    uint64_t record_number;
    struct slot *slots;
    uint32_t slot_count, slot_cap;
    bool has_renames;
    const struct otlp_value *roles[ROLE_COUNT]; /* NULL: the record has none */
    struct rows_error errors[ERROR_HASHES_MAX]; /* of the row, each hash once; in its arena */
    uint32_t error_count;
    struct rows_row row;                                                    /* what a listener is told of it */
    struct bytes first_error_type, first_error_message;                     /* of its exceptions */
    struct key first_of_span, first_of_log, first_of_point, first_of_inner; /* only their followers count */
    struct buf text;                                                        /* large texts are written here first */
};

/* rows.c */
/* Attributes of a record into rows->slots: of equal keys the last counts, old names become current ones.
 * span_kind: as in the proto, 0 for others. */
void rows_slots_collect(struct rows *rows, struct key *first, struct otlp_range range, uint32_t span_kind);
/* rows_rename.c: old names among the slots become current ones. There is room for twice as many slots more. */
void rows_slots_rename(struct rows *rows, uint32_t span_kind);
/* The flat columns and the remainder of what was collected; fills rows->roles. scope_json: of struct scope, the end of
 * the remainder. */
struct dropped { /* what the sender says it left out */
    uint32_t attributes, events, links;
};
void rows_slots_put(struct rows *rows, uint32_t attributes_column, struct bytes scope_json, struct dropped dropped);
/* {"key":value,...} of attributes that have no columns (an event's); to rows->text. */
void rows_attributes_add_json(struct rows *rows, struct otlp_range range);
/* What was collected, for rows->row: in arena. */
const struct rows_attribute *rows_slots_listed(struct rows *rows, struct arena *arena, uint32_t *count);
struct resource *rows_resource(struct rows *rows, uint32_t resource);
void rows_resource_put(struct rows *rows, uint32_t resource);
struct scope *rows_scope(struct rows *rows, uint32_t scope);
/* Their parts of a name: rows_id.h; of a scope name, version and attributes, each with its length before it. */
struct bytes rows_resource_encoded(struct rows *rows, uint32_t resource);
struct bytes rows_scope_encoded(struct rows *rows, uint32_t scope);
/* The columns for a row at this time; they are rows->columns too. */
struct columns *rows_columns_at(struct rows *rows, int64_t timestamp_us);
/* Begins it; what the sink has for the record is in it then. */
static inline void rows_row_begin(struct rows *rows, int64_t timestamp_us, const void *record)
{
    columns_row_begin(rows->columns, timestamp_us);
    if (unlikely(rows->sink->given != NULL)) rows->sink->given(rows->sink->ctx, record, rows->columns);
}
/* Tells who listens of the row, of which rows->row says what its kind alone knows. */
void rows_row_end(struct rows *rows, enum rows_kind kind, uint32_t resource, int64_t timestamp_us);
static inline void rows_word_put(struct rows *rows, uint32_t column, enum word word)
{
    struct text_handle *kept = &rows->words[word];
    if (unlikely(kept->generation != rows->generation)) {
        kept->handle = columns_text_handle(rows->columns, column, word_texts[word]);
        kept->generation = rows->generation;
    }
    columns_put_text_handle(rows->columns, column, kept->handle);
}
static inline void rows_repeated_put(struct rows *rows, uint32_t column, struct bytes text, struct text_handle *kept)
{
    if (unlikely(kept->generation != rows->generation)) {
        kept->handle = columns_text_handle(rows->columns, column, text);
        kept->generation = rows->generation;
    }
    columns_put_text_handle(rows->columns, column, kept->handle);
}
/* Room in rows->text behind its len; sizes come from a request, which has its limit. */
static inline uint8_t *rows_text_reserve(struct rows *rows, size_t len)
{
    if (unlikely(rows->text.cap - rows->text.len < len)) {
        bool is_reserved = buf_reserve(&rows->text, len);
        assert(is_reserved);
    }
    return rows->text.ptr + rows->text.len;
}
static inline void rows_text_end(struct rows *rows, const uint8_t *end)
{
    rows->text.len = (size_t)(end - rows->text.ptr);
    assert(rows->text.len <= rows->text.cap);
}
static inline void rows_text_add(struct rows *rows, struct bytes bytes)
{
    uint8_t *at = rows_text_reserve(rows, bytes.len);
    if (bytes.len > 0) memcpy(at, bytes.ptr, bytes.len);
    rows->text.len += bytes.len;
}
static inline struct bytes value_text(const struct otlp_value *value) /* empty when it is not text */
{
    return value != NULL && value->type == OTLP_TEXT ? value->bytes : (struct bytes){ (const uint8_t *)"", 0 };
}

/* rows_span.c, rows_log.c, rows_metric.c */
void rows_span_build(struct rows *rows, const struct otlp_span *span);
void rows_log_build(struct rows *rows, const struct otlp_log *log);
void rows_point_build(struct rows *rows, const struct otlp_point *point);
void rows_trace_flags_put(struct rows *rows, uint32_t flags);
uint8_t *rows_hex_text_put(uint8_t *at, struct bytes id); /* in quotes: 2 * id.len + 2 bytes */

/* rows_hash.c: elements of `hashes`, in the record's arena. The rules: docs/rows.md. */
struct bytes rows_pattern_hash(struct rows *rows, struct resource *resource, struct bytes message);
/* error: all but its source is set. */
void rows_error_hash(struct rows *rows, const struct error_source *source, struct rows_error *error);
/* Sets method and route of rows->row too. */
struct bytes rows_endpoint_hash(struct rows *rows, enum word kind, struct bytes service);

/* rows_level.c: WORD_COUNT when it is none */
enum word rows_level_of_severity(int32_t number);
enum word rows_level_of_number(int64_t number);
enum word rows_level_of_text(struct bytes text);
enum word rows_level_of_value(const struct otlp_value *value); /* NULL is fine */
enum word rows_level_of_message(struct bytes message);

/* rows_errors.c */
/* `errors` of the record's exceptions, [{"type":...,"message":...,"stacktrace":...,"fingerprint":...}], and rows->errors;
 * nothing when it has none. said: of a log of level ERROR and above what it says, in which a stack may stand; else empty. */
void rows_errors_put(struct rows *rows, const struct resource *resource, struct otlp_range events, struct bytes said);
/* rows->errors of a span that failed without an exception. */
void rows_failure_add(struct rows *rows, const struct resource *resource, const struct otlp_span *span);
/* Does another failed span tell of it, one below of the same service? (rows_failed.c) */
bool rows_failure_is_told(struct rows *rows, const struct otlp_span *span);
/* rows->row's errors and whom they met. */
void rows_errors_describe(struct rows *rows, const struct resource *resource, struct bytes trace_hex);

/* rows_summary.c */
void rows_span_summary_put(struct rows *rows, const struct otlp_span *span, enum word kind, uint64_t duration_ns);
void rows_log_summary_put(struct rows *rows, enum word level, struct bytes name, struct bytes message);
/* `route` of a path without one: segments that look like ids become {id}. At most path.len + 4 bytes a segment. */
struct bytes rows_path_template(struct arena *arena, struct bytes path);
