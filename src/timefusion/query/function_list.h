/* function_list.h -- the functions that SQL may call; no other exists.
 *
 * Thread: constant. To add one: a line in function_list.c, an answer in query_test.c, its name in docs/sql.md. */
#pragma once
#include "timefusion/query/plan.h"

/* Letters of argument types: t text, i int4, l int8, d float8, n any number, z timestamptz, v interval, b bool, j jsonb,
 * D date, u uuid, T text[], A any array, e element of the first array, a anything, = as the first. The last repeats.
 * A capital R of result means: row function. Results: the same letters, ? DuckDB will tell, L array of the first,
 * N next wider sum. Template: %1 %2 arguments, %* all, %o ORDER BY inside an aggregate. */
enum function_kind { SCALAR, AGGREGATE, WINDOW };
enum special {
    PLAIN,
    TIME_BUCKET,
    APPROX_PERCENTILE,
    DATE_TRUNC,
    EXTRACT,
    SUBSTRING,
    SUM,
    AVG,
    ROUND,
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_PATH,
    TO_JSON,
    SETTING,
    TIMEZONE,
    PERCENTILE,
    MODE,
    ARRAY_AGG,
    ROWS,
    AGE,
    LENGTH,
    STRING_AGG,
    WITHOUT_MEANING,
    JSON_AGG,
    TO_CHAR,
    REGEXP_REPLACE,
    ENCODE,
};
struct function {
    const char *name;
    enum function_kind kind;
    uint8_t min, max; /* arguments; 255: any number */
    const char *arguments;
    char result;
    const char *sql;
    enum special special;
};

const struct function *function_find(const char *name); /* NULL: it does not exist here */
const char *function_hint(const char *name);            /* what to use in its place, or NULL */
