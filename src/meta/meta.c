#include "meta/meta.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "meta/meta_store.h"
#include "meta/sqlite/meta_sqlite.h"

#define SECRET_PREFIX "mono_"
enum { SECRET_DIGITS = 40, SECRET_BYTES_MAX = 256, NAME_BYTES = sizeof((struct meta_project *)0)->name };

/* Places of entries in an array, by a hash of them; entries are only added. */
struct places {
    struct place {
        uint64_t hash;
        uint32_t entry; /* + 1; 0: empty */
    } * slots;
    uint32_t cap, used;
};
struct key_entry {
    struct meta_key key;
    uint8_t secret_sha256[SHA256_BYTES];
    bool is_revoked;
};
/* All that the store holds. */
struct memory {
    uint64_t seed;
    struct meta_project *projects;
    struct key_entry *keys;
    struct meta_retention *retentions; /* few, and asked seldom: searched one by one */
    uint32_t project_count, project_cap, key_count, key_cap, retention_count, retention_cap;
    struct places projects_by_name, projects_by_id, keys_by_id, keys_by_secret;
};
struct meta {
    const struct log *log;
    pthread_mutex_t change_lock; /* one change at a time, on disk and then in memory; the store */
    struct meta_store *store;
    pthread_rwlock_t lock; /* memory; never held while the disk is waited for */
    struct memory memory;
};

/* -- places ----------------------------------------------------------------------------------------------------- */

static void places_put(struct places *places, uint64_t hash, uint32_t entry)
{
    uint32_t at = (uint32_t)hash & (places->cap - 1);
    while (places->slots[at].entry != 0) at = (at + 1) & (places->cap - 1);
    places->slots[at] = (struct place){ hash, entry + 1 };
    places->used++;
}

static void places_add(struct places *places, uint64_t hash, uint32_t entry)
{
    if ((places->used + 1) * 2 > places->cap) {
        struct places old = *places;
        *places = (struct places){ .cap = old.cap ? old.cap * 2 : 64 };
        places->slots = mem_calloc(places->cap, sizeof *places->slots);
        for (uint32_t i = 0; i < old.cap; i++) {
            if (old.slots[i].entry != 0) places_put(places, old.slots[i].hash, old.slots[i].entry - 1);
        }
        free(old.slots);
    }
    places_put(places, hash, entry);
}

/* The next entry with this hash; *step starts at 0. False at the end. */
static bool places_next(const struct places *places, uint64_t hash, uint32_t *step, uint32_t *entry)
{
    while (*step < places->cap) {
        const struct place *place = &places->slots[((uint32_t)hash + *step) & (places->cap - 1)];
        if (place->entry == 0) return false;
        ++*step;
        if (place->hash != hash) continue;
        *entry = place->entry - 1;
        return true;
    }
    return false;
}

static uint64_t id_hash(const struct memory *memory, struct uuid id)
{
    return hash64_key(bytes_from(id.bytes, sizeof id.bytes), memory->seed);
}

/* A hash of a secret is already as good as random. */
static uint64_t digest_hash(const uint8_t digest[SHA256_BYTES])
{
    uint64_t hash;
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

/* -- memory ----------------------------------------------------------------------------------------------------- */

static void project_keep(void *ctx, const struct meta_project *project)
{
    struct memory *memory = ctx;
    if (memory->project_count == memory->project_cap) {
        memory->project_cap = memory->project_cap ? memory->project_cap * 2 : 16;
        memory->projects = mem_realloc(memory->projects, memory->project_cap * sizeof *memory->projects);
    }
    memory->projects[memory->project_count] = *project;
    places_add(&memory->projects_by_name, hash64_key(bytes_of_text(project->name), memory->seed),
               memory->project_count);
    places_add(&memory->projects_by_id, id_hash(memory, project->id), memory->project_count);
    memory->project_count++;
}

static void key_keep(void *ctx, const struct meta_key_row *row)
{
    struct memory *memory = ctx;
    if (memory->key_count == memory->key_cap) {
        memory->key_cap = memory->key_cap ? memory->key_cap * 2 : 16;
        memory->keys = mem_realloc(memory->keys, memory->key_cap * sizeof *memory->keys);
    }
    struct key_entry *entry = &memory->keys[memory->key_count];
    *entry = (struct key_entry){ .key = row->key, .is_revoked = row->is_revoked };
    entry->key.scopes = META_SCOPE_INGEST | (row->key.is_ingest_only ? 0u : META_SCOPE_QUERY);
    entry->key.created_unix_us = row->created_unix_ms * 1000;
    memcpy(entry->secret_sha256, row->secret_sha256, SHA256_BYTES);
    places_add(&memory->keys_by_id, id_hash(memory, row->key.id), memory->key_count);
    places_add(&memory->keys_by_secret, digest_hash(row->secret_sha256), memory->key_count);
    memory->key_count++;
}

static struct meta_retention *retention_at(const struct memory *memory, struct uuid project_id, const char *table)
{
    for (uint32_t r = 0; r < memory->retention_count; r++)
        if (uuid_equal(memory->retentions[r].project_id, project_id) && strcmp(memory->retentions[r].table, table) == 0)
            return &memory->retentions[r];
    return NULL;
}

static void retention_keep(void *ctx, const struct meta_retention *retention)
{
    struct memory *memory = ctx;
    struct meta_retention *there = retention_at(memory, retention->project_id, retention->table);
    if (there) {
        *there = *retention;
        return;
    }
    if (memory->retention_count == memory->retention_cap) {
        memory->retention_cap = memory->retention_cap ? memory->retention_cap * 2 : 16;
        memory->retentions = mem_realloc(memory->retentions, memory->retention_cap * sizeof *memory->retentions);
    }
    memory->retentions[memory->retention_count++] = *retention;
}

static const struct meta_project *project_by_id(const struct memory *memory, struct uuid id)
{
    uint32_t step = 0, entry;
    while (places_next(&memory->projects_by_id, id_hash(memory, id), &step, &entry)) {
        if (uuid_equal(memory->projects[entry].id, id)) return &memory->projects[entry];
    }
    return NULL;
}

static const struct meta_project *project_by_name(const struct memory *memory, struct bytes name)
{
    uint32_t step = 0, entry;
    while (places_next(&memory->projects_by_name, hash64_key(name, memory->seed), &step, &entry)) {
        if (bytes_equal(bytes_of_text(memory->projects[entry].name), name)) return &memory->projects[entry];
    }
    return NULL;
}

static void memory_deinit(struct memory *memory)
{
    free(memory->projects);
    free(memory->keys);
    free(memory->retentions);
    free(memory->projects_by_name.slots);
    free(memory->projects_by_id.slots);
    free(memory->keys_by_id.slots);
    free(memory->keys_by_secret.slots);
}

/* -- projects --------------------------------------------------------------------------------------------------- */

/* [a-z0-9][a-z0-9_-]{0,62}, and not an id: both are asked for in one place. */
static bool project_name_check(const char *name, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = strlen(name);
    struct uuid id;
    bool good = len > 0 && len < NAME_BYTES && strspn(name, allowed) == len && name[0] != '_' && name[0] != '-' &&
                !uuid_from_text(bytes_of_text(name), &id);
    if (good) return true;
    return err_set(err, ERR_INPUT,
                   "\"%.80s\" cannot be a project's name: it takes 1 to 63 of a-z 0-9 _ -, and begins with a "
                   "letter or digit",
                   name);
}

bool meta_project_create(struct meta *meta, const char *name, struct meta_project *project, struct err *err)
{
    if (!project_name_check(name, err)) return false;
    struct meta_project made = { .id = uuid_random() };
    strcpy(made.name, name);
    pthread_mutex_lock(&meta->change_lock);
    bool ok = meta->store->ops->project_add(meta->store, &made, clock_unix_us() / 1000, err);
    if (ok) {
        pthread_rwlock_wrlock(&meta->lock);
        project_keep(&meta->memory, &made);
        pthread_rwlock_unlock(&meta->lock);
    }
    pthread_mutex_unlock(&meta->change_lock);
    if (!ok && err->code == ERR_EXISTS) return err_set(err, ERR_EXISTS, "there is already a project \"%s\"", name);
    if (ok) *project = made;
    return ok;
}

bool meta_project_find(struct meta *meta, struct bytes name_or_id, struct meta_project *project, struct err *err)
{
    struct uuid id;
    bool is_id = uuid_from_text(name_or_id, &id);
    pthread_rwlock_rdlock(&meta->lock);
    const struct meta_project *found =
        is_id ? project_by_id(&meta->memory, id) : project_by_name(&meta->memory, name_or_id);
    if (found) *project = *found;
    pthread_rwlock_unlock(&meta->lock);
    if (found) return true;
    int len = name_or_id.len < NAME_BYTES && utf8_is_valid(name_or_id) ? (int)name_or_id.len : 0;
    return err_set(err, ERR_NOT_FOUND, "there is no project \"%.*s\"", len, len ? (const char *)name_or_id.ptr : "");
}

bool meta_project_list(struct meta *meta, bool (*each)(void *ctx, const struct meta_project *project), void *ctx,
                       struct err *err)
{
    (void)err; /* answered from memory; a store asked each time may fail */
    pthread_rwlock_rdlock(&meta->lock);
    uint32_t count = meta->memory.project_count;
    struct meta_project *projects = mem_alloc((count + 1) * sizeof *projects);
    if (count > 0) memcpy(projects, meta->memory.projects, count * sizeof *projects);
    pthread_rwlock_unlock(&meta->lock);
    for (uint32_t i = 0; i < count && each(ctx, &projects[i]); i++) continue;
    free(projects);
    return true;
}

/* -- keys ------------------------------------------------------------------------------------------------------- */

static bool random_bytes(uint8_t *ptr, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t got = getrandom(ptr, len, 0);
        if (got == -1 && errno == EINTR) continue;
        if (got == -1) return err_os(err, "could not get random bytes");
        ptr += got;
        len -= (size_t)got;
    }
    return true;
}

static bool secret_make(char secret[META_SECRET_BYTES], struct err *err)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"; /* base58 */
    static_assert(sizeof digits == 59 && sizeof SECRET_PREFIX + SECRET_DIGITS <= META_SECRET_BYTES, "");
    strcpy(secret, SECRET_PREFIX);
    size_t len = sizeof SECRET_PREFIX - 1;
    while (len < sizeof SECRET_PREFIX - 1 + SECRET_DIGITS) {
        uint8_t bytes[64];
        if (!random_bytes(bytes, sizeof bytes, err)) return false;
        for (size_t i = 0; i < sizeof bytes && len < sizeof SECRET_PREFIX - 1 + SECRET_DIGITS; i++) {
            if (bytes[i] < 4 * 58) secret[len++] = digits[bytes[i] % 58]; /* the rest would make some likelier */
        }
        explicit_bzero(bytes, sizeof bytes);
    }
    secret[len] = 0;
    return true;
}

static bool key_name_check(const char *name, struct err *err)
{
    size_t len = strlen(name);
    bool good = len > 0 && len < NAME_BYTES && utf8_is_valid(bytes_of_text(name));
    for (size_t i = 0; i < len; i++) good = good && (uint8_t)name[i] >= ' ' && name[i] != 0x7F;
    return good || err_set(err, ERR_INPUT, "a key's name takes 1 to 63 bytes of text without control characters");
}

bool meta_key_create(struct meta *meta, struct uuid project_id, const char *name, struct meta_key *key,
                     char secret[META_SECRET_BYTES], struct err *err)
{
    return meta_key_create_limited(meta, project_id, name, &(struct meta_key_limits){ 0 }, key, secret, err);
}

bool meta_key_create_limited(struct meta *meta, struct uuid project_id, const char *name,
                             const struct meta_key_limits *limits, struct meta_key *key, char secret[META_SECRET_BYTES],
                             struct err *err)
{
    secret[0] = 0;
    char origins[ORIGINS_BYTES] = "";
    if (!key_name_check(name, err) || (limits->origins != NULL && !origins_read(limits->origins, origins, err)))
        return false;
    pthread_rwlock_rdlock(&meta->lock);
    bool has_project = project_by_id(&meta->memory, project_id) != NULL;
    pthread_rwlock_unlock(&meta->lock);
    if (!has_project) return err_set(err, ERR_NOT_FOUND, "there is no such project");
    char made[META_SECRET_BYTES];
    if (!secret_make(made, err)) return false;

    struct meta_key_row row = { .key = { .id = uuid_random(), .project_id = project_id },
                                .created_unix_ms = clock_unix_us() / 1000 };
    strcpy(row.key.name, name);
    strcpy(row.key.origins, origins);
    row.key.is_ingest_only = limits->is_ingest_only || origins[0] != '\0';
    sha256_of(bytes_of_text(made), row.secret_sha256);
    pthread_mutex_lock(&meta->change_lock);
    bool ok = meta->store->ops->key_add(meta->store, &row, err);
    if (ok) {
        pthread_rwlock_wrlock(&meta->lock);
        key_keep(&meta->memory, &row);
        pthread_rwlock_unlock(&meta->lock);
        *key = meta->memory.keys[meta->memory.key_count - 1].key;
        strcpy(secret, made);
    }
    pthread_mutex_unlock(&meta->change_lock);
    explicit_bzero(made, sizeof made);
    return ok;
}

void meta_key_list(struct meta *meta, struct uuid project_id, bool (*each)(void *ctx, const struct meta_key *key),
                   void *ctx)
{
    pthread_rwlock_rdlock(&meta->lock);
    struct meta_key *keys = mem_alloc((meta->memory.key_count + 1) * sizeof *keys);
    uint32_t count = 0;
    for (uint32_t i = 0; i < meta->memory.key_count; i++) {
        const struct key_entry *entry = &meta->memory.keys[i];
        if (!entry->is_revoked && uuid_equal(entry->key.project_id, project_id)) keys[count++] = entry->key;
    }
    pthread_rwlock_unlock(&meta->lock);
    for (uint32_t i = 0; i < count && each(ctx, &keys[i]); i++) continue;
    free(keys);
}

bool meta_key_revoke(struct meta *meta, struct uuid key_id, struct err *err)
{
    pthread_mutex_lock(&meta->change_lock);
    bool ok = meta->store->ops->key_revoke(meta->store, key_id, clock_unix_us() / 1000, err);
    if (ok) {
        uint32_t step = 0, entry;
        pthread_rwlock_wrlock(&meta->lock);
        while (places_next(&meta->memory.keys_by_id, id_hash(&meta->memory, key_id), &step, &entry)) {
            if (uuid_equal(meta->memory.keys[entry].key.id, key_id)) meta->memory.keys[entry].is_revoked = true;
        }
        pthread_rwlock_unlock(&meta->lock);
    }
    pthread_mutex_unlock(&meta->change_lock);
    return ok;
}

/* Looks at every byte, whatever they are. */
static bool digest_equal(const uint8_t *a, const uint8_t *b)
{
    uint8_t difference = 0;
    for (int i = 0; i < SHA256_BYTES; i++) difference |= a[i] ^ b[i];
    return difference == 0;
}

bool meta_key_find(struct meta *meta, struct bytes secret, struct meta_key *key)
{
    uint8_t digest[SHA256_BYTES];
    if (secret.len > SECRET_BYTES_MAX) return false;
    sha256_of(secret, digest);
    bool found = false;
    uint32_t step = 0, entry;
    pthread_rwlock_rdlock(&meta->lock);
    while (places_next(&meta->memory.keys_by_secret, digest_hash(digest), &step, &entry)) {
        if (!digest_equal(meta->memory.keys[entry].secret_sha256, digest) || meta->memory.keys[entry].is_revoked)
            continue;
        *key = meta->memory.keys[entry].key;
        found = true;
    }
    pthread_rwlock_unlock(&meta->lock);
    return found;
}

bool meta_origin_is_known(struct meta *meta, struct bytes origin)
{
    bool is_known = false;
    pthread_rwlock_rdlock(&meta->lock);
    for (uint32_t i = 0; i < meta->memory.key_count && !is_known; i++) {
        const struct key_entry *entry = &meta->memory.keys[i];
        is_known = !entry->is_revoked && entry->key.origins[0] != '\0' && origins_hold(entry->key.origins, origin);
    }
    pthread_rwlock_unlock(&meta->lock);
    return is_known;
}

/* -- retention -------------------------------------------------------------------------------------------------- */

bool meta_retention_set(struct meta *meta, struct uuid project_id, const char *table, uint32_t days, struct err *err)
{
    struct meta_retention retention = { .project_id = project_id, .days = days };
    if (days > META_DAYS_MAX || strlen(table) >= sizeof retention.table)
        return err_set(err, ERR_INPUT, "a retention is of at most %d days", META_DAYS_MAX);
    strcpy(retention.table, table);
    pthread_mutex_lock(&meta->change_lock);
    pthread_rwlock_rdlock(&meta->lock);
    bool ok = project_by_id(&meta->memory, project_id) != NULL;
    pthread_rwlock_unlock(&meta->lock);
    ok = ok ? meta->store->ops->retention_set(meta->store, &retention, err)
            : err_set(err, ERR_NOT_FOUND, "there is no such project");
    if (ok) {
        pthread_rwlock_wrlock(&meta->lock);
        retention_keep(&meta->memory, &retention);
        pthread_rwlock_unlock(&meta->lock);
    }
    pthread_mutex_unlock(&meta->change_lock);
    return ok;
}

bool meta_retention_clear(struct meta *meta, struct uuid project_id, const char *table, struct err *err)
{
    pthread_mutex_lock(&meta->change_lock);
    bool ok = meta->store->ops->retention_clear(meta->store, project_id, table, err);
    if (ok) {
        pthread_rwlock_wrlock(&meta->lock);
        struct meta_retention *there = retention_at(&meta->memory, project_id, table);
        if (there) *there = meta->memory.retentions[--meta->memory.retention_count];
        pthread_rwlock_unlock(&meta->lock);
    }
    pthread_mutex_unlock(&meta->change_lock);
    return ok;
}

bool meta_retention_find(struct meta *meta, struct uuid project_id, const char *table, uint32_t *days)
{
    pthread_rwlock_rdlock(&meta->lock);
    const struct meta_retention *there = retention_at(&meta->memory, project_id, table);
    if (there) *days = there->days;
    pthread_rwlock_unlock(&meta->lock);
    return there != NULL;
}

void meta_retention_list(struct meta *meta, bool (*each)(void *ctx, const struct meta_retention *retention), void *ctx)
{
    pthread_rwlock_rdlock(&meta->lock);
    uint32_t count = meta->memory.retention_count;
    struct meta_retention *retentions = mem_alloc((count + 1) * sizeof *retentions);
    if (count > 0) memcpy(retentions, meta->memory.retentions, count * sizeof *retentions);
    pthread_rwlock_unlock(&meta->lock);
    for (uint32_t r = 0; r < count && each(ctx, &retentions[r]); r++) continue;
    free(retentions);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

/* Reads all of the store; what was in memory stays when that fails. */
static bool memory_load(struct meta *meta, struct err *err)
{
    struct memory loaded = { .seed = meta->memory.seed };
    if (!meta->store->ops->load(meta->store, &(struct meta_loader){ project_keep, key_keep, retention_keep, &loaded },
                                err)) {
        memory_deinit(&loaded);
        return false;
    }
    pthread_rwlock_wrlock(&meta->lock);
    struct memory old = meta->memory;
    meta->memory = loaded;
    pthread_rwlock_unlock(&meta->lock);
    memory_deinit(&old);
    return true;
}

bool meta_open(struct meta **out, const char *path, const struct log *log, struct err *err)
{
    *out = NULL;
    uint64_t seed;
    struct meta_store *store;
    if (!random_bytes((uint8_t *)&seed, sizeof seed, err) || !meta_sqlite_open(&store, path, err)) return false;
    struct meta *meta = mem_calloc(1, sizeof *meta);
    meta->log = log;
    meta->memory.seed = seed;
    meta->store = store;
    pthread_mutex_init(&meta->change_lock, NULL);
    pthread_rwlock_init(&meta->lock, NULL);
    if (!memory_load(meta, err)) {
        meta_close(meta);
        return false;
    }
    *out = meta;
    return true;
}

bool meta_refresh(struct meta *meta, struct err *err)
{
    bool changed = false;
    pthread_mutex_lock(&meta->change_lock);
    bool ok = meta->store->ops->changed(meta->store, &changed, err) && (!changed || memory_load(meta, err));
    pthread_mutex_unlock(&meta->change_lock);
    return ok;
}

void meta_close(struct meta *meta)
{
    if (meta == NULL) return;
    meta->store->ops->close(meta->store);
    pthread_mutex_destroy(&meta->change_lock);
    pthread_rwlock_destroy(&meta->lock);
    memory_deinit(&meta->memory);
    free(meta);
}
