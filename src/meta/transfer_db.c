#include "meta/transfer_inside.h"

#include <stdlib.h>

#include "base/arena.h"
#include "meta/db_rows.h"

enum { BATCH_ROWS = 256, BATCH_BYTES = 4 << 20 };

/* -- what is there ---------------------------------------------------------------------------------------------- */

struct schema_reading {
    struct transfer_schema *schema;
    enum db_kind kind;
};

static bool migration_read(void *ctx, struct db_row *row, struct err *err)
{
    const struct schema_reading *reading = ctx;
    return transfer_schema_add(reading->schema, db_row_integer(row, 0), db_row_text(row, 1), reading->kind, err);
}

bool transfer_db_schema(struct db_session *session, enum db_kind kind, struct transfer_schema *schema, bool *is_empty,
                        struct err *err)
{
    int64_t is_there = 0;
    struct schema_reading reading = { schema, kind };
    *schema = (struct transfer_schema){ 0 };
    if (!db_run(session, db_migrations_exist_sql(kind), DB_NO_VALUES, db_take_integer, &is_there, NULL, err))
        return false;
    *is_empty = is_there == 0;
    return *is_empty || db_run(session, "SELECT number, checksum FROM migrations ORDER BY number", DB_NO_VALUES,
                               migration_read, &reading, NULL, err);
}

static bool type_read(const char *name, enum db_type *type)
{
    static const struct {
        const char *name;
        enum db_type type;
    } types[] = { { "INTEGER", DB_INTEGER }, { "INT", DB_INTEGER },      { "REAL", DB_REAL },
                  { "TEXT", DB_TEXT },       { "BLOB", DB_BYTES },       { "bigint", DB_INTEGER },
                  { "integer", DB_INTEGER }, { "smallint", DB_INTEGER }, { "double precision", DB_REAL },
                  { "text", DB_TEXT },       { "bytea", DB_BYTES },      { "uuid", DB_UUID },
                  { "real", DB_REAL } };
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        if (strcmp(types[t].name, name) != 0) continue;
        *type = types[t].type;
        return true;
    }
    return false;
}

struct table_list {
    struct transfer_table *tables;
    size_t count;
};

static bool name_read(void *ctx, struct db_row *row, struct err *err)
{
    struct table_list *list = ctx;
    if (list->count == TRANSFER_TABLES_MAX) return err_set(err, ERR_TOO_LARGE, "there are too many tables");
    list->tables = mem_realloc(list->tables, (list->count + 1) * sizeof *list->tables);
    struct transfer_table *table = &list->tables[list->count++];
    *table = (struct transfer_table){ 0 };
    db_row_text_copy(row, 0, table->name, sizeof table->name);
    return true;
}

static bool column_read(void *ctx, struct db_row *row, struct err *err)
{
    struct transfer_table *table = ctx;
    char type[64];
    if (table->column_count == TRANSFER_COLUMNS_MAX)
        return err_set(err, ERR_TOO_LARGE, "table \"%s\" has too many columns", table->name);
    struct transfer_column *column = &table->columns[table->column_count++];
    db_row_text_copy(row, 0, column->name, sizeof column->name);
    db_row_text_copy(row, 1, type, sizeof type);
    column->is_identity = db_row_boolean(row, 2);
    return type_read(type, &column->type) ||
           err_set(err, ERR_UNSUPPORTED, "column \"%s\" of table \"%s\" is of type %s, which cannot be copied",
                   column->name, table->name, type);
}

bool transfer_db_tables(struct db_session *session, enum db_kind kind, struct transfer_table **tables, size_t *count,
                        struct err *err)
{
    static const char *const names[] = {
        [DB_SQLITE] = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                      " AND name <> 'migrations' ORDER BY name",
        [DB_POSTGRES] = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(current_schema())"
                        " AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'migrations'"
                        " ORDER BY relname",
    };
    static const char *const columns[] = {
        [DB_SQLITE] = "SELECT name, type, 0 FROM pragma_table_xinfo($1) WHERE hidden = 0 ORDER BY cid",
        [DB_POSTGRES] = "SELECT attname, format_type(atttypid, NULL), attidentity <> '' FROM pg_attribute"
                        " WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped"
                        " AND attgenerated = '' ORDER BY attnum",
    };
    struct table_list list = { 0 };
    bool ok = db_run(session, names[kind], DB_NO_VALUES, name_read, &list, NULL, err);
    for (size_t t = 0; ok && t < list.count; t++)
        ok = db_run(session, columns[kind], DB_VALUES(db_text(list.tables[t].name)), column_read, &list.tables[t], NULL,
                    err);
    if (!ok) free(list.tables);
    *tables = ok ? list.tables : NULL;
    *count = ok ? list.count : 0;
    return ok;
}

/* Names of columns, quoted: they are the database's own, and none has a quote in it. */
static void columns_put(const struct transfer_table *table, const size_t *which, size_t count, struct buf *sql)
{
    for (size_t c = 0; c < count; c++)
        (void)!buf_printf(sql, "%s\"%s\"", c ? ", " : "", table->columns[which ? which[c] : c].name);
}

static char *sql_end(struct buf *sql)
{
    (void)!buf_add(sql, "", 1);
    return (char *)sql->ptr;
}

bool transfer_db_count(struct db_session *session, const struct transfer_table *table, uint64_t *rows, struct err *err)
{
    char sql[128];
    int64_t number = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", table->name);
    bool ok = db_run(session, sql, DB_NO_VALUES, db_take_integer, &number, NULL, err);
    *rows = (uint64_t)number;
    return ok;
}

/* -- as a source ------------------------------------------------------------------------------------------------ */

struct row_giving {
    const struct transfer_sink *sink;
    struct transfer_counts *counts;
};

static bool row_give(void *ctx, struct db_row *row, struct err *err)
{
    const struct row_giving *giving = ctx;
    giving->counts->rows++;
    return giving->sink->row(giving->sink->ctx, row->values, err);
}

static bool table_give(struct db_session *session, const struct transfer_table *table, const struct transfer_sink *sink,
                       struct transfer_counts *counts, struct err *err)
{
    struct row_giving giving = { sink, counts };
    struct buf sql;
    if (!sink->table(sink->ctx, table, err)) return false;
    buf_init(&sql, 16384);
    (void)!buf_printf(&sql, "SELECT ");
    columns_put(table, NULL, table->column_count, &sql);
    (void)!buf_printf(&sql, " FROM \"%s\" ORDER BY 1", table->name);
    bool ok = db_run(session, sql_end(&sql), DB_NO_VALUES, row_give, &giving, NULL, err) ||
              err_within(err, "table \"%s\"", table->name);
    buf_deinit(&sql);
    counts->tables++;
    return ok;
}

bool transfer_db_rows(struct db_session *session, enum db_kind kind, const struct transfer_sink *sink,
                      struct transfer_counts *counts, struct err *err)
{
    struct transfer_table *tables;
    size_t count;
    *counts = (struct transfer_counts){ 0 };
    if (!transfer_db_tables(session, kind, &tables, &count, err)) return false;
    bool ok = true;
    for (size_t t = 0; ok && t < count; t++) ok = table_give(session, &tables[t], sink, counts, err);
    free(tables);
    return ok;
}

/* -- as a target ------------------------------------------------------------------------------------------------ */

/* Rows wait until there are enough of them to go together. */
struct filling {
    struct db_session *session;
    enum db_kind kind;
    struct transfer_table *tables;
    size_t table_count;
    const struct transfer_table *table;   /* of the target */
    size_t column_count;                  /* of the source's table */
    size_t columns[TRANSFER_COLUMNS_MAX]; /* of the target, by the source's */
    char *sql;
    struct arena arena;
    struct db_value *values;
    size_t row_count, bytes;
    const struct transfer_feed *feed;
    bool is_fresh; /* nothing is in it but what migrations put there */
    struct transfer_counts *counts;
};

static bool batch_flush(struct filling *filling, struct err *err)
{
    if (filling->row_count == 0) return true;
    bool ok = db_run_many(filling->session, filling->sql, filling->values, filling->column_count, filling->row_count,
                          NULL, err) ||
              err_within(err, "table \"%s\"", filling->table->name);
    filling->row_count = filling->bytes = 0;
    arena_reset(&filling->arena);
    return ok;
}

static bool fill_table(void *ctx, const struct transfer_table *from, struct err *err)
{
    struct filling *filling = ctx;
    if (!batch_flush(filling, err)) return false;
    filling->table = NULL;
    for (size_t t = 0; t < filling->table_count; t++)
        if (strcmp(filling->tables[t].name, from->name) == 0) filling->table = &filling->tables[t];
    if (filling->table == NULL)
        return err_set(err, ERR_CORRUPT, "there is no table \"%s\" in what these migrations make", from->name);
    filling->column_count = from->column_count;
    for (size_t c = 0; c < from->column_count; c++) {
        size_t at = 0;
        while (at < filling->table->column_count &&
               strcmp(filling->table->columns[at].name, from->columns[c].name) != 0)
            at++;
        if (at == filling->table->column_count)
            return err_set(err, ERR_CORRUPT, "table \"%s\" has no column \"%s\"", from->name, from->columns[c].name);
        filling->columns[c] = at;
    }
    struct buf sql;
    buf_init(&sql, 16384);
    (void)!buf_printf(&sql, "INSERT INTO \"%s\"(", filling->table->name);
    columns_put(filling->table, filling->columns, filling->column_count, &sql);
    (void)!buf_printf(&sql, ") VALUES(");
    for (size_t c = 0; c < filling->column_count; c++) (void)!buf_printf(&sql, "%s$%zu", c ? ", " : "", c + 1);
    (void)!buf_printf(&sql, ")");
    free(filling->sql);
    filling->sql = mem_strdup(sql_end(&sql));
    buf_deinit(&sql);
    return true;
}

/* As what its column is here. */
static bool value_turn(struct arena *arena, const struct db_value *from, enum db_type type, struct db_value *to)
{
    *to = *from;
    if (from->is_null) {
        to->type = type;
        return true;
    }
    if (type == DB_UUID && from->type == DB_TEXT) {
        to->type = DB_UUID;
        return uuid_from_text(from->bytes, &to->uuid);
    }
    if (type == DB_REAL && from->type == DB_INTEGER) *to = db_real((double)from->integer);
    if (to->type == DB_TEXT || to->type == DB_BYTES) to->bytes = arena_copy(arena, from->bytes);
    return to->type == type || (type == DB_TEXT && to->type == DB_UUID);
}

static bool fill_row(void *ctx, const struct db_value *values, struct err *err)
{
    struct filling *filling = ctx;
    struct db_value *to = filling->values + filling->row_count * filling->column_count;
    for (size_t c = 0; c < filling->column_count; c++) {
        const struct transfer_column *column = &filling->table->columns[filling->columns[c]];
        if (!value_turn(&filling->arena, &values[c], column->type, &to[c]))
            return err_set(err, ERR_CORRUPT, "table \"%s\" has a value in \"%s\" that is no %s", filling->table->name,
                           column->name, transfer_type_name(column->type));
        if (to[c].type == DB_TEXT || to[c].type == DB_BYTES) filling->bytes += to[c].bytes.len;
    }
    filling->row_count++;
    return (filling->row_count < BATCH_ROWS && filling->bytes < BATCH_BYTES) || batch_flush(filling, err);
}

/* A fresh one may have rows of migrations, which are among those that come. */
static bool rows_clear(struct filling *filling, struct err *err)
{
    for (size_t t = 0; t < filling->table_count; t++) {
        uint64_t rows;
        char sql[128];
        if (!transfer_db_count(filling->session, &filling->tables[t], &rows, err)) return false;
        snprintf(sql, sizeof sql, "DELETE FROM \"%s\"", filling->tables[t].name);
        if (rows > 0 && filling->is_fresh) {
            if (!db_run(filling->session, sql, DB_NO_VALUES, NULL, NULL, NULL, err)) return false;
        } else if (rows > 0)
            return err_set(err, ERR_EXISTS,
                           "table \"%s\" of the target has rows already: copy into an empty database, before a server "
                           "has used it",
                           filling->tables[t].name);
    }
    return true;
}

/* Rows come in any order: what refers to another is looked at when all are there. */
static bool references_later(struct filling *filling, struct err *err)
{
    if (filling->kind == DB_SQLITE) return db_script(filling->session, "PRAGMA defer_foreign_keys = ON", err);
    return db_script(
        filling->session,
        "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint"
        " WHERE contype = 'f' AND conparentid = 0 AND connamespace = to_regnamespace(current_schema()) LOOP"
        " EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED', c.t, c.conname);"
        " END LOOP; END $$",
        err);
}

/* Looked at now, and as they were; numbering goes on behind the highest. */
static bool references_now(struct filling *filling, struct err *err)
{
    if (filling->kind == DB_SQLITE) return true; /* by the commit */
    if (!db_script(filling->session,
                   "SET CONSTRAINTS ALL IMMEDIATE;"
                   " DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint"
                   " WHERE contype = 'f' AND conparentid = 0 AND connamespace = to_regnamespace(current_schema()) LOOP"
                   " EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE', c.t, c.conname);"
                   " END LOOP; END $$",
                   err))
        return false;
    for (size_t t = 0; t < filling->table_count; t++)
        for (size_t c = 0; c < filling->tables[t].column_count; c++) {
            const struct transfer_table *table = &filling->tables[t];
            char sql[512];
            if (!table->columns[c].is_identity) continue;
            snprintf(
                sql, sizeof sql,
                "SELECT setval(pg_get_serial_sequence('\"%s\"', '%s'), max(\"%s\")) FROM \"%s\" HAVING count(*) > 0",
                table->name, table->columns[c].name, table->columns[c].name, table->name);
            if (!db_run(filling->session, sql, DB_NO_VALUES, NULL, NULL, NULL, err)) return false;
        }
    return true;
}

static bool fill_run(struct db_session *session, void *ctx, struct err *err)
{
    struct filling *filling = ctx;
    filling->session = session;
    filling->table_count = filling->row_count = filling->bytes = 0;
    filling->tables = NULL;
    filling->values = mem_alloc(BATCH_ROWS * TRANSFER_COLUMNS_MAX * sizeof *filling->values);
    arena_init(&filling->arena, 0);
    struct transfer_sink sink = { fill_table, fill_row, filling };
    bool ok = transfer_db_tables(session, filling->kind, &filling->tables, &filling->table_count, err) &&
              references_later(filling, err) && rows_clear(filling, err) &&
              filling->feed->run(filling->feed->ctx, &sink, filling->counts, err) && batch_flush(filling, err) &&
              references_now(filling, err);
    arena_deinit(&filling->arena);
    free(filling->tables);
    free(filling->values);
    free(filling->sql);
    filling->sql = NULL;
    return ok;
}

bool transfer_db_fill(struct db *db, const struct transfer_schema *schema, const struct transfer_feed *feed,
                      struct transfer_counts *counts, struct err *err)
{
    struct db_migration *list = mem_alloc((db_migration_count + 1) * sizeof *list);
    size_t count = 0;
    for (size_t m = 0; m < db_migration_count; m++)
        if (schema->has[m]) list[count++] = db_migrations[m];
    struct filling filling = { .kind = db_kind(db), .feed = feed, .counts = counts };
    int64_t is_there;
    bool ok = db_read(db, db_migrations_exist_sql(filling.kind), DB_NO_VALUES, db_take_integer, &is_there, err);
    filling.is_fresh = ok && is_there == 0;
    ok = ok && db_migrate_list(db, list, count, err) && db_transaction_adding(db, fill_run, &filling, err) &&
         db_migrate(db, err);
    free(list);
    return ok;
}
