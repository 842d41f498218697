/* catalog.h -- pg_catalog and information_schema: constant rows made from our schema.
 *
 *   catalog_columns.c  which tables there are, with PostgreSQL 15's columns
 *   catalog_rows.c     the rows of those that have any        catalog_names.c  names <-> oids, format_type()
 *   catalog.c          a table as a subquery of DuckDB's      function_catalog.c  pg_*() functions
 *   catalog_own.c      the session's temporary tables
 *
 * None of it is DuckDB's own catalog: a client sees three tables, the types and the functions that there are, and nothing
 * of the machine, of other projects or of the engine. Rows are the same for all, but for the session's user, settings and
 * temporary tables.
 * Oids: PostgreSQL's own for its types and tables, ours from CATALOG_TABLE_OID on. Threads: constant, for any. */
#pragma once
#include "timefusion/query/query.h"
#include "timefusion/schema/schema.h"

#define CATALOG_NAMESPACE_PG          11
#define CATALOG_NAMESPACE_PUBLIC      2200
#define CATALOG_NAMESPACE_INFORMATION 13000
#define CATALOG_VIEW_OID              12000 /* + place in the list: views of pg_catalog */
#define CATALOG_INFORMATION_OID       13100 /* + place in the list: views of information_schema */
#define CATALOG_IO_OID                14000 /* + 4 * type: its input, output, receive and send functions */
#define CATALOG_FUNCTION_OID          15000 /* + place in function_list.c and function_catalog.c */
#define CATALOG_USER_OID              16000 /* the session's user */
#define CATALOG_TABLE_OID             16384
#define CATALOG_OWNER_OID             10
#define CATALOG_OWNER                 "monoscope"
#define CATALOG_TABLES                3 /* of ours */

/* Columns: "oid=o relname=n relacl:A": the name, '=' never NULL or ':' maybe, and what it is.
 *   o oid  n name  t text  c "char"  i int4  s int2  l int8  b bool  f float4  d float8  z timestamptz  v interval
 *   p regproc  x xid  h inet  N pg_node_tree  2 int2vector  5 oidvector  A aclitem[]  T text[]  O oid[]  S int2[]  X other lists
 *   of information_schema: I sql_identifier  C character_data  K cardinal_number  Y yes_or_no  Z time_stamp */
struct catalog_definition {
    const char *schema, *name;
    char kind;    /* r table, v view */
    uint32_t oid; /* 0: by its place */
    const char *columns;
};
uint32_t catalog_definition_count(void);
const struct catalog_definition *catalog_definition(uint32_t index);
uint32_t catalog_definition_oid(uint32_t index);

struct catalog_column {
    const char *name;
    size_t name_len;
    bool is_required;
    char letter;
};
/* Walks a definition's columns: *at begins as .columns; false at the end. */
bool catalog_column_next(const char **at, struct catalog_column *column);
enum query_type catalog_column_type(char letter);
uint32_t catalog_column_oid(char letter); /* of its type, as pg_attribute shows it */

struct catalog_type {
    const char *name;
    uint32_t oid, array_oid; /* array_oid 0: none */
    int length;
    bool is_by_value;
    char kind, category; /* typtype, typcategory */
    bool is_preferred;
    char align, storage;
    const char *io;       /* io + "in", "out", "recv", "send" are its functions */
    const char *sql_name; /* as format_type says it */
};
uint32_t catalog_type_count(void);
const struct catalog_type *catalog_type(uint32_t index);
const struct catalog_type *catalog_type_by_oid(uint32_t oid); /* of an array: its elements'; it must be there */
/* numeric_precision, its radix, scale and datetime_precision, parted by the separator. */
void catalog_precision_put(uint32_t oid, int modifier, char separator, char text[64]);
/* The type of our columns. *is_list: that it is of lists of the type. */
const struct catalog_type *catalog_type_of(enum query_type type);
uint32_t catalog_type_oid(enum query_type type);

/* Our tables: the two that are stored and the view of both. */
const struct schema_table *catalog_table(uint32_t index, const char **name);

/* catalog_rows.c: what a table has. NULL: it has no rows. */
struct catalog_rows {
    const char *schema, *name;
    /* The columns that differ from row to row, in the order of write's values; the others are as same says. */
    const char *columns;
    /* Lines of values between bars; an empty value is NULL where the column may be NULL. NULL: what sessions do,
     * as activity.h has it. */
    bool (*write)(struct buf *buf);
    /* "relowner=10 relam=2 datname='monoscope'": what all rows have, as SQL of ours without blanks. */
    const char *same;
};
const struct catalog_rows *catalog_rows_of(const char *schema, const char *name);

/* catalog_names.c: the oid of a name as a client writes it: quoted, with its schema, or a number. false: there is none. */
bool catalog_oid(enum query_type kind, struct bytes name, int64_t *oid);
/* The name that an oid of a kind (REGCLASS ...) shows as; its number when nothing has it. */
bool catalog_name_put(struct buf *buf, enum query_type kind, int64_t oid);
bool catalog_format_type(struct buf *buf, int64_t oid, int32_t modifier); /* "numeric(10,2)"; "???" for none */
/* The parts of a name as a client writes it, at most three; 0: it is none. */
uint32_t catalog_name_parts(struct bytes text, struct bytes parts[3], char storage[256]);
/* A function in words: 'a' its arguments, 'r' its result, 'd' its definition. false: no such function. */
bool catalog_function_put(struct buf *buf, int64_t oid, char what);

static inline bool type_is_oid(enum query_type type)
{
    return type >= QUERY_TYPE_VECTOR_OID && type <= QUERY_TYPE_REGROLE;
}
