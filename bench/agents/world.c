#include "bench/agents/world.h"
#include "bench/agents/chance.h"

#include <math.h>
#include <stdlib.h>

#define FAULTS_A_WEEK 20
#define FAULTS_MAX    1024
#define GAPS_MAX      64

const char *const fault_names[FAULT_KINDS] = { "volume_spike", "volume_drop",      "silence",
                                               "error_step",   "error_ramp",       "error_endpoint",
                                               "latency_step", "latency_endpoint", "latency_drift" };

/* Shares of durations below each edge; finer where p95 is. */
static const double edges[WORLD_BINS + 1] = { 0,     0.1,  0.2,  0.3,  0.4,  0.5,  0.6,  0.7,   0.8,   0.85,   0.9,
                                              0.925, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.998, 0.9995, 1 };

struct endpoint {
    double share, error_share, latency_ln, sigma, latency_walk, error_walk;
    float quantile_ln[WORLD_BINS][8]; /* within each bin, to draw one of */
};
struct service {
    int first_minute, endpoint_count;
    double mean, growth, minute_noise, hour_noise, error_noise, latency_noise, load_coupling;
    double rows_walk, error_walk, latency_walk; /* autocorrelated */
    int is_people, deploy_left, burst_left, gap_left;
    double deploy_dip, deploy_slow, burst_points, error_factor;
    float week[WORLD_WEEK];
    struct endpoint endpoints[WORLD_ENDPOINTS];
};
struct world {
    struct chance chance;
    int minute, weeks, gap_count, holiday_count;
    int gaps[GAPS_MAX][2], holidays[16];
    struct service services[WORLD_SERVICES];
    uint32_t series_count, fault_count;
    struct world_series series[WORLD_SERVICES * (WORLD_ENDPOINTS + 1)];
    struct world_row rows[WORLD_SERVICES * (WORLD_ENDPOINTS + 1)];
    struct fault faults[FAULTS_MAX];
};

/* ---- making ---- */

static void endpoint_make(struct world *w, struct service *s, int e)
{
    struct endpoint *at = &s->endpoints[e];
    at->share = 1 / pow(e + 1, chance_uniform(&w->chance, 0.6, 1.4));
    at->error_share = fmin(0.06, 0.004 * exp(chance_normal(&w->chance)));
    at->latency_ln = log(chance_log_uniform(&w->chance, 3e6, 8e8));
    at->sigma = chance_uniform(&w->chance, 0.4, 1.1);
    for (int b = 0; b < WORLD_BINS; b++)
        for (int i = 0; i < 8; i++) {
            double p = edges[b] + (edges[b + 1] - edges[b]) * (i + 0.5) / 8, ln = at->sigma * chance_quantile(p);
            if (p > 0.98) ln = at->sigma * chance_quantile(0.98) - log((1 - p) / 0.02) / 1.8; /* Pareto */
            at->quantile_ln[b][i] = (float)ln;
        }
}

static void week_make(struct world *w, struct service *s)
{
    double kind = chance_uniform(&w->chance, 0, 1), amplitude = chance_uniform(&w->chance, 0.4, 1.1),
           peak = chance_uniform(&w->chance, 9, 21), weekend = chance_uniform(&w->chance, 0.35, 1.15);
    double second = chance_uniform(&w->chance, 0, 0.35), second_at = chance_uniform(&w->chance, 0, 12),
           burst_by = chance_uniform(&w->chance, 1, 3);
    int burst_at = (int)chance_uniform(&w->chance, 0, 60), burst_minutes = (int)chance_uniform(&w->chance, 2, 6),
        night_at = (int)chance_uniform(&w->chance, 0, 300), night_minutes = (int)chance_uniform(&w->chance, 20, 70);
    s->is_people = kind < 0.6;
    if (!s->is_people) {
        amplitude = chance_uniform(&w->chance, 0, 0.2);
        second = 0;
        weekend = chance_uniform(&w->chance, 0.9, 1.05);
    }
    for (int m = 0; m < WORLD_WEEK; m++) {
        double hour = m % 1440 / 60.0,
               ln = amplitude * cos((hour - peak) / 24 * 2 * M_PI) + second * cos((hour - second_at) / 12 * 2 * M_PI);
        double from_saturday = (m - 5 * 1440) / 1440.0, part = from_saturday < 0 ? 0 : 1;
        if (fabs(from_saturday) < 0.1) part = (from_saturday + 0.1) / 0.2;
        if (m < 144) part = (144 - m) / 288.0; /* Sunday's night ends on Monday */
        ln += log(weekend) * part;
        if (kind > 0.8 && kind < 0.9 && (m + burst_at) % 60 < burst_minutes) ln += burst_by * 0.6;
        if (kind > 0.9 && m % 1440 >= night_at && m % 1440 < night_at + night_minutes) ln += burst_by * 0.5;
        s->week[m] = (float)exp(ln);
    }
}

static void service_make(struct world *w, int number)
{
    struct service *s = &w->services[number];
    double shares = 0;
    s->mean = chance_log_uniform(&w->chance, 2, 6000);
    s->growth = log(chance_uniform(&w->chance, 0.99, 1.04)) / WORLD_WEEK;
    s->minute_noise = chance_uniform(&w->chance, 0.02, 0.15);
    s->hour_noise = chance_uniform(&w->chance, 0.02, 0.09);
    s->error_noise = chance_uniform(&w->chance, 0.15, 0.45);
    s->latency_noise = chance_uniform(&w->chance, 0.015, 0.05);
    s->load_coupling = chance_uniform(&w->chance, 0, 0.12);
    s->error_factor = 1;
    week_make(w, s);
    s->endpoint_count = 1 + (int)(chance_next(&w->chance) >> 62);
    for (int e = 0; e < s->endpoint_count; e++) {
        endpoint_make(w, s, e);
        shares += s->endpoints[e].share;
    }
    for (int e = 0; e < s->endpoint_count; e++) s->endpoints[e].share /= shares;
    if (number % 25 == 7)
        s->first_minute = WORLD_WEEK * WORLD_WARM + (int)chance_uniform(&w->chance, 0, 0.7 * w->weeks * WORLD_WEEK);
    w->series[w->series_count++] = (struct world_series){ number, -1 };
    for (int e = 0; e < s->endpoint_count && s->endpoint_count > 1; e++)
        w->series[w->series_count++] = (struct world_series){ number, e };
}

static double usual_mean(const struct world *w, const struct fault *f)
{
    const struct service *s = &w->services[f->service];
    double sum = 0;
    for (int m = f->begin; m < f->end; m++) sum += s->mean * exp(s->growth * m) * (double)s->week[m % WORLD_WEEK];
    return sum / (f->end - f->begin) * (f->endpoint >= 0 ? s->endpoints[f->endpoint].share : 1);
}

/* Most are as large as is asked for, a fifth are smaller or shorter. */
static void fault_size(struct world *w, struct fault *f, int is_small)
{
    static const enum family families[FAULT_KINDS] = { 0, 0, 0, 1, 1, 1, 2, 2, 2 };
    int length = (int)chance_log_uniform(&w->chance, is_small ? 5 : 10.01, is_small ? 40 : 180);
    f->family = families[f->kind];
    f->end = f->begin + length;
    f->reached = f->begin;
    double more = is_small ? chance_uniform(&w->chance, 1.3, 1.9) : chance_log_uniform(&w->chance, 2, 5);
    if (f->kind == FAULT_SPIKE) f->size = more;
    if (f->kind == FAULT_DROP) f->size = 1 / more;
    if (f->kind == FAULT_SILENCE) f->size = 0;
    if (f->family == FAMILY_ERRORS)
        f->size = is_small ? chance_uniform(&w->chance, 0.008, 0.018) : chance_log_uniform(&w->chance, 0.02, 0.3);
    if (f->family == FAMILY_LATENCY)
        f->size = is_small ? chance_uniform(&w->chance, 1.2, 1.45) : chance_log_uniform(&w->chance, 1.5, 4);
    if (f->kind == FAULT_ERROR_RAMP) { /* rises to its size over half of its time */
        f->size = fmax(0.04, f->size);
        f->end = f->begin + (length < 30 ? 30 : length);
        f->reached = f->begin + (int)((f->end - f->begin) / 2 * 0.02 / f->size);
    }
    if (f->kind == FAULT_LATENCY_DRIFT) { /* rises to its end */
        f->size = chance_uniform(&w->chance, 1.7, 2.5);
        f->end = f->begin + (int)chance_uniform(&w->chance, 180, 480);
        f->reached = f->begin + (int)((f->end - f->begin) * log(1.5) / log(f->size));
    }
}

static int is_free(const struct world *w, const struct fault *f)
{
    if (world_is_gap(w, f->begin) || w->services[f->service].first_minute > 0) return 0;
    for (int m = f->begin - 30; m < f->end + 30; m += 5)
        if (world_is_gap(w, m)) return 0;
    for (uint32_t i = 0; i < w->fault_count; i++) {
        const struct fault *other = &w->faults[i];
        if (other->service == f->service && f->begin < other->end + 600 && other->begin < f->end + 600) return 0;
    }
    return 1;
}

static void faults_make(struct world *w, int week)
{
    int begin = (WORLD_WARM + week) * WORLD_WEEK;
    for (int n = 0; n < FAULTS_A_WEEK;) {
        struct fault f = { .kind = (enum fault_kind)((n + week) % FAULT_KINDS), .endpoint = -1 };
        int is_small =
            n % 5 == 4 && f.kind != FAULT_SILENCE && f.kind != FAULT_LATENCY_DRIFT && f.kind != FAULT_ERROR_RAMP;
        f.service = (int)chance_uniform(&w->chance, 0, WORLD_SERVICES);
        f.begin = begin + (int)chance_uniform(&w->chance, 60, WORLD_WEEK - 700);
        fault_size(w, &f, is_small);
        const struct service *s = &w->services[f.service];
        if (f.kind == FAULT_ERROR_ENDPOINT || f.kind == FAULT_LATENCY_ENDPOINT) {
            if (s->endpoint_count < 2) continue;
            f.endpoint = (int)chance_uniform(&w->chance, 0, s->endpoint_count);
        }
        f.rows = usual_mean(w, &f);
        f.is_asked = !is_small && f.rows >= 60;
        if (f.rows < 3 || (f.rows < 60 && n % 4 != 3) || !is_free(w, &f)) continue; /* some on small ones */
        w->faults[w->fault_count++] = f;
        n++;
    }
}

struct world *world_create(uint64_t seed, int weeks)
{
    struct world *w = mem_calloc(1, sizeof *w);
    chance_seed(&w->chance, seed);
    w->weeks = weeks;
    for (int s = 0; s < WORLD_SERVICES; s++) service_make(w, s);
    int minutes = (WORLD_WARM + weeks) * WORLD_WEEK;
    for (double at = chance_uniform(&w->chance, 0, 20000); at < minutes && w->gap_count < GAPS_MAX;
         at += chance_uniform(&w->chance, 6000, 22000)) {
        w->gaps[w->gap_count][0] = (int)at;
        w->gaps[w->gap_count++][1] = (int)(at + chance_uniform(&w->chance, 3, 12));
    }
    for (int week = 2; week < WORLD_WARM + weeks && w->holiday_count < 16; week += 5)
        w->holidays[w->holiday_count++] = week * 7 + (int)chance_uniform(&w->chance, 0, 5);
    for (int week = 0; week < weeks; week++)
        if (world_is_faulty_week(week)) faults_make(w, week);
    return w;
}

void world_destroy(struct world *w)
{
    free(w);
}

int world_is_faulty_week(int week)
{
    return week % 3 == 1;
}

uint32_t world_series(const struct world *w, const struct world_series **series)
{
    *series = w->series;
    return w->series_count;
}

uint32_t world_faults(const struct world *w, const struct fault **faults)
{
    *faults = w->faults;
    return w->fault_count;
}

int world_is_gap(const struct world *w, int minute)
{
    for (int g = 0; g < w->gap_count; g++)
        if (minute >= w->gaps[g][0] && minute < w->gaps[g][1] + 10) return 1;
    return 0;
}

/* ---- a minute ---- */

static int is_silent(const struct world *w)
{
    for (int g = 0; g < w->gap_count; g++)
        if (w->minute >= w->gaps[g][0] && w->minute < w->gaps[g][1]) return 1;
    return 0;
}

/* Towards 0 in some two hours, with this standard deviation. */
static void walk(struct world *w, double *value, double sd)
{
    const double keep = 1 - 1 / 120.0;
    *value = *value * keep + sd * sqrt(1 - keep * keep) * chance_normal(&w->chance);
}

static void service_events(struct world *w, struct service *s)
{
    int hour = w->minute % 1440 / 60, is_working = w->minute / 1440 % 7 < 5 && hour >= 8 && hour < 17;
    walk(w, &s->rows_walk, s->hour_noise);
    walk(w, &s->error_walk, s->error_noise);
    walk(w, &s->latency_walk, s->latency_noise);
    if (s->deploy_left > 0) s->deploy_left--;
    if (s->burst_left > 0) s->burst_left--;
    if (s->gap_left > 0) s->gap_left--;
    if (is_working && chance_uniform(&w->chance, 0, 1) < 2.0 / (5 * 9 * 60)) {
        s->deploy_left = 4;
        s->deploy_dip = chance_uniform(&w->chance, 0.5, 0.9);
        s->deploy_slow = chance_uniform(&w->chance, 1.1, 1.4);
        s->error_factor *= exp(0.1 * chance_normal(&w->chance));
        for (int e = 0; e < s->endpoint_count; e++) s->endpoints[e].latency_ln += 0.03 * chance_normal(&w->chance);
    }
    if (chance_uniform(&w->chance, 0, 1) < 1.5 / WORLD_WEEK) {
        s->burst_left = 1 + (int)chance_uniform(&w->chance, 0, 2);
        s->burst_points = chance_uniform(&w->chance, 0.01, 0.04);
    }
    if (chance_uniform(&w->chance, 0, 1) < 0.5 / WORLD_WEEK) s->gap_left = 1 + (int)chance_uniform(&w->chance, 0, 2);
}

struct bent {
    double rows, points, latency_ln;
};

static struct bent faults_of(const struct world *w, int service, int endpoint)
{
    struct bent bent = { .rows = 1 };
    for (uint32_t i = 0; i < w->fault_count; i++) {
        const struct fault *f = &w->faults[i];
        if (f->service != service || w->minute < f->begin || w->minute >= f->end ||
            (f->endpoint >= 0 && f->endpoint != endpoint))
            continue;
        double passed = (double)(w->minute - f->begin + 1) / (f->end - f->begin);
        if (f->family == FAMILY_VOLUME) bent.rows = f->size;
        if (f->family == FAMILY_ERRORS) bent.points = f->size * (f->kind == FAULT_ERROR_RAMP ? fmin(1, passed * 2) : 1);
        if (f->family == FAMILY_LATENCY) bent.latency_ln = log(f->size) * (f->kind == FAULT_LATENCY_DRIFT ? passed : 1);
    }
    return bent;
}

/* Durations by a multinomial over the bins; each bin at one of its places. */
static void durations_draw(struct world *w, const struct endpoint *e, double latency_ln, double rows,
                           struct world_row *row)
{
    double left = rows, passed = 0;
    for (int b = 0; b < WORLD_BINS && left > 0; b++) {
        double share = edges[b + 1] - edges[b],
               count = b == WORLD_BINS - 1 ? left : chance_binomial(&w->chance, left, fmin(1, share / (1 - passed)));
        passed += share;
        if (count <= 0) continue;
        left -= count;
        double ln = latency_ln + (double)e->quantile_ln[b][chance_next(&w->chance) >> 61];
        /* ln(1.01 / 0.99) a bucket */
        row->buckets[row->bucket_count++] =
            (struct ddsketch_count){ (int32_t)ceil(ln / 0.020000666706669), (int64_t)count };
    }
}

static void endpoint_minute(struct world *w, int service, int e, double rate, double load, struct world_row *row)
{
    struct service *s = &w->services[service];
    struct endpoint *at = &s->endpoints[e];
    struct bent bent = faults_of(w, service, e);
    walk(w, &at->latency_walk, s->latency_noise);
    walk(w, &at->error_walk, s->error_noise);
    double rows = chance_poisson(&w->chance, rate * at->share * bent.rows);
    double share = at->error_share * s->error_factor * exp((s->error_walk + at->error_walk) * 0.7) + bent.points +
                   (s->burst_left > 0 ? s->burst_points : 0);
    double latency_ln = at->latency_ln + s->latency_walk + at->latency_walk + s->load_coupling * (load - 1) +
                        bent.latency_ln + (s->deploy_left > 0 ? log(s->deploy_slow) : 0);
    *row = (struct world_row){ .rows = (int64_t)rows,
                               .errors = (int64_t)chance_binomial(&w->chance, rows, fmin(1, share)) };
    durations_draw(w, at, latency_ln, rows, row);
}

static void row_add(struct world_row *sum, const struct world_row *row)
{
    sum->rows += row->rows;
    sum->errors += row->errors;
    memcpy(sum->buckets + sum->bucket_count, row->buckets, row->bucket_count * sizeof *row->buckets);
    sum->bucket_count += row->bucket_count;
}

static struct world_row *service_minute(struct world *w, int number, struct world_row *out)
{
    struct service *s = &w->services[number];
    int has_endpoints = s->endpoint_count > 1, is_holiday = 0;
    struct world_row *sum = out++;
    sum->rows = sum->errors = sum->bucket_count = 0;
    if (w->minute < s->first_minute) {
        for (int e = 0; e <= (has_endpoints ? s->endpoint_count : 0); e++) sum[e].rows = -1;
        return sum + 1 + (has_endpoints ? s->endpoint_count : 0);
    }
    service_events(w, s);
    for (int h = 0; h < w->holiday_count; h++) is_holiday |= s->is_people && w->minute / 1440 == w->holidays[h];
    double load = (double)s->week[w->minute % WORLD_WEEK];
    double rate = s->mean * load *
                  exp(s->growth * w->minute + s->rows_walk + s->minute_noise * chance_normal(&w->chance)) *
                  (is_holiday ? 0.75 : 1);
    if (s->deploy_left > 2) rate *= s->deploy_dip;
    if (s->gap_left > 0 || is_silent(w)) rate = 0;
    for (int e = 0; e < s->endpoint_count; e++) {
        struct world_row alone, *row = has_endpoints ? out++ : &alone;
        endpoint_minute(w, number, e, rate, load, row);
        row_add(sum, row);
    }
    return out;
}

const struct world_row *world_minute(struct world *w)
{
    struct world_row *out = w->rows;
    for (int s = 0; s < WORLD_SERVICES; s++) out = service_minute(w, s, out);
    w->minute++;
    return w->rows;
}
