#include "base/hyperloglog.h"
#include <math.h>
#include <stdlib.h>

#define PLACE_BITS 26
#define RANK_BITS  6
#define RANK_MAX   (64 - PLACE_BITS + 1)       /* of a place */
#define HIGH_MAX   (64 - HYPERLOGLOG_BITS + 1) /* of a register */
#define TAIL_BITS  (PLACE_BITS - HYPERLOGLOG_BITS)
enum { FORM_LIST = 1, FORM_REGISTERS = 2, CAP_MIN = 16, ENTRY_BYTES = 4 };

static uint32_t entry_of(uint64_t hash)
{
    uint64_t rest = hash << PLACE_BITS;
    uint32_t rank = rest ? (uint32_t)__builtin_clzll(rest) + 1 : RANK_MAX;
    return (uint32_t)(hash >> (64 - PLACE_BITS)) << RANK_BITS | rank;
}

static void register_raise(struct hyperloglog *sketch, uint32_t at, uint32_t rank)
{
    if (sketch->registers[at] < rank) sketch->registers[at] = (uint8_t)rank;
}

/* What a register would have of the entry's hash: its place has 12 bits more than a register's number. */
static void entry_spread(struct hyperloglog *sketch, uint32_t entry)
{
    uint32_t place = entry >> RANK_BITS, tail = place & ((1u << TAIL_BITS) - 1);
    uint32_t rank =
        tail ? (uint32_t)__builtin_clz(tail) - (32 - TAIL_BITS) + 1 : TAIL_BITS + (entry & ((1u << RANK_BITS) - 1));
    register_raise(sketch, place >> TAIL_BITS, rank);
}

/* Where the place is in the list, or would be. */
static uint32_t *few_at(const struct hyperloglog *sketch, uint32_t place)
{
    uint32_t at = place & (sketch->few_cap - 1);
    while (sketch->few[at] != 0 && sketch->few[at] >> RANK_BITS != place) at = (at + 1) & (sketch->few_cap - 1);
    return &sketch->few[at];
}

static void few_grow(struct hyperloglog *sketch)
{
    uint32_t *old = sketch->few, old_cap = sketch->few_cap;
    sketch->few_cap = old_cap ? 2 * old_cap : CAP_MIN;
    sketch->few = mem_calloc(sketch->few_cap, sizeof *sketch->few);
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i] != 0) *few_at(sketch, old[i] >> RANK_BITS) = old[i];
    free(old);
}

static void few_spread(struct hyperloglog *sketch)
{
    if (sketch->registers) return;
    sketch->registers = mem_calloc(HYPERLOGLOG_REGISTERS, 1);
    for (uint32_t i = 0; i < sketch->few_cap; i++)
        if (sketch->few[i] != 0) entry_spread(sketch, sketch->few[i]);
    free(sketch->few);
    sketch->few = NULL;
    sketch->few_count = sketch->few_cap = 0;
}

static void entry_add(struct hyperloglog *sketch, uint32_t entry)
{
    if (sketch->registers) {
        entry_spread(sketch, entry);
        return;
    }
    if (2 * sketch->few_count >= sketch->few_cap) few_grow(sketch);
    uint32_t *at = few_at(sketch, entry >> RANK_BITS);
    if (*at == 0 && sketch->few_count == HYPERLOGLOG_FEW_MAX) {
        few_spread(sketch);
        entry_spread(sketch, entry);
        return;
    }
    sketch->few_count += *at == 0;
    if (*at < entry) *at = entry; /* of the same place: the greater rank */
}

void hyperloglog_deinit(struct hyperloglog *sketch)
{
    free(sketch->few);
    free(sketch->registers);
    *sketch = (struct hyperloglog){ 0 };
}

void hyperloglog_add(struct hyperloglog *sketch, uint64_t hash)
{
    entry_add(sketch, entry_of(hash));
}

static void registers_merge(struct hyperloglog *sketch, const uint8_t *registers)
{
    few_spread(sketch);
    for (uint32_t i = 0; i < HYPERLOGLOG_REGISTERS; i++)
        sketch->registers[i] = sketch->registers[i] < registers[i] ? registers[i] : sketch->registers[i];
}

void hyperloglog_merge(struct hyperloglog *sketch, const struct hyperloglog *other)
{
    if (other->registers) registers_merge(sketch, other->registers);
    for (uint32_t i = 0; i < other->few_cap; i++)
        if (other->few[i] != 0) entry_add(sketch, other->few[i]);
}

static uint32_t entry_read(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void entry_write(uint8_t *bytes, uint32_t entry)
{
    for (int i = 0; i < ENTRY_BYTES; i++) bytes[i] = (uint8_t)(entry >> 8 * i);
}

static bool list_is_ours(struct bytes list)
{
    if (list.len % ENTRY_BYTES != 0 || list.len > ENTRY_BYTES * HYPERLOGLOG_FEW_MAX) return false;
    uint32_t before = 0;
    for (size_t at = 0; at < list.len; at += ENTRY_BYTES) {
        uint32_t entry = entry_read(list.ptr + at), rank = entry & ((1u << RANK_BITS) - 1);
        if (rank == 0 || rank > RANK_MAX || (at > 0 && entry >> RANK_BITS <= before)) return false;
        before = entry >> RANK_BITS;
    }
    return true;
}

static bool registers_are_ours(struct bytes registers)
{
    uint8_t most = 0;
    for (size_t i = 0; i < registers.len; i++) most = most < registers.ptr[i] ? registers.ptr[i] : most;
    return registers.len == HYPERLOGLOG_REGISTERS && most <= HIGH_MAX;
}

bool hyperloglog_join(struct hyperloglog *sketch, struct bytes bytes)
{
    if (bytes.len == 0) return false;
    struct bytes rest = bytes_from(bytes.ptr + 1, bytes.len - 1);
    if (bytes.ptr[0] == FORM_REGISTERS) {
        if (!registers_are_ours(rest)) return false;
        registers_merge(sketch, rest.ptr);
        return true;
    }
    if (bytes.ptr[0] != FORM_LIST || !list_is_ours(rest)) return false;
    for (size_t at = 0; at < rest.len; at += ENTRY_BYTES) entry_add(sketch, entry_read(rest.ptr + at));
    return true;
}

/* Ertl's sigma and tau: what registers that are zero, and those at their greatest, stand for. */
static double sigma(double x)
{
    if (x == 1) return INFINITY;
    double y = 1, sum = x, before;
    do {
        x *= x;
        before = sum;
        sum += x * y;
        y += y;
    } while (sum > before);
    return sum;
}

static double tau(double x)
{
    if (x == 0 || x == 1) return 0;
    double y = 1, sum = 1 - x, before;
    do {
        x = sqrt(x);
        before = sum;
        y *= 0.5;
        sum -= (1 - x) * (1 - x) * y;
    } while (sum < before);
    return sum / 3;
}

uint64_t hyperloglog_count(const struct hyperloglog *sketch)
{
    if (!sketch->registers) return sketch->few_count;
    const double registers = HYPERLOGLOG_REGISTERS;
    uint32_t with[HIGH_MAX + 1] = { 0 };
    for (uint32_t i = 0; i < HYPERLOGLOG_REGISTERS; i++) with[sketch->registers[i]]++;
    double sum = registers * tau(1 - with[HIGH_MAX] / registers);
    for (uint32_t rank = HIGH_MAX - 1; rank >= 1; rank--) sum = 0.5 * (sum + with[rank]);
    sum += registers * sigma(with[0] / registers);
    double count =
        registers * registers / (2 * M_LN2 * sum); /* 0 where all are zero, 2^63 and more where all are full */
    return count >= 0x1p63 ? (uint64_t)1 << 63 : (uint64_t)llround(count);
}

static int entry_order(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

size_t hyperloglog_put(const struct hyperloglog *sketch, uint8_t *out)
{
    if (sketch->registers) {
        out[0] = FORM_REGISTERS;
        memcpy(out + 1, sketch->registers, HYPERLOGLOG_REGISTERS);
        return HYPERLOGLOG_BYTES_MAX;
    }
    uint32_t entries[HYPERLOGLOG_FEW_MAX], count = 0;
    for (uint32_t i = 0; i < sketch->few_cap; i++)
        if (sketch->few[i] != 0) entries[count++] = sketch->few[i];
    if (count > 1) qsort(entries, count, sizeof *entries, entry_order);
    out[0] = FORM_LIST;
    for (uint32_t i = 0; i < count; i++) entry_write(out + 1 + i * ENTRY_BYTES, entries[i]);
    return 1 + (size_t)count * ENTRY_BYTES;
}

void hyperloglog_one_put(uint64_t hash, uint8_t out[HYPERLOGLOG_ONE_BYTES])
{
    out[0] = FORM_LIST;
    entry_write(out + 1, entry_of(hash));
}
