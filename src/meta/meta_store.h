/* meta_store.h -- where metadata is kept: what SQLite does now and PostgreSQL will do beside it. For meta/ and its folders.
 *
 *   meta.c --rows--> struct meta_store_ops --> sqlite/
 *
 * Every change is one transaction, durable when true is answered.
 * Thread: one at a time; meta.c holds a lock. Errors: ERR_EXISTS for a name or id that is taken; ERR_NOT_FOUND; ERR_BUSY
 * when another process holds the store too long; ERR_CORRUPT; ERR_UNSUPPORTED for a store of a newer version; ERR_IO. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/sha256.h"
#include "meta/meta.h"

struct meta_key_row {
    struct meta_key key;
    uint8_t secret_sha256[SHA256_BYTES];
    int64_t created_unix_ms;
    bool is_revoked;
};
/* What load calls; everything is borrowed for the call. */
struct meta_loader {
    void (*project)(void *ctx, const struct meta_project *project);
    void (*key)(void *ctx, const struct meta_key_row *row);
    void (*retention)(void *ctx, const struct meta_retention *retention);
    void *ctx;
};
struct meta_store;
struct meta_store_ops {
    /* Has someone else changed the store since the last call, or since it was opened? */
    bool (*changed)(struct meta_store *store, bool *changed, struct err *err);
    bool (*load)(struct meta_store *store, const struct meta_loader *loader, struct err *err);
    bool (*project_add)(struct meta_store *store, const struct meta_project *project, int64_t now_unix_ms,
                        struct err *err);
    bool (*key_add)(struct meta_store *store, const struct meta_key_row *row, struct err *err);
    bool (*key_revoke)(struct meta_store *store, struct uuid key_id, int64_t now_unix_ms, struct err *err);
    bool (*retention_set)(struct meta_store *store, const struct meta_retention *retention, struct err *err);
    bool (*retention_clear)(struct meta_store *store, struct uuid project_id, const char *table, struct err *err);
    void (*close)(struct meta_store *store);
};
struct meta_store {
    const struct meta_store_ops *ops;
};
