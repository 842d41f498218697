/* mono_distinct(sketch), how many different values sketches are of, and mono_sketches(sketch), one sketch of them: aggregates; mono_sketch(text) and
 * mono_sketch_of(hash), the sketch of one value (base/hyperloglog.h). Rows and roll-ups give the same. */
#include "base/hash.h"
#include "base/hyperloglog.h"
#include "timefusion/query/functions.h"
#include "timefusion/query/vector.h"

static idx_t state_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(struct hyperloglog);
}

static void state_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    *(struct hyperloglog *)state = (struct hyperloglog){ 0 };
}

static void state_destroy(duckdb_aggregate_state *states, idx_t count)
{
    for (idx_t i = 0; i < count; i++) hyperloglog_deinit((struct hyperloglog *)states[i]);
}

static void update(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states)
{
    struct column sketches = column_of(input, 0);
    idx_t count = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < count; row++) {
        if (!is_valid(&sketches, row)) continue;
        if (hyperloglog_join((struct hyperloglog *)states[row], text_at(&sketches, row))) continue;
        duckdb_aggregate_function_set_error(info, FUNCTIONS_SKETCH_DAMAGED);
        return;
    }
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *sources, duckdb_aggregate_state *targets,
                    idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++)
        hyperloglog_merge((struct hyperloglog *)targets[i], (const struct hyperloglog *)sources[i]);
}

static void counts_put(duckdb_function_info info, duckdb_aggregate_state *sources, duckdb_vector result, idx_t count,
                       idx_t offset)
{
    int64_t *counts = (int64_t *)duckdb_vector_get_data(result) + offset;
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        uint64_t values = hyperloglog_count((const struct hyperloglog *)sources[i]);
        counts[i] = values > INT64_MAX ? INT64_MAX : (int64_t)values;
    }
}

static void sketches_put(duckdb_function_info info, duckdb_aggregate_state *sources, duckdb_vector result, idx_t count,
                         idx_t offset)
{
    uint8_t bytes[HYPERLOGLOG_BYTES_MAX];
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        size_t len = hyperloglog_put((const struct hyperloglog *)sources[i], bytes);
        put_text(result, offset + i, bytes_from(bytes, len));
    }
}

static void one_of_text(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct column texts = column_of(input, 0);
    uint8_t bytes[HYPERLOGLOG_ONE_BYTES];
    (void)info;
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        if (!is_valid(&texts, row)) {
            put_null(output, row);
            continue;
        }
        hyperloglog_one_put(hash64_of(text_at(&texts, row)), bytes);
        put_text(output, row, bytes_from(bytes, sizeof bytes));
    }
}

static void one_of_hash(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct column hashes = column_of(input, 0);
    uint8_t bytes[HYPERLOGLOG_ONE_BYTES];
    (void)info;
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        if (!is_valid(&hashes, row)) {
            put_null(output, row);
            continue;
        }
        hyperloglog_one_put(hash64_mix(((const uint64_t *)hashes.data)[row] ^ 0x9E3779B97F4A7C15u, 0xA0761D6478BD642Fu),
                            bytes);
        put_text(output, row, bytes_from(bytes, sizeof bytes));
    }
}

const struct scalar_definition *distinct_scalars(uint32_t *count)
{
    static const struct scalar_definition definitions[] = { { "mono_sketch", "t", 'B', one_of_text },
                                                            { "mono_sketch_of", "u", 'B', one_of_hash } };
    *count = COUNT_OF(definitions);
    return definitions;
}

const struct aggregate_definition *distinct_aggregates(uint32_t *count)
{
    static const struct aggregate_definition definitions[] = {
        { "mono_distinct", "B", 'l', state_size, state_init, update, combine, counts_put, state_destroy },
        { "mono_sketches", "B", 'B', state_size, state_init, update, combine, sketches_put, state_destroy },
    };
    *count = COUNT_OF(definitions);
    return definitions;
}
