#include "timefusion/query/identity_map.h"
#include "base/arena.h"
#include "base/hash.h"
#include <pthread.h>
#include <stdlib.h>

struct value {
    struct bytes text; /* ptr NULL: none */
    int64_t from_us, to_us;
};
struct entry { /* ptr NULL: free */
    struct bytes trace;
    struct value *values; /* by field */
};
struct identity_map {
    uint64_t number;
    struct identity_map *next; /* of maps */
    struct arena arena;
    struct entry *entries; /* open addressing, at most half full */
    uint32_t cap, count, count_max, field_count;
    size_t bytes;
};
struct identity_maps {
    pthread_mutex_t lock;
    struct identity_map *first;
    uint64_t last_number;
};

struct identity_map *identity_map_create(uint32_t trace_count_max, uint32_t field_count)
{
    struct identity_map *map = mem_calloc(1, sizeof *map);
    map->cap = 16;
    while (map->cap < 2 * (uint64_t)trace_count_max) map->cap *= 2;
    map->count_max = trace_count_max;
    map->field_count = field_count;
    map->entries = mem_calloc(map->cap, sizeof *map->entries);
    arena_init(&map->arena, 16 * 1024);
    return map;
}

void identity_map_destroy(struct identity_map *map)
{
    if (!map) return;
    arena_deinit(&map->arena);
    free(map->entries);
    free(map);
}

/* Where the trace is, or would be. */
static struct entry *entry_at(const struct identity_map *map, struct bytes trace)
{
    uint32_t at = (uint32_t)hash64_of(trace) & (map->cap - 1);
    while (map->entries[at].trace.ptr && !bytes_equal(map->entries[at].trace, trace)) at = (at + 1) & (map->cap - 1);
    return &map->entries[at];
}

/* NULL: over the limit. */
static uint8_t *copy_of(struct identity_map *map, struct bytes bytes)
{
    if (bytes.len > IDENTITY_MAP_BYTES_MAX - map->bytes) return NULL;
    uint8_t *copy = arena_alloc(&map->arena, bytes.len + 1);
    if (bytes.len > 0) memcpy(copy, bytes.ptr, bytes.len);
    map->bytes += bytes.len;
    return copy;
}

bool identity_map_put(struct identity_map *map, struct bytes trace, uint32_t field, struct bytes value, int64_t from_us,
                      int64_t to_us)
{
    struct entry *entry = entry_at(map, trace);
    assert(field < map->field_count);
    if (!entry->trace.ptr) {
        const uint8_t *copy = map->count < map->count_max ? copy_of(map, trace) : NULL;
        if (!copy) return false;
        entry->trace = bytes_from(copy, trace.len);
        entry->values = arena_calloc(&map->arena, map->field_count * sizeof *entry->values);
        map->count++;
    }
    const uint8_t *copy = copy_of(map, value);
    if (copy) entry->values[field] = (struct value){ bytes_from(copy, value.len), from_us, to_us };
    return copy != NULL;
}

struct bytes identity_map_get(const struct identity_map *map, struct bytes trace, int64_t time_us, uint32_t field)
{
    const struct entry *entry = entry_at(map, trace);
    if (!entry->trace.ptr || field >= map->field_count) return (struct bytes){ 0 };
    const struct value *value = &entry->values[field];
    return time_us < value->from_us || time_us > value->to_us ? (struct bytes){ 0 } : value->text;
}

uint32_t identity_map_count(const struct identity_map *map)
{
    return map->count;
}

struct identity_maps *identity_maps_create(void)
{
    struct identity_maps *maps = mem_calloc(1, sizeof *maps);
    pthread_mutex_init(&maps->lock, NULL);
    return maps;
}

void identity_maps_destroy(struct identity_maps *maps)
{
    if (!maps) return;
    assert(!maps->first);
    pthread_mutex_destroy(&maps->lock);
    free(maps);
}

uint64_t identity_maps_add(struct identity_maps *maps, struct identity_map *map)
{
    pthread_mutex_lock(&maps->lock);
    map->number = ++maps->last_number;
    map->next = maps->first;
    maps->first = map;
    uint64_t number = map->number;
    pthread_mutex_unlock(&maps->lock);
    return number;
}

void identity_maps_drop(struct identity_maps *maps, uint64_t number)
{
    pthread_mutex_lock(&maps->lock);
    struct identity_map **at = &maps->first;
    while (*at && (*at)->number != number) at = &(*at)->next;
    struct identity_map *map = *at;
    if (map) *at = map->next;
    pthread_mutex_unlock(&maps->lock);
    identity_map_destroy(map);
}

/* The map stays while the statement runs: its owner drops it after. */
static const struct identity_map *map_find(struct identity_maps *maps, uint64_t number)
{
    pthread_mutex_lock(&maps->lock);
    const struct identity_map *map = maps->first;
    while (map && map->number != number) map = map->next;
    pthread_mutex_unlock(&maps->lock);
    return map;
}

/* As duckdb_string_t_data, without a call for each row. */
static struct bytes text_at(const duckdb_string_t *text)
{
    bool is_inlined = text->value.inlined.length <= sizeof text->value.inlined.inlined;
    return bytes_from(is_inlined ? text->value.inlined.inlined : text->value.pointer.ptr, text->value.inlined.length);
}

static bool is_set(const uint64_t *validity, idx_t row)
{
    return !validity || (validity[row / 64] >> (row % 64) & 1);
}

/* DuckDB gives flat vectors; map and field are the same in every row, for we wrote them. Nearly all rows have no value. */
static void trace_value(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    idx_t rows = duckdb_data_chunk_get_size(input);
    duckdb_vector traces = duckdb_data_chunk_get_vector(input, 1);
    const duckdb_string_t *texts = duckdb_vector_get_data(traces);
    const uint64_t *validity = duckdb_vector_get_validity(traces);
    if (rows == 0) return;
    int64_t number = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    const int64_t *times = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 2)); /* never NULL */
    int64_t field = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 3));
    const struct identity_map *map = map_find(duckdb_scalar_function_get_extra_info(info), (uint64_t)number);
    duckdb_vector_ensure_validity_writable(output);
    uint64_t *shown = duckdb_vector_get_validity(output);
    memset(shown, 0, (rows + 63) / 64 * sizeof *shown);
    for (idx_t row = 0; map && row < rows; row++) {
        if (!is_set(validity, row)) continue;
        struct bytes value = identity_map_get(map, text_at(&texts[row]), times[row], (uint32_t)field);
        if (!value.ptr) continue;
        shown[row / 64] |= (uint64_t)1 << (row % 64);
        duckdb_unsafe_vector_assign_string_element_len(output, row, (const char *)value.ptr, value.len);
    }
}

bool identity_maps_register(struct identity_maps *maps, duckdb_connection connection, struct err *err)
{
    static const duckdb_type arguments[] = { DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_TIMESTAMP_TZ,
                                             DUCKDB_TYPE_BIGINT };
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, "mono_trace_value");
    for (size_t i = 0; i < COUNT_OF(arguments); i++) {
        duckdb_logical_type type = duckdb_create_logical_type(arguments[i]);
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_scalar_function_set_return_type(function, text);
    duckdb_destroy_logical_type(&text);
    duckdb_scalar_function_set_special_handling(function); /* NULLs are ours to handle */
    duckdb_scalar_function_set_extra_info(function, maps, NULL);
    duckdb_scalar_function_set_function(function, trace_value);
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_scalar_function(&function);
    return state == DuckDBSuccess ||
           err_set(err, ERR_INTERNAL, "DuckDB does not take the function \"mono_trace_value\"");
}
