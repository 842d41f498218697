/* cache_fixture.h -- for tests and the bench: a store whose GETs are counted, can be made to fail, and can be held.
 *
 *   object_store_open_cached(counted_store_open(), cache)
 *
 * An object's bytes are a function of its key and the place (counted_fill), so that any range can be checked without a
 * copy; those put by a caller are kept. Thread: any; locked inside. */
#pragma once
#include "base/hash.h"
#include "timefusion/cache/cache_inside.h"
#include "timefusion/object/object_ops.h"
#include <stdlib.h>

struct counted_object {
    char *key;
    uint64_t bytes, seed;
    uint8_t *own; /* NULL: made by counted_fill */
    bool is_deleted;
};
struct counted_store {
    struct object_store store;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct counted_object *objects;
    uint32_t count, cap, *table, table_mask; /* by hash of the key: index + 1 */
    uint64_t gets, get_bytes, heads, others; /* others: puts, deletes */
    uint32_t fail_next;                      /* so many GETs fail */
    bool has_plain_puts;                     /* what is put is what counted_fill makes: no copy is kept */
    bool is_held;                            /* GETs wait */
    uint32_t waiting;
};
struct counted_reader {
    struct object_reader reader;
    struct counted_store *store;
    char *key;
};

static inline void counted_fill(uint64_t seed, uint64_t offset, uint8_t *ptr, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint64_t at = offset + i, word = hash64_mix(seed ^ (at / 8 + 1), 0x9E3779B97F4A7C15u);
        size_t skip = at % 8, part = 8 - skip < len - i ? 8 - skip : len - i;
        memcpy(ptr + i, (const uint8_t *)&word + skip, part);
        i += part;
    }
}

/* With the lock. */
static inline uint32_t *counted_place(struct counted_store *store, const char *key)
{
    uint32_t at = (uint32_t)hash64_of(bytes_of_text(key)) & store->table_mask;
    while (store->table[at] && strcmp(store->objects[store->table[at] - 1].key, key) != 0)
        at = (at + 1) & store->table_mask;
    return &store->table[at];
}
static inline struct counted_object *counted_find(struct counted_store *store, const char *key)
{
    uint32_t place = *counted_place(store, key);
    return place && !store->objects[place - 1].is_deleted ? &store->objects[place - 1] : NULL;
}

static inline void counted_add(struct counted_store *store, const char *key, uint64_t bytes, const void *own)
{
    pthread_mutex_lock(&store->lock);
    uint32_t *place = counted_place(store, key);
    if (*place == 0) {
        if (store->count == store->cap) {
            store->cap = store->cap ? store->cap * 2 : 64;
            store->objects = mem_realloc(store->objects, store->cap * sizeof *store->objects);
        }
        assert(store->count < store->table_mask / 2);
        store->objects[store->count++] = (struct counted_object){ .key = mem_strdup(key) };
        *place = store->count;
    }
    struct counted_object *object = &store->objects[*place - 1];
    free(object->own);
    object->own = NULL;
    object->bytes = bytes;
    object->seed = hash64_of(bytes_of_text(key));
    object->is_deleted = false;
    if (own) {
        object->own = mem_alloc(bytes ? bytes : 1);
        memcpy(object->own, own, bytes);
    }
    pthread_mutex_unlock(&store->lock);
}

static inline bool counted_read(struct counted_store *store, const char *key, uint64_t offset, void *ptr, size_t max,
                                size_t *len, struct err *err)
{
    pthread_mutex_lock(&store->lock);
    store->gets++;
    store->waiting++;
    pthread_cond_broadcast(&store->changed);
    while (store->is_held) pthread_cond_wait(&store->changed, &store->lock);
    store->waiting--;
    bool ok = true;
    const struct counted_object *object = counted_find(store, key);
    *len = 0;
    if (store->fail_next > 0) {
        store->fail_next--;
        ok = err_set(err, ERR_IO, "the store failed, as it was told to");
    } else if (!object) {
        ok = err_set(err, ERR_NOT_FOUND, "no object \"%s\"", key);
    } else if (offset < object->bytes) {
        *len = max < object->bytes - offset ? max : (size_t)(object->bytes - offset);
        if (object->own) {
            memcpy(ptr, object->own + offset, *len);
        } else {
            counted_fill(object->seed, offset, ptr, *len);
        }
        store->get_bytes += *len;
    }
    pthread_mutex_unlock(&store->lock);
    return ok;
}

static inline bool counted_get_ranges(struct object_store *store, const char *key, const struct object_range *ranges,
                                      uint32_t count, struct err *err)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        size_t len = 0;
        ok = counted_read((struct counted_store *)store, key, ranges[i].offset, ranges[i].into, ranges[i].len, &len,
                          err) &&
             (len == ranges[i].len || err_set(err, ERR_CORRUPT, "range past the end"));
    }
    return ok;
}

static inline bool counted_pread(struct object_reader *reader, uint64_t offset, void *ptr, size_t max, size_t *len,
                                 struct err *err)
{
    struct counted_reader *own = (struct counted_reader *)reader;
    return counted_read(own->store, own->key, offset, ptr, max, len, err);
}
static inline bool counted_size(struct object_reader *reader, uint64_t *bytes, struct err *err)
{
    struct counted_reader *own = (struct counted_reader *)reader;
    pthread_mutex_lock(&own->store->lock);
    own->store->heads++;
    const struct counted_object *object = counted_find(own->store, own->key);
    *bytes = object ? object->bytes : 0;
    pthread_mutex_unlock(&own->store->lock);
    return object || err_set(err, ERR_NOT_FOUND, "no object \"%s\"", own->key);
}
static inline void counted_reader_close(struct object_reader *reader)
{
    free(((struct counted_reader *)reader)->key);
    free(reader);
}
static inline bool counted_reader_open(struct object_store *store, const char *key, struct object_reader **reader,
                                       struct err *err)
{
    static const struct object_reader_ops ops = { counted_pread, counted_size, counted_reader_close };
    (void)err;
    struct counted_reader *own = mem_alloc(sizeof *own);
    *own = (struct counted_reader){ { &ops }, (struct counted_store *)store, mem_strdup(key) };
    *reader = &own->reader;
    return true;
}

static inline bool counted_put(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    (void)err;
    ((struct counted_store *)store)->others++;
    struct counted_store *own = (struct counted_store *)store;
    counted_add(own, key, bytes.len, own->has_plain_puts ? NULL : bytes.ptr);
    return true;
}
static inline bool counted_put_file(struct object_store *store, const char *key, const char *path, struct err *err)
{
    struct disk_file *file;
    struct disk_stat stat;
    size_t len = 0;
    if (!disk_real.ops->open(&disk_real, path, DISK_READ, &file, err)) return false;
    bool ok = disk_real.ops->stat(file, &stat, err);
    uint8_t *bytes = mem_alloc(ok && stat.bytes ? stat.bytes : 1);
    ok = ok && disk_real.ops->pread(file, 0, bytes, stat.bytes, &len, err);
    disk_real.ops->close(file);
    if (ok) counted_add((struct counted_store *)store, key, len, bytes);
    free(bytes);
    return ok && disk_real.ops->unlink(&disk_real, path, err);
}
static inline bool counted_erase(struct object_store *store, const char *key, struct err *err)
{
    struct counted_store *own = (struct counted_store *)store;
    (void)err;
    pthread_mutex_lock(&own->lock);
    own->others++;
    struct counted_object *object = counted_find(own, key);
    if (object) object->is_deleted = true;
    pthread_mutex_unlock(&own->lock);
    return true;
}
static inline void counted_close(struct object_store *store)
{
    struct counted_store *own = (struct counted_store *)store;
    for (uint32_t i = 0; i < own->count; i++) {
        free(own->objects[i].key);
        free(own->objects[i].own);
    }
    free(own->objects);
    free(own->table);
    pthread_mutex_destroy(&own->lock);
    pthread_cond_destroy(&own->changed);
    free(own);
}

static inline struct counted_store *counted_store_open(uint32_t objects_max)
{
    static const struct object_ops ops = {
        .close = counted_close,
        .put_if_absent = counted_put,
        .put = counted_put,
        .put_file = counted_put_file,
        .erase = counted_erase,
        .get_ranges = counted_get_ranges,
        .reader_open = counted_reader_open,
    };
    struct counted_store *store = mem_calloc(1, sizeof *store);
    uint32_t places = 256;
    while (places < objects_max * 4) places *= 2;
    store->store.ops = &ops;
    store->table = mem_calloc(places, sizeof *store->table);
    store->table_mask = places - 1;
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->changed, NULL);
    return store;
}
