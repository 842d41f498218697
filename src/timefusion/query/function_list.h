/* function_list.h -- the functions that SQL may call; no other exists.
 *
 * Thread: constant. To add one: a line in function_list.c, an answer in query_test.c, its name in docs/sql.md. */
#pragma once
#include "timefusion/query/plan.h"

/* Letters of argument types: t text, i int4, l int8, d float8, n any number, z timestamptz, v interval, b bool, j jsonb,
 * D date, u uuid, T text[], A any array, e element of the first array, a anything, = as the first. The last repeats.
 * o oid, c regclass, y regtype, p regproc, h regnamespace, r regrole.
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
    SET_CONFIG,
    KEYWORDS,     /* rows of a constant list */
    EXPAND_ARRAY, /* rows of x and n, an array's elements and their places */
    MAY,          /* rights: what reads is allowed */
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
/* All that exist, those of function_catalog.c after those of function_list.c. */
uint32_t function_count(void);
const struct function *function_at(uint32_t index);
/* Not PostgreSQL's: shown in the schema public. */
bool function_is_ours(const struct function *function);
/* The letter of an argument: the last one stands for all that follow. */
char function_letter(const struct function *function, uint32_t argument);
uint32_t function_oid_of_letter(char letter); /* of the type, as pg_proc shows it */

/* function_catalog.c: functions about the catalog and the session. */
uint32_t function_catalog_count(void);
const struct function *function_catalog_at(uint32_t index);
const char *function_hint(const char *name); /* what to use in its place, or NULL */
