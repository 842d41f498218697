/* agents_new -- how often new errors and new log patterns are told in made-up weeks, how many of those are false, and how soon those that
 * were put there are found: by finding_new_look itself, a look a minute, over a database of its own.
 *
 *   agents_new --dir EMPTY_DIR --name tuned --seed 1 --weeks 4
 *
 * 40 services, all known before. Nothing of this is measured of real companies; the rates are what we take to be usual:
 *   deploys   five a week each. A deploy brings Poisson(0.3) errors that do no harm, 0.01 to 2 a minute, and Poisson(1) lines of level
 *             INFO, 0.01 to 100 a minute; one in 20 is a flood of 10 to 60 more lines, 10 to 100 a minute
 *   rare      three new errors a week each, 0.001 to 0.1 a minute
 *   bursts    of a dependency that fails: one a month each with an error never seen before, 1 to 100 a minute for 1 to 10 minutes
 *   planted   an incident: one a month each, a new error, 1 to 100 a minute for 30 minutes to four hours: is to be found
 * Rates are log-uniform. Seven of ten errors are logged, too: a line of level ERROR each. A finding is true when one of the things it
 * tells of was planted. Findings that are not up are for reports, and told to nobody: they count by themselves. */
#include "base/clock.h"
#include "bench/agents/chance.h"
#include "findings/finding_new.h"
#include "meta/meta.h"
#include "meta/pattern.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVICES = 40, THINGS_MAX = 40000, WEEK = 7 * 1440, KEPT = 480 /* minutes that are looked at, and more */ };
enum why { LINES, FLOOD, DEPLOY, RARE, BURST, PLANTED, WHYS };
static const char *const why_names[WHYS] = { "lines", "flood", "deploy", "rare", "burst", "planted" };
#define MINUTE_US INT64_C(60000000)
#define BEGIN_US  (INT64_C(1789948800) * 1000000) /* a midnight */

struct thing {
    enum why why;
    int service, begin, end, found[2]; /* found: as an error, as a pattern; -1: not */
    double rate;
    bool is_error, is_logged, is_there, is_told;
};
struct world {
    struct chance chance;
    struct db *db;
    struct uuid project_id;
    struct thing things[THINGS_MAX];
    int count, first, minute, told[2][2][WHYS], findings[2][2],
        patterns; /* of errors, patterns: in reports alone, told */
};

static void thing_add(struct world *w, enum why why, int service, bool is_error, double low, double high, int begin,
                      double minutes)
{
    if (w->count == THINGS_MAX) return;
    w->things[w->count++] = (struct thing){ .why = why,
                                            .service = service,
                                            .begin = begin,
                                            .end = begin + (int)minutes,
                                            .found = { -1, -1 },
                                            .rate = chance_log_uniform(&w->chance, low, high),
                                            .is_error = is_error,
                                            .is_logged = !is_error || chance_uniform(&w->chance, 0, 1) < 0.7 };
}

static int by_begin(const void *a, const void *b)
{
    return ((const struct thing *)a)->begin - ((const struct thing *)b)->begin;
}

static int any_minute(struct world *w, int from, int length)
{
    return from + (int)chance_uniform(&w->chance, 0, length);
}

static void things_make(struct world *w, int weeks)
{
    struct chance *chance = &w->chance;
    for (int week = 0; week < weeks; week++)
        for (int s = 0; s < SERVICES; s++) {
            int from = week * WEEK;
            for (int day = 0; day < 5; day++) {
                int at = any_minute(w, from + day * 1440 + 540, 480);
                for (int n = (int)chance_poisson(chance, 0.3); n > 0; n--)
                    thing_add(w, DEPLOY, s, true, 0.01, 2, at, WEEK);
                for (int n = (int)chance_poisson(chance, 1); n > 0; n--)
                    thing_add(w, LINES, s, false, 0.01, 100, at, WEEK);
                if (chance_uniform(chance, 0, 1) < 0.05)
                    for (int n = (int)chance_uniform(chance, 10, 60); n > 0; n--)
                        thing_add(w, FLOOD, s, false, 10, 100, at, WEEK);
            }
            for (int n = (int)chance_poisson(chance, 3); n > 0; n--)
                thing_add(w, RARE, s, true, 0.001, 0.1, any_minute(w, from, WEEK), WEEK);
            for (int n = (int)chance_poisson(chance, 0.25); n > 0; n--)
                thing_add(w, BURST, s, true, 1, 100, any_minute(w, from, WEEK), chance_uniform(chance, 1, 10));
            for (int n = (int)chance_poisson(chance, 0.25); n > 0; n--)
                thing_add(w, PLANTED, s, true, 1, 100, any_minute(w, from, WEEK), chance_log_uniform(chance, 30, 240));
        }
    qsort(w->things, (size_t)w->count, sizeof *w->things, by_begin);
}

/* ---- rows ---- */

static struct uuid id_of(uint32_t number)
{
    struct uuid id = { { 0 } };
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

#define RUN(sql, ...) db_run(session, sql, DB_VALUES(__VA_ARGS__), NULL, NULL, NULL, err)

static bool thing_store(struct db_session *session, struct world *w, int number, int64_t rows, struct err *err)
{
    struct thing *thing = &w->things[number];
    int64_t at = BEGIN_US + w->minute * MINUTE_US;
    char service[32], words[200];
    struct db_value project = db_uuid(w->project_id), id = db_uuid(id_of((uint32_t)number));
    snprintf(service, sizeof service, "service-%d", thing->service);
    /* Words of letters alone, which are no number and no name, and which no other line has. */
    int len = 0;
    for (int word = 0; word < 5; word++) {
        if (word > 0) words[len++] = ' ';
        for (uint64_t bits = (uint64_t)(number + 1) * 2654435761u + (uint64_t)word * 97531; bits > 0; bits /= 26)
            words[len++] = (char)('a' + bits % 26);
    }
    words[len] = '\0';
    bool is_new = !thing->is_there;
    thing->is_there = true;
    if (thing->is_error && is_new &&
        !(RUN("INSERT INTO issues(project_id, number, title, message, culprit, service, language, category, known_id, "
              "words, state, state_unix_us, resolved_in_release, ignored_until_unix_us, ignored_until_count, "
              "ignored_until_users, ignored_at_count, ignored_at_users, merged_into, first_unix_us, last_unix_us, "
              "total_count, user_count, created_unix_us, changed_unix_us, look_unix_us) VALUES($1, $2, 'Error', '', "
              "'', $3, '', '', '', '', 0, $4, '', 0, 0, 0, 0, 0, 0, $4, $4, 1, 0, $4, $4, 0)",
              project, db_integer(number + 1), db_text(service), db_integer(at)) &&
          RUN("INSERT INTO error_fingerprints(project_id, id, service, family, language, made_by, errors_version, "
              "rules_version, rule_line, first_unix_us, last_unix_us, total_count, issue, is_changed, first_event, "
              "last_event) VALUES($1, $2, $3, '', '', 0, 1, 0, 0, $4, $4, 1, $5, $6, '', '')",
              project, id, db_text(service), db_integer(at), db_integer(number + 1), db_boolean(false))))
        return false;
    if (thing->is_error && !RUN("INSERT INTO error_minutes(project_id, at_unix_us, fingerprint_id, environment, "
                                "row_count) VALUES($1, $2, $3, '', $4)",
                                project, db_integer(at), id, db_integer(rows)))
        return false;
    if (!thing->is_logged) return true;
    return (is_new ? RUN("INSERT INTO pattern_templates(project_id, id, service, template, sample, is_rest, "
                         "first_unix_us, last_unix_us) VALUES($1, $2, $3, $4, '', $5, $6, $6)",
                         project, id, db_text(service), db_text(words), db_boolean(false), db_integer(at))
                   : RUN("UPDATE pattern_templates SET last_unix_us = $3 WHERE project_id = $1 AND id = $2", project,
                         id, db_integer(at))) &&
           RUN("INSERT INTO pattern_hours(project_id, at_unix_us, template_id, level, row_count) VALUES($1, $2, $3, "
               "$4, $5) ON CONFLICT(project_id, at_unix_us, template_id, level) DO UPDATE SET row_count = "
               "pattern_hours.row_count + excluded.row_count",
               project, db_integer(at - at % PATTERN_HOUR_US), id, db_integer(thing->is_error ? 5 : 3),
               db_integer(rows));
}

static bool minute_store(struct db_session *session, void *ctx, struct err *err)
{
    struct world *w = ctx;
    while (w->first < w->count && w->things[w->first].begin + KEPT < w->minute) w->first++;
    for (int t = w->first; t < w->count && w->things[t].begin <= w->minute; t++) {
        int64_t rows = w->minute < w->things[t].end ? (int64_t)chance_poisson(&w->chance, w->things[t].rate) : 0;
        if (rows > 0 && !thing_store(session, w, t, rows, err)) return false;
    }
    return true;
}

static bool services_store(struct db_session *session, void *ctx, struct err *err)
{
    struct world *w = ctx;
    for (int s = 0; s < SERVICES; s++) {
        char service[32];
        snprintf(service, sizeof service, "service-%d", s);
        if (!RUN("INSERT INTO rollup_series(project_id, id, kind, service, endpoint, method, route, source_kind, "
                 "target, target_kind, first_unix_us, last_unix_us) VALUES($1, $2, 'log', $3, '', '', '', '', '', "
                 "'', 0, $4)",
                 db_uuid(w->project_id), db_integer(s + 1), db_text(service), db_integer(BEGIN_US * 2)) ||
            !RUN("INSERT INTO pattern_templates(project_id, id, service, template, sample, is_rest, first_unix_us, "
                 "last_unix_us) VALUES($1, $2, $3, 'started', '', $4, 0, 0)",
                 db_uuid(w->project_id), db_uuid(id_of((uint32_t)(1 << 30) + (uint32_t)s)), db_text(service),
                 db_boolean(false)))
            return false;
    }
    return true;
}

/* ---- what is told ---- */

static void tell(void *ctx, const struct detect_finding *found, const struct watch_subject *subject)
{
    struct world *w = ctx;
    struct err err = { 0 };
    if (!finding_tell(w->db, w->project_id, found, subject, NULL, false, BEGIN_US + w->minute * MINUTE_US, &err))
        exit(fprintf(stderr, "%s\n", err.text));
    if (found->change != DETECT_OPENED) return;
    int is_pattern = found->kind == DETECT_NEW_PATTERN;
    enum why worst = LINES;
    char ids[4096];
    snprintf(ids, sizeof ids, "%.*s", (int)subject->endpoint.len, (const char *)subject->endpoint.ptr);
    for (char *at = ids; (at = strchr(at, ':')) != NULL;) {
        struct uuid id;
        uint32_t number;
        if (!uuid_from_text(bytes_from(++at, UUID_TEXT_BYTES), &id)) continue;
        memcpy(&number, id.bytes, sizeof number);
        struct thing *thing = &w->things[number];
        if (thing->why > worst) worst = thing->why;
        if (thing->found[is_pattern] < 0) thing->found[is_pattern] = w->minute - thing->begin;
        thing->is_told |= found->is_up;
        w->patterns += is_pattern;
    }
    w->told[is_pattern][found->is_up][worst]++;
    w->findings[is_pattern][found->is_up]++;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Told, and not of an incident. */
static double told_falsely(const struct world *w, int is_pattern, double months)
{
    return (w->findings[is_pattern][1] - w->told[is_pattern][1][PLANTED]) / months;
}

static void report(struct world *w, const char *name, int weeks)
{
    static int waits[THINGS_MAX];
    double months = SERVICES * weeks * 7 / 30.0;
    int planted = 0, found = 0, told = 0, within[2] = { 0 }, logged = 0;
    for (int t = 0; t < w->count; t++) {
        const struct thing *thing = &w->things[t];
        if (thing->why != PLANTED) continue;
        planted++;
        logged += thing->is_logged;
        told += thing->is_told;
        for (int p = 0; p < 2; p++) within[p] += thing->found[p] >= 0;
        int soon = thing->found[0] < 0 || (thing->found[1] >= 0 && thing->found[1] < thing->found[0]) ? thing->found[1]
                                                                                                      : thing->found[0];
        if (soon >= 0) waits[found++] = soon;
    }
    for (int p = 0; p < 2; p++)
        for (int up = 1; up >= 0; up--) {
            printf("# %s, %s: %d findings, %.2f a service and month:", p ? "new_pattern" : "new_error",
                   up ? "told" : "in reports alone", w->findings[p][up], w->findings[p][up] / months);
            for (int y = 0; y < WHYS; y++) printf(" %s %.2f", why_names[y], w->told[p][up][y] / months);
            printf("\n");
        }
    printf("# patterns in findings %d\n", w->patterns);
    qsort(waits, (size_t)found, sizeof *waits, by_number);
    printf("# planted %d: found %d, told %d, as errors %d, as patterns %d of %d; after p50 %d, p90 %d min\n", planted,
           found, told, within[0], within[1], logged, found ? waits[found / 2] : -1,
           found ? waits[found * 9 / 10] : -1);
    printf("new_error_false_per_service_month_%s %.2f alerts\n", name, told_falsely(w, 0, months));
    printf("new_pattern_false_per_service_month_%s %.2f alerts\n", name, told_falsely(w, 1, months));
    printf("new_recall_%s %.2f ratio\n", name, planted > 0 ? (double)told / planted : 0);
    printf("new_delay_p50_min_%s %d min\n", name, found ? waits[found / 2] : -1);
}

int main(int argc, char **argv)
{
    static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR };
    struct world *w = calloc(1, sizeof *w);
    struct meta *meta;
    struct meta_project project;
    struct err err = { 0 };
    const char *dir = NULL, *name = "new";
    uint64_t seed = 1;
    int weeks = 4;
    char url[600];
    for (int a = 1; a + 1 < argc; a += 2) {
        if (strcmp(argv[a], "--dir") == 0) dir = argv[a + 1];
        if (strcmp(argv[a], "--name") == 0) name = argv[a + 1];
        if (strcmp(argv[a], "--seed") == 0) seed = strtoull(argv[a + 1], NULL, 10);
        if (strcmp(argv[a], "--weeks") == 0) weeks = atoi(argv[a + 1]);
    }
    if (!dir) return fprintf(stderr, "agents_new --dir EMPTY_DIR --name NAME --seed N --weeks N\n"), 2;
    snprintf(url, sizeof url, "sqlite://%s/new.sqlite", dir);
    chance_seed(&w->chance, seed);
    things_make(w, weeks);
    if (!meta_open(&meta, url, &quiet, &err) || !meta_project_create(meta, "company", &project, &err)) goto fail;
    w->db = meta_db(meta);
    w->project_id = project.id;
    if (!db_transaction(w->db, services_store, w, &err)) goto fail;
    for (w->minute = 0; w->minute < weeks * WEEK; w->minute++)
        if (!db_transaction(w->db, minute_store, w, &err) ||
            !finding_new_look(w->db, w->project_id, BEGIN_US + (w->minute + 1) * MINUTE_US, tell, w, &err))
            goto fail;
    report(w, name, weeks);
    meta_close(meta);
    free(w);
    return 0;
fail:
    fprintf(stderr, "%s\n", err.text);
    return 1;
}
