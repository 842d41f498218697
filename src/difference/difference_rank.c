#include "base/arena.h"
#include "difference/difference_inside.h"
#include <math.h>
#include <stdlib.h>

enum {
    BINS = 20,
    SAME_NUMBER = 9, /* of 10: rows of two findings that are one */
    SAME_OF = 10,
};
static const double CHANCE = 0.01; /* of one false finding in an answer, at most */

/* ---- score ---- */

static double term(double seen, double expected)
{
    return seen > 0 && expected > 0 ? seen * log(seen / expected) : 0;
}

/* 2 sum O ln(O/E) of { with, without } x { in, out }. */
static double log_likelihood(double in_with, double in_rows, double out_with, double out_rows)
{
    double all = in_rows + out_rows, with = in_with + out_with, without = all - with;
    return 2 * (term(in_with, in_rows * with / all) + term(in_rows - in_with, in_rows * without / all) +
                term(out_with, out_rows * with / all) + term(out_rows - out_with, out_rows * without / all));
}

static struct difference_finding finding_of(const struct difference *d, uint32_t in_count, uint32_t out_count)
{
    double in_rows = d->side_rows[1], out_rows = d->side_rows[0];
    struct difference_finding finding = {
        .in_count = in_count, .out_count = out_count, .in_share = in_count / in_rows, .out_share = out_count / out_rows
    };
    if (finding.in_share <= finding.out_share) return finding;
    finding.score = (finding.in_share - finding.out_share) * (1 - finding.out_share / finding.in_share);
    finding.g = log_likelihood(in_count, in_rows, out_count, out_rows);
    return finding;
}

/* ---- what there is to tell ---- */

struct candidate {
    struct difference_finding finding; /* first: sorted by it */
    uint32_t attribute, value;         /* value: of IS */
};
struct candidates {
    struct candidate *list;
    uint32_t count, cap, tests;
};

/* Whether chance explains it is asked when all tests are counted. */
static void candidate_add(struct candidates *all, struct difference_finding finding, uint32_t attribute, uint32_t value)
{
    all->tests++;
    if (finding.in_count < DIFFERENCE_IN_MIN || finding.score < DIFFERENCE_SCORE_MIN) return;
    if (all->count == all->cap) {
        all->cap = all->cap == 0 ? 256 : all->cap * 2;
        all->list = mem_realloc(all->list, all->cap * sizeof *all->list);
    }
    all->list[all->count++] = (struct candidate){ finding, attribute, value };
}

static int by_number(const void *a, const void *b)
{
    const struct difference_value *x = *(const struct difference_value *const *)a,
                                  *y = *(const struct difference_value *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

struct bin {
    double low, high;
    uint32_t rows[2];
};

/* Cut where both sides together, each as one, have passed the next twentieth. */
static uint32_t bins_make(const struct difference *d, struct difference_value *const *values, uint32_t count,
                          struct bin bins[BINS])
{
    double weight = 0, weights = 0;
    uint32_t made = 0;
    for (uint32_t v = 0; v < count; v++)
        weights += (double)values[v]->rows[1] / d->side_rows[1] + (double)values[v]->rows[0] / d->side_rows[0];
    for (uint32_t v = 0; v < count; v++) {
        bool is_new = v == 0 || weight >= weights * made / BINS;
        if (is_new && made < BINS) bins[made++] = (struct bin){ .low = values[v]->number };
        struct bin *bin = &bins[made - 1];
        bin->high = values[v]->number;
        bin->rows[0] += values[v]->rows[0];
        bin->rows[1] += values[v]->rows[1];
        weight += (double)values[v]->rows[1] / d->side_rows[1] + (double)values[v]->rows[0] / d->side_rows[0];
    }
    return made;
}

/* The run of bins with the best score. */
static void numbers_look(const struct difference *d, uint32_t attribute, struct difference_value **values,
                         uint32_t count, struct candidates *all)
{
    struct bin bins[BINS];
    struct difference_finding best = { 0 };
    qsort(values, count, sizeof *values, by_number);
    uint32_t made = bins_make(d, values, count, bins);
    for (uint32_t from = 0; from < made; from++) {
        uint32_t rows[2] = { 0 };
        for (uint32_t to = from; to < made; to++) {
            rows[0] += bins[to].rows[0];
            rows[1] += bins[to].rows[1];
            struct difference_finding finding = finding_of(d, rows[1], rows[0]);
            all->tests++;
            if (finding.score <= best.score) continue;
            best = finding;
            best.low = bins[from].low;
            best.high = bins[to].high;
        }
    }
    best.kind = DIFFERENCE_BETWEEN;
    best.name = d->attributes[attribute].name;
    candidate_add(all, best, attribute, 0);
}

static bool is_binned(const struct difference_attribute *attribute)
{
    uint32_t rows = attribute->rows[0] + attribute->rows[1];
    return attribute->value_count > DIFFERENCE_NUMBERS_MAX && (uint64_t)attribute->numbers * 10 >= (uint64_t)rows * 9;
}

static void candidates_find(struct difference *d, struct candidates *all)
{
    struct difference_value ***by_attribute = mem_calloc(d->attribute_count + 1, sizeof *by_attribute);
    uint32_t *counts = mem_calloc(d->attribute_count + 1, sizeof *counts);
    for (uint32_t v = 0; v < d->value_count; v++) {
        struct difference_value *value = &d->values[v];
        const struct difference_attribute *attribute = &d->attributes[value->attribute];
        if (is_binned(attribute) && value->is_number) {
            if (by_attribute[value->attribute] == NULL)
                by_attribute[value->attribute] = mem_calloc(attribute->value_count, sizeof **by_attribute);
            by_attribute[value->attribute][counts[value->attribute]++] = value;
            continue;
        }
        if (attribute->is_unique) continue;
        struct difference_finding finding = finding_of(d, value->rows[1], value->rows[0]);
        finding.kind = DIFFERENCE_IS;
        finding.name = attribute->name;
        finding.text = value->text;
        /* One that could never be told is no test. */
        if (value->rows[0] + value->rows[1] >= DIFFERENCE_IN_MIN) candidate_add(all, finding, value->attribute, v);
    }
    for (uint32_t a = 0; a < d->attribute_count; a++) {
        const struct difference_attribute *attribute = &d->attributes[a];
        if (counts[a] > 0) numbers_look(d, a, by_attribute[a], counts[a], all);
        free(by_attribute[a]);
        if (attribute->rows[0] > d->side_rows[0] || attribute->rows[1] > d->side_rows[1]) continue; /* many in a row */
        struct difference_finding absent =
            finding_of(d, d->side_rows[1] - attribute->rows[1], d->side_rows[0] - attribute->rows[0]);
        absent.kind = DIFFERENCE_ABSENT;
        absent.name = attribute->name;
        candidate_add(all, absent, a, 0);
    }
    free(by_attribute);
    free(counts);
}

/* The best first; of equal ones a value before what is missing, then by name, so that an answer is always the same. */
static int by_score(const void *a, const void *b)
{
    const struct difference_finding *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    if (x->kind != y->kind) return (int)x->kind - (int)y->kind;
    int order = bytes_compare(x->name, y->name);
    return order != 0 ? order : bytes_compare(x->text, y->text);
}

/* ---- which are about the same rows ---- */

/* Of ABSENT: has the row what is missing? It is turned round below. */
static bool holds(const struct difference *d, const struct candidate *candidate, uint32_t v)
{
    const struct difference_value *value = &d->values[v];
    const struct difference_finding *finding = &candidate->finding;
    if (value->attribute != candidate->attribute) return false;
    if (finding->kind == DIFFERENCE_IS) return v == candidate->value;
    if (finding->kind == DIFFERENCE_ABSENT) return true;
    return value->is_number && value->number >= finding->low && value->number <= finding->high;
}

/* A bit a row for each finding. */
static uint64_t *rows_of(const struct difference *d, const struct candidate *candidates, uint32_t count)
{
    size_t words = (d->row_count + 63) / 64;
    uint64_t *bits = mem_calloc(count * words + 1, sizeof *bits);
    uint64_t *held = mem_calloc(d->value_count + 1, sizeof *held); /* by value: the findings that it belongs to */
    assert(count <= 64);
    for (uint32_t v = 0; v < d->value_count; v++)
        for (uint32_t f = 0; f < count; f++)
            if (holds(d, &candidates[f], v)) held[v] |= (uint64_t)1 << f;
    for (uint32_t row = 0; row < d->row_count; row++) {
        uint32_t end = row + 1 < d->row_count ? d->row_begins[row + 1] : d->pair_count;
        uint64_t of_row = 0;
        for (uint32_t p = d->row_begins[row]; p < end; p++) of_row |= held[d->pairs[p]];
        for (uint32_t f = 0; f < count; f++) {
            bool is_held = (of_row >> f & 1) != (candidates[f].finding.kind == DIFFERENCE_ABSENT);
            bits[f * words + row / 64] |= (uint64_t)is_held << (row % 64);
        }
    }
    free(held);
    return bits;
}

static bool is_same(const uint64_t *a, const uint64_t *b, size_t words)
{
    uint64_t both = 0, any = 0;
    for (size_t w = 0; w < words; w++) {
        both += (uint64_t)__builtin_popcountll(a[w] & b[w]);
        any += (uint64_t)__builtin_popcountll(a[w] | b[w]);
    }
    return both * SAME_OF >= any * SAME_NUMBER;
}

/* Each behind the best of its group, groups in the order of these. */
static const struct difference_finding *grouped(struct difference *d, const struct candidate *candidates,
                                                uint32_t count)
{
    size_t words = (d->row_count + 63) / 64;
    uint64_t *bits = rows_of(d, candidates, count);
    uint32_t leaders[DIFFERENCE_FINDINGS_MAX], at = 0;
    struct difference_finding *findings = arena_alloc(&d->arena, (count + 1) * sizeof *findings);
    for (uint32_t f = 0; f < count; f++) {
        leaders[f] = f;
        for (uint32_t l = 0; l < f && leaders[f] == f; l++)
            if (leaders[l] == l && is_same(&bits[l * words], &bits[f * words], words)) leaders[f] = l;
    }
    for (uint32_t l = 0; l < count; l++) {
        uint32_t leader = at;
        for (uint32_t f = l; leaders[l] == l && f < count; f++) {
            if (leaders[f] != l) continue;
            findings[at] = candidates[f].finding;
            findings[at++].leader = leader;
        }
    }
    assert(at == count);
    free(bits);
    return findings;
}

void difference_rank(struct difference *d, struct difference_answer *answer)
{
    struct candidates all = { 0 };
    *answer = (struct difference_answer){ .in_rows = d->side_rows[1],
                                          .out_rows = d->side_rows[0],
                                          .attribute_count = d->attribute_count };
    if (d->side_rows[0] > 0 && d->side_rows[1] > 0) candidates_find(d, &all);
    double g_min = 2 * log((all.tests > 0 ? all.tests : 1) / CHANCE);
    uint32_t count = 0;
    for (uint32_t c = 0; c < all.count; c++)
        if (all.list[c].finding.g >= g_min) all.list[count++] = all.list[c];
    if (count > 0) qsort(all.list, count, sizeof *all.list, by_score);
    if (count > DIFFERENCE_FINDINGS_MAX) count = DIFFERENCE_FINDINGS_MAX;
    if (count > 0) answer->findings = grouped(d, all.list, count);
    free(all.list);
    answer->finding_count = count;
    answer->test_count = all.tests;
    answer->is_cut = d->is_cut;
}
