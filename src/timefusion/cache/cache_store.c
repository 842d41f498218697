/* cache_store.c -- the cache as a store: what reads of immutable objects pass through, and where writes leave a copy. */
#include "timefusion/cache/cache_inside.h"
#include "timefusion/object/object_ops.h"
#include <stdlib.h>

enum {
    WARM_SHARE = 16, /* a file larger than this part of a tier leaves its end there only */
    WARM_TAIL_BLOCKS = 4,
    GET_STEP_BYTES = 1 << 20, /* an object of unknown size is read by */
};

struct cached_store {
    struct object_store store;
    struct object_store *inner;
    struct cache *cache;
};
struct cached_reader {
    struct object_reader reader;
    struct cache *cache;
    struct cache_source source;
    pthread_mutex_t lock; /* guards inner while it is opened */
    struct object_reader *inner;
    char *key;
};
struct cached_writer {
    struct object_writer writer;
    struct object_writer *inner;
    struct cache *cache;
    struct hash128 object;
};

static struct cached_store *cached_of(struct object_store *store)
{
    return (struct cached_store *)store;
}

/* -- what is written is warm ------------------------------------------------------------------------------------ */

/* Bounded by the tiers: one large file of a compaction must not push out a sixteenth of what is read. */
static void block_warm(struct cache *cache, struct hash128 object, uint64_t bytes, uint32_t block, struct bytes content)
{
    uint64_t blocks = (bytes + cache->block_bytes - 1) / cache->block_bytes;
    bool is_tail = block + (uint64_t)WARM_TAIL_BLOCKS >= blocks;
    if (is_tail || bytes <= cache->options.memory_bytes / WARM_SHARE) cache_keep_memory(cache, object, block, content);
    if (is_tail || bytes <= cache->options.disk_bytes / WARM_SHARE) cache_keep_disk(cache, object, block, content);
    pthread_mutex_lock(&cache->lock);
    cache->stats.bytes_warmed += content.len;
    pthread_mutex_unlock(&cache->lock);
}

static void bytes_warm(struct cache *cache, const char *key, struct bytes bytes)
{
    struct hash128 object = cache_object(cache, key);
    for (size_t at = 0; at < bytes.len; at += cache->block_bytes) {
        size_t len = bytes.len - at < cache->block_bytes ? bytes.len - at : cache->block_bytes;
        block_warm(cache, object, bytes.len, (uint32_t)(at / cache->block_bytes), bytes_from(bytes.ptr + at, len));
    }
}

/* The file is open, its name already gone. What cannot be read is not warm. */
static void file_warm(struct cache *cache, const char *key, struct disk *disk, struct disk_file *file)
{
    struct hash128 object = cache_object(cache, key);
    struct disk_stat stat;
    struct err err = { 0 };
    if (!disk->ops->stat(file, &stat, &err)) return;
    uint64_t largest = cache->options.memory_bytes > cache->options.disk_bytes ? cache->options.memory_bytes
                                                                               : cache->options.disk_bytes;
    uint64_t blocks = (stat.bytes + cache->block_bytes - 1) / cache->block_bytes;
    uint64_t first = stat.bytes > largest / WARM_SHARE && blocks > WARM_TAIL_BLOCKS ? blocks - WARM_TAIL_BLOCKS : 0;
    uint8_t *block = mem_alloc(cache->block_bytes);
    for (uint64_t b = first; b < blocks; b++) {
        size_t len = 0;
        if (!disk->ops->pread(file, b * cache->block_bytes, block, cache->block_bytes, &len, &err) || len == 0) break;
        block_warm(cache, object, stat.bytes, (uint32_t)b, bytes_from(block, len));
    }
    free(block);
}

static bool cached_put_files(struct object_store *store, const struct object_file *files, uint32_t count,
                             struct err *err)
{
    struct cached_store *cached = cached_of(store);
    struct disk *disk = cached->cache->options.disk;
    struct disk_file **open = mem_calloc(count + 1, sizeof(struct disk_file *));
    struct err ignored = { 0 };
    for (uint32_t i = 0; i < count; i++)
        if (cache_takes(files[i].key)) (void)!disk->ops->open(disk, files[i].path, DISK_READ, &open[i], &ignored);
    bool ok = object_put_files(cached->inner, files, count, err);
    for (uint32_t i = 0; i < count; i++) {
        if (ok && open[i]) file_warm(cached->cache, files[i].key, disk, open[i]);
        if (open[i]) disk->ops->close(open[i]);
    }
    free(open);
    return ok;
}

static bool cached_put_file(struct object_store *store, const char *key, const char *path, struct err *err)
{
    return cached_put_files(store, &(struct object_file){ key, path }, 1, err);
}

static bool cached_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    struct cached_store *cached = cached_of(store);
    if (!object_put_if_absent(cached->inner, key, bytes, err)) return false;
    if (cache_takes(key)) bytes_warm(cached->cache, key, bytes);
    return true;
}

/* A key is not to be put twice; if it is, its old bytes must not be what is read. */
static bool cached_put(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    struct cached_store *cached = cached_of(store);
    if (!cache_takes(key)) return object_put(cached->inner, key, bytes, err);
    bool ok = object_put(cached->inner, key, bytes, err);
    cache_drop(cached->cache, cache_object(cached->cache, key));
    if (ok) bytes_warm(cached->cache, key, bytes);
    return ok;
}

static bool cached_writer_add(struct object_writer *writer, struct bytes bytes, struct err *err)
{
    return object_writer_add(((struct cached_writer *)writer)->inner, bytes, err);
}

static bool cached_writer_finish(struct object_writer *writer, struct err *err)
{
    struct cached_writer *own = (struct cached_writer *)writer;
    bool ok = object_writer_finish(own->inner, err);
    cache_drop(own->cache, own->object);
    free(own);
    return ok;
}

static void cached_writer_cancel(struct object_writer *writer)
{
    object_writer_cancel(((struct cached_writer *)writer)->inner);
    free(writer);
}

static const struct object_writer_ops cached_writer_ops = {
    .add = cached_writer_add,
    .finish = cached_writer_finish,
    .cancel = cached_writer_cancel,
};

static bool cached_writer_open(struct object_store *store, const char *key, struct object_writer **writer,
                               struct err *err)
{
    struct cached_store *cached = cached_of(store);
    struct object_writer *inner;
    if (!object_writer_open(cached->inner, key, &inner, err)) return false;
    if (!cache_takes(key)) {
        *writer = inner;
        return true;
    }
    struct cached_writer *own = mem_alloc(sizeof *own);
    *own = (struct cached_writer){ .writer.ops = &cached_writer_ops,
                                   .inner = inner,
                                   .cache = cached->cache,
                                   .object = cache_object(cached->cache, key) };
    *writer = &own->writer;
    return true;
}

/* Also when the store failed: it may be gone there. */
static bool cached_erase(struct object_store *store, const char *key, struct err *err)
{
    struct cached_store *cached = cached_of(store);
    bool ok = object_delete(cached->inner, key, err);
    if (cache_takes(key)) cache_drop(cached->cache, cache_object(cached->cache, key));
    return ok;
}

static bool cached_erase_many(struct object_store *store, const char *const *keys, uint32_t count, struct err *err)
{
    struct cached_store *cached = cached_of(store);
    bool ok = object_delete_many(cached->inner, keys, count, err);
    for (uint32_t i = 0; i < count; i++)
        if (cache_takes(keys[i])) cache_drop(cached->cache, cache_object(cached->cache, keys[i]));
    return ok;
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

static bool inner_open(struct cached_reader *own, struct err *err)
{
    pthread_mutex_lock(&own->lock);
    bool ok = own->inner || object_reader_open(own->source.inner, own->key, &own->inner, err);
    pthread_mutex_unlock(&own->lock);
    return ok;
}

static bool inner_read_short(struct cache_source *source, uint64_t offset, void *ptr, size_t max, size_t *len,
                             struct err *err)
{
    struct cached_reader *own = (struct cached_reader *)((char *)source - offsetof(struct cached_reader, source));
    return inner_open(own, err) && own->inner->ops->pread(own->inner, offset, ptr, max, len, err);
}

static bool cached_pread(struct object_reader *reader, uint64_t offset, void *ptr, size_t max, size_t *len,
                         struct err *err)
{
    struct cached_reader *own = (struct cached_reader *)reader;
    return cache_read(own->cache, &own->source, offset, ptr, max, len, err);
}

static bool cached_size(struct object_reader *reader, uint64_t *bytes, struct err *err)
{
    struct cached_reader *own = (struct cached_reader *)reader;
    *bytes = own->source.bytes;
    if (*bytes != CACHE_BYTES_UNKNOWN) return true;
    if (!inner_open(own, err) || !own->inner->ops->size(own->inner, bytes, err)) return false;
    own->source.bytes = *bytes;
    return true;
}

static void cached_reader_close(struct object_reader *reader)
{
    struct cached_reader *own = (struct cached_reader *)reader;
    object_reader_close(own->inner);
    pthread_mutex_destroy(&own->lock);
    free(own->key);
    free(own);
}

static const struct object_reader_ops cached_reader_ops = {
    .pread = cached_pread,
    .size = cached_size,
    .close = cached_reader_close,
};

static void source_init(struct cached_reader *own, struct cached_store *cached, char *key, uint64_t bytes)
{
    *own = (struct cached_reader){ .reader.ops = &cached_reader_ops, .cache = cached->cache, .key = key };
    own->source.inner = cached->inner;
    own->source.key = key;
    own->source.object = cache_object(cached->cache, key);
    own->source.read_short = inner_read_short;
    atomic_init(&own->source.bytes, bytes);
    atomic_init(&own->source.sequence_at, 0);
    atomic_init(&own->source.ahead_blocks, 0);
    pthread_mutex_init(&own->lock, NULL);
}

static bool cached_reader_open_sized(struct object_store *store, const char *key, uint64_t bytes,
                                     struct object_reader **reader, struct err *err)
{
    struct cached_store *cached = cached_of(store);
    if (!cache_takes(key)) return object_reader_open_sized(cached->inner, key, bytes, reader, err);
    struct cached_reader *own = mem_alloc(sizeof *own);
    source_init(own, cached, mem_strdup(key), bytes);
    *reader = &own->reader;
    return true;
}

static bool cached_reader_open(struct object_store *store, const char *key, struct object_reader **reader,
                               struct err *err)
{
    struct cached_store *cached = cached_of(store);
    if (!cache_takes(key)) return object_reader_open(cached->inner, key, reader, err);
    return cached_reader_open_sized(store, key, CACHE_BYTES_UNKNOWN, reader, err);
}

/* Without asking for its size: what is read tells where it ends. */
static bool cached_get(struct object_store *store, const char *key, size_t len_max, struct buf *out, struct err *err)
{
    struct cached_store *cached = cached_of(store);
    if (!cache_takes(key)) return object_get(cached->inner, key, len_max, out, err);
    struct object_reader *reader;
    size_t before = out->len;
    bool ok = cached_reader_open(store, key, &reader, err), has_ended = false;
    while (ok && !has_ended) {
        size_t got = 0;
        ok = buf_reserve(out, GET_STEP_BYTES) || err_set(err, ERR_TOO_LARGE, "object \"%s\" has no room", key);
        ok = ok && reader->ops->pread(reader, out->len - before, out->ptr + out->len, GET_STEP_BYTES, &got, err);
        out->len += got;
        has_ended = got < GET_STEP_BYTES;
        if (ok && out->len - before > len_max)
            ok = err_set(err, ERR_TOO_LARGE, "object \"%s\" has over %zu bytes, which are all that are taken", key,
                         len_max);
    }
    object_reader_close(reader);
    if (!ok) out->len = before;
    return ok;
}

static bool cached_get_ranges(struct object_store *store, const char *key, const struct object_range *ranges,
                              uint32_t count, struct err *err)
{
    struct cached_store *cached = cached_of(store);
    if (!cache_takes(key)) return object_get_ranges(cached->inner, key, ranges, count, err);
    struct object_reader *reader;
    if (!cached_reader_open(store, key, &reader, err)) return false;
    struct cached_reader *own = (struct cached_reader *)reader;
    bool ok = cache_read_ranges(cached->cache, &own->source, ranges, count, err);
    object_reader_close(reader);
    return ok;
}

/* -- the rest passes by ----------------------------------------------------------------------------------------- */

static bool cached_list(struct object_store *store, const char *prefix, const char *start_after,
                        bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                        struct err *err)
{
    return object_list_from(cached_of(store)->inner, prefix, start_after, entry, ctx, err);
}

static const char *cached_url(struct object_store *store)
{
    return object_store_url(cached_of(store)->inner);
}

static void cached_counts(struct object_store *store, struct object_counts *counts)
{
    object_counts(cached_of(store)->inner, counts);
}

static void cached_close(struct object_store *store)
{
    object_store_close(cached_of(store)->inner);
    free(store);
}

static const struct object_ops cached_ops = {
    .close = cached_close,
    .url = cached_url,
    .put_if_absent = cached_put_if_absent,
    .put = cached_put,
    .put_file = cached_put_file,
    .put_files = cached_put_files,
    .erase = cached_erase,
    .erase_many = cached_erase_many,
    .list = cached_list,
    .get = cached_get,
    .get_ranges = cached_get_ranges,
    .reader_open = cached_reader_open,
    .reader_open_sized = cached_reader_open_sized,
    .writer_open = cached_writer_open,
    .counts = cached_counts,
};

struct object_store *object_store_open_cached(struct object_store *inner, struct cache *cache)
{
    struct cached_store *cached = mem_calloc(1, sizeof *cached);
    cached->store.ops = &cached_ops;
    cached->inner = inner;
    cached->cache = cache;
    return &cached->store;
}
