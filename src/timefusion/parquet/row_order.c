#include "timefusion/parquet/row_order.h"
#include "timefusion/parquet/encode.h"

#include <stdlib.h>

#define DIGIT_BITS_MAX       11
#define ROWS_FOR_WIDE_DIGITS 4096 /* fewer rows: clearing the counters would cost more than a further pass */

struct row_key {
    uint64_t key;
    uint32_t row; /* - from */
};
struct row_service {
    const uint8_t *record;
    uint32_t id_or_row;
};

void row_order_deinit(struct row_order *order)
{
    free(order->places);
    free(order->keys);
    free(order->keys_other);
    free(order->ranks);
    free(order->services);
    free(order->rank_by_id);
    *order = (struct row_order){ .row_count = 0 };
}

static void rows_reserve(struct row_order *order, uint32_t rows)
{
    if (rows <= order->row_cap) return;
    uint32_t cap = order->row_cap == 0 ? 256 : order->row_cap;
    while (cap < rows) cap *= 2;
    order->places = mem_realloc(order->places, cap * sizeof *order->places);
    order->keys = mem_realloc(order->keys, cap * sizeof *order->keys);
    order->keys_other = mem_realloc(order->keys_other, cap * sizeof *order->keys_other);
    order->ranks = mem_realloc(order->ranks, cap * sizeof *order->ranks);
    order->services = mem_realloc(order->services, cap * sizeof *order->services);
    order->row_cap = cap;
}

static uint32_t value_lower_bound(const struct columns_view *view, uint32_t row)
{
    uint32_t low = 0, high = view->value_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (view->rows[middle] < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void row_order_values(const struct columns_view *view, uint32_t from, uint32_t to, uint32_t *first, uint32_t *end)
{
    *first = value_lower_bound(view, from);
    *end = value_lower_bound(view, to);
}

static int service_compare(const void *a, const void *b)
{
    const struct row_service *left = a, *right = b;
    return bytes_compare(encode_record_text(left->record), encode_record_text(right->record));
}

/* Ranks of services that came by dictionary: only the distinct ones are sorted. Returns the greatest rank. */
static uint32_t ranks_by_dictionary(struct row_order *order, const struct columns_view *view, uint32_t first,
                                    uint32_t end, uint32_t from)
{
    if (view->dictionary_count > order->id_cap) {
        order->id_cap = view->dictionary_count * 2;
        free(order->rank_by_id);
        order->rank_by_id = mem_alloc(order->id_cap * sizeof *order->rank_by_id);
    }
    uint32_t used = 0;
    memset(order->rank_by_id, 0, view->dictionary_count * sizeof *order->rank_by_id);
    for (uint32_t i = first; i < end; i++) {
        uint32_t id = view->ids[i];
        if (order->rank_by_id[id] != 0) continue;
        order->rank_by_id[id] = 1;
        order->services[used++] = (struct row_service){ view->dictionary[id], id };
    }
    qsort(order->services, used, sizeof *order->services, service_compare);
    for (uint32_t i = 0; i < used; i++) order->rank_by_id[order->services[i].id_or_row] = i + 1;
    for (uint32_t i = first; i < end; i++) order->ranks[view->rows[i] - from] = order->rank_by_id[view->ids[i]];
    return used;
}

/* The same when there were too many different services for a dictionary. */
static uint32_t ranks_by_record(struct row_order *order, const struct columns_view *view, uint32_t first, uint32_t end,
                                uint32_t from)
{
    for (uint32_t i = first; i < end; i++) {
        order->services[i - first] = (struct row_service){ view->records[i], view->rows[i] - from };
    }
    qsort(order->services, end - first, sizeof *order->services, service_compare);
    uint32_t rank = 0;
    for (uint32_t i = 0; i < end - first; i++) {
        const struct row_service *service = &order->services[i];
        if (i == 0 || service_compare(service - 1, service) != 0) rank++;
        order->ranks[service->id_or_row] = rank;
    }
    return rank;
}

/* Stable, least significant digit first; the result is in order->keys. */
static void keys_sort(struct row_order *order, uint32_t bits)
{
    uint32_t rows = order->row_count;
    uint32_t digit_bits = rows < ROWS_FOR_WIDE_DIGITS ? 8 : DIGIT_BITS_MAX;
    uint64_t mask = ((uint64_t)1 << digit_bits) - 1;
    for (uint32_t shift = 0; shift < bits; shift += digit_bits) {
        uint32_t counts[1 << DIGIT_BITS_MAX];
        memset(counts, 0, sizeof *counts << digit_bits);
        for (uint32_t i = 0; i < rows; i++) counts[order->keys[i].key >> shift & mask]++;
        uint32_t sum = 0;
        for (uint32_t digit = 0; digit <= mask; digit++) {
            uint32_t count = counts[digit];
            counts[digit] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < rows; i++)
            order->keys_other[counts[order->keys[i].key >> shift & mask]++] = order->keys[i];
        struct row_key *sorted = order->keys_other;
        order->keys_other = order->keys;
        order->keys = sorted;
    }
}

static bool keys_are_sorted(const struct row_order *order)
{
    for (uint32_t i = 1; i < order->row_count; i++) {
        if (order->keys[i - 1].key > order->keys[i].key) return false;
    }
    return true;
}

void row_order_make(struct row_order *order, const struct columns *columns, uint32_t from, uint32_t to)
{
    const struct schema_table *table = columns_table(columns);
    uint32_t rows = to - from, first, end;
    struct columns_view services, times;
    columns_view(columns, table->service_name, &services);
    columns_view(columns, table->timestamp, &times);
    rows_reserve(order, rows);
    order->row_count = rows;

    row_order_values(&services, from, to, &first, &end);
    if (end - first < rows) memset(order->ranks, 0, rows * sizeof *order->ranks);
    uint32_t rank_max = 0;
    if (end > first) {
        rank_max = services.records == NULL ? ranks_by_dictionary(order, &services, first, end, from)
                                            : ranks_by_record(order, &services, first, end, from);
    }
    uint64_t time_min = UINT64_MAX, time_max = 0; /* with the sign bit turned: as unsigned numbers in order */
    for (uint32_t i = from; i < to; i++) {
        uint64_t time = (uint64_t)times.ints[i] ^ (uint64_t)1 << 63;
        time_min = time < time_min ? time : time_min;
        time_max = time > time_max ? time : time_max;
    }
    uint32_t time_bits = encode_bit_width(time_max - time_min), rank_bits = encode_bit_width(rank_max);
    bool fits = time_bits + rank_bits <= 64;
    uint32_t rank_shift = fits && rank_bits > 0 ? time_bits : 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t key = ((uint64_t)times.ints[from + i] ^ (uint64_t)1 << 63) - time_min;
        if (fits && rank_bits > 0) key |= (uint64_t)order->ranks[i] << rank_shift;
        order->keys[i] = (struct row_key){ key, i };
    }
    order->is_identity = fits && keys_are_sorted(order);
    if (!order->is_identity) {
        keys_sort(order, fits ? time_bits + rank_bits : time_bits);
        if (!fits) { /* times over the whole range of 64 bits: the services in a second sort */
            for (uint32_t i = 0; i < rows; i++) order->keys[i].key = order->ranks[order->keys[i].row];
            keys_sort(order, rank_bits);
        }
    }
    for (uint32_t i = 0; i < rows; i++) order->places[order->keys[i].row] = (uint16_t)i;
}
