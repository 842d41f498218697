/* meta_inside.h -- what the files of struct meta share: meta.c (life, refresh), meta_follow.c, meta_memory.c (the maps), meta_project.c,
 * meta_key.c, meta_retention.c (a noun each: its SQL, its look-ups).
 *
 *   change: db_transaction { SQL, db_note_change("projects") } --> meta_reload      look-up: memory under a reader's lock
 *
 * Thread: as meta.h says; memory under `lock`, loading under `load_lock`. */
#pragma once
#include "base/sha256.h"
#include "base/ticker.h"
#include "meta/db.h"
#include "meta/meta.h"
#include <pthread.h>
#include <stdatomic.h>

#define META_TOPIC      "projects" /* of db_note_change */
#define META_KEY_SECRET "keys"     /* of secret_find */

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
    uint8_t secret_hash[SHA256_BYTES]; /* HMAC; of keys without a prefix SHA-256 */
    bool is_revoked, has_proof;
    uint8_t stored_key[SHA256_BYTES], server_key[SHA256_BYTES]; /* SCRAM's, when has_proof */
};
/* All that the database holds of it. */
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
    struct db *db;
    pthread_mutex_t load_lock; /* one load at a time */
    int64_t loaded_number;     /* of the topic, before it was loaded */
    pthread_rwlock_t lock;     /* memory; never held while the database is waited for */
    struct memory memory;
    atomic_uint_fast64_t current_mono_ns; /* when memory was last known to be what the database holds */
    uint64_t grace_ns;                    /* how long it may be used after that; 0: for ever */
    pthread_t follower;
    bool is_followed;
    struct ticker follow_ticker;
    uint8_t key_secret[SHA256_BYTES]; /* of keys' HMAC; constant */
    struct key_uses *uses;
};

/* When keys were last used: noted in memory, written now and then. */
struct key_uses *key_uses_create(void);
void key_uses_destroy(struct key_uses *uses); /* NULL is fine */
void key_uses_note(struct key_uses *uses, struct uuid key_id);

void memory_deinit(struct memory *memory);
void project_keep(struct memory *memory, const struct meta_project *project);
void key_keep(struct memory *memory, const struct key_entry *entry);
void retention_keep(struct memory *memory, const struct meta_retention *retention);
const struct meta_project *project_by_id(const struct memory *memory, struct uuid id);
const struct meta_project *project_by_name(const struct memory *memory, struct bytes name);
/* The next key whose secret may be this one; *step starts at 0. NULL at the end. */
const struct key_entry *key_by_digest(const struct memory *memory, const uint8_t digest[SHA256_BYTES], uint32_t *step);
const struct key_entry *key_by_id(const struct memory *memory, struct uuid id); /* NULL: none */
const struct meta_retention *retention_at(const struct memory *memory, struct uuid project_id, const char *table);

/* Rows into a memory that nobody sees yet. */
MUST_CHECK bool projects_load(struct db *db, struct memory *memory, struct err *err);
MUST_CHECK bool keys_load(struct db *db, struct memory *memory, struct err *err);
MUST_CHECK bool retentions_load(struct db *db, struct memory *memory, struct err *err);

void follow_stop(struct meta *meta); /* if it was begun */

/* A change in a transaction of its own, and memory after it. */
MUST_CHECK bool meta_change(struct meta *meta, db_work_fn *work, void *ctx, struct err *err);
