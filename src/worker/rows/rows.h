/* rows.h -- decoded OTLP to rows of schema.md: normalise, name, summarise, hash.
 *
 *   struct otlp_request --rows_build--> for each record: sink.columns(table, day) -> columns_put_* -> sink.row_done
 *
 * Rules: docs/rows.md. Pure in (request, project, received_unix_us): a replay makes the same rows with the same ids.
 * Only which attribute keys are one too many depends on what the project has sent before.
 * Thread: one owner (caches inside: attribute keys, elements of `hashes`, handles of words and resources).
 * Memory: what is reused between requests is some 100 KB, at most a few MB after requests with many keys or messages of
 *         many kinds; while a request is built, some multiple of its largest record; 8 bytes a key and project, see
 *         attribute_keys_max.
 * Errors: none; what a request may hold is otlp_decode's to check. */
#pragma once
#include "base/uuid.h"
#include "errors/fingerprint.h"
#include "timefusion/columns/columns.h"
#include "worker/otlp/otlp.h"

/* What a row is of: the word in its column `kind`; of a data point none. */
enum rows_kind {
    ROWS_INTERNAL,
    ROWS_SERVER,
    ROWS_CLIENT,
    ROWS_PRODUCER,
    ROWS_CONSUMER,
    ROWS_LOG,
    ROWS_METRIC,
    ROWS_KIND_COUNT
};
extern const char *const rows_kind_words[ROWS_KIND_COUNT];
struct rows_attribute {
    struct bytes key; /* current name */
    const struct otlp_value *value;
};
/* An error of a row. */
#define ROWS_ERRORS_MAX 8 /* of one row */
struct rows_error {
    struct bytes hash; /* "err:" and the UUID, as in `hashes` */
    enum fingerprint_by by;
    uint32_t rule_line;         /* of BY_RULE */
    int64_t rules_version;      /* that counted then; 0: the project had none */
    struct error_source source; /* its stack as the row has it: resolved, where there are source maps */
};
/* What the row just built is about, for who counts rows rather than keeps them. Texts are empty where there is none;
 * everything is borrowed for the call. */
struct rows_row {
    enum rows_kind kind;
    bool is_error; /* a span with status ERROR, a log of level ERROR or FATAL */
    bool has_duration;
    uint64_t duration_ns;
    int64_t timestamp_us;
    uint32_t resource; /* index into the request */
    struct bytes service;
    /* As docs/rows.md has endpoints: of server, consumer and (with url.template) client spans. endpoint: the UUID's text. */
    struct bytes endpoint, method, route;
    const struct otlp_span *span;   /* of ROWS_INTERNAL to ROWS_CONSUMER, else NULL */
    const struct otlp_log *log;     /* of ROWS_LOG, else NULL */
    const struct otlp_point *point; /* of ROWS_METRIC, else NULL */
    /* Of ROWS_LOG: its element "pat:" with what that is made of, and the start of its message. */
    struct bytes pattern, template, message;
    uint32_t level; /* of ROWS_LOG: 0 none, 1 TRACE to 6 FATAL */
    /* Of client and producer spans, and of consumers: where the call went to or the message came from. */
    struct bytes peer_service, server_address, db_system, db_namespace, messaging_system, messaging_destination;
    /* Its errors, each hash once; where there are any, whom they met. */
    const struct rows_error *errors;
    uint32_t error_count;
    struct bytes release, environment, user_id, session_id, trace_id; /* release: service.version; trace_id: in hex */
    /* When rows_sink.wants_attributes was true before the row: of the record, then of its resource. */
    const struct rows_attribute *attributes, *resource_attributes;
    uint32_t attribute_count, resource_attribute_count;
};

#define ROWS_MESSAGE_BYTES_MAX 400
/* The UUID of a log's element "pat:", as rows have it: of project, service and template. */
struct uuid rows_pattern_id(struct uuid project_id, struct bytes service, struct bytes template);
/* The UUID of an element "err:": of project and fingerprint. */
struct uuid rows_error_id(struct uuid project_id, struct hash128 key);

struct rows_sink {
    /* The columns that take a row of this table on this UTC day (days since 1970); called for the first row, when the
     * day changes, and after row_done said false: a row is always begun on what the latest call gave. It may give the
     * same columns again, also reset. */
    struct columns *(*columns)(void *ctx, enum schema_table_id table, int32_t day);
    /* After each row: the sink may say that the columns are full by returning false; rows then asks columns() anew. */
    bool (*row_done)(void *ctx, struct columns *columns);
    void *ctx;
    /* NULL: nothing is given. Called when the row of this span, log or point has begun: values that it puts stay, for of two
     * values of a column the first counts. */
    void (*given)(void *ctx, const void *record, struct columns *columns);
    /* NULL: nobody listens. Called before row_done, for every row; not to call rows. */
    void (*row)(void *ctx, const struct rows_row *row);
    const bool *wants_attributes; /* looked at before each row; NULL: no */
};
/* A project's own rules of what is one error. Taken when the first error of a request comes, given back when it is built. */
struct rows_rules {
    const struct fingerprint_rules *rules; /* NULL: it has none */
    int64_t version;                       /* 0: none */
    void *held;
};
struct rows_rules_source {
    /* Those that count for what was received then, so that a replay gets the same. NULL: no project has any. */
    void (*take)(void *ctx, struct uuid project_id, int64_t received_unix_us, struct rows_rules *rules);
    void (*give_back)(void *ctx, struct rows_rules *rules);
    void *ctx;
};
/* Minified stacks of browsers and Node become those of their sources before they are told apart (sourcemaps/). */
struct rows_stack {
    struct uuid project_id;
    int64_t received_unix_us;
    struct bytes release; /* service.version */
    struct bytes
        debug_ids; /* what the sender says of the files' maps: "DEBUG-ID", or lines "URL DEBUG-ID"; mostly empty */
    struct bytes text;
};
struct rows_stacks_source {
    /* False: the stack stays as it was sent. resolved: the arena's. NULL: none is ever resolved. */
    bool (*resolve)(void *ctx, struct arena *arena, const struct rows_stack *stack, struct bytes *resolved);
    void *ctx;
};
struct rows;
struct rows_options {
    /* Distinct keys without a column that a project may name, 0: 100,000; the values of further ones go under
     * monoscope.attributes_overflow. All projects together remember at most 16 times as many. */
    uint32_t attribute_keys_max;
    /* Of one project, where it is another; asked once a request. NULL: it is the same for all. */
    uint32_t (*attribute_keys_of)(void *ctx, struct uuid project_id);
    void *ctx;
    struct rows_rules_source rules;
    struct rows_stacks_source stacks;
};
struct rows *rows_create(const struct rows_options *options);
void rows_destroy(struct rows *rows); /* NULL is fine */
/* Every record of request becomes a row. request is borrowed for the call; sink's functions are called from within. */
void rows_build(struct rows *rows, struct uuid project_id, const struct otlp_request *request,
                const struct rows_sink *sink);
