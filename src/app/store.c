#include "app/store.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/aws.h"
#include "base/clock.h"
#include "net/http_client.h"

#define LOCK_DYNAMODB "dynamodb:"

/* --storage-lock, or the names that delta-rs knows. */
static bool lock_read(struct store *store, const struct config *config, struct err *err)
{
    const char *lock = config->storage_lock;
    if (strncmp(lock, LOCK_DYNAMODB, strlen(LOCK_DYNAMODB)) == 0 && lock[strlen(LOCK_DYNAMODB)] != 0) {
        store->lock_table = lock + strlen(LOCK_DYNAMODB);
        return true;
    }
    if (lock[0] != 0 && strcmp(lock, "none") != 0)
        return err_set(err, ERR_INPUT,
                       "--storage-lock (or MONOSCOPE_STORAGE_LOCK) is \"%.60s\"; it must be none or dynamodb:TABLE",
                       lock);
    const char *provider = getenv("AWS_S3_LOCKING_PROVIDER"), *table = getenv("DELTA_DYNAMO_TABLE_NAME");
    if (lock[0] == 0 && provider && strcmp(provider, "dynamodb") == 0)
        store->lock_table = table && table[0] ? table : "delta_log";
    return true;
}

static bool is_bucket(const char *url)
{
    return strncmp(url, "s3://", 5) == 0;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && value[0];
}

static bool bucket_open(struct store *store, const struct config *config, const struct log *log, struct err *err)
{
    bool has_endpoint = is_set("AWS_ENDPOINT_URL_S3") || is_set("AWS_ENDPOINT_URL");
    store->client = http_client_create(&(struct http_client_options){
        .ca_file = is_set("AWS_CA_BUNDLE") ? getenv("AWS_CA_BUNDLE") : NULL,
    });
    struct aws_options aws_options = {
        .client = store->client,
        .log = log,
        .region_default = has_endpoint ? "us-east-1" : NULL, /* servers of one's own hardly have another */
    };
    if (!aws_open(&store->aws, &aws_options, err)) return err_within(err, "--storage \"%.80s\"", config->storage);
    struct object_options options = {
        .disk = &disk_real,
        .aws = store->aws,
        .endpoint = aws_endpoint(store->aws, "S3"),
        .is_virtual_host = config->s3_virtual_host,
        .cancel = &store->is_cancelled,
    };
    return object_store_open_url(&store->objects, config->storage, &options, err);
}

static bool folder_open(struct store *store, const struct config *config, struct err *err)
{
    char path[1024];
    struct object_options options = { .disk = &disk_real };
    if (config->storage[0] != 0) return object_store_open_url(&store->objects, config->storage, &options, err);
    snprintf(path, sizeof path, "%s/tables", config->data);
    return object_store_open_folder(&store->objects, path, &disk_real, err);
}

/* Of link(2) it is known that it replaces nothing; of a bucket it is found out. It also tells at once, and not an hour later,
 * what the credentials may not do. */
static bool bucket_probe(struct store *store, struct err *err)
{
    if (object_store_probe(store->objects, err)) return true;
    if (err->code != ERR_UNSUPPORTED) return false;
    if (store->lock_table) {
        *err = (struct err){ 0 };
        return true;
    }
    return err_within(err, "writers would overwrite each other's commits: set --storage-lock dynamodb:TABLE "
                           "(MONOSCOPE_STORAGE_LOCK)");
}

bool store_open(struct store *store, const struct config *config, const struct log *log, struct err *err)
{
    uint64_t begin_ns = clock_mono_ns();
    if (!lock_read(store, config, err)) return false;
    if (store->lock_table && !is_bucket(config->storage))
        return err_set(err, ERR_INPUT, "--storage-lock is for a bucket: --storage s3://bucket/prefix");
    if (!is_bucket(config->storage)) return folder_open(store, config, err);
    if (!bucket_open(store, config, log, err) || !bucket_probe(store, err)) return false;
    log_info(log, "store.opened", log_text("url", object_store_url(store->objects)),
             log_text("region", aws_region(store->aws)), log_text("lock", store->lock_table ? "dynamodb" : "none"),
             log_number("ms", (int64_t)((clock_mono_ns() - begin_ns) / 1000000)));
    return true;
}

void store_cancel(struct store *store)
{
    atomic_store(&store->is_cancelled, true);
}

void store_close(struct store *store)
{
    object_store_close(store->objects);
    aws_close(store->aws);
    http_client_destroy(store->client);
    *store = (struct store){ 0 };
}
