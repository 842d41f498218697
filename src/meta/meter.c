#include "meta/meter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/hash.h"
#include "meta/db.h"

enum bucket { BUCKET_REQUESTS, BUCKET_BYTES, BUCKET_EVENTS, BUCKET_COUNT };
static const enum limit bucket_limits[BUCKET_COUNT] = { LIMIT_REQUESTS_PER_SECOND, LIMIT_BYTES_PER_SECOND,
                                                        LIMIT_EVENTS_PER_SECOND };
enum used {
    USED_REQUESTS,
    USED_BYTES,
    USED_LOGS,
    USED_SPANS,
    USED_POINTS,
    USED_REFUSED,
    USED_REDACTED,
    USED_QUERIES,
    USED_COUNT
};

/* A project or a key of one. */
struct subject {
    struct uuid id, project_id; /* id all zeros: a free place */
    bool is_said[LIMIT_COUNT];
    struct limit_values said;
    double left[BUCKET_COUNT];
    uint64_t filled_mono_ns; /* when the buckets were last filled; 0: they are full */
    uint64_t queries;
    uint64_t bytes_saved_today, events_saved_this_month; /* by all processes */
    uint64_t used[USED_COUNT];                           /* of a key: not saved yet */
    uint64_t bytes_unsaved, events_unsaved;              /* of a project: the same of all its keys */
};
struct meter {
    struct meter_options options;
    int64_t limits_number, tidied_day; /* of the topic; both the refreshing thread's */
    pthread_mutex_t lock;              /* guards all below */
    struct subject *at;
    uint32_t count, cap;
    uint64_t refused[LIMIT_COUNT];
};

static const struct uuid none;

/* ---- subjects ---- */

static struct subject *place_of(struct meter *meter, struct uuid id)
{
    uint32_t at = (uint32_t)hash64_of(bytes_from(id.bytes, sizeof id.bytes)) & (meter->cap - 1);
    while (!uuid_equal(meter->at[at].id, none) && !uuid_equal(meter->at[at].id, id)) at = (at + 1) & (meter->cap - 1);
    return &meter->at[at];
}

static void subjects_grow(struct meter *meter)
{
    struct subject *old = meter->at;
    uint32_t old_cap = meter->cap;
    meter->cap = old_cap * 2;
    meter->at = mem_calloc(meter->cap, sizeof *meter->at);
    for (uint32_t i = 0; i < old_cap; i++) {
        if (!uuid_equal(old[i].id, none)) *place_of(meter, old[i].id) = old[i];
    }
    free(old);
}

/* Made when it is new; other subjects may move then. */
static struct subject *subject_of(struct meter *meter, struct uuid project_id, struct uuid id)
{
    assert(!uuid_equal(id, none));
    struct subject *subject = place_of(meter, id);
    if (uuid_equal(subject->id, id)) return subject;
    if ((meter->count + 1) * 2 > meter->cap) {
        subjects_grow(meter);
        subject = place_of(meter, id);
    }
    meter->count++;
    *subject = (struct subject){ .id = id, .project_id = project_id };
    return subject;
}

static bool is_project(const struct subject *subject)
{
    return uuid_equal(subject->id, subject->project_id);
}

/* Whose counts change: those of the project, and of the key. A person has none: what people do counts under their project's own id. */
struct payers {
    struct uuid ids[2]; /* the last is who did it */
    uint32_t count;
};
static struct payers payers_of(struct uuid project_id, struct uuid key_id)
{
    if (uuid_equal(key_id, none)) return (struct payers){ { project_id }, 1 };
    return (struct payers){ { project_id, key_id }, 2 };
}

static uint64_t limit_of(const struct meter *meter, const struct subject *subject, enum limit limit)
{
    if (subject->is_said[limit]) return subject->said.at[limit];
    return is_project(subject) ? meter->options.defaults.at[limit] : 0;
}

/* ---- rates ---- */

static void buckets_fill(const struct meter *meter, struct subject *subject, uint64_t now_ns)
{
    double seconds = subject->filled_mono_ns == 0 ? 1e9 : (double)(now_ns - subject->filled_mono_ns) / 1e9;
    for (int b = 0; b < BUCKET_COUNT; b++) {
        double rate = (double)limit_of(meter, subject, bucket_limits[b]);
        double left = rate > 0 ? subject->left[b] + rate * seconds : 0; /* no debts from before there was a limit */
        subject->left[b] = left < rate ? left : rate;
    }
    subject->filled_mono_ns = now_ns;
}

struct refusal {
    const struct subject *subject;
    enum limit limit;
    double wait_s; /* < 0: none */
};

static void refusal_take(struct refusal *refusal, const struct subject *subject, enum limit limit, double wait_s)
{
    if (wait_s <= refusal->wait_s) return;
    *refusal = (struct refusal){ subject, limit, wait_s };
}

/* Until a day or a month is over, in seconds. */
static double seconds_left(int64_t now_us, bool of_month)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t day = now_us / day_us, next = day + 1, year;
    uint32_t month, in_month;
    if (of_month) {
        date_of_days(day, &year, &month, &in_month);
        next = month == 12 ? date_days(year + 1, 1, 1) : date_days(year, month + 1, 1);
    }
    return (double)(next * day_us - now_us) / 1e6;
}

static void subject_check(struct meter *meter, struct subject *subject, uint64_t now_ns, struct refusal *refusal)
{
    buckets_fill(meter, subject, now_ns);
    for (int b = 0; b < BUCKET_COUNT; b++) {
        double rate = (double)limit_of(meter, subject, bucket_limits[b]);
        if (rate == 0) continue;
        double needed = b == BUCKET_REQUESTS ? (rate < 1 ? rate : 1) : 0;
        /* Requests are known to be one; of the rest something must be left. */
        bool is_over = b == BUCKET_REQUESTS ? subject->left[b] < needed : subject->left[b] <= 0;
        if (is_over) refusal_take(refusal, subject, bucket_limits[b], (needed - subject->left[b]) / rate + 0.001);
    }
    uint64_t of_day = limit_of(meter, subject, LIMIT_BYTES_PER_DAY);
    uint64_t of_month = limit_of(meter, subject, LIMIT_EVENTS_PER_MONTH);
    if (of_day == 0 && of_month == 0) return;
    uint64_t bytes = subject->bytes_saved_today + subject->bytes_unsaved;
    uint64_t events = subject->events_saved_this_month + subject->events_unsaved;
    if (of_day > 0 && bytes >= of_day)
        refusal_take(refusal, subject, LIMIT_BYTES_PER_DAY, seconds_left(clock_unix_us(), false));
    if (of_month > 0 && events >= of_month)
        refusal_take(refusal, subject, LIMIT_EVENTS_PER_MONTH, seconds_left(clock_unix_us(), true));
}

static void wait_text(double wait_s, char text[24])
{
    if (wait_s < 1) {
        snprintf(text, 24, "%.0f ms", wait_s * 1000);
    } else if (wait_s < 120) {
        snprintf(text, 24, "%.1f s", wait_s);
    } else if (wait_s < 7200) {
        snprintf(text, 24, "%.0f minutes", wait_s / 60);
    } else {
        snprintf(text, 24, "%.0f hours", wait_s / 3600);
    }
}

static bool refuse(struct meter *meter, const struct refusal *refusal, uint32_t *retry_ms, struct err *err)
{
    char text[24];
    wait_text(refusal->wait_s, text);
    uint64_t value = limit_of(meter, refusal->subject, refusal->limit);
    *retry_ms = refusal->wait_s * 1000 < 1e9 ? (uint32_t)(refusal->wait_s * 1000) + 1 : 1000000000;
    return err_set(err, ERR_QUOTA, "this %s is over its limit of %llu %s (%s): there is room again in %s",
                   is_project(refusal->subject) ? "project" : "API key", (unsigned long long)value,
                   limit_words(refusal->limit), limit_name(refusal->limit), text);
}

bool meter_admit(struct meter *meter, struct uuid project_id, struct uuid key_id, uint32_t *retry_ms, struct err *err)
{
    struct refusal refusal = { .wait_s = -1 };
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&meter->lock);
    struct payers payers = payers_of(project_id, key_id);
    struct subject *subjects[2];
    for (uint32_t i = 0; i < payers.count; i++)
        (void)subject_of(meter, project_id, payers.ids[i]); /* they move no more */
    for (uint32_t i = 0; i < payers.count; i++) {
        subjects[i] = subject_of(meter, project_id, payers.ids[i]);
        subject_check(meter, subjects[i], now_ns, &refusal);
    }
    bool ok = refusal.wait_s < 0;
    if (ok) {
        for (uint32_t i = 0; i < payers.count; i++) subjects[i]->left[BUCKET_REQUESTS]--;
    } else {
        meter->refused[refusal.limit]++;
        subjects[payers.count - 1]->used[USED_REFUSED]++;
        refuse(meter, &refusal, retry_ms, err);
    }
    pthread_mutex_unlock(&meter->lock);
    return ok;
}

static uint64_t events_of(const struct meter_amounts *amounts)
{
    return amounts->logs + amounts->spans + amounts->points;
}

void meter_charge(struct meter *meter, struct uuid project_id, struct uuid key_id, const struct meter_amounts *amounts)
{
    struct payers payers = payers_of(project_id, key_id);
    pthread_mutex_lock(&meter->lock);
    for (uint32_t i = 0; i < payers.count; i++) {
        struct subject *subject = subject_of(meter, project_id, payers.ids[i]);
        subject->left[BUCKET_BYTES] -= (double)amounts->bytes;
        subject->left[BUCKET_EVENTS] -= (double)events_of(amounts);
    }
    pthread_mutex_unlock(&meter->lock);
}

void meter_count(struct meter *meter, struct uuid project_id, struct uuid key_id, const struct meter_amounts *amounts)
{
    struct payers payers = payers_of(project_id, key_id);
    pthread_mutex_lock(&meter->lock);
    for (uint32_t i = 0; i < payers.count; i++) {
        struct subject *subject = subject_of(meter, project_id, payers.ids[i]);
        subject->bytes_unsaved += amounts->bytes;
        subject->events_unsaved += events_of(amounts);
        if (i + 1 < payers.count) continue; /* what is used is counted once */
        subject->used[USED_REQUESTS]++;
        subject->used[USED_BYTES] += amounts->bytes;
        subject->used[USED_LOGS] += amounts->logs;
        subject->used[USED_SPANS] += amounts->spans;
        subject->used[USED_POINTS] += amounts->points;
        subject->used[USED_REDACTED] += amounts->redacted;
    }
    pthread_mutex_unlock(&meter->lock);
}

/* ---- queries ---- */

bool meter_query_begin(struct meter *meter, struct uuid project_id, struct uuid key_id, struct err *err)
{
    pthread_mutex_lock(&meter->lock);
    struct payers payers = payers_of(project_id, key_id);
    struct uuid by = payers.ids[payers.count - 1];
    (void)subject_of(meter, project_id, by); /* it moves no more */
    struct subject *project = subject_of(meter, project_id, project_id);
    struct subject *key = subject_of(meter, project_id, by);
    uint64_t most = limit_of(meter, project, LIMIT_QUERIES);
    bool ok = most == 0 || project->queries < most;
    if (ok) {
        project->queries++;
        key->used[USED_QUERIES]++;
    } else {
        meter->refused[LIMIT_QUERIES]++;
        key->used[USED_REFUSED]++;
        err_set(err, ERR_QUOTA,
                "this project runs %llu queries at once already, its limit (queries): wait for one to end",
                (unsigned long long)most);
        err_hint(err,
                 "pg_stat_activity shows them, pg_cancel_backend(pid) stops one; an instance admin sets the limit");
    }
    pthread_mutex_unlock(&meter->lock);
    return ok;
}

void meter_query_end(struct meter *meter, struct uuid project_id)
{
    pthread_mutex_lock(&meter->lock);
    struct subject *project = subject_of(meter, project_id, project_id);
    assert(project->queries > 0);
    project->queries--;
    pthread_mutex_unlock(&meter->lock);
}

void meter_limits(struct meter *meter, struct uuid project_id, const struct uuid *key_id, struct limit_values *values)
{
    pthread_mutex_lock(&meter->lock);
    const struct subject *subject = subject_of(meter, project_id, key_id ? *key_id : project_id);
    for (int l = 0; l < LIMIT_COUNT; l++) values->at[l] = limit_of(meter, subject, (enum limit)l);
    pthread_mutex_unlock(&meter->lock);
}

void meter_defaults(const struct meter *meter, struct limit_values *values)
{
    *values = meter->options.defaults;
}

void meter_state(struct meter *meter, struct uuid project_id, struct meter_state *state)
{
    pthread_mutex_lock(&meter->lock);
    const struct subject *project = subject_of(meter, project_id, project_id);
    *state = (struct meter_state){ project->bytes_saved_today + project->bytes_unsaved,
                                   project->events_saved_this_month + project->events_unsaved, project->queries };
    pthread_mutex_unlock(&meter->lock);
}

void meter_stats(struct meter *meter, struct meter_stats *stats)
{
    pthread_mutex_lock(&meter->lock);
    memcpy(stats->refused, meter->refused, sizeof stats->refused);
    stats->unsaved = 0;
    for (uint32_t i = 0; i < meter->cap; i++) {
        bool has_counts = false;
        for (int u = 0; u < USED_COUNT; u++) has_counts |= meter->at[i].used[u] > 0;
        stats->unsaved += has_counts;
    }
    pthread_mutex_unlock(&meter->lock);
}

/* ---- the database ---- */

struct limits_reading {
    struct limit_row *rows;
    size_t count, cap;
};

static void limit_add(void *ctx, const struct limit_row *row)
{
    struct limits_reading *reading = ctx;
    if (reading->count == reading->cap) {
        reading->cap = reading->cap ? reading->cap * 2 : 64;
        reading->rows = mem_realloc(reading->rows, reading->cap * sizeof *row);
    }
    reading->rows[reading->count++] = *row;
}

bool meter_refresh(struct meter *meter, struct err *err)
{
    struct limits_reading reading = { 0 };
    int64_t number;
    if (!db_change_number(meter->options.db, LIMIT_TOPIC, &number, err)) return false;
    if (number == meter->limits_number) return true;
    if (!limit_list(meter->options.db, NULL, limit_add, &reading, err)) {
        free(reading.rows);
        return false;
    }
    pthread_mutex_lock(&meter->lock);
    for (uint32_t i = 0; i < meter->cap; i++) memset(meter->at[i].is_said, 0, sizeof meter->at[i].is_said);
    for (size_t r = 0; r < reading.count; r++) {
        const struct limit_row *row = &reading.rows[r];
        struct subject *subject = subject_of(meter, row->project_id, row->subject_id);
        subject->is_said[row->limit] = true;
        subject->said.at[row->limit] = row->value;
    }
    pthread_mutex_unlock(&meter->lock);
    free(reading.rows);
    meter->limits_number = number;
    return true;
}

/* One subject's counts on their way; still in the subject until they are there. */
struct saved {
    struct uuid id;
    uint64_t used[USED_COUNT];
};
struct saving {
    struct meter *meter;
    struct saved *subjects;
    struct db_value *values;
    uint32_t count;
    int64_t day, month_begin;
    bool has_quotas;
    /* what comes back */
    struct sums {
        struct uuid project_id, key_id;
        uint64_t bytes_today, events_this_month;
    } * sums;
    size_t sum_count, sum_cap;
};
enum { VALUES = 3 + USED_COUNT };

static void saving_collect(struct meter *meter, struct saving *saving)
{
    pthread_mutex_lock(&meter->lock);
    saving->subjects = mem_alloc((meter->count + 1) * sizeof *saving->subjects);
    saving->values = mem_alloc((meter->count + 1) * VALUES * sizeof *saving->values);
    for (int l = LIMIT_BYTES_PER_DAY; l <= LIMIT_EVENTS_PER_MONTH; l++)
        saving->has_quotas |= meter->options.defaults.at[l] > 0;
    for (uint32_t i = 0; i < meter->cap; i++) {
        const struct subject *subject = &meter->at[i];
        uint64_t any = 0;
        saving->has_quotas |= subject->is_said[LIMIT_BYTES_PER_DAY] || subject->is_said[LIMIT_EVENTS_PER_MONTH];
        for (int u = 0; u < USED_COUNT; u++) any |= subject->used[u];
        if (any == 0) continue;
        struct saved *saved = &saving->subjects[saving->count];
        saved->id = subject->id;
        memcpy(saved->used, subject->used, sizeof saved->used);
        struct db_value *values = &saving->values[saving->count * VALUES];
        values[0] = db_uuid(subject->project_id);
        values[1] = db_uuid(is_project(subject) ? none : subject->id);
        values[2] = db_integer(saving->day);
        for (int u = 0; u < USED_COUNT; u++) values[3 + u] = db_integer((int64_t)subject->used[u]);
        saving->count++;
    }
    pthread_mutex_unlock(&meter->lock);
}

static bool sum_read(void *ctx, struct db_row *row, struct err *err)
{
    struct saving *saving = ctx;
    (void)err;
    if (saving->sum_count == saving->sum_cap) {
        saving->sum_cap = saving->sum_cap ? saving->sum_cap * 2 : 64;
        saving->sums = mem_realloc(saving->sums, saving->sum_cap * sizeof *saving->sums);
    }
    saving->sums[saving->sum_count++] =
        (struct sums){ db_row_uuid(row, 0), db_row_uuid(row, 1), (uint64_t)db_row_integer(row, 2),
                       (uint64_t)db_row_integer(row, 3) };
    return true;
}

static bool save_run(struct db_session *session, void *ctx, struct err *err)
{
    enum { DAYS_KEPT = 400 };
    struct saving *saving = ctx;
    saving->sum_count = 0;
    if (saving->meter->tidied_day != saving->day &&
        !db_run(session, "DELETE FROM usage WHERE day < $1", DB_VALUES(db_integer(saving->day - DAYS_KEPT)), NULL, NULL,
                NULL, err))
        return false;
    static_assert(VALUES == 11, "as many as the statement has");
    if (saving->count > 0 &&
        !db_run_many(
            session,
            "INSERT INTO usage(project_id, key_id, day, requests, bytes, logs, spans, points, refused, redacted,"
            " queries) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " ON CONFLICT(project_id, day, key_id) DO UPDATE SET requests = usage.requests + excluded.requests,"
            " bytes = usage.bytes + excluded.bytes, logs = usage.logs + excluded.logs,"
            " spans = usage.spans + excluded.spans, points = usage.points + excluded.points,"
            " refused = usage.refused + excluded.refused, redacted = usage.redacted + excluded.redacted,"
            " queries = usage.queries + excluded.queries",
            saving->values, VALUES, saving->count, NULL, err))
        return false;
    return !saving->has_quotas ||
           db_run(session,
                  "SELECT project_id, key_id, CAST(sum(CASE WHEN day = $1 THEN bytes ELSE 0 END) AS bigint),"
                  " CAST(sum(logs + spans + points) AS bigint) FROM usage WHERE day >= $2 GROUP BY project_id, key_id",
                  DB_VALUES(db_integer(saving->day), db_integer(saving->month_begin)), sum_read, saving, NULL, err);
}

/* Of what was counted in the meantime nothing is lost. */
static void saving_settle(struct meter *meter, const struct saving *saving)
{
    pthread_mutex_lock(&meter->lock);
    for (uint32_t s = 0; s < saving->count; s++) {
        const struct saved *saved = &saving->subjects[s];
        struct subject *subject = place_of(meter, saved->id);
        for (int u = 0; u < USED_COUNT; u++) subject->used[u] -= saved->used[u];
        if (is_project(subject)) continue;
        uint64_t events = saved->used[USED_LOGS] + saved->used[USED_SPANS] + saved->used[USED_POINTS];
        subject->bytes_unsaved -= saved->used[USED_BYTES];
        subject->events_unsaved -= events;
        struct subject *project = place_of(meter, subject->project_id);
        project->bytes_unsaved -= saved->used[USED_BYTES];
        project->events_unsaved -= events;
    }
    if (saving->has_quotas) {
        for (uint32_t i = 0; i < meter->cap; i++)
            meter->at[i].bytes_saved_today = meter->at[i].events_saved_this_month = 0;
    }
    for (size_t s = 0; s < saving->sum_count; s++) {
        const struct sums *sums = &saving->sums[s];
        struct subject *project = subject_of(meter, sums->project_id, sums->project_id);
        project->bytes_saved_today += sums->bytes_today;
        project->events_saved_this_month += sums->events_this_month;
        if (uuid_equal(sums->key_id, none)) continue;
        struct subject *key = subject_of(meter, sums->project_id, sums->key_id);
        key->bytes_saved_today = sums->bytes_today;
        key->events_saved_this_month = sums->events_this_month;
    }
    pthread_mutex_unlock(&meter->lock);
}

bool meter_save(struct meter *meter, struct err *err)
{
    struct saving saving = { .meter = meter, .day = clock_unix_us() / INT64_C(86400000000) };
    int64_t year;
    uint32_t month, day;
    date_of_days(saving.day, &year, &month, &day);
    saving.month_begin = date_days(year, month, 1);
    saving_collect(meter, &saving);
    bool ok =
        (saving.count == 0 && !saving.has_quotas) || db_transaction_adding(meter->options.db, save_run, &saving, err);
    if (ok) {
        saving_settle(meter, &saving);
        if (saving.count > 0) meter->tidied_day = saving.day;
    }
    free(saving.subjects);
    free(saving.values);
    free(saving.sums);
    return ok;
}

/* ---- life ---- */

bool meter_open(struct meter **out, const struct meter_options *options, struct err *err)
{
    struct meter *meter = mem_calloc(1, sizeof *meter);
    meter->options = *options;
    meter->limits_number = -1;
    meter->cap = 64;
    meter->at = mem_calloc(meter->cap, sizeof *meter->at);
    pthread_mutex_init(&meter->lock, NULL);
    *out = meter;
    if (meter_refresh(meter, err) && meter_save(meter, err)) return true;
    meter_close(meter);
    *out = NULL;
    return false;
}

void meter_close(struct meter *meter)
{
    if (meter == NULL) return;
    pthread_mutex_destroy(&meter->lock);
    free(meter->at);
    free(meter);
}
