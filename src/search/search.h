/* search.h -- the search language: what a person types, read into a tree, and that as an SQL condition.
 *
 *   service:payments status:>=500 "timed out" -user.id:42 (level:error OR has:exception)
 *     --search_parse--> tree --search_sql--> resource___service___name = 'payments' AND ...
 *                         '--match.h--> does this row fit? (live tail)
 *
 * The language is told in docs/search.md. A name is a column's by its OpenTelemetry name or a short one (search_names), else
 * an attribute's of the row or its resource.
 * Words:   term = one condition; text = a word or "words" without a field: looked for, in any case, in the name, the body,
 *          the status message and the exception's message.
 * Thread:  any; pure. Memory: the arena's; depth and terms are bounded (SEARCH_DEPTH_MAX, SEARCH_TERMS_MAX).
 * Errors:  of what is typed: a problem with its place and what to do. All bytes may come from outside. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "timefusion/schema/schema.h"

#define SEARCH_DEPTH_MAX        32
#define SEARCH_TERMS_MAX        256
#define SEARCH_BYTES_MAX        16384
#define SEARCH_VALUES_BYTES_MAX (1u << 20) /* of all node->values and body_regex, as SQL */

enum search_kind { SEARCH_ALL, SEARCH_AND, SEARCH_OR, SEARCH_NOT, SEARCH_TEXT, SEARCH_TERM };
enum search_test {
    SEARCH_IS,
    SEARCH_LESS,
    SEARCH_AT_MOST,
    SEARCH_MORE,
    SEARCH_AT_LEAST,
    SEARCH_LIKE, /* value has "*": any run of characters; escaped ones are characters */
    SEARCH_HAS,  /* there is a value */
};
/* What is compared, and how a value is read. */
enum search_class {
    SEARCH_CLASS_TEXT,
    SEARCH_CLASS_NUMBER,   /* an integer column */
    SEARCH_CLASS_DIGITS,   /* a text column of numbers: http.response.status_code */
    SEARCH_CLASS_DURATION, /* nanoseconds; 1.5s, 200ms */
    SEARCH_CLASS_LEVEL,    /* ordered: trace < debug < info < warn < error < fatal */
    SEARCH_CLASS_LOWER,    /* kept in lower case: ids, kind */
    SEARCH_CLASS_UPPER,    /* OK, ERROR, UNSET */
    SEARCH_CLASS_BOOLEAN,
    SEARCH_CLASS_TIME,
    SEARCH_CLASS_JSON,      /* the body: compared as its text */
    SEARCH_CLASS_LIST,      /* hashes */
    SEARCH_CLASS_ATTRIBUTE, /* no column: among the attributes, else in the resource */
    SEARCH_CLASS_EXCEPTION, /* has:exception */
};

struct search_node {
    enum search_kind kind;
    uint32_t from, to;                /* its place in the text, in bytes */
    struct search_node *left, *right; /* AND, OR; NOT: left */
    /* TEXT: value. TERM: */
    enum search_test test;
    enum search_class class;
    bool is_pattern;    /* typed as pattern:ID: value is "pat:" and a UUID */
    bool is_issue;      /* typed as issue:12: value is "issue:12", which no row has; who knows issues sets values */
    int column;         /* of otel_logs_and_spans; -1: none */
    struct bytes name;  /* as an attribute: "http.route" */
    struct bytes value; /* unescaped, but for LIKE, where "\*" and "\\" stay */
    /* LIST, IS: any of these instead of value, or a body that the expression fits (search_pattern.c); else none. */
    const struct bytes *values;
    uint32_t value_count;
    struct bytes body_regex;
    double number;  /* NUMBER, DIGITS, DURATION, and of ATTRIBUTE with an order */
    uint32_t level; /* LEVEL: 0 trace to 5 fatal */
};

struct search_problem {
    uint32_t from, to; /* bytes of the text */
    char text[200];    /* for a person: what is wrong, what to do */
};
/* *root lives in the arena; an empty text is SEARCH_ALL. False: *problem says why. */
MUST_CHECK bool search_parse(struct arena *arena, struct bytes text, struct search_node **root,
                             struct search_problem *problem);
/* A condition for a WHERE over otel_logs_and_spans: "" of SEARCH_ALL. Every value is a quoted literal. */
struct bytes search_sql(struct arena *arena, const struct search_node *root);
/* The same for a WHERE over otel_metrics; words without a field are looked for in attributes and resource. False: it asks for what
 * only logs and spans have; *problem says where. */
MUST_CHECK bool search_metrics_sql(struct arena *arena, const struct search_node *root, struct bytes *sql,
                                   struct search_problem *problem);
/* A field of otel_logs_and_spans by its name in the language, as an expression; *is_number: of a number, else of a text. */
struct bytes search_field(struct arena *arena, struct bytes name, bool *is_number);
/* A field of otel_metrics by its name in the language, as text. */
struct bytes search_metrics_field(struct arena *arena, struct bytes name);
/* A text as a literal of SQL. */
struct bytes search_literal(struct arena *arena, struct bytes text);
/* Of a TEXT, or a term of the class JSON: a regular expression (RE2) that matches just its words; case is not its matter. */
struct bytes search_regex(struct arena *arena, const struct search_node *node);

/* Short names: { "service", "service.name" } ... until one with short_name NULL. */
struct search_name {
    const char *short_name, *name;
};
extern const struct search_name search_names[];
extern const char *const search_levels[6]; /* "TRACE" ... "FATAL" */
