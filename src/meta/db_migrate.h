/* db_migrate.h -- brings the tables of a database up to date: migrations/README.md. For meta/.
 *
 *   migrations/NNNN_name.sql --build--> db_migrations[] --words of one database--> those that it has not been through
 *
 * All missing ones run in one transaction, under a lock that other processes wait for: a crash or a cut connection leaves
 * the database as it was.
 * Errors: ERR_UNSUPPORTED: the database has been through one that this program does not know. ERR_CORRUPT: one of them
 * was another then. */
#pragma once
#include "base/sha256.h"
#include "meta/db.h"

struct db_migration {
    int number;
    const char *name, *sql;
};
extern const struct db_migration db_migrations[];
extern const size_t db_migration_count;

MUST_CHECK bool db_migrate(struct db *db, struct err *err);
/* The same with a list of one's own, for tests. */
MUST_CHECK bool db_migrate_list(struct db *db, const struct db_migration *list, size_t count, struct err *err);
void db_migration_checksum(const struct db_migration *migration, char hex[SHA256_HEX_BYTES]);
bool db_migration_fits(const struct db_migration *migration, enum db_kind kind, struct bytes checksum);
/* Asks for one number: is there a table of migrations? */
const char *db_migrations_exist_sql(enum db_kind kind);
/* Several statements in one transaction, without a limit of time. In db.c. */
MUST_CHECK bool db_script(struct db_session *session, const char *sql, struct err *err);
/* The text for one database. False: a word in braces that means nothing. */
MUST_CHECK bool db_dialect(const char *sql, enum db_kind kind, struct buf *out, struct err *err);
