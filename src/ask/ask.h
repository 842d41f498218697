/* ask.h -- a question in plain English becomes a typed plan, and a plan SQL with parameters.
 *
 *   question, zone, now, catalog, plan before --ask_understand--> plan | what was not understood, and what may be meant
 *                                                  plan --ask_sql--> SQL, parameters       (run by the gate, as all SQL)
 *                                                       '--ask_reading--> one sentence: what was read, which instants
 *   (plans as JSON, corrected by a client or filled by a model: web/api/ask_plan.h)
 *
 * Nothing is guessed: each word of the question belongs to something that the plan has, is one of a short list of words that
 * mean nothing here ("please"), or the question was not understood. Names are the catalog's; what is nearly one of them is
 * offered and not taken. What the words mean is told in docs/ask.md.
 * Words:   of = which rows are asked about; filter = a condition that all of them fulfil; part = a trace holds a row like this.
 * Thread:  any; pure. Memory: the arena's; all counts are bounded (ASK_*_MAX). Times: unix microseconds; from is in, to is not.
 * Errors:  of the question: ask_trouble. Of a plan from outside: ERR_INPUT. All bytes may come from outside. */
#pragma once
#include "ask/zone.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

#define ASK_QUESTION_BYTES_MAX 1000
#define ASK_TOKENS_MAX         128
#define ASK_FILTERS_MAX        12
#define ASK_VALUES_MAX         8 /* of a filter */
#define ASK_VALUE_BYTES_MAX    256
#define ASK_GROUPS_MAX         3
#define ASK_MEASURES_MAX       4
#define ASK_PARTS_MAX          4
#define ASK_LIMIT_MAX          1000
#define ASK_PARAMETERS_MAX     160
#define ASK_KEY_BYTES_MAX      128
#define ASK_TROUBLES_MAX       8
#define ASK_SUGGESTIONS_MAX    3

/* Which rows. */
#define ASK_OF_LIST(X)                                                                   \
    X(ROWS, "rows")         /* logs and spans */                                         \
    X(REQUESTS, "requests") /* spans of kind server and consumer */                      \
    X(ERRORS, "errors")     /* logs of level ERROR and FATAL, spans with status ERROR */ \
    X(LOGS, "logs")                                                                      \
    X(SPANS, "spans")                                                                    \
    X(QUERIES, "queries") /* spans with a database */
/* Fields by their name in a plan, and by what they are in SQL. Attributes have none: "attribute:KEY", "resource:KEY". */
#define ASK_FIELD_LIST(X)                                                                      \
    X(SERVICE, "service", "resource___service___name")                                         \
    X(ENVIRONMENT, "environment", "resource___deployment___environment___name")                \
    X(VERSION, "version", "resource___service___version")                                      \
    X(LEVEL, "level", "level")                                                                 \
    X(ROUTE, "route", "attributes___http___route")                                             \
    X(METHOD, "method", "attributes___http___request___method")                                \
    X(STATUS, "status", "attributes___http___response___status_code")                          \
    X(OUTCOME, "outcome", "status_code") /* OK, ERROR, UNSET */                                \
    X(NAME, "name", "name")                                                                    \
    X(KIND, "kind", "kind")                                                                    \
    X(USER, "user", "attributes___user___id")                                                  \
    X(EMAIL, "email", "attributes___user___email")                                             \
    X(SESSION, "session", "attributes___session___id")                                         \
    X(HOST, "host", "resource->>'host.name'")                                                  \
    X(DATABASE, "database", "attributes___db___system___name")                                 \
    X(NAMESPACE, "namespace", "attributes___db___namespace")                                   \
    X(TABLE, "table", "attributes___db___collection___name")                                   \
    X(OPERATION, "operation", "attributes___db___operation___name")                            \
    X(EXCEPTION, "exception", "attributes___exception___type")                                 \
    X(MESSAGE, "message", "CASE WHEN kind = 'log' THEN body #>> '{}' ELSE status_message END") \
    X(TRACE, "trace", "context___trace_id")                                                    \
    X(DURATION, "duration", "duration")

#define ASK_NAME(name, text, ...) ASK_##name,
enum ask_of { ASK_OF_LIST(ASK_NAME) ASK_OFS };
#undef ASK_NAME
#define ASK_NAME(name, text, sql) ASK_FIELD_##name,
enum ask_field_id { ASK_FIELD_LIST(ASK_NAME) ASK_FIELD_ATTRIBUTE, ASK_FIELD_RESOURCE, ASK_FIELDS };
#undef ASK_NAME

struct ask_field {
    enum ask_field_id id;
    struct bytes key; /* of ATTRIBUTE and RESOURCE: letters, digits, ".", "_", "-" alone, so that SQL can name it */
};

/* Of numbers (status, duration in nanoseconds, attributes) the ordered ones; of texts IS, IS_NOT, CONTAINS, HAS. */
enum ask_test { ASK_IS, ASK_IS_NOT, ASK_AT_LEAST, ASK_MORE, ASK_AT_MOST, ASK_LESS, ASK_CONTAINS, ASK_HAS, ASK_TESTS };
struct ask_filter {
    struct ask_field field;
    enum ask_test test;
    struct bytes values[ASK_VALUES_MAX]; /* any of them; HAS: none; ordered ones: one */
    uint32_t value_count;
};

enum ask_measure_kind {
    ASK_COUNT,
    ASK_ERROR_RATE, /* percent of the rows whose status is ERROR */
    ASK_AVERAGE,
    ASK_MINIMUM,
    ASK_MAXIMUM,
    ASK_SUM,
    ASK_PERCENTILE,
    ASK_DISTINCT,
    ASK_MEASURES
};
struct ask_measure {
    enum ask_measure_kind kind;
    struct ask_field field; /* but of COUNT and ERROR_RATE; durations come in milliseconds */
    uint32_t per_mille;     /* of PERCENTILE: 950; 1 to 999 */
};

/* A bucket of a chart. */
#define ASK_STEP_LIST(X)                                   \
    X(NONE, "none", 0)                                     \
    X(1M, "1m", 60)                                        \
    X(5M, "5m", 300)                                       \
    X(10M, "10m", 600)                                     \
    X(30M, "30m", 1800)                                    \
    X(1H, "1h", 3600)                                      \
    X(3H, "3h", 10800)                                     \
    X(6H, "6h", 21600)                                     \
    X(1D, "1d", 86400) /* days and weeks are the zone's */ \
    X(1W, "1w", 604800)
#define ASK_NAME(name, text, seconds) ASK_STEP_##name,
enum ask_step { ASK_STEP_LIST(ASK_NAME) ASK_STEPS };
#undef ASK_NAME

enum ask_order {
    ASK_NEWEST,
    ASK_OLDEST,
    ASK_LARGEST,
    ASK_SMALLEST,
    ASK_ORDERS
}; /* by time; by duration or the first measure */
enum ask_display { ASK_SHOW_NUMBER, ASK_SHOW_CHART, ASK_SHOW_TABLE, ASK_SHOW_ROWS, ASK_SHOW_WATERFALL, ASK_DISPLAYS };

struct ask_part { /* a trace holds a row like this */
    enum ask_of of;
    struct ask_filter filters[ASK_FILTERS_MAX];
    uint32_t filter_count;
};
struct ask_plan {
    enum ask_of of;
    struct ask_filter filters[ASK_FILTERS_MAX];
    uint32_t filter_count;
    struct ask_part parts[ASK_PARTS_MAX]; /* of WATERFALL; with none: the traces' first spans are asked about */
    uint32_t part_count;
    struct ask_measure measures[ASK_MEASURES_MAX];
    uint32_t measure_count;
    struct ask_field groups[ASK_GROUPS_MAX];
    uint32_t group_count;
    bool groups_are_there; /* rows without the fields of the groups are left out */
    enum ask_step step;
    int64_t from_us, to_us;
    bool has_before; /* compared with another time */
    int64_t before_from_us, before_to_us;
    enum ask_order order;
    uint32_t limit;
    enum ask_display display;
    struct bytes zone;
    bool time_was_said; /* else the last 24 hours were taken */
};

/* ---- the catalog: what the project has ---- */

struct ask_value {
    struct ask_field field;
    struct bytes text;
};
struct ask_catalog {
    const struct bytes *services; /* all there are: another name is none */
    uint32_t service_count;
    const struct ask_field *attributes; /* ATTRIBUTE and RESOURCE fields, no key twice */
    uint32_t attribute_count;
    const struct ask_value *values; /* those that come often: environments, versions, routes, hosts ... */
    uint32_t value_count;
};

/* ---- understanding ---- */

struct ask_question {
    struct bytes text;
    const struct zone *zone;
    int64_t now_us;
    const struct ask_catalog *catalog;
    const struct ask_plan *context; /* of the question before; NULL: none */
};
/* What was not understood: a word or more, why, and names that may be meant. */
struct ask_trouble {
    uint32_t from, to; /* bytes of the question; equal: it lacks something */
    char text[240];
    struct bytes suggestions[ASK_SUGGESTIONS_MAX];
    uint32_t suggestion_count;
};
/* What a piece of the question was read as. */
struct ask_use {
    uint32_t from, to;
    const char *as; /* "time", "filter", "measure", "group", "rows", "order", "display", "compare" */
};
struct ask_understood {
    bool is_understood; /* then plan is whole */
    bool is_follow_up;  /* plan is the context's, changed */
    struct ask_plan plan;
    struct ask_use uses[ASK_TOKENS_MAX];
    uint32_t use_count;
    struct ask_trouble troubles[ASK_TROUBLES_MAX];
    uint32_t trouble_count;
};
/* The field that an attribute of this key is: one with a name of its own, else ATTRIBUTE or RESOURCE. */
struct ask_field ask_field_of_key(bool is_resource, struct bytes key);
void ask_understand(struct arena *arena, const struct ask_question *question, struct ask_understood *understood);

/* ---- plans ---- */

struct ask_sql {
    struct bytes sql;
    struct bytes parameters[ASK_PARAMETERS_MAX];
    uint32_t parameter_count;
};
/* False: the plan is not one that can be asked (ERR_INPUT). No value is in the SQL's text. */
MUST_CHECK bool ask_sql(struct arena *arena, const struct ask_plan *plan, const struct zone *zone, struct ask_sql *sql,
                        struct err *err);
/* "requests of web that failed, from ... to ... (Europe/Berlin), counted by route". */
struct bytes ask_reading(struct arena *arena, const struct ask_plan *plan, const struct zone *zone);
/* One chip a piece of the plan, as words: "service is web". which: a JSON pointer into the plan. */
struct ask_chip {
    const char *kind; /* of, filter, part, measure, group, step, time, compare, order, limit, display */
    struct bytes pointer, text;
};
uint32_t ask_chips(struct arena *arena, const struct ask_plan *plan, const struct zone *zone,
                   struct ask_chip chips[64]);

/* Bounds and what belongs together; of plans however they were made. */
MUST_CHECK bool ask_plan_check(const struct ask_plan *plan, struct err *err);
bool ask_key_is_plain(struct bytes key); /* may be the key of a field */

extern const char *const ask_of_names[ASK_OFS],
    *const ask_field_names[ASK_FIELDS],
        *const ask_step_names[ASK_STEPS], *const ask_display_names[ASK_DISPLAYS],
                                              *const ask_test_names[ASK_TESTS], *const ask_measure_names[ASK_MEASURES],
                                                                                    *const ask_order_names[ASK_ORDERS];
extern const int64_t ask_step_seconds[ASK_STEPS];
