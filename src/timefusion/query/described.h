/* described.h -- the types that DuckDB said of statements' columns, by the SQL without what no type follows from.
 *
 *   ... WHERE timestamp >= make_timestamptz(1790000000000000) AND name = 'a'  --key--> ... >= T?) AND name = ?  --> types
 *
 * To be told costs DuckDB as much as planning the statement does.
 * Thread: any. Memory: at most DESCRIBED_MAX keys, each at the place of its hash: a new one takes the place of the one before. */
#pragma once
#include "base/bytes.h"
#include "timefusion/query/query.h"
#include <pthread.h>

#define DESCRIBED_MAX           256
#define DESCRIBED_KEY_BYTES_MAX 8192

struct described {
    pthread_mutex_t lock; /* guards what follows */
    struct described_columns {
        struct bytes key; /* empty: none */
        enum query_type *types;
        uint32_t count;
    } at[DESCRIBED_MAX];
};
void described_init(struct described *described);
void described_deinit(struct described *described);

/* Of SQL of at most DESCRIBED_KEY_BYTES_MAX, into a buffer that takes one byte more. */
void described_key(struct bytes sql, struct buf *key);
MUST_CHECK bool described_find(struct described *described, struct bytes key, uint32_t count, enum query_type *types);
void described_keep(struct described *described, struct bytes key, uint32_t count, const enum query_type *types);
