/* object_ops.h -- what a kind of store fills in. Only for the files of this folder; keys are checked before they come. */
#pragma once
#include "timefusion/object/object.h"

struct object_ops {
    void (*close)(struct object_store *store);
    bool (*put_if_absent)(struct object_store *store, const char *key, struct bytes bytes, struct err *err);
    bool (*put)(struct object_store *store, const char *key, struct bytes bytes, struct err *err);
    bool (*put_file)(struct object_store *store, const char *key, const char *path, struct err *err);
    bool (*erase)(struct object_store *store, const char *key, struct err *err);
    bool (*list)(struct object_store *store, const char *prefix,
                 bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                 struct err *err);
    bool (*local_path)(struct object_store *store, const char *key, char *path, size_t path_bytes);
    bool (*reader_open)(struct object_store *store, const char *key, struct object_reader **reader, struct err *err);
    bool (*writer_open)(struct object_store *store, const char *key, struct object_writer **writer, struct err *err);
};
struct object_store {
    const struct object_ops *ops;
};

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
