/* catalog_own.h -- a session's temporary tables in the catalog: rows and names that it alone sees.
 *
 *   catalog.c, function_catalog.c: mark D in the template --render--> nothing, or SQL of what the session has at that moment
 *     D0  names, for mono_catalog_oid() and its kin      D1  the oid of pg_temp_<pid>, 0 without tables
 *     D2+ rows of a table of the catalog, behind those that all sessions see
 *
 * A table's oid is made of its id, which no other table of the process has. Threads: the session's. */
#pragma once
#include "timefusion/query/catalog.h"
#include "timefusion/query/temporary.h"

#define CATALOG_NAMESPACE_TEMPORARY 12998
#define CATALOG_TEMPORARY_OID       0x40000000u

/* Tables of the catalog that have rows of a session's own tables. */
enum catalog_own {
    CATALOG_OWN_NOTHING,
    CATALOG_OWN_CLASS,
    CATALOG_OWN_ATTRIBUTE,
    CATALOG_OWN_NAMESPACE,
    CATALOG_OWN_PG_TABLES,
    CATALOG_OWN_TABLES,
    CATALOG_OWN_COLUMNS,
};
enum catalog_own catalog_own_of(const struct catalog_definition *definition);

/* own NULL: a session without any. Names have no control characters then that part them. */
MUST_CHECK bool catalog_own_put(struct buf *out, uint32_t number, const struct temporaries *own, uint32_t pid);
/* The table of a name as a client writes it: quoted, with pg_temp or without. false: it is none of these. */
bool catalog_own_oid(const struct temporaries *own, struct bytes name, int64_t *oid);
/* The name that the oid of one of them shows as; false: it is none of these. */
bool catalog_own_name_put(struct buf *buf, const struct temporaries *own, enum query_type kind, int64_t oid, bool *ok);
/* The same in what D0 stands for. */
bool catalog_listed_oid(struct bytes list, enum query_type kind, struct bytes name, int64_t *oid);
bool catalog_listed_name(struct bytes list, enum query_type kind, int64_t oid, struct bytes *name);
