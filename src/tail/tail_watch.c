/* Rows come: the worker's side of the live tail. */
#include "base/clock.h"
#include "tail/tail_inside.h"
#include <stdlib.h>

/* Of each moment a part may go into matching, in all workers together. It is CPU that is counted, of every 16th row. */
static const uint64_t MOMENT_NS = 100000000;
enum { MEASURE_EACH = 16 };

struct record {
    struct tails *tails;
    struct search_row row;
    struct buf json;
    uint64_t skipped, rows, measured, measured_ns;
    bool is_skipped;
    uint32_t tail_count;
    struct tail *watching[];
};

static uint64_t matching_ns_max(const struct tails *tails)
{
    return MOMENT_NS / 100 * tails->options.matching_percent;
}

static bool is_of(const struct tail *tail, struct uuid project_id)
{
    return uuid_equal(tail->ask.project_id, project_id);
}

/* The list's lock is held. */
static struct record *record_create(struct tails *tails, struct uuid project_id)
{
    uint32_t count = 0;
    for (const struct tail *tail = tails->first; tail; tail = tail->next_tail) count += is_of(tail, project_id);
    if (count == 0) return NULL;
    struct record *record = mem_calloc(1, sizeof *record + count * sizeof(struct tail *));
    record->tails = tails;
    for (struct tail *tail = tails->first; tail; tail = tail->next_tail) {
        if (!is_of(tail, project_id)) continue;
        tail->users++;
        record->watching[record->tail_count++] = tail;
    }
    return record;
}

void *tails_begin(void *ctx, struct uuid project_id)
{
    struct tails *tails = ctx;
    if (likely(atomic_load_explicit(&tails->count, memory_order_relaxed) == 0)) return NULL;
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&tails->lock);
    tails_sweep(tails, now_ns);
    struct record *record = record_create(tails, project_id);
    if (record && now_ns - tails->window_ns >= MOMENT_NS) {
        tails->window_ns = now_ns;
        atomic_store(&tails->spent_ns, 0);
    }
    pthread_mutex_unlock(&tails->lock);
    if (!record) return NULL;
    record->is_skipped = atomic_load(&tails->spent_ns) > matching_ns_max(tails);
    search_row_init(&record->row, NULL, project_id);
    buf_init(&record->json, SIZE_MAX / 4);
    return record;
}

static bool is_environment(const struct search_row *row, struct bytes environment)
{
    struct bytes is;
    return environment.len == 0 ||
           (search_row_text(row, LOGS_AND_SPANS_resource___deployment___environment___name, &is) &&
            bytes_equal(is, environment));
}

static void row_match(struct record *record, const struct columns *columns)
{
    size_t usual = 0;
    record->row.columns = columns;
    record->json.len = 0;
    for (uint32_t t = 0; t < record->tail_count; t++) {
        struct tail *tail = record->watching[t];
        if (!is_environment(&record->row, tail->ask.environment) || !search_match_row(tail->match, &record->row))
            continue;
        if (usual == 0) {
            tail_row_begin(&record->json, &record->row);
            usual = record->json.len;
        }
        record->json.len = usual;
        tail_row_end(&record->json, &record->row, tail);
        tail_add(tail, buf_bytes(&record->json));
    }
}

static uint64_t spent_ns(const struct record *record)
{
    return record->measured == 0 ? 0 : record->measured_ns * record->rows / record->measured;
}

void tails_row(void *ctx, const struct columns *columns)
{
    struct record *record = ctx;
    if (columns_table(columns)->id != SCHEMA_LOGS_AND_SPANS) return;
    if (record->is_skipped) {
        record->skipped++;
    } else if (record->rows++ % MEASURE_EACH == 0) {
        uint64_t begin_ns = clock_thread_ns();
        row_match(record, columns);
        record->measured_ns += clock_thread_ns() - begin_ns;
        record->measured++;
        record->is_skipped = spent_ns(record) > matching_ns_max(record->tails); /* nor may one large record take more */
    } else {
        row_match(record, columns);
    }
}

void tails_end(void *ctx)
{
    struct record *record = ctx;
    struct tails *tails = record->tails;
    atomic_fetch_add(&tails->spent_ns, spent_ns(record));
    if (record->skipped > 0)
        for (uint32_t t = 0; t < record->tail_count; t++) tail_add_counts(record->watching[t], 0, record->skipped);
    pthread_mutex_lock(&tails->lock);
    for (uint32_t t = 0; t < record->tail_count; t++) tail_release(record->watching[t]);
    pthread_mutex_unlock(&tails->lock);
    search_row_deinit(&record->row);
    buf_deinit(&record->json);
    free(record);
}
