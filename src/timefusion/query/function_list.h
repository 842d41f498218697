/* function_list.h -- the functions that SQL may call; no other exists.
 *
 * Thread: constant. To add one: a line in function_list.c, an answer in query_test.c, its name in docs/sql.md. */
#pragma once
#include "timefusion/query/plan.h"

/* Which a name in quotes only may be. */
#define RESERVED_WORDS                                                                                                 \
    "'all','analyse','analyze','and','any','array','as','asc','asymmetric','authorization','binary','both','case',"    \
    "'cast','check','collate','collation','column','concurrently','constraint','create','cross','current_catalog',"    \
    "'current_date','current_role','current_schema','current_time','current_timestamp','current_user','default',"      \
    "'deferrable','desc','distinct','do','else','end','except','false','fetch','for','foreign','freeze','from','full'" \
    ","                                                                                                                \
    "'grant','group','having','ilike','in','initially','inner','intersect','into','is','isnull','join','lateral',"     \
    "'leading','left','like','limit','localtime','localtimestamp','natural','not','notnull','null','offset','on',"     \
    "'only','or','order','outer','overlaps','placing','primary','references','returning','right','select',"            \
    "'session_user','similar','some','symmetric','table','tablesample','then','to','trailing','true','union','unique'" \
    ","                                                                                                                \
    "'user','using','variadic','verbose','when','where','window','with'"

/* Letters of argument types: t text, i int4, l int8, d float8, n any number, z timestamptz, v interval, b bool, j jsonb,
 * D date, u uuid, T text[], A any array, e element of the first array, a anything, = as the first. The last repeats.
 * o oid, c regclass, y regtype, p regproc, h regnamespace, r regrole.
 * s timestamp, m numeric. Results: the same letters, ? DuckDB will tell, L array of the first, I int4[], 2 as the second argument,
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
    BACKEND,      /* stops another session */
    KEYWORDS,     /* rows of a constant list */
    EXPAND_ARRAY, /* rows of x and n, an array's elements and their places */
    MAY,          /* rights: what reads is allowed */
    GAPFILL,
    PERCENTILE_AGG,
    PERCENTILE_ROLLUP,
    APPROX_DISTINCT,
    TO_TIME,
    TO_NUMBER,
    MAKE_INTERVAL,
    PAD,
    OVERLAY,
    FORMAT,
    COUNT_NULLS,
    CONCAT,
    ARRAY_TO_STRING,
    REGEXP_MATCH,
    LOG,
    SIGN,
    TO_HEX,
    SAME_TYPE, /* the result is cast to its arguments' */
    JSON_OBJECT_AGG,
    JSON_OBJECT_OF_LISTS,
    JSON_EACH,
};
#define FUNCTION_LISTS_MAX 128 /* of unnest(a, b, ...): a table's columns side by side */
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
const char *function_hint(const char *name);    /* what to use in its place, or NULL */
const char *function_nearest(const char *name); /* one whose name is much like it, or NULL */
