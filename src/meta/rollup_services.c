/* Services with their totals and over time: rows are added up here, in one pass, for the database would join and sort each of them.
 *
 *   series: id -> service, kind      sums, buckets: (at, id, ...) --> totals; (service, step, bucket) -> count --> quantiles */
#include <math.h>
#include <stdlib.h>

#include "meta/db_rows.h"
#include "meta/rollup_inside.h"

enum { CELLS_FIRST = 1 << 14, BUCKETS = DDSKETCH_BUCKET_MAX - DDSKETCH_BUCKET_MIN + 1 };

struct series {
    int64_t id;
    uint32_t service; /* of services */
    enum { SERIES_REQUEST, SERIES_SPAN, SERIES_LOG, SERIES_METRIC } what;
};
struct cell {
    uint64_t key;  /* service, step, bucket */
    int64_t count; /* 0: the cell is free */
};
struct services_read {
    struct arena *arena;
    struct db_rows series, services;
    uint32_t *by_id; /* place in series + 1, by a hash of the id */
    uint32_t by_id_mask;
    int64_t first_us, step_us;
    uint32_t steps; /* 1 when none are asked for */
    struct cell *cells;
    uint32_t cell_count, cell_mask;
};

uint32_t rollup_steps(const struct rollup_range *range, int64_t step_us)
{
    int64_t first = range->from_unix_us - range->from_unix_us % step_us;
    return (uint32_t)((range->to_unix_us - first + step_us - 1) / step_us);
}

static uint64_t mixed(uint64_t key)
{
    key *= UINT64_C(0x9E3779B97F4A7C15);
    return key ^ key >> 29;
}

/* ---- series ---- */

static bool series_row(void *ctx, struct db_row *row, struct err *err)
{
    struct services_read *read = ctx;
    struct bytes kind = db_row_text(row, 1), name = db_row_text(row, 2);
    struct rollup_service *services = read->services.items;
    struct rollup_service *service = read->services.count > 0 ? &services[read->services.count - 1] : NULL;
    int64_t first = db_row_integer(row, 3), last = db_row_integer(row, 4);
    (void)err;
    if (service == NULL || !bytes_equal(service->item.keys[0], name)) {
        service = db_rows_add(&read->services, sizeof *service);
        struct bytes nothing = { (const uint8_t *)"", 0 };
        struct rollup_item *item = &service->item;
        for (uint32_t k = 0; k < ROLLUP_KEYS; k++) item->keys[k] = nothing;
        item->keys[0] = db_text_keep(read->arena, row, 2);
        item->kind = item->method = item->source_kind = item->target_kind = nothing;
        item->first_unix_us = first;
        item->last_unix_us = last;
        item->figures.p50_ns = item->figures.p95_ns = item->figures.p99_ns = NAN;
    }
    if (first < service->item.first_unix_us) service->item.first_unix_us = first;
    if (last > service->item.last_unix_us) service->item.last_unix_us = last;
    struct series *series = db_rows_add(&read->series, sizeof *series);
    series->id = db_row_integer(row, 0);
    series->service = read->services.count - 1;
    series->what = bytes_equal(kind, BYTES("server")) || bytes_equal(kind, BYTES("consumer")) ? SERIES_REQUEST
                   : bytes_equal(kind, BYTES("log"))                                          ? SERIES_LOG
                   : bytes_equal(kind, BYTES("metric"))                                       ? SERIES_METRIC
                                                                                              : SERIES_SPAN;
    return true;
}

static void series_index(struct services_read *read)
{
    const struct series *series = read->series.items;
    uint32_t size = 64;
    while (size < 2 * read->series.count) size *= 2;
    read->by_id = arena_calloc(read->arena, size * sizeof *read->by_id);
    read->by_id_mask = size - 1;
    for (uint32_t s = 0; s < read->series.count; s++) {
        uint32_t at = (uint32_t)mixed((uint64_t)series[s].id) & read->by_id_mask;
        while (read->by_id[at] != 0) at = (at + 1) & read->by_id_mask;
        read->by_id[at] = s + 1;
    }
}

/* NULL: of an edge, or of another service than the one that is asked for. */
static const struct series *series_find(const struct services_read *read, int64_t id)
{
    const struct series *series = read->series.items;
    uint32_t at = (uint32_t)mixed((uint64_t)id) & read->by_id_mask;
    while (read->by_id[at] != 0 && series[read->by_id[at] - 1].id != id) at = (at + 1) & read->by_id_mask;
    return read->by_id[at] != 0 ? &series[read->by_id[at] - 1] : NULL;
}

static uint32_t step_of(const struct services_read *read, int64_t at_us)
{
    if (read->step_us == 0 || at_us < read->first_us) return 0;
    int64_t step = (at_us - read->first_us) / read->step_us;
    return step < read->steps ? (uint32_t)step : read->steps - 1;
}

/* ---- sums ---- */

static bool sums_row(void *ctx, struct db_row *row, struct err *err)
{
    struct services_read *read = ctx;
    const struct series *series = series_find(read, db_row_integer(row, 1));
    (void)err;
    if (series == NULL) return true;
    struct rollup_service *service = (struct rollup_service *)read->services.items + series->service;
    int64_t rows = db_row_integer(row, 2), errors = db_row_integer(row, 3);
    if (series->what == SERIES_LOG) {
        service->item.log_count += rows;
        service->item.log_error_count += errors;
    } else if (series->what == SERIES_METRIC) {
        service->item.point_count += rows;
    } else {
        service->item.span_count += rows;
        service->item.span_error_count += errors;
    }
    if (series->what != SERIES_REQUEST) return true;
    rollup_figures_add(&service->item.figures, row, 2);
    if (read->step_us > 0) rollup_figures_add(&service->steps[step_of(read, db_row_integer(row, 0))], row, 2);
    return true;
}

/* ---- buckets ---- */

static uint64_t key_of(uint32_t service, uint32_t step, int32_t bucket)
{
    assert(step <= UINT16_MAX && bucket >= DDSKETCH_BUCKET_MIN && bucket <= DDSKETCH_BUCKET_MAX);
    return (uint64_t)service << 32 | (uint64_t)step << 16 | (uint64_t)(bucket - DDSKETCH_BUCKET_MIN);
}

static struct cell *cell_find(struct cell *cells, uint32_t mask, uint64_t key)
{
    uint32_t at = (uint32_t)mixed(key) & mask;
    while (cells[at].count != 0 && cells[at].key != key) at = (at + 1) & mask;
    return &cells[at];
}

static void cells_grow(struct services_read *read)
{
    uint32_t size = 2 * (read->cell_mask + 1);
    struct cell *cells = arena_calloc(read->arena, size * sizeof *cells);
    for (uint32_t c = 0; c <= read->cell_mask; c++)
        if (read->cells[c].count != 0) *cell_find(cells, size - 1, read->cells[c].key) = read->cells[c];
    read->cells = cells;
    read->cell_mask = size - 1;
}

static bool buckets_row(void *ctx, struct db_row *row, struct err *err)
{
    struct services_read *read = ctx;
    const struct series *series = series_find(read, db_row_integer(row, 1));
    int64_t bucket = db_row_integer(row, 2), count = db_row_integer(row, 3);
    if (series == NULL || series->what != SERIES_REQUEST || count <= 0) return true;
    if (bucket < DDSKETCH_BUCKET_MIN || bucket > DDSKETCH_BUCKET_MAX)
        return err_set(err, ERR_CORRUPT, "there is no bucket %lld of durations", (long long)bucket);
    uint64_t key = key_of(series->service, step_of(read, db_row_integer(row, 0)), (int32_t)bucket);
    struct cell *cell = cell_find(read->cells, read->cell_mask, key);
    if (cell->count == 0) read->cell_count++;
    cell->key = key;
    cell->count += count;
    if (read->cell_count > read->cell_mask / 2) cells_grow(read);
    return true;
}

static int by_key(const void *left, const void *right)
{
    const struct cell *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key;
}

/* Cells of one service from `at` on: quantiles of its steps, and of all of them together. Where the next service's begin. */
static uint32_t quantiles_of(struct services_read *read, const struct cell *cells, uint32_t count, uint32_t at,
                             int64_t *whole, struct ddsketch_count *buckets)
{
    uint64_t service_key = cells[at].key >> 32;
    struct rollup_service *service = (struct rollup_service *)read->services.items + service_key;
    uint32_t bucket_count = 0;
    memset(whole, 0, BUCKETS * sizeof *whole);
    while (at < count && cells[at].key >> 32 == service_key) {
        uint64_t step_key = cells[at].key >> 16;
        for (bucket_count = 0; at < count && cells[at].key >> 16 == step_key; at++) {
            uint32_t place = (uint32_t)(cells[at].key & UINT16_MAX);
            whole[place] += cells[at].count;
            buckets[bucket_count++] = (struct ddsketch_count){ (int32_t)place + DDSKETCH_BUCKET_MIN, cells[at].count };
        }
        if (read->step_us > 0) rollup_quantiles(&service->steps[step_key & UINT16_MAX], buckets, bucket_count);
    }
    bucket_count = 0;
    for (int32_t place = 0; place < BUCKETS; place++)
        if (whole[place] > 0)
            buckets[bucket_count++] = (struct ddsketch_count){ place + DDSKETCH_BUCKET_MIN, whole[place] };
    rollup_quantiles(&service->item.figures, buckets, bucket_count);
    return at;
}

static void quantiles_all(struct services_read *read)
{
    struct cell *cells = arena_alloc(read->arena, (read->cell_count + 1) * sizeof *cells);
    int64_t *whole = arena_alloc(read->arena, BUCKETS * sizeof *whole);
    struct ddsketch_count *buckets = arena_alloc(read->arena, BUCKETS * sizeof *buckets);
    uint32_t count = 0;
    for (uint32_t c = 0; c <= read->cell_mask; c++)
        if (read->cells[c].count != 0) cells[count++] = read->cells[c];
    qsort(cells, count, sizeof *cells, by_key);
    for (uint32_t at = 0; at < count;) at = quantiles_of(read, cells, count, at, whole, buckets);
}

/* ---- together ---- */

static void steps_make(struct services_read *read)
{
    struct rollup_service *services = read->services.items;
    for (uint32_t s = 0; read->step_us > 0 && s < read->services.count; s++) {
        services[s].steps = arena_calloc(read->arena, read->steps * sizeof *services[s].steps);
        for (uint32_t step = 0; step < read->steps; step++)
            services[s].steps[step].p50_ns = services[s].steps[step].p95_ns = services[s].steps[step].p99_ns = NAN;
    }
}

#define ONE      "s.kind <> 'edge' AND s.service = $4"
#define REQUESTS " AND s.kind IN ('server', 'consumer')"

bool rollup_services_read(struct db *db, const struct rollup_range *range, struct bytes service, int64_t step_us,
                          struct arena *arena, struct rollup_service **services, uint32_t *count, struct err *err)
{
    assert(step_us % rollup_grain_us(range->grain) == 0);
    const struct rollup_source *source;
    struct services_read read = { .arena = arena,
                                  .series = { .arena = arena },
                                  .services = { .arena = arena },
                                  .step_us = step_us,
                                  .steps = step_us > 0 ? rollup_steps(range, step_us) : 1,
                                  .first_us = step_us > 0 ? range->from_unix_us - range->from_unix_us % step_us : 0,
                                  .cells = arena_calloc(arena, CELLS_FIRST * sizeof *read.cells),
                                  .cell_mask = CELLS_FIRST - 1 };
    assert(read.steps <= UINT16_MAX);
    const struct db_value values[] = { db_uuid(range->project_id), db_integer(range->from_unix_us),
                                       db_integer(range->to_unix_us), db_text_bytes(service) };
    bool is_one = service.len > 0;
    if (!rollup_source_choose(db, range->grain, &source, err) ||
        !db_read(db,
                 "SELECT id, kind, service, first_unix_us, last_unix_us FROM rollup_series WHERE project_id = $1 AND "
                 "kind <> 'edge' AND last_unix_us >= $2 AND first_unix_us < $3 AND ($4 = '' OR service = $4) "
                 "ORDER BY service",
                 values, 4, series_row, &read, err))
        return false;
    series_index(&read);
    steps_make(&read);
    *services = read.services.items;
    *count = read.services.count;
    if (read.services.count == 0) return true;
    const char *sums = rollup_source_of(arena, source->sums, is_one ? ONE : NULL, true),
               *buckets = rollup_source_of(arena, source->buckets, is_one ? ONE REQUESTS : NULL, true);
    if (!db_read(db, sums, values, is_one ? 4 : 3, sums_row, &read, err) ||
        !db_read(db, buckets, values, is_one ? 4 : 3, buckets_row, &read, err))
        return false;
    quantiles_all(&read);
    return true;
}
