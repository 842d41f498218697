/* mono_percentiles(value, weight, fractions), an aggregate, mono_step(value) and mono_log_step(value): percentiles of whole numbers by steps (steps.h), the
 * same whether rows come one by one or counted by their steps before. */
#include "timefusion/query/functions.h"
#include "timefusion/query/steps.h"
#include <math.h>
#include <stdlib.h>

#define FRACTIONS_MAX 16
#define FEW_MAX       24 /* steps that are kept as a list */

/* Of a group: rows by step, a few as a list, more as an array from the lowest step to the highest. */
struct counted {
    double fractions[FRACTIONS_MAX];
    uint32_t fraction_count, few_count;
    struct {
        uint32_t step;
        uint64_t rows;
    } few[FEW_MAX];
    uint64_t *rows; /* NULL: they are few */
    uint32_t low, len;
    uint64_t total;
};

/* DuckDB's place for a state. */
struct state {
    struct counted *counted;
};

static void array_hold(struct counted *counted, uint32_t step)
{
    uint32_t low = counted->low, end = counted->low + counted->len;
    if (counted->rows && step >= low && step < end) return;
    if (!counted->rows) low = step, end = step + 1;
    uint32_t more = counted->len < 32 ? 16 : counted->len / 2;
    if (step < low) low = step > more ? step - more : 0;
    if (step >= end) end = step + 1 + more;
    uint64_t *rows = mem_calloc(end - low, sizeof *rows);
    if (counted->rows) memcpy(rows + (counted->low - low), counted->rows, counted->len * sizeof *rows);
    free(counted->rows);
    counted->rows = rows;
    counted->low = low;
    counted->len = end - low;
}

/* The array begins with what was few. */
static void few_spread(struct counted *counted)
{
    for (uint32_t f = 0; f < counted->few_count; f++) {
        array_hold(counted, counted->few[f].step);
        counted->rows[counted->few[f].step - counted->low] += counted->few[f].rows;
    }
    counted->few_count = 0;
}

static void rows_add(struct counted *counted, uint32_t step, uint64_t rows)
{
    counted->total += rows;
    for (uint32_t i = 0; !counted->rows && i < counted->few_count; i++)
        if (counted->few[i].step == step) {
            counted->few[i].rows += rows;
            return;
        }
    if (!counted->rows && counted->few_count < FEW_MAX) {
        counted->few[counted->few_count].step = step;
        counted->few[counted->few_count++].rows = rows;
        return;
    }
    few_spread(counted);
    array_hold(counted, step);
    counted->rows[step - counted->low] += rows;
}

static struct counted *counted_of(struct state *state)
{
    if (!state->counted) state->counted = mem_calloc(1, sizeof *state->counted);
    return state->counted;
}

static idx_t state_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(struct state);
}

static void state_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    ((struct state *)state)->counted = NULL;
}

static void state_destroy(duckdb_aggregate_state *states, idx_t count)
{
    for (idx_t i = 0; i < count; i++) {
        struct state *state = (struct state *)states[i];
        if (state->counted) free(state->counted->rows);
        free(state->counted);
        state->counted = NULL;
    }
}

static void update(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states)
{
    duckdb_vector values = duckdb_data_chunk_get_vector(input, 0), weights = duckdb_data_chunk_get_vector(input, 1),
                  lists = duckdb_data_chunk_get_vector(input, 2), child = duckdb_list_vector_get_child(lists);
    const int64_t *value = duckdb_vector_get_data(values), *weight = duckdb_vector_get_data(weights);
    const uint64_t *valid = duckdb_vector_get_validity(values);
    const duckdb_list_entry *list = duckdb_vector_get_data(lists);
    const double *fractions = duckdb_vector_get_data(child);
    idx_t count = duckdb_data_chunk_get_size(input);
    (void)info;
    for (idx_t row = 0; row < count; row++) {
        if (valid && !duckdb_validity_row_is_valid((uint64_t *)(uintptr_t)valid, row)) continue;
        struct counted *counted = counted_of((struct state *)states[row]);
        if (counted->fraction_count == 0) {
            counted->fraction_count = list[row].length < FRACTIONS_MAX ? (uint32_t)list[row].length : FRACTIONS_MAX;
            memcpy(counted->fractions, fractions + list[row].offset, counted->fraction_count * sizeof *fractions);
        }
        if (weight[row] > 0) rows_add(counted, step_of(value[row]), (uint64_t)weight[row]);
    }
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *sources, duckdb_aggregate_state *targets,
                    idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        const struct counted *from = ((struct state *)sources[i])->counted;
        if (!from) continue;
        struct counted *to = counted_of((struct state *)targets[i]);
        if (to->fraction_count == 0) {
            to->fraction_count = from->fraction_count;
            memcpy(to->fractions, from->fractions, sizeof to->fractions);
        }
        for (uint32_t f = 0; f < from->few_count; f++) rows_add(to, from->few[f].step, from->few[f].rows);
        if (!from->rows) continue;
        few_spread(to);
        array_hold(to, from->low);
        array_hold(to, from->low + from->len - 1);
        for (uint32_t s = 0; s < from->len; s++) to->rows[from->low + s - to->low] += from->rows[s];
        to->total += from->total;
    }
}

/* The value of the row of that rank, from 0 on. */
static double ranked(const struct counted *counted, uint64_t rank)
{
    for (uint32_t s = 0; s < counted->len; s++) {
        if (rank < counted->rows[s]) return (double)step_value(counted->low + s);
        rank -= counted->rows[s];
    }
    return 0;
}

static void finalize(duckdb_function_info info, duckdb_aggregate_state *sources, duckdb_vector result, idx_t count,
                     idx_t offset)
{
    duckdb_vector child = duckdb_list_vector_get_child(result);
    idx_t used = duckdb_list_vector_get_size(result);
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        struct counted *counted = ((struct state *)sources[i])->counted;
        duckdb_list_entry *entry = (duckdb_list_entry *)duckdb_vector_get_data(result) + offset + i;
        if (!counted || counted->total == 0) {
            duckdb_vector_ensure_validity_writable(result);
            duckdb_validity_set_row_invalid(duckdb_vector_get_validity(result), offset + i);
            *entry = (duckdb_list_entry){ used, 0 };
            continue;
        }
        few_spread(counted);
        duckdb_list_vector_reserve(result, used + counted->fraction_count);
        double *values = duckdb_vector_get_data(child);
        entry = (duckdb_list_entry *)duckdb_vector_get_data(result) + offset + i;
        *entry = (duckdb_list_entry){ used, counted->fraction_count };
        for (uint32_t f = 0; f < counted->fraction_count; f++) {
            double at = fmin(fmax(counted->fractions[f], 0), 1) * (double)(counted->total - 1);
            double low = ranked(counted, (uint64_t)at), high = ranked(counted, (uint64_t)ceil(at));
            values[used++] = low + (high - low) * (at - floor(at));
        }
        duckdb_list_vector_set_size(result, used);
    }
}

static void each_put(duckdb_data_chunk input, duckdb_vector output, int64_t (*of)(int64_t value))
{
    duckdb_vector values = duckdb_data_chunk_get_vector(input, 0);
    const int64_t *value = duckdb_vector_get_data(values);
    uint64_t *valid = duckdb_vector_get_validity(values);
    int64_t *out = duckdb_vector_get_data(output);
    idx_t count = duckdb_data_chunk_get_size(input);
    if (valid) duckdb_vector_ensure_validity_writable(output);
    for (idx_t row = 0; row < count; row++) {
        if (valid && !duckdb_validity_row_is_valid(valid, row))
            duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), row);
        else
            out[row] = of(value[row]);
    }
}

static int64_t middle(int64_t value)
{
    return step_value(step_of(value));
}

static void steps(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    each_put(input, output, middle);
}

static void coarse_steps(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    each_put(input, output, step_coarse);
}

const struct scalar_definition *percentile_scalars(uint32_t *count)
{
    static const struct scalar_definition definitions[] = { { "mono_step", "l", 'l', steps },
                                                            { "mono_log_step", "l", 'l', coarse_steps } };
    *count = COUNT_OF(definitions);
    return definitions;
}

const struct aggregate_definition *percentile_aggregates(uint32_t *count)
{
    static const struct aggregate_definition definitions[] = {
        { "mono_percentiles", "llD", 'D', state_size, state_init, update, combine, finalize, state_destroy },
    };
    *count = COUNT_OF(definitions);
    return definitions;
}
