#include "timefusion/query/cursor_inside.h"
#include <stdlib.h>

#define WALK_ROWS_MAX     10000
#define WALK_FILES_FIRST  4
#define WALK_FILES_FACTOR 4
#define WALK_ROUNDS_MAX   3

void walk_drop(struct query_cursor *cursor)
{
    for (uint32_t i = cursor->walked_at; i < cursor->walked_count; i++) duckdb_destroy_data_chunk(&cursor->walked[i]);
    cursor->walked_count = cursor->walked_at = 0;
}

/* Files of one reference by time, whatever table they are of. */
struct step {
    struct timefusion_file *file;
    enum schema_table_id table;
};

static int newest_first(const void *a, const void *b)
{
    const struct timefusion_file *left = ((const struct step *)a)->file, *right = ((const struct step *)b)->file;
    if (left->timestamp_max_us != right->timestamp_max_us)
        return left->timestamp_max_us > right->timestamp_max_us ? -1 : 1;
    return (left->id < right->id) - (left->id > right->id);
}

static int oldest_first(const void *a, const void *b)
{
    const struct timefusion_file *left = ((const struct step *)a)->file, *right = ((const struct step *)b)->file;
    if (left->timestamp_min_us != right->timestamp_min_us)
        return left->timestamp_min_us < right->timestamp_min_us ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

static struct step *steps_make(struct query_cursor *cursor, const struct choice *choice, uint32_t *count)
{
    uint32_t total = 0;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) total += choice->files[id].count;
    struct step *steps = arena_alloc(&cursor->arena, (total + 1) * sizeof *steps);
    *count = 0;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++)
        for (uint32_t f = 0; f < choice->files[id].count; f++)
            steps[(*count)++] = (struct step){ choice->files[id].files[f], (enum schema_table_id)id };
    qsort(steps, total, sizeof *steps, cursor->plan->is_walk_descending ? newest_first : oldest_first);
    return steps;
}

/* Asks the first files as if they were all there are; the rows wait in cursor->walked. */
static bool walk_batch(struct query_cursor *cursor, const struct choice *choice, const struct step *steps,
                       uint32_t count, int64_t *rows, int64_t *last, struct err *err)
{
    struct choice batch = *choice;
    for (uint32_t id = 0; id < SCHEMA_TABLE_COUNT; id++) {
        batch.files[id].files = arena_alloc(&cursor->arena, (count + 1) * sizeof(struct timefusion_file *));
        batch.files[id].count = 0;
    }
    for (uint32_t s = 0; s < count; s++) {
        struct pruned *files = &batch.files[steps[s].table];
        files->files[files->count++] = steps[s].file;
    }
    const char *tables[1] = { choice_sql(cursor, 0, &batch, err) };
    if (!tables[0]) return false;
    cursor->render.tables = tables;
    bool ok = cursor_run(cursor, cursor->plan->walk_sql, "", err);
    cursor->render.tables = NULL;
    *rows = *last = 0;
    for (duckdb_data_chunk chunk; ok;) {
        ok = cursor_chunk(cursor, &chunk, err);
        if (!ok || !chunk) break;
        idx_t size = duckdb_data_chunk_get_size(chunk);
        duckdb_vector times = duckdb_data_chunk_get_vector(chunk, cursor->plan->column_count);
        *rows += (int64_t)size;
        *last = ((int64_t *)duckdb_vector_get_data(times))[size - 1];
        cursor->walked = mem_realloc(cursor->walked, (cursor->walked_count + 1) * sizeof *cursor->walked);
        cursor->walked[cursor->walked_count++] = chunk;
    }
    cursor_result_drop(cursor);
    return ok;
}

/* Trace ids of the rows that wait, in order, each once; and the least and greatest of their times. */
static uint32_t walked_traces(struct query_cursor *cursor, struct bytes **traces, int64_t *from_us, int64_t *to_us)
{
    uint32_t total = 0, count = 0, at = cursor->plan->column_count;
    for (uint32_t i = 0; i < cursor->walked_count; i++)
        total += (uint32_t)duckdb_data_chunk_get_size(cursor->walked[i]);
    *traces = arena_alloc(&cursor->arena, (total + 1) * sizeof **traces);
    *from_us = INT64_MAX;
    *to_us = INT64_MIN;
    for (uint32_t i = 0; i < cursor->walked_count; i++) {
        duckdb_data_chunk chunk = cursor->walked[i];
        int64_t *times = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, at));
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, at + 1);
        duckdb_string_t *texts = duckdb_vector_get_data(vector);
        uint64_t *validity = duckdb_vector_get_validity(vector);
        for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
            if (times[row] < *from_us) *from_us = times[row];
            if (times[row] > *to_us) *to_us = times[row];
            if (validity && !(validity[row / 64] >> (row % 64) & 1)) continue;
            struct bytes text = bytes_from(duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row]));
            if ((count > 0 && bytes_equal((*traces)[count - 1], text)) || !identity_can_name(text)) continue;
            (*traces)[count++] = arena_copy(&cursor->arena, text);
        }
    }
    return identity_traces_sort(*traces, count);
}

static bool traces_are_within(const struct bytes *traces, uint32_t count, const struct identity *identity)
{
    for (uint32_t i = 0, k = 0; i < count; i++) {
        while (k < identity->trace_count && bytes_compare(identity->traces[k], traces[i]) < 0) k++;
        if (k == identity->trace_count || !bytes_equal(identity->traces[k], traces[i])) return false;
    }
    return true;
}

/* The rows of a walk are known by now, without the values of their traces. Asks the same files once more, from the last row
 * on, with the values of those traces at hand. Rows of one microsecond may come in another order then, and
 * bring other traces at the end of the walk: hence the rounds. */
static bool walk_identify(struct query_cursor *cursor, const struct choice *choice, const struct step *steps,
                          uint32_t count, int64_t last, struct prune_warning **warnings, struct err *err)
{
    struct choice round = *choice;
    int64_t from_us, to_us, rows, at;
    struct bytes *traces;
    uint32_t trace_count = walked_traces(cursor, &traces, &from_us, &to_us);
    for (int tries = 0; trace_count > 0; tries++) {
        bool is_last = tries == WALK_ROUNDS_MAX; /* all traces, then */
        round.identity = choice->identity;
        round.identity.from_us = from_us - IDENTITY_MARGIN_US;
        round.identity.to_us = to_us + IDENTITY_MARGIN_US;
        if (!is_last && !choice_identify(cursor, &round.identity, traces, trace_count, warnings, err)) return false;
        if (round.identity.present == 0 && tries == 0) return true; /* nobody's: the rows are right as they are */
        *(cursor->plan->is_walk_descending ? &round.from_us : &round.to_us) = last;
        walk_drop(cursor);
        if (!walk_batch(cursor, &round, steps, count, &rows, &at, err)) return false;
        struct bytes *again;
        uint32_t again_count = walked_traces(cursor, &again, &from_us, &to_us);
        if (is_last || traces_are_within(again, again_count, &round.identity)) return true;
        traces = again;
        trace_count = again_count;
    }
    return true;
}

/* ORDER BY timestamp LIMIT n over one reference: the newest files first, in growing batches, until the last row that is
 * wanted is newer than whatever the other files hold. */
bool walk_run(struct query_cursor *cursor, const struct choice *choice, bool *is_walked,
              struct prune_warning **warnings, struct err *err)
{
    struct choice plain = *choice; /* as the rows were sent: who they are of is asked when they are few */
    bool is_plain = cursor->plan->walk_has_trace && choice->identity.present && !choice->identity.has_traces;
    int64_t limit = cursor->bounds.walk_limit, offset = cursor->bounds.walk_offset, rows, last;
    uint32_t total, count = 0;
    *is_walked = false;
    if (limit <= 0 || offset < 0 || limit > WALK_ROWS_MAX || offset > WALK_ROWS_MAX) return true;
    const struct step *steps = steps_make(cursor, choice, &total);
    for (uint64_t held = 0; count < total && (count < WALK_FILES_FIRST || held < (uint64_t)(limit + offset)); count++)
        held += steps[count].file->row_count;
    if (count == total && !is_plain) return true;
    if (is_plain) plain.identity.present = 0;
    for (;; count = count > total / WALK_FILES_FACTOR ? total : count * WALK_FILES_FACTOR) {
        if (!walk_batch(cursor, &plain, steps, count, &rows, &last, err)) return false;
        bool is_enough = count == total;
        if (!is_enough && rows == limit) {
            const struct timefusion_file *next = steps[count].file;
            is_enough =
                cursor->plan->is_walk_descending ? last > next->timestamp_max_us : last < next->timestamp_min_us;
        }
        if (is_enough) {
            if (is_plain && !walk_identify(cursor, choice, steps, count, last, warnings, err)) return false;
            cursor->files_opened = count;
            *is_walked = cursor->is_walked = true;
            return true;
        }
        walk_drop(cursor);
    }
}
