/* file_builder.h -- rows as struct columns become files of one project and day in the store, ready for a commit.
 *
 *   file_builder_add(columns) -> a row group in tmp -> 64 of them, or enough bytes: one file, stored -> struct delta_add
 *
 * Used by maintenance and by whoever rewrites files (deletes). The files are in the store and not in the table: after a
 * commit, or when it is not known whether there was one, file_builder_close with keep_files; else they are deleted.
 * Thread: one owner. Memory: one row group's encoding, footers. Errors: ERR_IO; nothing to undo but to close. */
#pragma once
#include "timefusion/columns/columns.h"
#include "timefusion/delta/delta.h"
#include "timefusion/timefusion.h"

struct file_builder;
struct file_builder_options {
    struct timefusion *timefusion;
    const struct schema_table *table;
    struct uuid project_id;
    int32_t day;
    /* Named "cold-<id>.parquet" for "part-<id>.parquet", at a higher level of zstd: such files are not recoded again. */
    bool is_cold; /* see file_builder_path */
};
struct file_builder *file_builder_create(const struct file_builder_options *options);
/* The rows become one row group, sorted by (service, timestamp); borrowed for the call. */
MUST_CHECK bool file_builder_add(struct file_builder *builder, struct columns *columns, struct err *err);
/* Stores what is left. *adds are the builder's, until it is closed. */
MUST_CHECK bool file_builder_finish(struct file_builder *builder, const struct delta_add **adds, uint32_t *add_count,
                                    struct err *err);
uint64_t file_builder_row_count(const struct file_builder *builder);
void file_builder_close(struct file_builder *builder, bool keep_files); /* NULL is fine */

/* A file's name says whether it was recoded, for that outlives everything and other readers do not look at it:
 * "project_id=.../date=.../part-<id>.parquet" or ".../cold-<id>.parquet". */
void file_builder_path(struct uuid project_id, int32_t day, struct uuid file_id, bool is_cold, char path[160]);
bool file_builder_is_cold(const char *path);
