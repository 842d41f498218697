/* What the metadata costs: a key's look-up among many, a small transaction, many upserts at once; on SQLite, and on PostgreSQL
 * when its URL is given.
 *
 *   meta_bench [postgres://...]      an empty database */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "meta/db.h"
#include "meta/meta.h"

enum { KEYS = 1000, LOOK_UPS = 2000000, TRANSACTIONS = 1000, UPSERTS = 20000, UPSERT_VALUES = 4 };
static const struct log no_log = { .fd = -1, .level_min = LOG_ERROR };

static void die(const struct err *err)
{
    fprintf(stderr, "meta_bench: %s\n", err->text);
    exit(1);
}

static void figure(const char *name, const char *where, double value, const char *unit)
{
    printf("%s%s %.2f %s\n", name, where, value, unit);
}

static bool keys_run(struct db_session *session, void *ctx, struct err *err)
{
    struct meta_project project;
    struct meta_key key;
    if (!meta_project_insert(session, "bench", &project, err)) return false;
    for (int k = 0; k < KEYS; k++)
        if (!meta_key_insert(session, project.id, "key", &(struct meta_key_limits){ 0 }, &key, ctx, err)) return false;
    return true;
}

static void keys_measure(struct meta *meta, const char *where)
{
    char secret[META_SECRET_BYTES];
    struct meta_key key;
    struct err err = { 0 };
    if (!db_transaction(meta_db(meta), keys_run, secret, &err) || !meta_refresh(meta, &err)) die(&err);
    uint64_t begin_ns = clock_mono_ns(), found = 0;
    for (int i = 0; i < LOOK_UPS; i++) found += meta_key_find(meta, bytes_of_text(secret), &key);
    if (found != LOOK_UPS) abort();
    figure("meta_key_find_ns", where, (double)(clock_mono_ns() - begin_ns) / LOOK_UPS, "ns");
}

static bool change_run(struct db_session *session, void *ctx, struct err *err)
{
    (void)ctx;
    return db_note_change(session, "bench", err);
}

static bool upserts_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run_many(session,
                       "INSERT INTO retentions(project_id, table_name, days) SELECT id, $1, $2 + $3 + $4 FROM projects"
                       " WHERE name = 'bench' ON CONFLICT(project_id, table_name) DO UPDATE SET days = excluded.days",
                       ctx, UPSERT_VALUES, UPSERTS, NULL, err);
}

static void changes_measure(struct db *db, const char *where)
{
    struct err err = { 0 };
    uint64_t begin_ns = clock_mono_ns();
    for (int i = 0; i < TRANSACTIONS; i++)
        if (!db_transaction(db, change_run, NULL, &err)) die(&err);
    figure("meta_transaction_us", where, (double)(clock_mono_ns() - begin_ns) / 1e3 / TRANSACTIONS, "us");
    int64_t number;
    begin_ns = clock_mono_ns();
    for (int i = 0; i < TRANSACTIONS; i++)
        if (!db_change_number(db, "bench", &number, &err)) die(&err);
    figure("meta_read_us", where, (double)(clock_mono_ns() - begin_ns) / 1e3 / TRANSACTIONS, "us");

    struct db_value *values = mem_alloc(UPSERTS * UPSERT_VALUES * sizeof *values);
    char(*names)[16] = mem_alloc(UPSERTS * sizeof *names);
    for (int i = 0; i < UPSERTS; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i % 5000);
        values[UPSERT_VALUES * i] = db_text(names[i]);
        for (int v = 1; v < UPSERT_VALUES; v++) values[UPSERT_VALUES * i + v] = db_integer(v);
    }
    begin_ns = clock_mono_ns();
    if (!db_transaction_adding(db, upserts_run, values, &err)) die(&err);
    figure("meta_upsert_us", where, (double)(clock_mono_ns() - begin_ns) / 1e3 / UPSERTS, "us");
    free(names);
    free(values);
}

static void measure(const char *url, const char *where)
{
    struct meta *meta;
    struct err err = { 0 };
    if (!meta_open(&meta, url, &no_log, &err)) die(&err);
    keys_measure(meta, where);
    changes_measure(meta_db(meta), where);
    meta_close(meta);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/mono_meta_bench_XXXXXX", path[64], command[80];
    if (mkdtemp(dir) == NULL) return 1;
    snprintf(path, sizeof path, "%s/meta.sqlite", dir);
    measure(path, "_sqlite");
    if (argc > 1) measure(argv[1], "_postgres");
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : 1;
}
