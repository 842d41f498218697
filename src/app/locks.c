#include "app/locks.h"

#include <stdio.h>
#include <string.h>

static bool lock_open(struct commit_store **commits, const struct schema_table *table, struct store *store,
                      const struct log *log, struct err *err)
{
    char uri[2048];
    int len = snprintf(uri, sizeof uri, "%s/%s", object_store_url(store->objects), table->name);
    if (len >= (int)sizeof uri) return err_set(err, ERR_INPUT, "the storage's URL is too long");
    struct commit_store_options options = { .store = store->objects,
                                            .aws = store->aws,
                                            .lock_table = store->lock_table,
                                            .prefix = table->name,
                                            .table_uri = uri,
                                            .cancel = &store->is_cancelled,
                                            .log = log };
    return commit_store_open_dynamodb(commits, &options, err);
}

bool locks_open(struct locks *locks, struct store *store, const struct log *log, struct err *err)
{
    *locks = (struct locks){ 0 };
    if (!store->aws) return true; /* a folder */
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) {
        if (store->lock_table && !lock_open(&locks->stores[t], schema_table(t), store, log, err)) {
            locks_close(locks);
            return false;
        }
        locks->modes[t] = commit_store_mode(locks->stores[t]);
    }
    return true;
}

void locks_close(struct locks *locks)
{
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++) commit_store_close(locks->stores[t]);
    *locks = (struct locks){ 0 };
}
