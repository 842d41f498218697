#include "bench/agents/rules.h"

#include <math.h>
#include <stdlib.h>

#define RING_MAX 288

struct history {
    double values[FAMILIES][RING_MAX];
    uint32_t counts[FAMILIES], at[FAMILIES];
    int quiet_since[FAMILIES]; /* minute of the last alert */
    int64_t rows, errors;
    uint32_t buckets[DDSKETCH_BUCKET_MAX + 2], bucket_max;
    double block[FAMILIES];
};
static const struct {
    int minutes, ring, quiet;
} shapes[RULES] = { { 5, 288, 30 }, { 60, 48, 60 } };

struct rules {
    uint32_t count;
    struct history *of[RULES];
};

struct rules *rules_create(uint32_t series_count)
{
    struct rules *rules = mem_calloc(1, sizeof *rules);
    rules->count = series_count;
    for (int r = 0; r < RULES; r++) {
        rules->of[r] = mem_calloc(series_count, sizeof **rules->of);
        for (uint32_t s = 0; s < series_count; s++)
            for (int f = 0; f < FAMILIES; f++) rules->of[r][s].quiet_since[f] = -100000;
    }
    return rules;
}

void rules_destroy(struct rules *rules)
{
    for (int r = 0; r < RULES; r++) free(rules->of[r]);
    free(rules);
}

const double *rules_block(const struct rules *rules, uint32_t series)
{
    return rules->of[RULE_ZSCORE][series].block;
}

static double p95_ms(const struct history *h)
{
    uint64_t all = 0, above = 0;
    for (uint32_t b = 0; b <= h->bucket_max; b++) all += h->buckets[b];
    if (all < 20) return NAN;
    for (uint32_t b = h->bucket_max + 1; b > 0; b--) {
        above += h->buckets[b - 1];
        if ((double)above >= 0.05 * (double)all) return ddsketch_value((int32_t)b - 2) / 1e6;
    }
    return NAN;
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, double_compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* 0, or the side it is out on. */
static int mad_side(const double *values, uint32_t count, double value)
{
    double sorted[RING_MAX];
    memcpy(sorted, values, count * sizeof *values);
    double middle = median(sorted, count);
    for (uint32_t i = 0; i < count; i++) sorted[i] = fabs(values[i] - middle);
    double mad = fmax(1.4826 * median(sorted, count), 1), off = value - middle;
    return fabs(off) / mad > 3 && fabs(off) > 50 ? (off > 0 ? 1 : -1) : 0;
}

static int zscore_side(const double *values, uint32_t count, double value)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < count; i++) sum += values[i];
    double mean = sum / count;
    for (uint32_t i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
    double sd = sqrt(squares / (count - 1)), off = value - mean;
    return sd > 0 && fabs(off) > 3 * sd ? (off > 0 ? 1 : -1) : 0;
}

size_t rules_minute(struct rules *rules, enum rule rule, int minute, const struct world_row *rows,
                    struct rule_alert *alerts)
{
    size_t told = 0;
    uint32_t ring = (uint32_t)shapes[rule].ring;
    for (uint32_t s = 0; s < rules->count; s++) {
        struct history *h = &rules->of[rule][s];
        if (rows[s].rows < 0) continue;
        h->rows += rows[s].rows;
        h->errors += rows[s].errors;
        for (uint32_t b = 0; b < rows[s].bucket_count; b++) {
            uint32_t bucket = (uint32_t)(rows[s].buckets[b].bucket + 1);
            h->buckets[bucket] += (uint32_t)rows[s].buckets[b].count;
            if (bucket > h->bucket_max) h->bucket_max = bucket;
        }
        if ((minute + 1) % shapes[rule].minutes != 0) continue;
        h->block[FAMILY_VOLUME] = rule == RULE_ZSCORE ? (double)h->rows / shapes[rule].minutes : (double)h->rows;
        h->block[FAMILY_ERRORS] = rule == RULE_MAD ? (double)h->errors
                                  : h->rows >= 20  ? (double)h->errors / (double)h->rows
                                                   : (double)NAN;
        h->block[FAMILY_LATENCY] = p95_ms(h);
        h->rows = h->errors = 0;
        memset(h->buckets, 0, sizeof h->buckets);
        h->bucket_max = 0;
        for (enum family f = FAMILY_VOLUME; f < FAMILIES; f++) {
            double value = h->block[f];
            if (isnan(value)) continue;
            int side = h->counts[f] < ring ? 0
                       : rule == RULE_MAD  ? mad_side(h->values[f], ring, value)
                                           : zscore_side(h->values[f], ring, value);
            if (side != 0 && minute + 1 - h->quiet_since[f] > shapes[rule].quiet)
                alerts[told++] = (struct rule_alert){ s, f, side > 0, minute + 1 };
            if (side != 0) h->quiet_since[f] = minute + 1;
            h->values[f][h->at[f]] = value;
            h->at[f] = (h->at[f] + 1) % ring;
            if (h->counts[f] < ring) h->counts[f]++;
        }
    }
    return told;
}
