/* grouper_bench -- what a new kind of error costs its owner, with 100,000 known; SQLite.
 *
 *   grouper_bench [folder]     prints: name value unit
 *
 * 100,000 fingerprints (200 services, stacks of 12 frames; directions of a cheap embedder) are stored as the worker's tap does and
 * grouped by the owner itself; then another owner takes the project over, and 500 more are grouped with the model. What is told by
 * fingerprint is CPU of all that is done for it, its part of the transactions too; memory is that of the index and of the process. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "errors/group.h"
#include "issues/grouper.h"
#include "issues/row.h"
#include "meta/db.h"
#include "meta/meta.h"

#define KNOWN       100000
#define FURTHER     500
#define FAMILY_SIZE 500
#define AT_ONCE     5000
#define NOW_US      INT64_C(1796000000000000)

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR };

static void die(const struct err *err)
{
    fprintf(stderr, "grouper_bench: %s\n", err->text);
    exit(1);
}

/* Directions that differ as texts do, for nothing. */
static bool embed_cheaply(void *ctx, struct bytes text, float vector[EMBED_DIMENSIONS], struct err *err)
{
    uint64_t seed = hash64_of(text);
    (void)ctx, (void)err;
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++) {
        seed = hash64_mix(seed + k + 1, 0x9E3779B97F4A7C15u);
        vector[k] = ((float)(seed >> 40) / 16777216.0f - 0.5f) * 0.0884f; /* a length of about 0.5 */
    }
    return true;
}

static const char *const words[] = { "payment", "cart",  "stock",  "mail",    "invoice", "coupon", "session", "token",
                                     "order",   "price", "search", "picture", "address", "parcel", "refund",  "tax" };

/* Fingerprint n as the tap would keep it: its event's JSON. */
static void event_make(struct arena *arena, uint64_t n, char *service, size_t service_bytes, char **json)
{
    uint64_t of_service = n / FAMILY_SIZE;
    char *stack = arena_printf(arena, "Traceback (most recent call last):\\n");
    for (uint64_t i = 12; i-- > 0;) {
        uint64_t which = i == 0   ? n * 3
                         : i == 1 ? n * 3 + 1
                                  : hash64_mix(n * 16 + i, 0x9E3779B97F4A7C15u) % (40 / i + 2) + i * 1000;
        stack = arena_printf(arena,
                             "%s  File \\\"/app/module%" PRIu64 ".py\\\", line 7, in function%" PRIu64 "\\n    x()\\n",
                             stack, which % 97, which);
    }
    snprintf(service, service_bytes, "service%" PRIu64, of_service);
    *json = arena_printf(arena,
                         "{\"type\":\"app.Error%" PRIu64 "\",\"message\":\"%s of the %s cannot be read by %s\","
                         "\"stacktrace\":\"%sapp.Error%" PRIu64 ": gone\\n\"}",
                         n % 7, words[n % 16], words[n / 16 % 16], words[n / 256 % 16], stack, n % 7);
}

struct storing {
    struct uuid project_id;
    uint64_t from, to;
};
static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct storing *storing = ctx;
    struct arena arena;
    bool ok = true;
    arena_init(&arena, 0);
    for (uint64_t n = storing->from; ok && n < storing->to; n++) {
        char service[32], *json;
        struct hash128 key = { hash64_mix(n + 1, 0xA0761D6478BD642Fu), n };
        arena_reset(&arena);
        event_make(&arena, n, service, sizeof service, &json);
        ok = db_run(
            session,
            "INSERT INTO error_fingerprints(project_id, id, service, family, language, made_by, errors_version, "
            "rules_version, rule_line, first_event, last_event, first_unix_us, last_unix_us, total_count, issue, "
            "is_changed) VALUES($1, $2, $3, '', 'python', 2, 1, 0, 0, $4, '', $5, $5, 1, 0, 1)",
            DB_VALUES(db_uuid(storing->project_id), db_uuid(row_id(key)), db_text(service), db_text(json),
                      db_integer(NOW_US + (int64_t)n)),
            NULL, NULL, NULL, err);
    }
    arena_deinit(&arena);
    return ok;
}
static void store(struct db *db, struct uuid project_id, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at += AT_ONCE) {
        struct storing storing = { project_id, at, at + AT_ONCE < to ? at + AT_ONCE : to };
        struct err err = { 0 };
        if (!db_transaction_adding(db, store_run, &storing, &err)) die(&err);
    }
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until there is nothing to do. */
static double look_all(struct grouper *grouper)
{
    double begin = cpu_seconds();
    for (bool did = true; did;) {
        struct err err = { 0 };
        if (!grouper_look(grouper, NOW_US, &did, &err)) die(&err);
    }
    return cpu_seconds() - begin;
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    if (file != NULL) fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static struct grouper *grouper_make(struct db *db, struct embedder embedder)
{
    return grouper_create(&(struct grouper_options){ .db = db,
                                                     .name = "bench",
                                                     .embedder = embedder,
                                                     .bytes_max = 122 << 20, /* what --memory 1GiB gives */
                                                     .log = &quiet });
}

int main(int argc, char **argv)
{
    char path[256];
    struct meta *meta;
    struct meta_project project;
    struct err err = { 0 };
    struct grouper_stats stats;
    snprintf(path, sizeof path, "%s/grouper_bench.%d.sqlite", argc > 1 ? argv[1] : "/tmp", (int)getpid());
    if (!meta_open(&meta, path, &quiet, &err) || !meta_project_create(meta, "shop", &project, &err)) die(&err);
    struct db *db = meta_db(meta);

    store(db, project.id, 0, KNOWN);
    double before_mb = resident_mb();
    struct grouper *grouper = grouper_make(db, (struct embedder){ .embed = embed_cheaply });
    double spent = look_all(grouper);
    grouper_stats(grouper, &stats);
    if (stats.fingerprints != KNOWN || stats.full > 0) {
        fprintf(stderr, "grouper_bench: %" PRIu64 " fingerprints have room\n", stats.fingerprints);
        return 1;
    }
    printf("issues_first_fill_us %.0f us\n", spent * 1e6 / KNOWN);
    printf("issues_index_mb %.1f MB\n", (double)stats.bytes / 1e6);
    printf("issues_index_rss_mb %.1f MB\n", resident_mb() - before_mb);
    grouper_close(grouper);

    struct embed_model *model = embed_model_create(&(struct embed_options){ NULL, NULL, NULL });
    grouper = grouper_make(db, embed_model_face(model));
    store(db, project.id, KNOWN, KNOWN + 1);
    printf("issues_take_over_s %.2f s\n", look_all(grouper)); /* reads 100,000 rows; opens the model */
    double with_model_mb = resident_mb();
    store(db, project.id, KNOWN + 1, KNOWN + 1 + FURTHER);
    spent = look_all(grouper);
    printf("issues_new_ms %.2f ms\n", spent * 1e3 / FURTHER);
    printf("issues_rss_with_model_mb %.1f MB\n", with_model_mb);
    embed_model_face(model).rest(model);
    printf("issues_rss_model_rests_mb %.1f MB\n", resident_mb());

    /* Events of what is known: no embedding, no decision; figures and states alone. */
    if (!db_run_alone(
            db, "UPDATE error_fingerprints SET is_changed = 1, total_count = total_count + 1 WHERE (issue % 100) = 0",
            &err))
        die(&err);
    grouper_stats(grouper, &stats);
    uint64_t before = stats.refreshed;
    spent = look_all(grouper);
    grouper_stats(grouper, &stats);
    printf("issues_refresh_us %.0f us\n", spent * 1e6 / (double)(stats.refreshed - before));
    grouper_close(grouper);
    embed_model_destroy(model);
    meta_close(meta);
    unlink(path);
    return 0;
}
