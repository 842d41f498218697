/* meta_key_use.c -- when keys were last used: noted in memory, for a request does not wait for the database; and lists of
 * keys that show it. */
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

/* -- lists ------------------------------------------------------------------------------------------------------ */

struct page {
    bool (*each)(void *ctx, const struct meta_key_info *info);
    void *ctx;
    bool is_stopped; /* each wants no more: that ends the reading, and is no failure */
};

static bool info_read(void *ctx, struct db_row *row, struct err *err)
{
    struct page *page = ctx;
    struct meta_key_info info = { .key = { .id = db_row_uuid(row, 0), .project_id = db_row_uuid(row, 1) } };
    (void)err;
    db_row_text_copy(row, 2, info.key.name, sizeof info.key.name);
    db_row_text_copy(row, 3, info.key.prefix, sizeof info.key.prefix);
    info.key.scopes = (uint32_t)db_row_integer(row, 4);
    db_row_text_copy(row, 5, info.key.origins, sizeof info.key.origins);
    info.key.created_unix_us = db_row_integer(row, 6) * 1000;
    info.key.expires_unix_us = db_row_integer(row, 7);
    info.used_unix_us = db_row_integer(row, 8);
    page->is_stopped = !page->each(page->ctx, &info);
    return !page->is_stopped;
}

#define SELECT                                                                                                \
    "SELECT k.id, k.project_id, k.name, k.prefix, k.scopes, k.origins, k.created_unix_ms, k.expires_unix_us," \
    " u.used_unix_us FROM keys k LEFT JOIN key_uses u ON u.key_id = k.id"                                     \
    " WHERE k.project_id = $1 AND k.revoked_unix_ms IS NULL"

bool meta_key_page(struct db *db, struct uuid project_id, const struct meta_key *after, uint32_t count_max,
                   bool (*each)(void *ctx, const struct meta_key_info *info), void *ctx, struct err *err)
{
    struct page page = { .each = each, .ctx = ctx };
    bool ok =
        after == NULL
            ? db_read(db, SELECT " ORDER BY k.created_unix_ms, k.id LIMIT $2",
                      DB_VALUES(db_uuid(project_id), db_integer(count_max)), info_read, &page, err)
            : db_read(db, SELECT " AND (k.created_unix_ms, k.id) > ($3, $4) ORDER BY k.created_unix_ms, k.id LIMIT $2",
                      DB_VALUES(db_uuid(project_id), db_integer(count_max), db_integer(after->created_unix_us / 1000),
                                db_uuid(after->id)),
                      info_read, &page, err);
    return ok || page.is_stopped;
}

static bool info_keep(void *ctx, const struct meta_key_info *info)
{
    *(struct meta_key_info *)ctx = *info;
    return true;
}

bool meta_key_get(struct db *db, struct uuid project_id, struct uuid key_id, struct meta_key_info *info,
                  struct err *err)
{
    struct page page = { .each = info_keep, .ctx = info };
    *info = (struct meta_key_info){ 0 };
    if (!db_read(db, SELECT " AND k.id = $2", DB_VALUES(db_uuid(project_id), db_uuid(key_id)), info_read, &page, err))
        return false;
    return info->key.scopes != 0 || err_set(err, ERR_NOT_FOUND, "there is no such key");
}
