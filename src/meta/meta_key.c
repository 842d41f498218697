#include "meta/meta_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/utf8.h"

#include "meta/password/scram.h"
#include "meta/secret.h"

#define SECRET_BEGIN "mono_"
enum {
    BEGIN_LEN = sizeof SECRET_BEGIN - 1,
    PREFIX_DIGITS = 8,
    SECRET_DIGITS = 44, /* 257.7 bits */
    PREFIX_LEN = BEGIN_LEN + PREFIX_DIGITS,
    SECRET_LEN = PREFIX_LEN + 1 + SECRET_DIGITS,
    SECRET_BYTES_MAX = 256, /* of what is looked up at all */
    NAME_BYTES = sizeof((struct meta_key *)0)->name
};

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

static bool digits_make(char *at, size_t count, struct err *err)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"; /* base58 */
    static_assert(sizeof digits == 59, "58 of them");
    uint8_t bytes[64];
    size_t made = 0;
    while (made < count) {
        if (!random_bytes(bytes, sizeof bytes, err)) return false;
        for (size_t i = 0; i < sizeof bytes && made < count; i++) {
            if (bytes[i] < 4 * 58) at[made++] = digits[bytes[i] % 58]; /* the rest would make some likelier */
        }
    }
    explicit_bzero(bytes, sizeof bytes);
    return true;
}

/* mono_4Fg8Kp2Q_... */
static bool secret_make(char secret[META_SECRET_BYTES], struct err *err)
{
    static_assert(SECRET_LEN < META_SECRET_BYTES && PREFIX_LEN < META_PREFIX_BYTES, "with its NUL");
    strcpy(secret, SECRET_BEGIN);
    secret[PREFIX_LEN] = '_';
    secret[SECRET_LEN] = '\0';
    return digits_make(secret + BEGIN_LEN, PREFIX_DIGITS, err) &&
           digits_make(secret + PREFIX_LEN + 1, SECRET_DIGITS, err);
}

static bool has_prefix(struct bytes secret)
{
    return secret.len == SECRET_LEN && secret.ptr[PREFIX_LEN] == '_';
}

static void secret_hash(const uint8_t key_secret[SHA256_BYTES], struct bytes secret, uint8_t hash[SHA256_BYTES])
{
    if (has_prefix(secret)) {
        hmac_sha256(bytes_from(key_secret, SHA256_BYTES), secret, hash);
    } else { /* one of before */
        sha256_of(secret, hash);
    }
}

/* Of a project's keys; named by its id, or by what a client called one that is not there. */
static void salt_make(const uint8_t key_secret[SHA256_BYTES], const char *kind, struct bytes named,
                      uint8_t salt[SCRAM_SALT_BYTES])
{
    uint8_t inner[SHA256_BYTES], digest[SHA256_BYTES];
    hmac_sha256(bytes_from(key_secret, SHA256_BYTES), bytes_of_text(kind), inner);
    hmac_sha256(bytes_from(inner, sizeof inner), named, digest);
    memcpy(salt, digest, SCRAM_SALT_BYTES);
}

static void project_salt(const uint8_t key_secret[SHA256_BYTES], struct uuid project_id, uint8_t salt[SCRAM_SALT_BYTES])
{
    salt_make(key_secret, "monoscope scram salt", bytes_from(project_id.bytes, sizeof project_id.bytes), salt);
}

static void proof_make(const uint8_t key_secret[SHA256_BYTES], struct bytes secret, struct key_entry *entry)
{
    struct scram_verifier verifier;
    uint8_t salt[SCRAM_SALT_BYTES];
    project_salt(key_secret, entry->key.project_id, salt);
    scram_verifier_make(secret, META_KEY_ROUNDS, salt, &verifier);
    memcpy(entry->stored_key, verifier.stored_key, SHA256_BYTES);
    memcpy(entry->server_key, verifier.server_key, SHA256_BYTES);
    entry->has_proof = true;
}

void meta_cluster_key(const struct meta *meta, char key[META_CLUSTER_KEY_BYTES])
{
    static_assert(META_CLUSTER_KEY_BYTES == SHA256_HEX_BYTES, "it is a digest in hex");
    uint8_t digest[SHA256_BYTES];
    hmac_sha256(bytes_from(meta->key_secret, SHA256_BYTES), BYTES("monoscope cluster key"), digest);
    sha256_to_hex(digest, key);
}

/* -- scopes ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum meta_scope scope;
} scope_names[] = { { "ingest", META_SCOPE_INGEST }, { "query", META_SCOPE_QUERY }, { "admin", META_SCOPE_ADMIN } };

bool meta_scope_read(struct bytes name, enum meta_scope *scope)
{
    for (size_t s = 0; s < COUNT_OF(scope_names); s++) {
        if (!bytes_equal(name, bytes_of_text(scope_names[s].name))) continue;
        *scope = scope_names[s].scope;
        return true;
    }
    return false;
}

const char *meta_scope_name(enum meta_scope scope)
{
    for (size_t s = 0; s < COUNT_OF(scope_names); s++) {
        if (scope_names[s].scope == scope) return scope_names[s].name;
    }
    return "";
}

void meta_scopes_text(uint32_t scopes, char text[META_SCOPES_TEXT_BYTES])
{
    text[0] = '\0';
    for (size_t s = 0; s < COUNT_OF(scope_names); s++) {
        if ((scopes & scope_names[s].scope) == 0) continue;
        if (text[0] != '\0') strcat(text, ",");
        strcat(text, scope_names[s].name);
    }
}

static bool key_name_check(const char *name, struct err *err)
{
    size_t len = strlen(name);
    bool good = len > 0 && len < NAME_BYTES && utf8_is_valid(bytes_of_text(name));
    for (size_t i = 0; i < len; i++) good = good && (uint8_t)name[i] >= ' ' && name[i] != 0x7F;
    return good || err_set(err, ERR_INPUT, "a key's name takes 1 to 63 bytes of text without control characters");
}

/* -- changes ---------------------------------------------------------------------------------------------------- */

static bool limits_take(const struct meta_key_limits *limits, struct meta_key *key, struct err *err)
{
    if (limits->origins != NULL && !origins_read(limits->origins, key->origins, err)) return false;
    bool is_browser = key->origins[0] != '\0';
    key->scopes = limits->scopes != 0 ? limits->scopes
                  : is_browser        ? META_SCOPE_INGEST
                                      : META_SCOPE_INGEST | META_SCOPE_QUERY;
    key->expires_unix_us = limits->expires_unix_us;
    if ((key->scopes & ~META_SCOPES_ALL) != 0)
        return err_set(err, ERR_INPUT, "a key's scopes are ingest, query and admin");
    if (is_browser && key->scopes != META_SCOPE_INGEST)
        return err_set(err, ERR_INPUT,
                       "everyone who opens a page can read its key: a browser key has the scope ingest and no other");
    return key->expires_unix_us == 0 || key->expires_unix_us > clock_unix_us() ||
           err_set(err, ERR_INPUT, "a key must expire in the future");
}

bool meta_key_insert(struct db_session *session, struct uuid project_id, const char *name,
                     const struct meta_key_limits *limits, struct meta_key *key, char secret[META_SECRET_BYTES],
                     struct err *err)
{
    struct key_entry entry = { .key = { .id = uuid_random(), .project_id = project_id } };
    uint8_t key_secret[SECRET_BYTES];
    char made[META_SECRET_BYTES];
    secret[0] = 0;
    if (!key_name_check(name, err) || !limits_take(limits, &entry.key, err) ||
        !secret_take(session, META_KEY_SECRET, key_secret, err) || !secret_make(made, err))
        return false;
    strcpy(entry.key.name, name);
    memcpy(entry.key.prefix, made, PREFIX_LEN);
    entry.key.created_unix_us = clock_unix_us();
    secret_hash(key_secret, bytes_of_text(made), entry.secret_hash);
    proof_make(key_secret, bytes_of_text(made), &entry);
    explicit_bzero(key_secret, sizeof key_secret);
    uint8_t proof[2 * SHA256_BYTES];
    memcpy(proof, entry.stored_key, SHA256_BYTES);
    memcpy(proof + SHA256_BYTES, entry.server_key, SHA256_BYTES);
    struct db_value expires = db_integer(entry.key.expires_unix_us);
    expires.is_null = entry.key.expires_unix_us == 0;
    bool ok = db_run(session,
                     "INSERT INTO keys(id, project_id, name, secret_hash, created_unix_ms, prefix, scopes, origins,"
                     " expires_unix_us, scram) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                     DB_VALUES(db_uuid(entry.key.id), db_uuid(project_id), db_text(name),
                               db_bytes(bytes_from(entry.secret_hash, SHA256_BYTES)),
                               db_integer(entry.key.created_unix_us / 1000), db_text(entry.key.prefix),
                               db_integer(entry.key.scopes), db_text(entry.key.origins), expires,
                               db_bytes(bytes_from(proof, sizeof proof))),
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

bool meta_key_end(struct db_session *session, const struct uuid *project_id, struct uuid key_id, struct err *err)
{
    int64_t changed;
    struct db_value now = db_integer(clock_unix_us() / 1000);
    bool ok = project_id == NULL
                  ? db_run(session, "UPDATE keys SET revoked_unix_ms = coalesce(revoked_unix_ms, $2) WHERE id = $1",
                           DB_VALUES(db_uuid(key_id), now), NULL, NULL, &changed, err)
                  : db_run(session,
                           "UPDATE keys SET revoked_unix_ms = $2 WHERE id = $1 AND project_id = $3"
                           " AND revoked_unix_ms IS NULL",
                           DB_VALUES(db_uuid(key_id), now, db_uuid(*project_id)), NULL, NULL, &changed, err);
    if (!ok) return false;
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
    return meta_key_end(session, NULL, *(struct uuid *)ctx, err);
}

bool meta_key_revoke(struct meta *meta, struct uuid key_id, struct err *err)
{
    return meta_change(meta, revoke_run, &key_id, err);
}

/* -- look-ups --------------------------------------------------------------------------------------------------- */

static bool key_read(void *ctx, struct db_row *row, struct err *err)
{
    struct key_entry entry = { .key = { .id = db_row_uuid(row, 0), .project_id = db_row_uuid(row, 1) } };
    struct bytes hash = db_row_bytes(row, 3);
    int64_t scopes = db_row_integer(row, 7);
    (void)err;
    db_row_text_copy(row, 2, entry.key.name, sizeof entry.key.name);
    if (hash.len != SHA256_BYTES || scopes < 1 || scopes > META_SCOPES_ALL) {
        row->is_bad = true;
        return false;
    }
    memcpy(entry.secret_hash, hash.ptr, SHA256_BYTES);
    entry.key.created_unix_us = db_row_integer(row, 4) * 1000;
    entry.is_revoked = !db_row_is_null(row, 5);
    db_row_text_copy(row, 6, entry.key.prefix, sizeof entry.key.prefix);
    entry.key.scopes = (uint32_t)scopes;
    db_row_text_copy(row, 8, entry.key.origins, sizeof entry.key.origins);
    entry.key.expires_unix_us = db_row_integer(row, 9);
    struct bytes proof = db_row_bytes(row, 10);
    entry.has_proof = proof.len == 2 * SHA256_BYTES;
    if (entry.has_proof) {
        memcpy(entry.stored_key, proof.ptr, SHA256_BYTES);
        memcpy(entry.server_key, proof.ptr + SHA256_BYTES, SHA256_BYTES);
    }
    key_keep(ctx, &entry);
    return true;
}

bool keys_load(struct db *db, struct memory *memory, struct err *err)
{
    return db_read(
        db,
        "SELECT id, project_id, name, secret_hash, created_unix_ms, revoked_unix_ms, prefix, scopes, origins,"
        " expires_unix_us, scram"
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

static bool digest_equal(const uint8_t *a, const uint8_t *b)
{
    return bytes_equal_secret(bytes_from(a, SHA256_BYTES), bytes_from(b, SHA256_BYTES));
}

static bool is_good(const struct key_entry *entry)
{
    return !entry->is_revoked && (entry->key.expires_unix_us == 0 || clock_unix_us() < entry->key.expires_unix_us);
}

/* is_ended: those that open nothing any more, else those that do. */
static bool key_find(struct meta *meta, struct bytes secret, bool is_ended, struct meta_key *key)
{
    uint8_t hash[SHA256_BYTES];
    if (secret.len > SECRET_BYTES_MAX) return false;
    secret_hash(meta->key_secret, secret, hash);
    bool found = false;
    uint32_t step = 0;
    const struct key_entry *entry;
    pthread_rwlock_rdlock(&meta->lock);
    while ((entry = key_by_digest(&meta->memory, hash, &step)) != NULL) {
        /* A hash that was kept is no secret: it must not open what its own text is the hash of. */
        bool is_of_form = has_prefix(secret) == (entry->key.prefix[0] != '\0');
        if (!digest_equal(entry->secret_hash, hash) || !is_of_form || is_good(entry) == is_ended) continue;
        *key = entry->key;
        found = true;
    }
    pthread_rwlock_unlock(&meta->lock);
    return found;
}

bool meta_key_find(struct meta *meta, struct bytes secret, struct meta_key *key)
{
    bool found = key_find(meta, secret, false, key);
    if (found) key_uses_note(meta->uses, key->id);
    return found;
}

bool meta_key_find_ended(struct meta *meta, struct bytes secret, struct meta_key *key)
{
    return key_find(meta, secret, true, key);
}

static const struct meta_project *project_named(const struct memory *memory, struct bytes name_or_id)
{
    struct uuid id;
    const struct meta_project *project = project_by_name(memory, name_or_id);
    return project == NULL && uuid_from_text(name_or_id, &id) ? project_by_id(memory, id) : project;
}

bool meta_key_salt(struct meta *meta, struct bytes name_or_id, uint8_t salt[SCRAM_SALT_BYTES])
{
    uint32_t asking = 0, proving = 0;
    pthread_rwlock_rdlock(&meta->lock);
    const struct meta_project *project = project_named(&meta->memory, name_or_id);
    if (project) {
        project_salt(meta->key_secret, project->id, salt);
    } else {
        salt_make(meta->key_secret, "monoscope scram salt of nobody", name_or_id, salt);
    }
    for (uint32_t i = 0; project && i < meta->memory.key_count; i++) {
        const struct key_entry *entry = &meta->memory.keys[i];
        if (!uuid_equal(entry->key.project_id, project->id) || (entry->key.scopes & META_SCOPE_QUERY) == 0 ||
            !is_good(entry))
            continue;
        asking++;
        proving += entry->has_proof;
    }
    bool is_there = project != NULL;
    pthread_rwlock_unlock(&meta->lock);
    return !is_there || asking == proving;
}

bool meta_key_find_proved(struct meta *meta, struct bytes name_or_id,
                          bool (*is_right)(const void *ctx, const uint8_t stored_key[SHA256_BYTES]), const void *ctx,
                          struct meta_key *key, uint8_t server_key[SHA256_BYTES])
{
    struct key_entry *entries = NULL;
    uint32_t count = 0;
    bool found = false;
    pthread_rwlock_rdlock(&meta->lock);
    const struct meta_project *project = project_named(&meta->memory, name_or_id);
    if (project) entries = mem_alloc((meta->memory.key_count + 1) * sizeof *entries);
    for (uint32_t i = 0; project && i < meta->memory.key_count; i++) {
        const struct key_entry *entry = &meta->memory.keys[i];
        if (uuid_equal(entry->key.project_id, project->id) && entry->has_proof && is_good(entry))
            entries[count++] = *entry;
    }
    pthread_rwlock_unlock(&meta->lock);
    for (uint32_t e = 0; e < count && !found; e++) {
        found = is_right(ctx, entries[e].stored_key);
        if (!found) continue;
        *key = entries[e].key;
        memcpy(server_key, entries[e].server_key, SHA256_BYTES);
    }
    free(entries);
    if (found) key_uses_note(meta->uses, key->id);
    return found;
}

bool meta_key_is_good(struct meta *meta, struct uuid key_id)
{
    pthread_rwlock_rdlock(&meta->lock);
    const struct key_entry *entry = key_by_id(&meta->memory, key_id);
    bool good = entry != NULL && is_good(entry);
    pthread_rwlock_unlock(&meta->lock);
    return good;
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
