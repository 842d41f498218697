#include "timefusion/object/object.h"

#include <inttypes.h>

#include "timefusion/object/object_ops.h"

bool object_key_is_valid(const char *key)
{
    size_t len = strlen(key);
    if (len == 0 || len > OBJECT_KEY_BYTES_MAX) return false;
    for (const char *part = key;;) {
        size_t part_len = strcspn(part, "/");
        if (part_len == 0 || part_len > 255) return false; /* 255: NAME_MAX of every Linux file system */
        if (part[0] == '.' && (part_len == 1 || (part_len == 2 && part[1] == '.'))) return false;
        if (part_len >= 4 && memcmp(part, ".tmp", 4) == 0) return false;
        if (part[part_len] == 0) return true;
        part += part_len + 1;
    }
}

static bool key_check(const char *key, struct err *err)
{
    return object_key_is_valid(key) || err_set(err, ERR_INPUT, "\"%.100s\" cannot be the key of an object", key);
}

void object_store_close(struct object_store *store)
{
    if (store) store->ops->close(store);
}

bool object_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    return key_check(key, err) && store->ops->put_if_absent(store, key, bytes, err);
}

bool object_put(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    return key_check(key, err) && store->ops->put(store, key, bytes, err);
}

bool object_put_file(struct object_store *store, const char *key, const char *path, struct err *err)
{
    return key_check(key, err) && store->ops->put_file(store, key, path, err);
}

bool object_delete(struct object_store *store, const char *key, struct err *err)
{
    return key_check(key, err) && store->ops->erase(store, key, err);
}

bool object_list(struct object_store *store, const char *prefix,
                 bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                 struct err *err)
{
    return store->ops->list(store, prefix, entry, ctx, err);
}

bool object_local_path(struct object_store *store, const char *key, char *path, size_t path_bytes)
{
    return object_key_is_valid(key) && store->ops->local_path(store, key, path, path_bytes);
}

bool object_reader_open(struct object_store *store, const char *key, struct object_reader **reader, struct err *err)
{
    *reader = NULL;
    return key_check(key, err) && store->ops->reader_open(store, key, reader, err);
}

bool object_reader_pread(struct object_reader *reader, uint64_t offset, void *ptr, size_t len, struct err *err)
{
    size_t got = 0;
    if (!reader->ops->pread(reader, offset, ptr, len, &got, err)) return false;
    if (got == len) return true;
    return err_set(err, ERR_CORRUPT, "object ends at byte %" PRIu64 ", wanted %zu bytes from %" PRIu64, offset + got,
                   len, offset);
}

void object_reader_close(struct object_reader *reader)
{
    if (reader) reader->ops->close(reader);
}

bool object_writer_open(struct object_store *store, const char *key, struct object_writer **writer, struct err *err)
{
    *writer = NULL;
    return key_check(key, err) && store->ops->writer_open(store, key, writer, err);
}

bool object_writer_add(struct object_writer *writer, struct bytes bytes, struct err *err)
{
    return writer->ops->add(writer, bytes, err);
}

bool object_writer_finish(struct object_writer *writer, struct err *err)
{
    return writer->ops->finish(writer, err);
}

void object_writer_cancel(struct object_writer *writer)
{
    if (writer) writer->ops->cancel(writer);
}

bool object_size(struct object_store *store, const char *key, uint64_t *bytes, struct err *err)
{
    struct object_reader *reader;
    if (!object_reader_open(store, key, &reader, err)) return false;
    bool ok = reader->ops->size(reader, bytes, err);
    object_reader_close(reader);
    return ok;
}

bool object_get(struct object_store *store, const char *key, size_t len_max, struct buf *out, struct err *err)
{
    struct object_reader *reader;
    if (!object_reader_open(store, key, &reader, err)) return false;
    uint64_t bytes = 0;
    bool ok = reader->ops->size(reader, &bytes, err);
    if (ok && bytes > len_max)
        ok = err_set(err, ERR_TOO_LARGE, "object \"%s\" has %" PRIu64 " bytes, at most %zu are taken", key, bytes,
                     len_max);
    if (ok && !buf_reserve(out, (size_t)bytes))
        ok = err_set(err, ERR_TOO_LARGE, "object \"%s\" of %" PRIu64 " bytes has no room in its buffer", key, bytes);
    if (ok && object_reader_pread(reader, 0, out->ptr + out->len, (size_t)bytes, err)) {
        out->len += (size_t)bytes;
    } else if (ok) {
        ok = err_within(err, "read \"%s\"", key);
    }
    object_reader_close(reader);
    return ok;
}

bool object_get_range(struct object_store *store, const char *key, uint64_t offset, void *ptr, size_t len,
                      struct err *err)
{
    struct object_reader *reader;
    if (!object_reader_open(store, key, &reader, err)) return false;
    bool ok = object_reader_pread(reader, offset, ptr, len, err) || err_within(err, "read \"%s\"", key);
    object_reader_close(reader);
    return ok;
}
