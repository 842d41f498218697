/* transfer_inside.h -- what the files of transfer.h share: transfer.c (which from where to where), transfer_db.c (a database's
 * tables, as source and as target), transfer_file.c (the file, likewise). Thread: one. */
#pragma once
#include "base/sha256.h"
#include "meta/db.h"
#include "meta/db_migrate.h"
#include "meta/transfer.h"
#include <stdio.h>

enum {
    TRANSFER_COLUMNS_MAX = 64,
    TRANSFER_TABLES_MAX = 1000,
    TRANSFER_NAME_BYTES = 64,
    TRANSFER_LINE_BYTES_MAX = 64 << 20
};

struct transfer_table {
    char name[TRANSFER_NAME_BYTES];
    size_t column_count;
    struct transfer_column {
        char name[TRANSFER_NAME_BYTES];
        enum db_type type;
        bool is_identity; /* numbered by PostgreSQL: it must be told where to go on */
    } columns[TRANSFER_COLUMNS_MAX];
};
/* Which of the program's migrations a source has been through, by place in db_migrations. */
struct transfer_schema {
    bool has[TRANSFER_TABLES_MAX];
};
struct transfer_sink {
    bool (*table)(void *ctx, const struct transfer_table *table, struct err *err); /* the rows that follow are its */
    bool (*row)(void *ctx, const struct db_value *values, struct err *err);        /* one a column */
    void *ctx;
};
const char *transfer_type_name(enum db_type type);
/* ERR_UNSUPPORTED: this program does not have it. */
MUST_CHECK bool transfer_schema_add(struct transfer_schema *schema, int64_t number, struct bytes checksum,
                                    enum db_kind kind, struct err *err);

/* -- a database: inside a session of it ------------------------------------------------------------------------- */
MUST_CHECK bool transfer_db_schema(struct db_session *session, enum db_kind kind, struct transfer_schema *schema,
                                   bool *is_empty, struct err *err);
/* *tables: by malloc, the caller's. Without `migrations`. */
MUST_CHECK bool transfer_db_tables(struct db_session *session, enum db_kind kind, struct transfer_table **tables,
                                   size_t *count, struct err *err);
MUST_CHECK bool transfer_db_rows(struct db_session *session, enum db_kind kind, const struct transfer_sink *sink,
                                 struct transfer_counts *counts, struct err *err);
MUST_CHECK bool transfer_db_count(struct db_session *session, const struct transfer_table *table, uint64_t *rows,
                                  struct err *err);
/* Puts what feed gives into the database. */
struct transfer_feed {
    bool (*run)(void *ctx, const struct transfer_sink *sink, struct transfer_counts *counts, struct err *err);
    void *ctx;
};
MUST_CHECK bool transfer_db_fill(struct db *db, const struct transfer_schema *schema, const struct transfer_feed *feed,
                                 struct transfer_counts *counts, struct err *err);

/* -- a file ----------------------------------------------------------------------------------------------------- */
struct transfer_writer {
    FILE *file;
    struct sha256 sha256;
    struct transfer_table table;
    struct buf line;
};
MUST_CHECK bool transfer_write_begin(struct transfer_writer *writer, FILE *file, const struct transfer_schema *schema,
                                     struct err *err);
struct transfer_sink transfer_write_sink(struct transfer_writer *writer);
MUST_CHECK bool transfer_write_end(struct transfer_writer *writer, uint64_t rows, struct err *err);
void transfer_write_deinit(struct transfer_writer *writer);

/* Lines, one after the other. */
struct transfer_reader {
    uint64_t lines, rows;
    uint32_t tables;
    bool has_schema, has_ended;
    struct transfer_schema schema;
    struct transfer_table table;
    const struct transfer_sink *sink; /* NULL: looked at only */
    struct sha256 sha256;
};
void transfer_read_init(struct transfer_reader *reader, const struct transfer_sink *sink);
MUST_CHECK bool transfer_read_line(struct transfer_reader *reader, struct bytes line, struct err *err);
/* All lines of the file from its beginning, to the last. */
MUST_CHECK bool transfer_read_file(struct transfer_reader *reader, FILE *file, struct err *err);
