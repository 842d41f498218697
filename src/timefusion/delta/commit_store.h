/* commit_store.h -- commits on a store without put-if-absent: Delta's S3DynamoDBLogStore, beside Spark and delta-rs.
 *
 *   commit_store_put(N) --1--> _delta_log/.tmp/<N>.json.<uuid>        the commit's bytes
 *                       --2--> DynamoDB item (tablePath, fileName)    only if there is none: who wins, is the commit N
 *                       --3--> _delta_log/<N>.json                    copied from 1
 *                       --4--> the item: complete = "true", expireTime = in a day
 *   commit_store_recover --> the newest item is not complete: 3 and 4 for whoever stopped after 2
 *
 * All writers of a table must lock by the same DynamoDB table and name the table by the same URI: the item's key. One that
 * does not is seen where the store honours If-None-Match: 3 overwrites nothing, the stranger keeps N, the put is ERR_EXISTS.
 * Thread: any. Memory: a commit's bytes, once. Units: expireTime in seconds since 1970.
 * Durable: after true, and after ERR_EXISTS, version N is decided; N.json is there or the next reader puts it there.
 * Errors: ERR_EXISTS: version N is another's; ERR_CORRUPT: an item that makes no sense, or N-1 is nowhere; ERR_FORBIDDEN;
 *         ERR_IO: it may or may not have happened (look, or put the same bytes again).
 * Source: delta-io/delta storage-s3-dynamodb, BaseExternalLogStore.java, S3DynamoDBLogStore.java; deltalake-aws 0.9. */
#pragma once
#include "aws/aws.h"
#include "base/err.h"
#include "base/log.h"
#include "timefusion/object/object.h"

struct commit_store;
struct commit_store_options {
    struct object_store *store; /* borrowed, as the others */
    struct aws *aws;
    const char *lock_table;    /* in DynamoDB: "delta_log" */
    const char *prefix;        /* key of the table's folder in the store: "otel_metrics" */
    const char *table_uri;     /* "s3://bucket/prefix/otel_metrics": as every writer names it; no slash at the end */
    const atomic_bool *cancel; /* requests under way end soon; NULL: none */
    const struct log *log;
};
/* Makes the lock table when it is missing (paid by request, key tablePath + fileName). ERR_FORBIDDEN, ERR_UNSUPPORTED
 * (a table with other keys) say what to do. */
MUST_CHECK bool commit_store_open_dynamodb(struct commit_store **commits, const struct commit_store_options *options,
                                           struct err *err);
void commit_store_close(struct commit_store *commits); /* NULL is fine */

/* Commits bytes as <prefix>/_delta_log/<version>.json, first finishing version - 1 when that was left half done. */
MUST_CHECK bool commit_store_put(struct commit_store *commits, uint64_t version, struct bytes bytes, struct err *err);
/* Before the log is listed or a version is asked for that may be the newest: one consistent query, mostly no more. */
MUST_CHECK bool commit_store_recover(struct commit_store *commits, struct err *err);
/* What delta_options.commit_mode says, kept in the table: "put-if-absent" (NULL), or
 * "dynamodb:delta_log s3://bucket/prefix/otel_metrics". Lives as long as commits. */
const char *commit_store_mode(const struct commit_store *commits);
