/* agents_levels -- how many of the faults in made-up weeks of metrics are found, how soon, and how often one is false.
 *
 *   agents_levels --name tuned --seed 1 --weeks 20 [--findings FILE]
 *
 * 400 series of eight kinds, five minutes at a time: CPU (by day and week, autocorrelated), memory (grows, falls at deploys and when it
 * is cleared), queues (mostly empty, a job each hour), rates of counters (Poisson's, by day and week, counters that begin anew),
 * disks (fill slowly, are cleaned each week), pools (a constant, which a release changes now and then), temperatures (below 0,
 * too), waiting times (log-normal, heavy). Two deploys a week and series disturb two blocks. Gaps of all series.
 * Faults, in every third week: a step up or down for 15 minutes to three hours, a drift over two to six hours. One is as asked for when it
 * is by a factor of 2 or more either way and by four deviations of the series' own noise, and not of a queue; it is found when a finding of its series and side
 * comes before 15 minutes behind its end. A finding is false when there is no fault of its series, from its begin to an hour behind.
 * zscore: a block against mean and deviation of the 24 hours before, |z| > 3, told once until it was quiet for half an hour. */
#include "base/clock.h"
#include "bench/agents/chance.h"
#include "detect/levels/levels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERIES = 400, WEEK = 2016, DAY = 288, WARM = 3, FAULTS_A_WEEK = 30, FAULTS_MAX = 1024, AFTER = 12, GRACE = 3 };
enum kind { CPU, MEMORY, QUEUE, RATE, DISK, POOL, TEMPERATURE, WAITING, KINDS };
enum fault_kind { STEP_UP, STEP_DOWN, DRIFT, FAULT_KINDS };
static const char *const kind_names[KINDS] = { "cpu",  "memory", "queue",       "rate",
                                               "disk", "pool",   "temperature", "waiting" };
static const char *const fault_names[FAULT_KINDS] = { "step_up", "step_down", "drift" };

struct metric {
    enum kind kind;
    double mean, amplitude, peak, weekend, noise, keep, walk, grown, grows, factor, job_at;
    int deploy_left, anew;
};
struct fault {
    int series, begin, end, is_asked, found;
    enum fault_kind kind;
    double size;
};
struct past { /* of zscore */
    double values[DAY], sum, squares;
    int count, quiet, is_told, is_up;
};
struct world {
    struct chance chance;
    int block, weeks, fault_count, gap_until;
    struct metric metrics[SERIES];
    struct fault faults[FAULTS_MAX];
    struct past pasts[SERIES];
};
struct score {
    int false_count, false_of[KINDS];
    int found[FAULTS_MAX]; /* minutes after its begin; -1: not */
};

static double uniform(struct world *w, double low, double high)
{
    return chance_uniform(&w->chance, low, high);
}

static void metric_make(struct world *w, int number)
{
    struct metric *m = &w->metrics[number];
    *m = (struct metric){ .kind = (enum kind)(number % KINDS), .factor = 1 };
    m->peak = uniform(w, 9, 21);
    m->weekend = uniform(w, 0.4, 1.1);
    m->keep = uniform(w, 0.5, 0.95);
    m->noise = uniform(w, 0.03, 0.12);
    m->amplitude = uniform(w, 0.1, 0.7);
    m->mean = chance_log_uniform(&w->chance, 0.05, 0.5);
    m->job_at = floor(uniform(w, 0, 12));
    if (m->kind == MEMORY) {
        m->mean = chance_log_uniform(&w->chance, 1e8, 1e10);
        m->grows = uniform(w, 0, 0.004); /* an hour */
        m->noise = uniform(w, 0.005, 0.03);
    }
    if (m->kind == RATE) m->mean = chance_log_uniform(&w->chance, 0.2, 3000);
    if (m->kind == DISK) {
        m->mean = uniform(w, 0.3, 0.7);
        m->grows = uniform(w, 0, 0.0008);
    }
    if (m->kind == POOL) m->mean = floor(uniform(w, 2, 40));
    if (m->kind == TEMPERATURE) m->mean = uniform(w, -10, 30);
    if (m->kind == WAITING) m->mean = chance_log_uniform(&w->chance, 0.001, 5);
}

static int is_faulty_week(int week)
{
    return week % 3 == 1;
}

/* Does it stand out: by four deviations of what the series varies by within the hour, and not cut off at the most that it can be? */
static int is_clear(const struct metric *m, const struct fault *f)
{
    double far = fabs(log(f->size)), most = m->mean * exp(m->amplitude) * f->size;
    switch (m->kind) {
    case CPU: return far >= 4 * m->noise && most <= 1;
    case MEMORY: return far >= 4 * m->noise;
    case RATE: return far >= 4 * sqrt(m->noise * m->noise + 1 / (300 * m->mean * exp(-m->amplitude)));
    case DISK: return m->mean * f->size * 1.4 <= 1;
    case POOL: return m->mean >= 4;
    case TEMPERATURE: return fabs(f->size - 1) * 15 >= 40 * m->noise;
    case WAITING: return far >= 4 * sqrt(16 * m->noise * m->noise + 0.04);
    case QUEUE:
    case KINDS: break;
    }
    return 0;
}

static void faults_make(struct world *w, int week)
{
    for (int n = 0; n < FAULTS_A_WEEK && w->fault_count < FAULTS_MAX;) {
        struct fault f = { .series = (int)uniform(w, 0, SERIES),
                           .kind = (enum fault_kind)(n % FAULT_KINDS),
                           .found = -1 };
        int is_small = n % 5 == 4, is_free = 1;
        f.begin = (WARM + week) * WEEK + (int)uniform(w, 12, WEEK - 100);
        f.end = f.begin + (int)chance_log_uniform(&w->chance, 3, 36);
        if (f.kind == DRIFT) f.end = f.begin + (int)uniform(w, 24, 72);
        f.size = is_small ? uniform(w, 1.3, 1.9) : chance_log_uniform(&w->chance, 2, 5);
        if (f.kind == STEP_DOWN) f.size = 1 / f.size;
        f.is_asked = !is_small && is_clear(&w->metrics[f.series], &f);
        for (int i = 0; i < w->fault_count; i++)
            if (w->faults[i].series == f.series && f.begin < w->faults[i].end + 120 && w->faults[i].begin < f.end + 120)
                is_free = 0;
        if (!is_free) continue;
        w->faults[w->fault_count++] = f;
        n++;
    }
}

static double fault_factor(const struct world *w, int series)
{
    for (int i = 0; i < w->fault_count; i++) {
        const struct fault *f = &w->faults[i];
        if (f->series != series || w->block < f->begin || w->block >= f->end) continue;
        double passed = (double)(w->block - f->begin + 1) / (f->end - f->begin);
        return f->kind == DRIFT ? pow(f->size, passed) : f->size;
    }
    return 1;
}

/* NAN: nothing came. */
static double metric_block(struct world *w, int number)
{
    struct metric *m = &w->metrics[number];
    double hour = w->block % DAY / 12.0, bent = fault_factor(w, number), normal = chance_normal(&w->chance);
    int day = w->block / DAY % 7, is_working = day < 5 && hour >= 8 && hour < 17;
    double season = exp(m->amplitude * cos((hour - m->peak) / 24 * 2 * M_PI)) * (day >= 5 ? m->weekend : 1);
    m->walk = m->walk * m->keep + sqrt(1 - m->keep * m->keep) * m->noise * normal;
    if (m->deploy_left > 0) m->deploy_left--;
    m->anew = 0;
    if (is_working && uniform(w, 0, 1) < 2.0 / (5 * 9 * 12)) {
        m->deploy_left = 2;
        m->anew = 1;
        m->grown = 0;
        if (m->kind == POOL && uniform(w, 0, 1) < 0.05) m->mean = fmax(1, m->mean + floor(uniform(w, -2, 4)));
        m->factor *= exp(0.02 * chance_normal(&w->chance));
    }
    double deploy = m->deploy_left > 0 ? uniform(w, 0.8, 1.25) : 1;
    if (w->block < w->gap_until || uniform(w, 0, 1) < 0.0005) return NAN;
    switch (m->kind) {
    case CPU: return fmin(1, m->mean * season * m->factor * exp(m->walk) * deploy * bent);
    case MEMORY:
        m->grown += m->grows / 12;
        if (m->grown > 0.4) m->grown = 0;
        return m->mean * (1 + m->grown) * m->factor * exp(m->walk) * bent;
    case QUEUE:
        return chance_poisson(&w->chance, 0.3 * season * bent + (w->block % 12 == (int)m->job_at ? 30 * bent : 0));
    case RATE: {
        double events = chance_poisson(&w->chance, 300 * m->mean * season * m->factor * exp(m->walk) * deploy * bent);
        return events * (m->anew ? uniform(w, 0.7, 1) : 1) / 300; /* what came before it began anew is not known */
    }
    case DISK:
        m->grown = w->block % WEEK == 36 ? 0 : m->grown + m->grows / 12;
        return fmin(1, m->mean * (1 + m->grown + 0.002 * normal) * bent);
    case POOL: return floor(m->mean * bent + 0.5);
    case TEMPERATURE:
        return m->mean + 8 * m->amplitude * cos((hour - m->peak) / 24 * 2 * M_PI) + 10 * m->walk + (bent - 1) * 15;
    case WAITING: return m->mean * season * m->factor * exp(4 * m->walk + 0.2 * normal) * deploy * bent;
    case KINDS: break;
    }
    return NAN;
}

static void told(struct world *w, struct score *score, int series, int is_up)
{
    int is_false = 1;
    for (int i = 0; i < w->fault_count; i++) {
        const struct fault *f = &w->faults[i];
        if (f->series != series || w->block < f->begin || w->block > f->end + AFTER) continue;
        is_false = 0;
        int is_side = (f->size > 1) == is_up, minutes = (w->block + 1 - f->begin) * 5;
        if (is_side && w->block <= f->end + GRACE && score->found[i] < 0) score->found[i] = minutes;
    }
    score->false_count += is_false;
    score->false_of[w->metrics[series].kind] += is_false;
}

static void zscore(struct world *w, struct score *score, int series, double value, int is_counted)
{
    struct past *past = &w->pasts[series];
    if (!isfinite(value)) return;
    double mean = past->count > 0 ? past->sum / past->count : 0,
           sd = past->count > 0 ? sqrt(fmax(0, past->squares / past->count - mean * mean)) : 0,
           z = sd > 0 ? (value - mean) / sd : 0;
    int is_odd = past->count == DAY && fabs(z) > 3;
    past->quiet = is_odd ? 0 : past->quiet + 1;
    if (past->quiet >= 6) past->is_told = 0;
    if (is_odd && !past->is_told) {
        past->is_told = 1;
        if (is_counted) told(w, score, series, z > 0);
    }
    double *slot = &past->values[w->block % DAY];
    if (past->count == DAY) {
        past->sum -= *slot;
        past->squares -= *slot * *slot;
    } else {
        past->count++;
    }
    *slot = value;
    past->sum += value;
    past->squares += value * value;
}

static int int_compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void score_print(const struct world *w, const struct score *score, const char *name, const char *method)
{
    int asked = 0, found = 0, all = 0, delays[FAULTS_MAX], of[FAULT_KINDS][2] = { 0 };
    for (int i = 0; i < w->fault_count; i++) {
        const struct fault *f = &w->faults[i];
        all += score->found[i] >= 0;
        if (!f->is_asked) continue;
        of[f->kind][0]++;
        of[f->kind][1] += score->found[i] >= 0;
        if (score->found[i] >= 0) delays[found++] = score->found[i];
        asked++;
    }
    qsort(delays, (size_t)found, sizeof *delays, int_compare);
    double months = SERIES * w->weeks * 7 / 30.4;
    printf("metric_recall_%s_%s %.3f 1\n", name, method, asked ? (double)found / asked : 0);
    printf("metric_recall_all_%s_%s %.3f 1\n", name, method, w->fault_count ? (double)all / w->fault_count : 0);
    for (int k = 0; k < FAULT_KINDS; k++)
        printf("metric_recall_%s_%s_%s %.3f 1\n", name, method, fault_names[k],
               of[k][0] ? (double)of[k][1] / of[k][0] : 0);
    printf("metric_delay_p50_min_%s_%s %d min\n", name, method, found ? delays[found / 2] : -1);
    printf("metric_delay_p90_min_%s_%s %d min\n", name, method, found ? delays[found * 9 / 10] : -1);
    printf("metric_false_per_series_month_%s_%s %.3f 1\n", name, method, score->false_count / months);
    for (int k = 0; k < KINDS; k++)
        printf("metric_false_per_series_month_%s_%s_%s %.3f 1\n", name, method, kind_names[k],
               score->false_of[k] / (months / KINDS));
    printf("metric_faults_%s %d 1\n", name, asked);
}

int main(int argc, char **argv)
{
    const char *name = "tuned", *findings_path = NULL;
    struct world *w = mem_calloc(1, sizeof *w);
    struct score *ours = mem_calloc(2, sizeof *ours), *others = ours + 1;
    uint64_t seed = 1, ns = 0;
    w->weeks = 20;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--name") == 0) name = argv[i + 1];
        if (strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--weeks") == 0) w->weeks = atoi(argv[i + 1]);
        if (strcmp(argv[i], "--findings") == 0) findings_path = argv[i + 1];
    }
    FILE *out = findings_path ? fopen(findings_path, "w") : NULL;
    chance_seed(&w->chance, seed);
    for (int s = 0; s < SERIES; s++) metric_make(w, s);
    for (int week = 0; week < w->weeks; week++)
        if (is_faulty_week(week)) faults_make(w, week);
    for (int i = 0; i < FAULTS_MAX; i++) ours->found[i] = others->found[i] = -1;
    struct levels *levels = levels_create();
    for (int s = 0; s < SERIES; s++) levels_series_add(levels);
    for (w->block = 0; w->block < (WARM + w->weeks) * WEEK; w->block++) {
        const struct detect_finding *findings;
        int is_counted = w->block >= WARM * WEEK;
        double values[SERIES];
        if (uniform(w, 0, 1) < 0.5 / WEEK) w->gap_until = w->block + 1 + (int)uniform(w, 0, 6);
        for (int s = 0; s < SERIES; s++) values[s] = metric_block(w, s);
        uint64_t begin = clock_thread_ns();
        levels_block_begin(levels, w->block * LEVELS_BLOCK_US);
        for (int s = 0; s < SERIES; s++) levels_put(levels, (uint32_t)s, values[s]);
        size_t count = levels_block_end(levels, &findings);
        ns += clock_thread_ns() - begin;
        for (size_t f = 0; f < count; f++) {
            if (findings[f].change == DETECT_OPENED && is_counted)
                told(w, ours, (int)findings[f].series, findings[f].is_up);
            if (out)
                fprintf(out, "%d block %d series %d %s up %d value %g expected %g z %.1f\n", findings[f].change,
                        w->block, (int)findings[f].series, kind_names[w->metrics[findings[f].series].kind],
                        findings[f].is_up, findings[f].value, findings[f].expected, findings[f].z);
        }
        for (int s = 0; s < SERIES; s++) zscore(w, others, s, values[s], is_counted);
    }
    for (int i = 0; out && i < w->fault_count; i++)
        fprintf(out, "fault %s series %d %s blocks %d-%d size %.2f asked %d found %d\n", fault_names[w->faults[i].kind],
                w->faults[i].series, kind_names[w->metrics[w->faults[i].series].kind], w->faults[i].begin,
                w->faults[i].end, w->faults[i].size, w->faults[i].is_asked, ours->found[i]);
    score_print(w, ours, name, "ours");
    score_print(w, others, name, "zscore");
    printf("metric_cpu_us_per_series_block_%s %.3f us\n", name, (double)ns / 1e3 / SERIES / ((WARM + w->weeks) * WEEK));
    if (out) fclose(out);
    levels_destroy(levels);
    free(ours);
    free(w);
    return 0;
}
