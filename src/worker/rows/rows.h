/* rows.h -- decoded OTLP to rows of schema.md: normalise, name, summarise, hash.
 *
 *   struct otlp_request --rows_build--> for each record: sink.columns(table, day) -> columns_put_*
 *
 * Rules: schema.md "How rows are made" and docs/rows.md. Pure in (request, project, received_unix_us): a replay makes
 * the same rows with the same ids.
 * Thread: one owner (caches inside: resource JSON, attribute key -> column memo, service handles).
 * Memory: scratch arena reset for each request. */
#pragma once
#include "base/uuid.h"
#include "timefusion/columns/columns.h"
#include "worker/otlp/otlp.h"

struct rows_sink {
    /* The columns that take a row of this table on this UTC day (days since 1970); called once per (table, day) change.
     * May return a fresh one when the last is full: a row is always begun on what the latest call gave. */
    struct columns *(*columns)(void *ctx, enum schema_table_id table, int32_t day);
    /* After each row: the sink may say that the columns are full by returning false; rows then asks columns() anew. */
    bool (*row_done)(void *ctx, struct columns *columns);
    void *ctx;
};
struct rows;
struct rows_options {
    uint32_t
        attribute_keys_max; /* distinct keys remembered for a project; above it new keys' values go under one key */
};
struct rows *rows_create(const struct rows_options *options);
void rows_destroy(struct rows *rows);
void rows_build(struct rows *rows, struct uuid project_id, const struct otlp_request *request,
                const struct rows_sink *sink);
