/* agents -- how many of the faults in made-up weeks are found, how soon, and how often an alert is false.
 *
 *   agents --name tuned --seed 1 --weeks 20 [--dump FILE] [--findings FILE] [--quick] [--seconds S]
 *
 * Prints figures as "name value unit". --seconds: ends with the week in which they are over, and says how many weeks there were. --quick:
 * ours alone. A fault is found when an alert about its service (or one of its endpoints), of its family (rows,
 * errors, latency) and side comes between its begin and 5 minutes behind its end (an hour behind it, of the rule that looks at hours). An alert
 * is false when no fault of any family is on its service from two minutes before to an hour behind; of a gap of all services,
 * only one that is not about all. Every series' alert counts: a service's and its endpoints' each.
 * --dump: the values of five minutes that RULE_ZSCORE sees, for other tools: bench/agents_bench.py says how. */
#include "base/clock.h"
#include "base/err.h"
#include "bench/agents/rules.h"
#include "bench/agents/world.h"
#include "detect/detect.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define METHODS   (1 + RULES)
#define MINUTE_US INT64_C(60000000)
#define BEGIN_US  (INT64_C(4) * 86400000000) /* 1970-01-05 is a Monday */
#define AFTER     60

static const char *const method_names[METHODS] = { "ours", "zscore", "median_mad" };
static const int grace[METHODS] = { 5, 5, 60 };

struct alert {
    uint32_t series; /* or DETECT_ALL */
    enum family family;
    int is_up, minute;
};
struct alerts {
    struct alert *all;
    size_t count, cap;
};
struct settings {
    const char *name, *dump, *findings;
    uint64_t seed;
    int weeks, is_quick;
    double seconds;
};

static void alert_add(struct alerts *alerts, struct alert alert)
{
    if (alerts->count == alerts->cap) {
        alerts->cap = alerts->cap ? 2 * alerts->cap : 1024;
        alerts->all = mem_realloc(alerts->all, alerts->cap * sizeof *alerts->all);
    }
    alerts->all[alerts->count++] = alert;
}

static enum family family_of(enum detect_kind kind)
{
    return kind == DETECT_ERROR_RATE ? FAMILY_ERRORS : kind == DETECT_LATENCY ? FAMILY_LATENCY : FAMILY_VOLUME;
}

static int is_about(const struct fault *fault, const struct world_series *series, const struct alert *alert)
{
    int is_up = fault->kind != FAULT_DROP && fault->kind != FAULT_SILENCE;
    return alert->series != DETECT_ALL && series[alert->series].service == fault->service &&
           alert->family == fault->family && alert->is_up == is_up;
}

static int is_false(const struct world *world, const struct alert *alert)
{
    const struct world_series *series;
    const struct fault *faults;
    uint32_t count = world_faults(world, &faults);
    world_series(world, &series);
    if (alert->series == DETECT_ALL) return !world_is_gap(world, alert->minute);
    for (uint32_t f = 0; f < count; f++)
        if (faults[f].service == series[alert->series].service && alert->minute >= faults[f].begin - 2 &&
            alert->minute <= faults[f].end + AFTER)
            return 0;
    return 1;
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void figure(const struct settings *settings, const char *what, const char *method, const char *kind,
                   double value, const char *unit)
{
    printf("%s_%s%s%s%s%s %.3f %s\n", what, settings->name, *method ? "_" : "", method, *kind ? "_" : "", kind, value,
           unit);
}

struct score {
    uint32_t faults[FAULT_KINDS], found[FAULT_KINDS];
    uint32_t all_faults, all_found, delay_count;
    double delays[1024];
};

static void score_faults(const struct world *world, int end, int method, const struct alerts *alerts,
                         struct score *score, FILE *out)
{
    const struct world_series *series;
    const struct fault *faults;
    uint32_t count = world_faults(world, &faults);
    world_series(world, &series);
    for (uint32_t f = 0; f < count; f++) {
        const struct fault *fault = &faults[f];
        int found = -1;
        if (fault->begin >= end) continue;
        for (size_t a = 0; a < alerts->count && found < 0; a++) {
            const struct alert *alert = &alerts->all[a];
            if (alert->minute > fault->begin && alert->minute <= fault->end + grace[method] &&
                is_about(fault, series, alert))
                found = alert->minute;
        }
        score->all_faults++;
        score->all_found += found >= 0;
        if (out && method == 0)
            fprintf(out, "fault %s service %d endpoint %d begin %d minutes %d size %.3f rows %.1f asked %d found %d\n",
                    fault_names[fault->kind], fault->service, fault->endpoint, fault->begin, fault->end - fault->begin,
                    fault->size, fault->rows, fault->is_asked, found < 0 ? -1 : found - fault->begin);
        if (!fault->is_asked) continue;
        score->faults[fault->kind]++;
        score->found[fault->kind] += found >= 0;
        if (found >= 0) score->delays[score->delay_count++] = fmax(0, found - fault->reached);
    }
}

static int weeks_quiet(int weeks)
{
    int quiet = 0;
    for (int week = 0; week < weeks; week++) quiet += !world_is_faulty_week(week);
    return quiet;
}

static void score_print(const struct settings *settings, const struct world *world, int method,
                        const struct alerts *alerts, FILE *out)
{
    struct score score = { 0 };
    uint32_t faults = 0, found = 0, wrong[FAMILIES + 1] = { 0 }, wrong_quiet = 0;
    const char *name = method_names[method];
    score_faults(world, (WORLD_WARM + settings->weeks) * WORLD_WEEK, method, alerts, &score, out);
    for (int k = 0; k < FAULT_KINDS; k++) {
        faults += score.faults[k];
        found += score.found[k];
    }
    for (size_t a = 0; a < alerts->count; a++) {
        const struct alert *alert = &alerts->all[a];
        if (!is_false(world, alert)) continue;
        wrong[alert->family]++;
        wrong[FAMILIES]++;
        wrong_quiet += !world_is_faulty_week(alert->minute / WORLD_WEEK - WORLD_WARM);
    }
    double months = WORLD_SERVICES * settings->weeks * 7 / 30.4;
    int quiet = weeks_quiet(settings->weeks);
    qsort(score.delays, score.delay_count, sizeof *score.delays, double_compare);
    figure(settings, "detect_recall", name, "", faults ? (double)found / faults : 0, "1");
    figure(settings, "detect_delay_p50_min", name, "", score.delay_count ? score.delays[score.delay_count / 2] : NAN,
           "min");
    figure(settings, "detect_delay_p90_min", name, "",
           score.delay_count ? score.delays[score.delay_count * 9 / 10] : NAN, "min");
    figure(settings, "false_alerts_per_service_month", name, "", wrong[FAMILIES] / months, "1");
    figure(settings, "false_alerts_per_service_month", name, "quiet_weeks",
           wrong_quiet / (months * quiet / settings->weeks), "1");
    figure(settings, "false_alerts_per_service_month", name, "volume", wrong[FAMILY_VOLUME] / months, "1");
    figure(settings, "false_alerts_per_service_month", name, "errors", wrong[FAMILY_ERRORS] / months, "1");
    figure(settings, "false_alerts_per_service_month", name, "latency", wrong[FAMILY_LATENCY] / months, "1");
    for (int k = 0; k < FAULT_KINDS; k++)
        if (score.faults[k])
            figure(settings, "detect_recall", name, fault_names[k], (double)score.found[k] / score.faults[k], "1");
    figure(settings, "detect_recall_all", name, "", score.all_faults ? (double)score.all_found / score.all_faults : 0,
           "1");
    if (method > 0) return;
    figure(settings, "detect_faults", "", "", faults, "1");
    figure(settings, "detect_faults_all", "", "", score.all_faults, "1");
    figure(settings, "detect_quiet_weeks", "", "", quiet, "1");
}

static void dump_block(FILE *out, const struct rules *rules, uint32_t series_count)
{
    for (uint32_t s = 0; s < series_count; s++)
        for (int f = 0; f < FAMILIES; f++) {
            float value = (float)rules_block(rules, s)[f];
            fwrite(&value, sizeof value, 1, out);
        }
}

/* JSON, for the tools that read the dump. */
static void dump_head(FILE *out, const struct settings *settings, const struct world *world)
{
    const struct world_series *series;
    const struct fault *faults;
    uint32_t series_count = world_series(world, &series), fault_count = world_faults(world, &faults);
    fprintf(out, "{\"warm\":%d,\"weeks\":%d,\"series\":[", WORLD_WARM, settings->weeks);
    for (uint32_t s = 0; s < series_count; s++)
        fprintf(out, "%s[%d,%d]", s ? "," : "", series[s].service, series[s].endpoint);
    fprintf(out, "],\"faults\":[");
    for (uint32_t f = 0; f < fault_count; f++)
        fprintf(out,
                "%s{\"kind\":\"%s\",\"family\":%d,\"up\":%d,\"service\":%d,\"endpoint\":%d,\"begin\":%d,\"end\":%d,"
                "\"reached\":%d,\"size\":%.4f,\"asked\":%d}",
                f ? "," : "", fault_names[faults[f].kind], faults[f].family,
                faults[f].kind != FAULT_DROP && faults[f].kind != FAULT_SILENCE, faults[f].service, faults[f].endpoint,
                faults[f].begin, faults[f].end, faults[f].reached, faults[f].size, faults[f].is_asked);
    fprintf(out, "]}\n");
}

static void ours_minute(struct detect *detect, int minute, const struct world_row *rows, uint32_t series_count,
                        struct alerts *alerts, FILE *out)
{
    const struct detect_finding *findings;
    detect_minute_begin(detect, BEGIN_US + minute * MINUTE_US);
    for (uint32_t s = 0; s < series_count; s++)
        if (rows[s].rows > 0)
            detect_put(detect, s, rows[s].rows, rows[s].errors, rows[s].buckets, rows[s].bucket_count);
    size_t count = detect_minute_end(detect, &findings);
    for (size_t f = 0; f < count; f++) {
        const struct detect_finding *at = &findings[f];
        if (out)
            fprintf(
                out,
                "%d %d series %d %s up %d window %u value %g expected %g effect %g z %.1f p %g rows %.0f begin %d\n",
                at->change, minute + 1, (int)at->series, detect_kind_name(at->kind), at->is_up, at->window_minutes,
                at->value, at->expected, at->effect, at->z, at->p, at->rows,
                (int)((at->begin_unix_us - BEGIN_US) / MINUTE_US));
        if (at->change == DETECT_OPENED && minute >= WORLD_WARM * WORLD_WEEK)
            alert_add(alerts, (struct alert){ at->series, family_of(at->kind), at->is_up, minute + 1 });
    }
}

static void run(const struct settings *settings)
{
    struct world *world = world_create(settings->seed, settings->weeks);
    const struct world_series *series;
    uint32_t series_count = world_series(world, &series);
    struct detect *detect = detect_create(NULL);
    struct rules *rules = rules_create(series_count);
    struct alerts alerts[METHODS] = { 0 };
    struct rule_alert *told = mem_alloc(series_count * FAMILIES * sizeof *told);
    FILE *dump = settings->dump ? fopen(settings->dump, "wb") : NULL,
         *out = settings->findings ? fopen(settings->findings, "w") : NULL;
    if ((settings->dump && !dump) || (settings->findings && !out)) exit(1);
    if (dump) dump_head(dump, settings, world);
    struct settings did = *settings;
    uint64_t ours_ns = 0, start_ns = clock_mono_ns();
    int minutes = (WORLD_WARM + settings->weeks) * WORLD_WEEK;
    for (uint32_t s = 0; s < series_count; s++) detect_series_add(detect);
    for (int minute = 0; minute < minutes; minute++) {
        const struct world_row *rows = world_minute(world);
        uint64_t begin_ns = clock_thread_ns();
        ours_minute(detect, minute, rows, series_count, &alerts[0], out);
        ours_ns += clock_thread_ns() - begin_ns;
        for (enum rule r = RULE_ZSCORE; r < RULES && !settings->is_quick; r++) {
            size_t count = rules_minute(rules, r, minute, rows, told);
            for (size_t a = 0; a < count && minute >= WORLD_WARM * WORLD_WEEK; a++)
                alert_add(&alerts[1 + r],
                          (struct alert){ told[a].series, told[a].family, told[a].is_up, told[a].minute });
        }
        if (dump && minute % 5 == 4) dump_block(dump, rules, series_count);
        int weeks = (minute + 1) / WORLD_WEEK - WORLD_WARM;
        if ((minute + 1) % WORLD_WEEK == 0 && weeks > 0) {
            did.weeks = weeks;
            if (settings->seconds > 0 && (double)(clock_mono_ns() - start_ns) / 1e9 > settings->seconds) break;
        }
    }
    minutes = (WORLD_WARM + did.weeks) * WORLD_WEEK;
    for (int m = 0; m < (settings->is_quick ? 1 : METHODS); m++) score_print(&did, world, m, &alerts[m], out);
    figure(settings, "detect_series", "", "", series_count, "1");
    figure(settings, "detect_cpu_us_per_series_minute", "", "", (double)ours_ns / 1e3 / series_count / minutes, "us");
    for (int m = 0; m < METHODS; m++) free(alerts[m].all);
    if (dump) fclose(dump);
    if (out) fclose(out);
    free(told);
    rules_destroy(rules);
    detect_destroy(detect);
    world_destroy(world);
}

int main(int argc, char **argv)
{
    struct settings settings = { .name = "tuned", .seed = 1, .weeks = 20 };
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--quick") == 0) {
            settings.is_quick = 1;
            continue;
        }
        if (strcmp(argv[i], "--name") == 0) settings.name = value;
        if (strcmp(argv[i], "--seed") == 0) settings.seed = strtoull(value, NULL, 10);
        if (strcmp(argv[i], "--weeks") == 0) settings.weeks = atoi(value);
        if (strcmp(argv[i], "--seconds") == 0) settings.seconds = strtod(value, NULL);
        if (strcmp(argv[i], "--dump") == 0) settings.dump = value;
        if (strcmp(argv[i], "--findings") == 0) settings.findings = value;
        i++;
    }
    if (settings.weeks < 1 || settings.weeks > 60) return 1;
    run(&settings);
    return 0;
}
