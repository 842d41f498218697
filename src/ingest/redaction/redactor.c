#include "ingest/redaction/redactor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/sha256.h"
#include "ingest/redaction/element_memory.h"
#include "meta/db.h"
#include "meta/secret.h"

enum { RECORDINGS_MAX = 16384 };

struct project {
    struct uuid id;
    struct redaction *redaction; /* NULL: its rules cannot be read */
};
struct redactor {
    struct db *db;
    const struct log *log;
    uint8_t secret[SECRET_BYTES];
    struct element_memory *elements; /* of recordings */
    int64_t number;                  /* of the topic; the refreshing thread's */
    _Atomic uint32_t active;         /* projects with rules: 0 spares the lock */
    pthread_rwlock_t lock;           /* guards projects */
    struct project *projects;        /* by id */
    uint32_t project_count;
    pthread_mutex_t found_lock; /* guards found, found_count */
    struct redaction_found *found;
    size_t found_count, found_cap;
    _Atomic uint64_t requests, changed, finds, unknown_fields;
};

/* ---- rules ---- */

struct reading {
    struct redactor *redactor;
    struct project *projects;
    uint32_t count, cap;
    struct redaction_rule rules[REDACTION_RULES_MAX]; /* of the project that is being read */
    uint32_t rule_count;
    bool has_more; /* than may be: nobody writes that */
};

/* Of a list that is ordered by id. */
static const struct project *project_find(const struct redactor *redactor, struct uuid id)
{
    uint32_t low = 0, high = redactor->project_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(redactor->projects[middle].id.bytes, id.bytes, sizeof id.bytes);
        if (order == 0) return &redactor->projects[middle];
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static void project_end(struct reading *reading)
{
    if (reading->rule_count == 0) return;
    struct redactor *redactor = reading->redactor;
    struct project project = { .id = reading->rules[0].project_id };
    struct err err = { 0 };
    uint8_t key[REDACTION_KEY_BYTES];
    bool is_any_on = false;
    for (uint32_t r = 0; r < reading->rule_count; r++) is_any_on |= reading->rules[r].is_on;
    redactor_key(redactor, project.id, key);
    if (is_any_on &&
        (reading->has_more || !redaction_create(&project.redaction, reading->rules, reading->rule_count, key, &err))) {
        char id[UUID_TEXT_BYTES + 1];
        uuid_to_text(project.id, id);
        log_error(redactor->log, "redaction.rules_unreadable", log_text("project", id),
                  log_text("err", reading->has_more ? "there are more than there may be" : err.text),
                  log_text("then", "what it sends is refused until they are put right"));
    }
    explicit_bzero(key, sizeof key);
    if (is_any_on) {
        if (reading->count == reading->cap) {
            reading->cap = reading->cap ? reading->cap * 2 : 16;
            reading->projects = mem_realloc(reading->projects, reading->cap * sizeof project);
        }
        reading->projects[reading->count++] = project;
    }
    reading->rule_count = 0;
    reading->has_more = false;
}

static bool rule_read(void *ctx, const struct redaction_rule *rule, uint64_t found)
{
    struct reading *reading = ctx;
    (void)found;
    if (reading->rule_count > 0 && !uuid_equal(reading->rules[0].project_id, rule->project_id)) project_end(reading);
    if (reading->rule_count == REDACTION_RULES_MAX) {
        reading->has_more = true;
    } else {
        reading->rules[reading->rule_count++] = *rule;
    }
    return true;
}

static int project_compare(const void *a, const void *b)
{
    return memcmp(((const struct project *)a)->id.bytes, ((const struct project *)b)->id.bytes, 16);
}

static void projects_free(struct project *projects, uint32_t count)
{
    for (uint32_t p = 0; p < count; p++) redaction_release(projects[p].redaction);
    free(projects);
}

bool redactor_refresh(struct redactor *redactor, struct err *err)
{
    int64_t number;
    if (!db_change_number(redactor->db, REDACTION_TOPIC, &number, err)) return false;
    if (number == redactor->number) return true;
    struct reading *reading = mem_calloc(1, sizeof *reading);
    reading->redactor = redactor;
    bool ok = redaction_rule_list(redactor->db, NULL, rule_read, reading, err);
    if (ok) {
        project_end(reading);
        if (reading->count > 0) qsort(reading->projects, reading->count, sizeof *reading->projects, project_compare);
        pthread_rwlock_wrlock(&redactor->lock);
        struct project *old = redactor->projects;
        uint32_t old_count = redactor->project_count;
        redactor->projects = reading->projects;
        redactor->project_count = reading->count;
        pthread_rwlock_unlock(&redactor->lock);
        atomic_store(&redactor->active, reading->count);
        projects_free(old, old_count);
        redactor->number = number;
    } else {
        projects_free(reading->projects, reading->count);
    }
    free(reading);
    return ok;
}

bool redactor_take(struct redactor *redactor, struct uuid project_id, struct redaction **redaction, struct err *err)
{
    *redaction = NULL;
    if (atomic_load_explicit(&redactor->active, memory_order_acquire) == 0) return true;
    pthread_rwlock_rdlock(&redactor->lock);
    const struct project *project = project_find(redactor, project_id);
    bool is_broken = project != NULL && project->redaction == NULL;
    if (project != NULL && !is_broken) *redaction = redaction_hold(project->redaction);
    pthread_rwlock_unlock(&redactor->lock);
    return !is_broken ||
           err_set(err, ERR_BUSY,
                   "the redaction rules of this project cannot be read, so nothing of it may be kept now");
}

struct element_memory *redactor_elements(const struct redactor *redactor)
{
    return redactor->elements;
}

void redactor_key(const struct redactor *redactor, struct uuid project_id, uint8_t key[REDACTION_KEY_BYTES])
{
    static_assert(REDACTION_KEY_BYTES == SHA256_BYTES, "a key is a hash");
    hmac_sha256(bytes_from(redactor->secret, sizeof redactor->secret),
                bytes_from(project_id.bytes, sizeof project_id.bytes), key);
}

/* ---- finds ---- */

static void found_add(struct redactor *redactor, struct uuid rule_id, uint64_t found)
{
    size_t f = 0;
    while (f < redactor->found_count && !uuid_equal(redactor->found[f].rule_id, rule_id)) f++;
    if (f == redactor->found_count) {
        if (f == redactor->found_cap) {
            redactor->found_cap = f == 0 ? 32 : f * 2;
            redactor->found = mem_realloc(redactor->found, redactor->found_cap * sizeof *redactor->found);
        }
        redactor->found[redactor->found_count++] = (struct redaction_found){ .rule_id = rule_id };
    }
    redactor->found[f].found += found;
}

void redactor_count(struct redactor *redactor, const struct redaction *redaction, const struct redaction_counts *counts)
{
    uint64_t found = 0;
    pthread_mutex_lock(&redactor->found_lock);
    for (uint32_t r = 0; r < redaction_rule_count(redaction); r++) {
        if (counts->found[r] == 0) continue;
        found += counts->found[r];
        found_add(redactor, redaction_rule_id(redaction, r), counts->found[r]);
    }
    pthread_mutex_unlock(&redactor->found_lock);
    atomic_fetch_add(&redactor->requests, 1);
    atomic_fetch_add(&redactor->changed, found + counts->unknown_fields > 0);
    atomic_fetch_add(&redactor->finds, found);
    atomic_fetch_add(&redactor->unknown_fields, counts->unknown_fields);
}

bool redactor_save(struct redactor *redactor, struct err *err)
{
    pthread_mutex_lock(&redactor->found_lock);
    struct redaction_found *found = redactor->found;
    size_t count = redactor->found_count;
    redactor->found = NULL;
    redactor->found_count = redactor->found_cap = 0;
    pthread_mutex_unlock(&redactor->found_lock);
    bool ok = redaction_found_add(redactor->db, clock_unix_us() / INT64_C(86400000000), found, count, err);
    if (!ok) {
        pthread_mutex_lock(&redactor->found_lock);
        for (size_t f = 0; f < count; f++) found_add(redactor, found[f].rule_id, found[f].found);
        pthread_mutex_unlock(&redactor->found_lock);
    }
    free(found);
    return ok;
}

void redactor_stats(struct redactor *redactor, struct redactor_stats *stats)
{
    *stats = (struct redactor_stats){
        .requests = atomic_load(&redactor->requests),
        .changed = atomic_load(&redactor->changed),
        .found = atomic_load(&redactor->finds),
        .unknown_fields = atomic_load(&redactor->unknown_fields),
        .projects = atomic_load(&redactor->active),
    };
}

/* ---- life ---- */

bool redactor_open(struct redactor **out, struct db *db, const struct log *log, struct err *err)
{
    struct redactor *redactor = mem_calloc(1, sizeof *redactor);
    redactor->db = db;
    redactor->log = log;
    redactor->number = -1;
    redactor->elements = element_memory_create(RECORDINGS_MAX);
    pthread_rwlock_init(&redactor->lock, NULL);
    pthread_mutex_init(&redactor->found_lock, NULL);
    *out = redactor;
    if (secret_find(db, "redaction", redactor->secret, err) && redactor_refresh(redactor, err)) return true;
    redactor_close(redactor);
    *out = NULL;
    return false;
}

void redactor_close(struct redactor *redactor)
{
    if (redactor == NULL) return;
    projects_free(redactor->projects, redactor->project_count);
    element_memory_destroy(redactor->elements);
    pthread_rwlock_destroy(&redactor->lock);
    pthread_mutex_destroy(&redactor->found_lock);
    explicit_bzero(redactor->secret, sizeof redactor->secret);
    free(redactor->found);
    free(redactor);
}
