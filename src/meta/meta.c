#include "meta/meta.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "meta/meta_inside.h"
#include "meta/secret.h"

/* Reads all of it; what was in memory stays when that fails. A change in between is seen twice, not missed: its number is
 * read first. Keys before projects, for a key names its project. */
static bool memory_load(struct meta *meta, int64_t number, struct err *err)
{
    struct memory loaded = { .seed = meta->memory.seed };
    if (!keys_load(meta->db, &loaded, err) || !projects_load(meta->db, &loaded, err) ||
        !retentions_load(meta->db, &loaded, err)) {
        memory_deinit(&loaded);
        return false;
    }
    pthread_rwlock_wrlock(&meta->lock);
    struct memory old = meta->memory;
    meta->memory = loaded;
    pthread_rwlock_unlock(&meta->lock);
    memory_deinit(&old);
    meta->loaded_number = number;
    return true;
}

bool meta_refresh(struct meta *meta, struct err *err)
{
    int64_t number;
    pthread_mutex_lock(&meta->load_lock);
    uint64_t now_ns = clock_mono_ns();
    bool ok = db_change_number(meta->db, META_TOPIC, &number, err) &&
              (number == meta->loaded_number || memory_load(meta, number, err));
    if (ok) atomic_store_explicit(&meta->current_mono_ns, now_ns, memory_order_relaxed);
    pthread_mutex_unlock(&meta->load_lock);
    return ok;
}

/* What is committed is true, whether or not it can be read back now. */
bool meta_change(struct meta *meta, db_work_fn *work, void *ctx, struct err *err)
{
    if (!db_transaction(meta->db, work, ctx, err)) return false;
    struct err late = { 0 };
    if (!meta_refresh(meta, &late)) log_warn(meta->log, "meta.refresh_failed", log_text("err", late.text));
    return true;
}

struct db *meta_db(struct meta *meta)
{
    return meta->db;
}

bool meta_open(struct meta **out, const char *database, const struct log *log, struct err *err)
{
    *out = NULL;
    uint64_t seed;
    int64_t number;
    struct db *db;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) return err_os(err, "could not get random bytes");
    if (!db_open(&db, &(struct db_options){ .url = database, .log = log }, err)) return false;
    struct meta *meta = mem_calloc(1, sizeof *meta);
    meta->log = log;
    meta->memory.seed = seed;
    meta->db = db;
    meta->current_mono_ns = clock_mono_ns();
    pthread_mutex_init(&meta->load_lock, NULL);
    ticker_init(&meta->follow_ticker);
    pthread_rwlock_init(&meta->lock, NULL);
    meta->uses = key_uses_create();
    if (!secret_find(db, META_KEY_SECRET, meta->key_secret, err) || !db_change_number(db, META_TOPIC, &number, err) ||
        !memory_load(meta, number, err)) {
        meta_close(meta);
        return false;
    }
    *out = meta;
    return true;
}

void meta_close(struct meta *meta)
{
    if (meta == NULL) return;
    follow_stop(meta);
    db_close(meta->db);
    ticker_deinit(&meta->follow_ticker);
    pthread_mutex_destroy(&meta->load_lock);
    pthread_rwlock_destroy(&meta->lock);
    memory_deinit(&meta->memory);
    key_uses_destroy(meta->uses);
    explicit_bzero(meta->key_secret, sizeof meta->key_secret);
    free(meta);
}
