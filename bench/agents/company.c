#include "bench/agents/company.h"
#include "bench/agents/chance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WEEK         10080
#define ENTRIES      3
#define RELEASES_MAX 4000
#define BINS         20

const char *const company_fault_names[COMPANY_FAULT_KINDS] = {
    "errors",  "slow",          "release_errors", "release_slow", "attribute_errors", "attribute_slow",
    "silence", "database_slow", "outside_fails",  "visitors",     "calls_more",       "calls_fewer",
};

struct place {
    double self_ns, sigma, error_share, room; /* room: requests a minute that it has room for */
    double noise, rows_walk, error_walk, time_walk;
    double mean, amplitude, peak, weekend; /* of entries: visitors */
    double weights[COMPANY_ATTRIBUTES][16];
    int counts[COMPANY_ATTRIBUTES], version, release, burst_left;
    double burst;
    bool sends;
    /* of the minute */
    double fails, time_ns, slow_share, slow_ns, rows, own_fails, own_slow, own_errors_of_attribute,
        own_slow_of_attribute;
    int is_gone;
};
struct call {
    double often, needed; /* needed: how often its failure fails the request */
    double limit_ns;      /* 0: none */
    int tries;
    double fails, time_ns; /* of the minute, one try */
};
/* What a service was ill of in a minute, for its traces. */
struct illness {
    float errors, slow;
    short version, version_before;
    float version_share;
};
struct company {
    struct chance chance, traces; /* who looks at traces changes nothing */
    int minute, weeks, gap;
    struct place places[COMPANY_PLACES];
    struct company_call calls[COMPANY_CALLS];
    struct call how[COMPANY_CALLS];
    uint32_t call_count, fault_count, release_count, release_at;
    struct company_fault faults[COMPANY_FAULTS];
    struct company_release releases[RELEASES_MAX];
    struct company_row rows[COMPANY_SERVICES + COMPANY_CALLS];
    struct illness (*ill)[COMPANY_SERVICES];
    float middle[BINS];
};

/* ---- making ---- */

const char *company_place_name(int place)
{
    static const char *const words[] = { "web",     "mobile",   "partner", "cart",    "checkout", "search",  "catalog",
                                         "prices",  "stock",    "users",   "auth",    "session",  "mail",    "push",
                                         "orders",  "payments", "ledger",  "fraud",   "shipping", "returns", "reviews",
                                         "images",  "ads",      "offers",  "coupons", "tax",      "geo",     "reports",
                                         "export",  "import",   "audit",   "flags",   "config",   "notify",  "wishlist",
                                         "loyalty", "support",  "chat",    "billing", "invoices" };
    static const char *const called[] = { "postgresql/orders", "postgresql/users",  "mysql/catalog",    "redis/0",
                                          "mongodb/events",    "postgresql/ledger", "api.bank.example", "maps.example",
                                          "sms.example",       "s3.example",        "cards.example",    "tax.example" };
    return place < COMPANY_SERVICES ? words[place] : called[place - COMPANY_SERVICES];
}

static void place_make(struct company *c, int number)
{
    struct place *p = &c->places[number];
    struct chance *chance = &c->chance;
    int is_service = number < COMPANY_SERVICES;
    p->self_ns = is_service ? chance_log_uniform(chance, 2e6, 6e7) : chance_log_uniform(chance, 1e6, 4e7);
    p->sigma = chance_uniform(chance, 0.4, 0.9);
    p->error_share = fmin(0.02, 0.002 * exp(0.9 * chance_normal(chance)));
    p->noise = chance_uniform(chance, 0.02, 0.1);
    p->mean = chance_log_uniform(chance, 60, 2500);
    p->sends = number < ENTRIES || chance_uniform(chance, 0, 1) < 0.9;
    p->amplitude = chance_uniform(chance, 0.3, 0.9);
    p->peak = chance_uniform(chance, 10, 20);
    p->weekend = chance_uniform(chance, 0.5, 1.1);
    for (int a = 0; a < COMPANY_ATTRIBUTES; a++) {
        double sum = 0;
        p->counts[a] = a == COMPANY_HOST     ? 2 + (int)chance_uniform(chance, 0, 7)
                       : a == COMPANY_TENANT ? 16
                                             : 1 + (int)chance_uniform(chance, 0, 5);
        for (int v = 0; v < p->counts[a]; v++) {
            p->weights[a][v] = a == COMPANY_HOST ? 1 : a == COMPANY_TENANT ? 1.0 / (v + 2) : pow(v + 1, -0.8);
            sum += p->weights[a][v];
        }
        for (int v = 0; v < p->counts[a]; v++) p->weights[a][v] /= sum;
    }
    p->version = 1;
    p->release = -1;
}

static void call_add(struct company *c, int source, int target)
{
    struct chance *chance = &c->chance;
    for (uint32_t i = 0; i < c->call_count; i++)
        if (c->calls[i].source == source && c->calls[i].target == target) return;
    if (c->call_count == COMPANY_CALLS) return;
    c->how[c->call_count] = (struct call){ .needed = chance_uniform(chance, 0, 1) < 0.65 ? 1 : 0.08,
                                           .tries = chance_uniform(chance, 0, 1) < 0.25 ? 2 : 1 };
    c->calls[c->call_count++] =
        (struct company_call){ source, target, chance_log_uniform(chance, 0.25, 1.6), COMPANY_BY_NAME, false };
    struct company_call *call = &c->calls[c->call_count - 1];
    if (source < 0 || target >= COMPANY_SERVICES) return;
    call->is_queued = chance_uniform(chance, 0, 1) < 0.1;
    double seen = chance_uniform(chance, 0, 1);
    if (!call->is_queued && seen < 0.15) call->seen = seen < 0.08 ? COMPANY_BY_HOST : COMPANY_BY_ADDRESS;
}

/* Layers of 3, 8, 13 and 16 services; each is called by one or more of the layer above, a few by one further up. */
static void calls_make(struct company *c)
{
    static const int first[] = { 0, 3, 11, 24, COMPANY_SERVICES };
    struct chance *chance = &c->chance;
    for (int entry = 0; entry < ENTRIES; entry++) {
        call_add(c, -1, entry);
        c->calls[c->call_count - 1].often = 1;
    }
    for (int layer = 1; layer < 4; layer++)
        for (int s = first[layer]; s < first[layer + 1]; s++)
            for (int n = 1 + (int)chance_uniform(chance, 0, 2.4); n > 0; n--) {
                int above = chance_uniform(chance, 0, 1) < 0.15 && layer > 1 ? layer - 2 : layer - 1;
                call_add(c, (int)chance_uniform(chance, first[above], first[above + 1]), s);
            }
    for (int target = COMPANY_SERVICES; target < COMPANY_PLACES; target++) {
        int is_database = target < COMPANY_SERVICES + COMPANY_DATABASES;
        for (int n = is_database ? 2 + (int)chance_uniform(chance, 0, 4) : 1 + (int)chance_uniform(chance, 0, 2); n > 0;
             n--)
            call_add(c, (int)chance_uniform(chance, 5, COMPANY_SERVICES), target);
    }
}

/* Requests a minute on a usual day, top down; what each takes, bottom up. */
static void usual_make(struct company *c)
{
    double rows[COMPANY_PLACES] = { 0 }, time_ns[COMPANY_PLACES];
    for (int p = 0; p < COMPANY_PLACES; p++) {
        if (p < ENTRIES) rows[p] += c->places[p].mean;
        c->places[p].rows = rows[p];
        for (uint32_t i = 0; i < c->call_count; i++)
            if (c->calls[i].source == p) rows[c->calls[i].target] += rows[p] * c->calls[i].often;
        c->places[p].room =
            rows[p] * chance_uniform(&c->chance, 2.2, 5); /* at the peak it has some 2.5 times the mean */
    }
    for (int p = COMPANY_PLACES - 1; p >= 0; p--) {
        time_ns[p] = c->places[p].self_ns;
        for (uint32_t i = 0; i < c->call_count; i++)
            if (c->calls[i].source == p && !c->calls[i].is_queued)
                time_ns[p] += c->calls[i].often * time_ns[c->calls[i].target];
    }
    for (uint32_t i = 0; i < c->call_count; i++)
        if (chance_uniform(&c->chance, 0, 1) < 0.4)
            c->how[i].limit_ns = time_ns[c->calls[i].target] * chance_uniform(&c->chance, 8, 20);
}

static int release_add(struct company *c, int service, int minute, double share)
{
    if (c->release_count == RELEASES_MAX) return -1;
    c->releases[c->release_count] = (struct company_release){ service, 0, minute, share };
    return (int)c->release_count++;
}

static int fault_place(struct company *c, struct company_fault *f)
{
    struct chance *chance = &c->chance;
    for (int tries = 0; tries < 1000; tries++) {
        int p = (int)chance_uniform(chance, 0, COMPANY_SERVICES), is_any = 0;
        if (f->kind == COMPANY_VISITORS) p = (int)chance_uniform(chance, 0, ENTRIES);
        if (f->kind == COMPANY_DATABASE_SLOW) p = COMPANY_SERVICES + (int)chance_uniform(chance, 0, COMPANY_DATABASES);
        if (f->kind == COMPANY_OUTSIDE_FAILS)
            p = (int)chance_uniform(chance, COMPANY_SERVICES + COMPANY_DATABASES, COMPANY_PLACES);
        f->call = -1;
        if (f->kind == COMPANY_CALLS_MORE || f->kind == COMPANY_CALLS_FEWER) {
            f->call = (int)chance_uniform(chance, ENTRIES, c->call_count);
            is_any = c->calls[f->call].target >= COMPANY_SERVICES;
            p = c->calls[f->call].source;
        }
        if (!is_any && c->places[p].rows >= 15) return p;
    }
    return 0;
}

static void fault_make(struct company *c, int n, int begin)
{
    struct chance *chance = &c->chance;
    struct company_fault f = { .kind = (enum company_fault_kind)(n % COMPANY_FAULT_KINDS),
                               .begin = begin,
                               .release = -1 };
    f.end = begin + (int)chance_log_uniform(chance, 20, 90);
    f.place = fault_place(c, &f);
    f.ramp = chance_uniform(chance, 0, 1) < 0.4 ? (int)chance_uniform(chance, 4, 15) : 0;
    struct place *p = &c->places[f.place];
    switch (f.kind) {
    case COMPANY_ERRORS:
    case COMPANY_RELEASE_ERRORS:
    case COMPANY_OUTSIDE_FAILS: f.size = chance_log_uniform(chance, 0.03, 0.5); break;
    case COMPANY_SLOW:
    case COMPANY_RELEASE_SLOW: f.size = chance_log_uniform(chance, 2.5, 12); break;
    case COMPANY_DATABASE_SLOW: f.size = chance_log_uniform(chance, 5, 30); break;
    case COMPANY_ATTRIBUTE_ERRORS: f.size = chance_uniform(chance, 0.3, 1); break;
    case COMPANY_ATTRIBUTE_SLOW: f.size = chance_log_uniform(chance, 6, 25); break;
    case COMPANY_VISITORS: f.size = chance_log_uniform(chance, 3.5, 8); break;
    case COMPANY_CALLS_MORE: f.size = chance_log_uniform(chance, 4, 10); break;
    case COMPANY_CALLS_FEWER: f.size = chance_uniform(chance, 0, 0.2); break;
    default: break;
    }
    if (f.kind == COMPANY_ATTRIBUTE_ERRORS || f.kind == COMPANY_ATTRIBUTE_SLOW) {
        f.attribute = (enum company_attribute)chance_uniform(chance, 0, COMPANY_ATTRIBUTES);
        if (p->counts[f.attribute] < 2) f.attribute = COMPANY_HOST;
        f.value = (int)chance_uniform(chance, 0, f.attribute == COMPANY_TENANT ? 4 : p->counts[f.attribute]);
        f.share = p->weights[f.attribute][f.value];
    }
    if (f.kind == COMPANY_RELEASE_ERRORS || f.kind == COMPANY_RELEASE_SLOW || f.call >= 0)
        f.release = release_add(c, f.place, begin - (int)chance_uniform(chance, 0, 4),
                                chance_uniform(chance, 0, 1) < 0.5 ? 1 : chance_uniform(chance, 0.3, 0.6));
    c->faults[c->fault_count++] = f;
}

static int release_compare(const void *a, const void *b)
{
    const struct company_release *x = a, *y = b;
    return x->minute != y->minute ? (x->minute < y->minute ? -1 : 1) : x->service - y->service;
}

/* A service has some five releases a week, by day. */
static void events_make(struct company *c)
{
    struct chance *chance = &c->chance;
    int end = COMPANY_WARM + c->weeks * WEEK, n = (int)chance_uniform(chance, 0, COMPANY_FAULT_KINDS);
    for (double at = COMPANY_WARM + 60; at < end - 300 && c->fault_count < COMPANY_FAULTS;
         at += chance_uniform(chance, c->gap, 1.5 * c->gap))
        fault_make(c, n++, (int)at);
    for (int m = COMPANY_WARM - 1440; m < end; m++)
        for (int s = 0; s < COMPANY_SERVICES; s++)
            if (m / 1440 % 7 < 5 && m % 1440 >= 480 && m % 1440 < 1080 &&
                chance_uniform(chance, 0, 1) < 5.0 / (5 * 600))
                release_add(c, s, m, chance_uniform(chance, 0, 1) < 0.5 ? 1 : chance_uniform(chance, 0.3, 0.6));
    struct company_release bad[COMPANY_FAULTS];
    for (uint32_t f = 0; f < c->fault_count; f++)
        if (c->faults[f].release >= 0) bad[f] = c->releases[c->faults[f].release];
    qsort(c->releases, c->release_count, sizeof *c->releases, release_compare);
    int versions[COMPANY_SERVICES] = { 0 };
    for (uint32_t r = 0; r < c->release_count; r++) c->releases[r].version = 2 + versions[c->releases[r].service]++;
    for (uint32_t f = 0; f < c->fault_count; f++)
        for (uint32_t r = 0; r < c->release_count && c->faults[f].release >= 0; r++)
            if (c->releases[r].service == bad[f].service && c->releases[r].minute == bad[f].minute)
                c->faults[f].release = (int)r;
}

struct company *company_create(uint64_t seed, int weeks, int gap)
{
    struct company *c = mem_calloc(1, sizeof *c);
    c->weeks = weeks;
    c->gap = gap;
    chance_seed(&c->chance, seed);
    chance_seed(&c->traces, seed + 1);
    c->ill = mem_calloc((size_t)(COMPANY_WARM + weeks * WEEK), sizeof *c->ill);
    for (int b = 0; b < BINS; b++) c->middle[b] = (float)chance_quantile((b + 0.5) / BINS);
    for (int p = 0; p < COMPANY_PLACES; p++) place_make(c, p);
    calls_make(c);
    usual_make(c);
    events_make(c);
    return c;
}

void company_destroy(struct company *c)
{
    free(c->ill);
    free(c);
}

bool company_sends(const struct company *c, int service)
{
    return c->places[service].sends;
}
uint32_t company_calls(const struct company *c, const struct company_call **calls)
{
    *calls = c->calls;
    return c->call_count;
}
uint32_t company_faults(const struct company *c, const struct company_fault **faults)
{
    *faults = c->faults;
    return c->fault_count;
}
uint32_t company_releases(const struct company *c, const struct company_release **releases)
{
    *releases = c->releases;
    return c->release_count;
}

/* ---- a minute ---- */

static void walk(struct company *c, double *value, double sd)
{
    const double keep = 1 - 1 / 120.0;
    *value = *value * keep + sd * sqrt(1 - keep * keep) * chance_normal(&c->chance);
}

static double phi(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

/* What it does by itself: without what it calls. */
static void place_self(struct company *c, int number, double *errors, double *time_ns)
{
    struct place *p = &c->places[number];
    walk(c, &p->error_walk, 0.3);
    walk(c, &p->time_walk, 0.04);
    *errors = p->error_share * exp(p->error_walk);
    *time_ns = p->self_ns * exp(p->time_walk);
    p->slow_share = p->slow_ns = 0;
    p->is_gone = 0;
    if (chance_uniform(&c->chance, 0, 1) < 3.0 / WEEK) {
        p->burst_left = 2 + (int)chance_uniform(&c->chance, 0, 12);
        p->burst = chance_log_uniform(&c->chance, 0.01, 0.06);
    }
    if (p->burst_left-- > 0) *errors += p->burst;
    double over = p->room > 0 ? p->rows / p->room : 0; /* of the minute before */
    if (over > 1) {
        *time_ns *= fmin(20, over * over * over);
        *errors += fmin(0.3, 0.06 * (over - 1));
    }
    for (uint32_t r = c->release_at; r < c->release_count && c->releases[r].minute <= c->minute; r++)
        if (c->releases[r].service == number && c->minute - c->releases[r].minute < 2) *time_ns *= 1.2;
    for (uint32_t i = 0; i < c->fault_count; i++) {
        const struct company_fault *f = &c->faults[i];
        if (f->place != number || c->minute < f->begin || c->minute >= f->end) continue;
        double ramp = f->ramp > 0 ? fmin(1, (c->minute - f->begin + 1.0) / f->ramp) : 1;
        double part = f->release >= 0 && c->minute < c->releases[f->release].minute + 15
                          ? c->releases[f->release].share_first
                          : 1;
        switch (f->kind) {
        case COMPANY_ERRORS:
        case COMPANY_OUTSIDE_FAILS:
        case COMPANY_RELEASE_ERRORS: *errors += f->size * part * ramp; break;
        case COMPANY_RELEASE_SLOW:
            p->slow_share = part;
            p->slow_ns = (f->size - 1) * *time_ns;
            break;
        case COMPANY_SLOW:
        case COMPANY_DATABASE_SLOW: *time_ns *= 1 + (f->size - 1) * ramp; break;
        case COMPANY_ATTRIBUTE_ERRORS: *errors += f->size * f->share * part; break;
        case COMPANY_ATTRIBUTE_SLOW:
            p->slow_share = f->share;
            p->slow_ns = (f->size - 1) * (*time_ns + 2e7);
            break;
        case COMPANY_SILENCE: p->is_gone = 1; break;
        default: break;
        }
    }
}

/* Bottom up: how much of its requests fails, how long they take. */
static void place_health(struct company *c, int number)
{
    struct place *p = &c->places[number];
    double errors, time_ns, slow = 0, slow_ns = 0;
    place_self(c, number, &errors, &time_ns);
    double fine = 1 - fmin(1, errors);
    p->own_fails = errors;
    slow = p->slow_share;
    slow_ns = p->slow_share * p->slow_ns;
    for (uint32_t i = 0; i < c->call_count; i++) {
        struct call *call = &c->how[i];
        if (c->calls[i].source != number) continue;
        const struct place *t = &c->places[c->calls[i].target];
        if (c->calls[i].is_queued) {
            call->fails = 0;
            call->time_ns = 2e6;
            continue;
        }
        double often = c->calls[i].often, takes = t->time_ns + t->slow_share * t->slow_ns, late = 0;
        if (call->limit_ns > 0 && !t->is_gone) {
            late = 1 - phi((log(call->limit_ns / t->time_ns) + t->sigma * t->sigma / 2) / t->sigma);
            if (t->slow_share > 0)
                late +=
                    t->slow_share *
                    (1 - phi((log(call->limit_ns / (t->time_ns + t->slow_ns)) + t->sigma * t->sigma / 2) / t->sigma));
            late = fmin(1, late);
            takes = fmin(takes, call->limit_ns);
        }
        call->fails = t->is_gone ? 1 : fmin(1, t->fails + late);
        call->time_ns = t->is_gone ? 2e6 : takes;
        double end = call->tries > 1 ? call->fails * call->fails : call->fails, any = fmin(1, often * end);
        fine *= 1 - call->needed * any;
        double tries = 1 + (call->tries - 1) * call->fails, plain = t->is_gone ? 2e6 : fmin(t->time_ns, call->time_ns);
        time_ns += often * tries * plain;
        double share = fmin(1, often * t->slow_share);
        slow += (1 - slow) * share;
        slow_ns += often * (takes - plain > 0 ? takes - plain : 0);
    }
    p->fails = 1 - fine;
    p->time_ns = time_ns;
    p->slow_share = slow;
    p->slow_ns = slow > 0 ? slow_ns / slow : 0;
}

static void buckets_put(struct company *c, struct company_row *row, double mean_ns, double sigma, double rows)
{
    double left = rows, mu = log(mean_ns) - sigma * sigma / 2, passed = 0;
    int bins = COMPANY_BUCKETS / 2;
    for (int b = 0; b < bins && left > 0; b++) {
        double count = b == bins - 1 ? left : chance_binomial(&c->chance, left, fmin(1, (1.0 / bins) / (1 - passed)));
        passed += 1.0 / bins;
        if (count <= 0) continue;
        left -= count;
        double z = (double)c->middle[b * BINS / bins + (int)(chance_next(&c->chance) >> 63)];
        if (b == bins - 1) z += chance_uniform(&c->chance, -0.2, 0.5); /* its tail */
        row->buckets[row->bucket_count++] =
            (struct ddsketch_count){ ddsketch_bucket((uint64_t)exp(mu + sigma * z)), (int64_t)count };
    }
}

static int bucket_compare(const void *a, const void *b)
{
    return ((const struct ddsketch_count *)a)->bucket - ((const struct ddsketch_count *)b)->bucket;
}

static void service_put(struct company *c, int number, double arrive)
{
    struct place *p = &c->places[number];
    struct company_row *row = &c->rows[number];
    *row = (struct company_row){ 0 };
    p->rows = arrive;
    row->rows = p->is_gone ? 0 : arrive;
    row->errors = chance_binomial(&c->chance, row->rows, p->fails);
    double slow = chance_binomial(&c->chance, row->rows, p->slow_share);
    buckets_put(c, row, p->time_ns, p->sigma, row->rows - slow);
    buckets_put(c, row, p->time_ns + p->slow_ns, p->sigma, slow);
    qsort(row->buckets, row->bucket_count, sizeof *row->buckets, bucket_compare);
}

/* Top down: who is called how often. What failed before is not called for. */
static void calls_put(struct company *c, int number, double *arrive)
{
    double reached = 1 - 0.7 * fmin(1, number >= 0 ? c->places[number].own_fails : 0);
    for (uint32_t i = 0; i < c->call_count; i++) {
        if (c->calls[i].source != number) continue;
        struct call *call = &c->how[i];
        struct company_row *row = &c->rows[COMPANY_SERVICES + i];
        double often = c->calls[i].often * (1 + (call->tries - 1) * call->fails) * reached;
        for (uint32_t f = 0; f < c->fault_count; f++)
            if (c->faults[f].call == (int)i && c->minute >= c->faults[f].begin && c->minute < c->faults[f].end) {
                const struct company_release *release = &c->releases[c->faults[f].release];
                often *= 1 + (c->faults[f].size - 1) * (c->minute < release->minute + 15 ? release->share_first : 1);
            }
        double rows = chance_poisson(&c->chance, (number < 0 ? 0 : c->rows[number].rows) * often);
        *row = (struct company_row){ .rows = rows, .errors = chance_binomial(&c->chance, rows, call->fails) };
        row->mean_ns = call->time_ns * (1 + 0.6 * chance_normal(&c->chance) / sqrt(fmax(rows, 1)));
        arrive[c->calls[i].target] += rows;
        reached *= 1 - 0.8 * call->needed * fmin(1, call->fails);
    }
}

static void visitors_put(struct company *c, int entry, double *arrive)
{
    struct place *p = &c->places[entry];
    struct company_row *row = &c->rows[COMPANY_SERVICES + entry]; /* the first calls are those from outside */
    walk(c, &p->rows_walk, 0.06);
    double hour = c->minute % 1440 / 60.0, factor = 1;
    for (uint32_t f = 0; f < c->fault_count; f++)
        if (c->faults[f].kind == COMPANY_VISITORS && c->faults[f].place == entry && c->minute >= c->faults[f].begin &&
            c->minute < c->faults[f].end)
            factor = c->faults[f].size;
    double ln = p->amplitude * cos((hour - p->peak) / 24 * 2 * M_PI) +
                (c->minute / 1440 % 7 >= 5 ? log(p->weekend) : 0) + p->rows_walk + p->noise * chance_normal(&c->chance);
    double rows = chance_poisson(&c->chance, p->mean * exp(ln) * factor);
    *row = (struct company_row){ .rows = rows,
                                 .errors = chance_binomial(&c->chance, rows, p->fails),
                                 .mean_ns = p->time_ns };
    arrive[entry] += rows;
}

static void illness_put(struct company *c, int number)
{
    struct place *p = &c->places[number];
    struct illness *ill = &c->ill[c->minute][number];
    *ill = (struct illness){ .errors = (float)p->fails,
                             .slow = (float)p->slow_share,
                             .version = (short)p->version,
                             .version_before = (short)(p->version > 1 ? p->version - 1 : 1) };
    ill->version_share = 1;
    if (p->release >= 0 && c->minute < c->releases[p->release].minute + 15)
        ill->version_share = (float)c->releases[p->release].share_first;
}

const struct company_row *company_minute(struct company *c)
{
    double arrive[COMPANY_PLACES] = { 0 };
    while (c->release_at < c->release_count && c->releases[c->release_at].minute < c->minute - 20) c->release_at++;
    for (uint32_t r = c->release_at; r < c->release_count && c->releases[r].minute <= c->minute; r++)
        if (c->releases[r].minute == c->minute) {
            c->places[c->releases[r].service].version = c->releases[r].version;
            c->places[c->releases[r].service].release = (int)r;
        }
    for (int p = COMPANY_PLACES - 1; p >= 0; p--) place_health(c, p);
    for (int entry = 0; entry < ENTRIES; entry++) visitors_put(c, entry, arrive);
    for (int p = 0; p < COMPANY_SERVICES; p++) {
        service_put(c, p, arrive[p]);
        calls_put(c, p, arrive);
        illness_put(c, p);
    }
    for (int p = COMPANY_SERVICES; p < COMPANY_PLACES; p++) c->places[p].rows = arrive[p];
    c->minute++;
    return c->rows;
}

/* ---- traces ---- */

static int value_draw(struct company *c, const struct place *p, int attribute)
{
    double at = chance_uniform(&c->traces, 0, 1);
    int v = 0;
    while (v < p->counts[attribute] - 1 && (at -= p->weights[attribute][v]) > 0) v++;
    return v;
}

/* Is the fault's own row: of its value, its version. A tenant goes along with calls, so that callers' rows have it, too. */
int company_trace(struct company *c, int service, int minute, int is_ill, struct company_trace *trace)
{
    const struct place *p = &c->places[service];
    const struct illness *ill = &c->ill[minute][service];
    double base = p->error_share, errors = ill->errors, slow = ill->slow, all_slow = slow + 0.05;
    if (is_ill && errors <= 0 && all_slow <= 0) return 0;
    for (int a = 0; a < COMPANY_ATTRIBUTES; a++) trace->values[a] = value_draw(c, p, a);
    trace->version = chance_uniform(&c->traces, 0, 1) < (double)ill->version_share ? ill->version : ill->version_before;
    trace->agent = (int)chance_uniform(&c->traces, 0, 10);
    int is_errors = errors > 2 * base + 0.01;
    double excess = is_errors ? (errors - base) / errors : slow / all_slow;
    const struct company_fault *f = NULL;
    for (uint32_t i = 0; i < c->fault_count; i++)
        if (minute >= c->faults[i].begin && minute < c->faults[i].end) f = &c->faults[i];
    if (f && is_ill && chance_uniform(&c->traces, 0, 1) < excess) {
        int is_of_attribute = f->kind == COMPANY_ATTRIBUTE_ERRORS || f->kind == COMPANY_ATTRIBUTE_SLOW;
        if (is_of_attribute && (f->place == service || f->attribute == COMPANY_TENANT))
            trace->values[f->attribute] = f->value;
        if (f->place == service && f->release >= 0) trace->version = ill->version;
    }
    trace->region = trace->values[COMPANY_HOST] % 2;
    return 1;
}
