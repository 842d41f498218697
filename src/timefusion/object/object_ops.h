/* object_ops.h -- what a kind of store fills in: a folder, a bucket, a cache before another store. Keys are checked
 * before they come. Those that may be NULL are made of the others. */
#pragma once
#include "timefusion/object/object.h"
#include <stdatomic.h>

struct object_ops {
    void (*close)(struct object_store *store);
    const char *(*url)(struct object_store *store);
    bool (*put_if_absent)(struct object_store *store, const char *key, struct bytes bytes, struct err *err);
    bool (*put)(struct object_store *store, const char *key, struct bytes bytes, struct err *err);
    bool (*put_file)(struct object_store *store, const char *key, const char *path, struct err *err);
    /* NULL: one after the other. */
    bool (*put_files)(struct object_store *store, const struct object_file *files, uint32_t count, struct err *err);
    bool (*erase)(struct object_store *store, const char *key, struct err *err);
    /* NULL: one after the other. */
    bool (*erase_many)(struct object_store *store, const char *const *keys, uint32_t count, struct err *err);
    bool (*list)(struct object_store *store, const char *prefix, const char *start_after,
                 bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                 struct err *err);
    bool (*local_path)(struct object_store *store, const char *key, char *path,
                       size_t path_bytes); /* NULL: not local */
    /* NULL: by a reader, its size first. Appends to out. */
    bool (*get)(struct object_store *store, const char *key, size_t len_max, struct buf *out, struct err *err);
    /* NULL: by a reader, one after the other. */
    bool (*get_ranges)(struct object_store *store, const char *key, const struct object_range *ranges, uint32_t count,
                       struct err *err);
    bool (*reader_open)(struct object_store *store, const char *key, struct object_reader **reader, struct err *err);
    /* NULL: as if the size were not known. */
    bool (*reader_open_sized)(struct object_store *store, const char *key, uint64_t bytes,
                              struct object_reader **reader, struct err *err);
    bool (*writer_open)(struct object_store *store, const char *key, struct object_writer **writer, struct err *err);
    /* NULL: the tally below. A store before another one answers what the other one counted. */
    void (*counts)(struct object_store *store, struct object_counts *counts);
};
struct object_store {
    const struct object_ops *ops;
    _Atomic uint64_t tally[OBJECT_COUNTS];
};
static inline void object_tally(struct object_store *store, enum object_count count, uint64_t more)
{
    atomic_fetch_add_explicit(&store->tally[count], more, memory_order_relaxed);
}

struct object_reader_ops {
    /* *len < max only at the end of the object. */
    bool (*pread)(struct object_reader *reader, uint64_t offset, void *ptr, size_t max, size_t *len, struct err *err);
    bool (*size)(struct object_reader *reader, uint64_t *bytes, struct err *err);
    void (*close)(struct object_reader *reader);
};
struct object_reader {
    const struct object_reader_ops *ops;
};

struct object_writer_ops {
    bool (*add)(struct object_writer *writer, struct bytes bytes, struct err *err);
    bool (*finish)(struct object_writer *writer, struct err *err);
    void (*cancel)(struct object_writer *writer);
};
struct object_writer {
    const struct object_writer_ops *ops;
};
