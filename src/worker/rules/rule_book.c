#include "worker/rules/rule_book.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "errors/rules.h"
#include "meta/error_rules.h"

struct version {
    struct uuid project_id;
    int64_t number, valid_from_unix_us;
    const struct fingerprint_rules *rules; /* in the edition's arena; NULL: it has none */
};
struct edition {
    atomic_uint_fast32_t holders;
    struct arena arena;
    struct version *versions; /* by project, then by number, which is by time */
    uint32_t count, cap, unreadable;
};
struct rule_book {
    struct db *db;
    const struct log *log;
    int64_t number;        /* of the topic; the refreshing thread's */
    atomic_bool is_active; /* false: no project has rules, and nobody asks further */
    pthread_mutex_t lock;  /* guards edition, until it is held */
    struct edition *edition;
};

static void edition_release(struct edition *edition)
{
    if (edition == NULL || atomic_fetch_sub(&edition->holders, 1) > 1) return;
    arena_deinit(&edition->arena);
    free(edition->versions);
    free(edition);
}

/* ---- reading ---- */

struct reading {
    struct rule_book *book;
    struct edition *edition;
};

static void unreadable_tell(const struct reading *reading, const struct error_rules_version *rules,
                            const struct err *err)
{
    char project[UUID_TEXT_BYTES + 1];
    uuid_to_text(rules->project_id, project);
    reading->edition->unreadable++;
    log_error(reading->book->log, "errors.rules_unreadable", log_text("project", project),
              log_number("version", rules->version), log_text("err", err->text),
              log_text("then", "errors of its time are told apart without rules"));
}

static bool version_read(void *ctx, const struct error_rules_version *rules)
{
    struct reading *reading = ctx;
    struct edition *edition = reading->edition;
    struct err err = { 0 };
    if (edition->count == edition->cap) {
        edition->cap = edition->cap ? edition->cap * 2 : 16;
        edition->versions = mem_realloc(edition->versions, edition->cap * sizeof *edition->versions);
    }
    struct version *version = &edition->versions[edition->count++];
    *version = (struct version){ rules->project_id, rules->version, rules->valid_from_unix_us, NULL };
    if (!rules_parse(&edition->arena, arena_copy(&edition->arena, rules->body), &version->rules, &err)) {
        version->rules = NULL;
        unreadable_tell(reading, rules, &err);
    }
    return true;
}

static int version_compare(const void *a, const void *b)
{
    const struct version *one = a, *other = b;
    int order = memcmp(one->project_id.bytes, other->project_id.bytes, sizeof one->project_id.bytes);
    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

bool rule_book_refresh(struct rule_book *book, struct err *err)
{
    int64_t number;
    if (!db_change_number(book->db, ERROR_RULES_TOPIC, &number, err)) return false;
    if (number == book->number) return true;
    struct edition *edition = mem_calloc(1, sizeof *edition);
    atomic_init(&edition->holders, 1);
    arena_init(&edition->arena, 0);
    if (!error_rules_list(book->db, NULL, version_read, &(struct reading){ book, edition }, err)) {
        edition_release(edition);
        return false;
    }
    if (edition->count > 0) qsort(edition->versions, edition->count, sizeof *edition->versions, version_compare);
    pthread_mutex_lock(&book->lock);
    struct edition *old = book->edition;
    book->edition = edition;
    pthread_mutex_unlock(&book->lock);
    atomic_store_explicit(&book->is_active, edition->count > 0, memory_order_release);
    edition_release(old);
    book->number = number;
    return true;
}

/* ---- for workers ---- */

/* The last one of the project that was valid then; NULL: none was. */
static const struct version *version_find(const struct edition *edition, struct uuid project_id, int64_t at_unix_us)
{
    uint32_t low = 0, high = edition->count;
    while (low < high) { /* the first one behind the project's that were valid */
        uint32_t middle = low + (high - low) / 2;
        const struct version *version = &edition->versions[middle];
        int order = memcmp(version->project_id.bytes, project_id.bytes, sizeof project_id.bytes);
        if (order < 0 || (order == 0 && version->valid_from_unix_us <= at_unix_us)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct version *version = low > 0 ? &edition->versions[low - 1] : NULL;
    return version != NULL && uuid_equal(version->project_id, project_id) ? version : NULL;
}

static void take(void *ctx, struct uuid project_id, int64_t received_unix_us, struct rows_rules *rules)
{
    struct rule_book *book = ctx;
    *rules = (struct rows_rules){ 0 };
    if (!atomic_load_explicit(&book->is_active, memory_order_acquire)) return;
    pthread_mutex_lock(&book->lock);
    struct edition *edition = book->edition;
    atomic_fetch_add(&edition->holders, 1);
    pthread_mutex_unlock(&book->lock);
    const struct version *version = version_find(edition, project_id, received_unix_us);
    rules->held = edition;
    if (version == NULL) return;
    rules->rules = version->rules;
    rules->version = version->number;
}

static void give_back(void *ctx, struct rows_rules *rules)
{
    (void)ctx;
    edition_release(rules->held);
}

struct rows_rules_source rule_book_source(struct rule_book *book)
{
    return (struct rows_rules_source){ .take = take, .give_back = give_back, .ctx = book };
}

void rule_book_stats(struct rule_book *book, struct rule_book_stats *stats)
{
    *stats = (struct rule_book_stats){ 0 };
    pthread_mutex_lock(&book->lock);
    const struct edition *edition = book->edition;
    for (uint32_t v = 0; edition != NULL && v < edition->count; v++) {
        stats->versions++;
        stats->projects += v == 0 || !uuid_equal(edition->versions[v - 1].project_id, edition->versions[v].project_id);
    }
    stats->unreadable = edition != NULL ? edition->unreadable : 0;
    pthread_mutex_unlock(&book->lock);
}

/* ---- life ---- */

bool rule_book_open(struct rule_book **out, struct db *db, const struct log *log, struct err *err)
{
    struct rule_book *book = mem_calloc(1, sizeof *book);
    book->db = db;
    book->log = log;
    book->number = -1;
    pthread_mutex_init(&book->lock, NULL);
    *out = book;
    if (rule_book_refresh(book, err)) return true;
    rule_book_close(book);
    *out = NULL;
    return false;
}

void rule_book_close(struct rule_book *book)
{
    if (book == NULL) return;
    edition_release(book->edition);
    pthread_mutex_destroy(&book->lock);
    free(book);
}
