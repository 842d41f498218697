#include "timefusion/delta/delta.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/translate.h"
#include <inttypes.h>
#include <stdlib.h>

#define STATS_BYTES_MAX (4u << 20)

/* What the process counts, as a table: rows are lines of component|key|value|unit|description in mark C. */
bool stats_relation(struct translate *ctx, const char *schema, const char *name, const char **sql,
                    struct output **columns, uint32_t *column_count)
{
    static const struct output own[] = { { .name = "component", .type = QUERY_TYPE_TEXT },
                                         { .name = "key", .type = QUERY_TYPE_TEXT },
                                         { .name = "value", .type = QUERY_TYPE_FLOAT8 },
                                         { .name = "unit", .type = QUERY_TYPE_TEXT },
                                         { .name = "description", .type = QUERY_TYPE_TEXT } };
    if (strcmp(name, "timefusion_stats") != 0 || (schema && strcmp(schema, "public") != 0)) return false;
    ctx->plan->reads_stats = true;
    *columns = arena_alloc(ctx->arena, sizeof own);
    memcpy(*columns, own, sizeof own);
    *column_count = COUNT_OF(own);
    *sql = arena_printf(ctx->arena,
                        "(SELECT v[1] AS c1, v[2] AS c2, TRY_CAST(v[3] AS DOUBLE) AS c3, v[4] AS c4, v[5] AS c5 FROM "
                        "(SELECT string_split(unnest(string_split(%s, chr(10))), '|') AS v) WHERE v[1] <> '')",
                        mark(ctx, 'C', 0));
    return true;
}

static bool line_put(struct buf *lines, const char *table, const char *key, uint64_t value, const char *unit,
                     const char *description)
{
    return buf_printf(lines, "table|%s.%s|%" PRIu64 "|%s|%s\n", table, key, value, unit, description);
}

/* What the session's project has in the tables. */
static bool tables_put(struct query_cursor *cursor, struct buf *lines)
{
    bool ok = true;
    for (uint32_t t = 0; ok && t < SCHEMA_TABLE_COUNT; t++) {
        struct delta_table *table = timefusion_delta(cursor->session->engine->options.timefusion, t);
        struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
        const char *name = schema_table(t)->name;
        uint32_t first, count;
        uint64_t bytes = 0, rows = 0;
        delta_snapshot_project(snapshot, cursor->session->project_id, &first, &count);
        for (uint32_t f = first; f < first + count; f++) {
            const struct delta_file *file = delta_snapshot_file(snapshot, f);
            bytes += file->bytes;
            if (file->row_count != DELTA_ROWS_UNKNOWN) rows += file->row_count;
        }
        ok = line_put(lines, name, "version", snapshot->version, "{commit}", "newest version") &&
             line_put(lines, name, "files", count, "{file}", "live files of this project") &&
             line_put(lines, name, "bytes", bytes, "By", "of these files") &&
             line_put(lines, name, "rows", rows, "{row}", "in these files; newer rows are not in them yet");
        delta_snapshot_release(snapshot);
    }
    return ok;
}

bool stats_take(struct query_cursor *cursor, struct err *err)
{
    const struct query_hooks *hooks = &cursor->session->engine->options.hooks;
    struct buf lines;
    buf_init(&lines, STATS_BYTES_MAX);
    bool ok = tables_put(cursor, &lines);
    if (ok && cursor->session->is_operator && hooks->stats) ok = hooks->stats(hooks->ctx, &lines);
    if (ok) {
        uint8_t *text = arena_alloc(&cursor->arena, lines.len + 1);
        memcpy(text, lines.ptr, lines.len);
        cursor->render.stats = bytes_from(text, lines.len);
    }
    buf_deinit(&lines);
    return ok || err_set(err, ERR_TOO_LARGE, "there are too many counts to show");
}
