/* meta_key_use.c -- when keys were last used: noted in memory, for a request does not wait for the database. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "meta/meta_inside.h"

static const int64_t SAVE_EVERY_US = 60 * 1000000;

struct key_use {
    struct uuid key_id;
    int64_t used_unix_us, saved_unix_us;
};
struct key_uses {
    pthread_mutex_t lock;
    struct key_use *at; /* open addressing; a key_id of all zeros is free */
    uint32_t count, cap;
};

struct key_uses *key_uses_create(void)
{
    struct key_uses *uses = mem_calloc(1, sizeof *uses);
    pthread_mutex_init(&uses->lock, NULL);
    uses->cap = 64;
    uses->at = mem_calloc(uses->cap, sizeof *uses->at);
    return uses;
}

void key_uses_destroy(struct key_uses *uses)
{
    if (uses == NULL) return;
    pthread_mutex_destroy(&uses->lock);
    free(uses->at);
    free(uses);
}

static struct key_use *use_of(struct key_uses *uses, struct uuid key_id)
{
    static const struct uuid none;
    uint32_t at = (uint32_t)hash64_of(bytes_from(key_id.bytes, sizeof key_id.bytes)) & (uses->cap - 1);
    while (!uuid_equal(uses->at[at].key_id, none) && !uuid_equal(uses->at[at].key_id, key_id))
        at = (at + 1) & (uses->cap - 1);
    return &uses->at[at];
}

static void uses_grow(struct key_uses *uses)
{
    struct key_uses old = *uses;
    static const struct uuid none;
    uses->cap = old.cap * 2;
    uses->at = mem_calloc(uses->cap, sizeof *uses->at);
    for (uint32_t i = 0; i < old.cap; i++) {
        if (!uuid_equal(old.at[i].key_id, none)) *use_of(uses, old.at[i].key_id) = old.at[i];
    }
    free(old.at);
}

void key_uses_note(struct key_uses *uses, struct uuid key_id)
{
    int64_t now_us = clock_unix_us();
    pthread_mutex_lock(&uses->lock);
    struct key_use *use = use_of(uses, key_id);
    if (!uuid_equal(use->key_id, key_id)) {
        if ((uses->count + 1) * 2 > uses->cap) {
            uses_grow(uses);
            use = use_of(uses, key_id);
        }
        use->key_id = key_id;
        uses->count++;
    }
    use->used_unix_us = now_us;
    pthread_mutex_unlock(&uses->lock);
}

struct saving {
    struct db_value *values;
    uint32_t count;
};

/* A later time of another process stays. */
static bool save_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct saving *saving = ctx;
    return db_run_many(session,
                       "INSERT INTO key_uses(key_id, used_unix_us) VALUES($1, $2) ON CONFLICT(key_id) DO UPDATE"
                       " SET used_unix_us = excluded.used_unix_us WHERE key_uses.used_unix_us < excluded.used_unix_us",
                       saving->values, 2, saving->count, NULL, err);
}

bool meta_key_uses_save(struct meta *meta, struct err *err)
{
    struct key_uses *uses = meta->uses;
    struct saving saving = { 0 };
    pthread_mutex_lock(&uses->lock);
    saving.values = mem_alloc(2 * (uses->count + 1) * sizeof *saving.values);
    for (uint32_t i = 0; i < uses->cap; i++) {
        struct key_use *use = &uses->at[i];
        if (use->used_unix_us == 0 || use->used_unix_us - use->saved_unix_us < SAVE_EVERY_US) continue;
        saving.values[2 * saving.count] = db_uuid(use->key_id);
        saving.values[2 * saving.count + 1] = db_integer(use->used_unix_us);
        saving.count++;
        use->saved_unix_us = use->used_unix_us;
    }
    pthread_mutex_unlock(&uses->lock);
    /* When it fails the next use a minute later is written: a time that is a minute old is no loss. */
    bool ok = saving.count == 0 || db_transaction_adding(meta->db, save_run, &saving, err);
    free(saving.values);
    return ok;
}
