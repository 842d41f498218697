#include "meta/meta_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/utf8.h"

#define SECRET_PREFIX "mono_"
enum { SECRET_DIGITS = 40, SECRET_BYTES_MAX = 256, NAME_BYTES = sizeof((struct meta_key *)0)->name };

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

static uint32_t scopes_of(const struct meta_key *key)
{
    return META_SCOPE_INGEST | (key->is_ingest_only ? 0u : META_SCOPE_QUERY);
}

static bool key_name_check(const char *name, struct err *err)
{
    size_t len = strlen(name);
    bool good = len > 0 && len < NAME_BYTES && utf8_is_valid(bytes_of_text(name));
    for (size_t i = 0; i < len; i++) good = good && (uint8_t)name[i] >= ' ' && name[i] != 0x7F;
    return good || err_set(err, ERR_INPUT, "a key's name takes 1 to 63 bytes of text without control characters");
}

/* -- changes ---------------------------------------------------------------------------------------------------- */

bool meta_key_insert(struct db_session *session, struct uuid project_id, const char *name,
                     const struct meta_key_limits *limits, struct meta_key *key, char secret[META_SECRET_BYTES],
                     struct err *err)
{
    struct key_entry entry = { .key = { .id = uuid_random(), .project_id = project_id } };
    secret[0] = 0;
    if (!key_name_check(name, err) ||
        (limits->origins != NULL && !origins_read(limits->origins, entry.key.origins, err)))
        return false;
    char made[META_SECRET_BYTES];
    if (!secret_make(made, err)) return false;
    strcpy(entry.key.name, name);
    entry.key.is_ingest_only = limits->is_ingest_only || entry.key.origins[0] != '\0';
    entry.key.scopes = scopes_of(&entry.key);
    entry.key.created_unix_us = clock_unix_us();
    sha256_of(bytes_of_text(made), entry.secret_sha256);
    bool ok = db_run(session,
                     "INSERT INTO keys(id, project_id, name, secret_sha256, created_unix_ms, is_ingest_only, origins)"
                     " VALUES($1, $2, $3, $4, $5, $6, $7)",
                     DB_VALUES(db_uuid(entry.key.id), db_uuid(project_id), db_text(name),
                               db_bytes(bytes_from(entry.secret_sha256, SHA256_BYTES)),
                               db_integer(entry.key.created_unix_us / 1000), db_boolean(entry.key.is_ingest_only),
                               db_text(entry.key.origins)),
                     NULL, NULL, NULL, err) &&
              db_note_change(session, META_TOPIC, err);
    if (!ok && err->code == ERR_NOT_FOUND) err_set(err, ERR_NOT_FOUND, "there is no such project");
    if (ok) {
        *key = entry.key;
        strcpy(secret, made);
    }
    explicit_bzero(made, sizeof made);
    return ok;
}

bool meta_key_end(struct db_session *session, struct uuid key_id, struct err *err)
{
    int64_t changed;
    if (!db_run(session, "UPDATE keys SET revoked_unix_ms = coalesce(revoked_unix_ms, $2) WHERE id = $1",
                DB_VALUES(db_uuid(key_id), db_integer(clock_unix_us() / 1000)), NULL, NULL, &changed, err))
        return false;
    if (changed != 1) return err_set(err, ERR_NOT_FOUND, "there is no such key");
    return db_note_change(session, META_TOPIC, err);
}

struct key_creation {
    struct uuid project_id;
    const char *name;
    const struct meta_key_limits *limits;
    struct meta_key *key;
    char *secret;
};

static bool create_run(struct db_session *session, void *ctx, struct err *err)
{
    struct key_creation *creation = ctx;
    return meta_key_insert(session, creation->project_id, creation->name, creation->limits, creation->key,
                           creation->secret, err);
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
    struct key_creation creation = { project_id, name, limits, key, secret };
    bool ok = meta_change(meta, create_run, &creation, err);
    if (!ok) explicit_bzero(secret, META_SECRET_BYTES);
    return ok;
}

static bool revoke_run(struct db_session *session, void *ctx, struct err *err)
{
    return meta_key_end(session, *(struct uuid *)ctx, err);
}

bool meta_key_revoke(struct meta *meta, struct uuid key_id, struct err *err)
{
    return meta_change(meta, revoke_run, &key_id, err);
}

/* -- look-ups --------------------------------------------------------------------------------------------------- */

static bool key_read(void *ctx, struct db_row *row, struct err *err)
{
    struct key_entry entry = { .key = { .id = db_row_uuid(row, 0), .project_id = db_row_uuid(row, 1) } };
    struct bytes digest = db_row_bytes(row, 3);
    (void)err;
    db_row_text_copy(row, 2, entry.key.name, sizeof entry.key.name);
    if (digest.len != SHA256_BYTES) {
        row->is_bad = true;
        return false;
    }
    memcpy(entry.secret_sha256, digest.ptr, SHA256_BYTES);
    entry.key.created_unix_us = db_row_integer(row, 4) * 1000;
    entry.is_revoked = !db_row_is_null(row, 5);
    entry.key.is_ingest_only = db_row_boolean(row, 6);
    db_row_text_copy(row, 7, entry.key.origins, sizeof entry.key.origins);
    entry.key.scopes = scopes_of(&entry.key);
    key_keep(ctx, &entry);
    return true;
}

bool keys_load(struct db *db, struct memory *memory, struct err *err)
{
    return db_read(
        db,
        "SELECT id, project_id, name, secret_sha256, created_unix_ms, revoked_unix_ms, is_ingest_only, origins"
        " FROM keys WHERE project_id NOT IN (SELECT id FROM projects WHERE archived_unix_us IS NOT NULL)"
        " ORDER BY created_unix_ms, id",
        DB_NO_VALUES, key_read, memory, err);
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
    uint32_t step = 0;
    const struct key_entry *entry;
    pthread_rwlock_rdlock(&meta->lock);
    while ((entry = key_by_digest(&meta->memory, digest, &step)) != NULL) {
        if (!digest_equal(entry->secret_sha256, digest) || entry->is_revoked) continue;
        *key = entry->key;
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
