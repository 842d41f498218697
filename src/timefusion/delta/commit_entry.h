/* commit_entry.h -- an item of the lock table as JSON, both ways; only for commit_store.c. Sans-I/O.
 *
 *   {"Item": {"tablePath": {"S": uri}, "fileName": {"S": "<version>.json"}, "tempPath": {"S": ".tmp/<version>.json.<uuid>"},
 *             "complete": {"S": "false"}, "expireTime": {"N": "1795813200"}}}
 *
 * Thread: a value. Memory: none. Errors: ERR_CORRUPT: not an item that Spark, delta-rs or we write.
 * Source: delta-io/delta storage-s3-dynamodb, S3DynamoDBLogStore.java. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "timefusion/object/object.h"

struct commit_entry {
    uint64_t version;
    char temp_path[OBJECT_KEY_BYTES_MAX]; /* relative to _delta_log/ */
    bool is_complete;
};
/* GetItem's answer ("Item") or Query's ("Items", the first); *has_entry false: there is none. */
MUST_CHECK bool commit_entry_read(struct commit_entry *entry, struct bytes json, bool *has_entry, struct err *err);

/* The bodies of the requests. version_text: 20 digits and ".json". False: a text is too long. */
MUST_CHECK bool commit_entry_put(struct buf *json, const char *lock_table, const char *table_uri,
                                 const struct commit_entry *entry); /* if there is none */
MUST_CHECK bool commit_entry_get(struct buf *json, const char *lock_table, const char *table_uri, uint64_t version);
MUST_CHECK bool commit_entry_latest(struct buf *json, const char *lock_table, const char *table_uri);
MUST_CHECK bool commit_entry_complete(struct buf *json, const char *lock_table, const char *table_uri, uint64_t version,
                                      int64_t expires_unix_s); /* if it is not */
/* The table itself. */
MUST_CHECK bool commit_table_describe(struct buf *json, const char *lock_table);
MUST_CHECK bool commit_table_create(struct buf *json, const char *lock_table);
MUST_CHECK bool commit_table_expire(struct buf *json, const char *lock_table);
/* DescribeTable's answer: is it ready; are its keys tablePath and fileName? */
void commit_table_read(struct bytes json, bool *is_active, bool *has_our_keys);
