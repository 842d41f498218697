#include "timefusion/object/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/uuid.h"
#include "timefusion/object/object_ops.h"

/* "<table>/_delta_log/.tmp/": where Delta's S3DynamoDBLogStore prepares commits; not the store's own ".tmp" at the top. */
static bool is_commit_temp(const char *key, const char *part, size_t part_len)
{
    static const char folder[] = "/_delta_log/";
    size_t before = (size_t)(part - key), folder_len = sizeof folder - 1;
    return part_len == 4 && part[4] == '/' && before > folder_len && memcmp(part - folder_len, folder, folder_len) == 0;
}

bool object_key_is_valid(const char *key)
{
    size_t len = strlen(key);
    if (len == 0 || len > OBJECT_KEY_BYTES_MAX) return false;
    for (const char *part = key;;) {
        size_t part_len = strcspn(part, "/");
        if (part_len == 0 || part_len > 255) return false; /* 255: NAME_MAX of every Linux file system */
        if (part[0] == '.' && (part_len == 1 || (part_len == 2 && part[1] == '.'))) return false;
        if (part_len >= 4 && memcmp(part, ".tmp", 4) == 0 && !is_commit_temp(key, part, part_len)) return false;
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

const char *object_store_url(struct object_store *store)
{
    return store->ops->url(store);
}

/* -- counting --------------------------------------------------------------------------------------------------- */

static const char *const count_names[OBJECT_COUNTS] = {
    [OBJECT_COUNT_GET] = "get",
    [OBJECT_COUNT_HEAD] = "head",
    [OBJECT_COUNT_PUT] = "put",
    [OBJECT_COUNT_LIST] = "list",
    [OBJECT_COUNT_DELETE] = "delete",
    [OBJECT_COUNT_OTHER] = "other",
    [OBJECT_COUNT_RETRY] = "retry",
    [OBJECT_COUNT_FAILED] = "failed",
    [OBJECT_COUNT_BYTES_READ] = "bytes_read",
    [OBJECT_COUNT_BYTES_WRITTEN] = "bytes_written",
};

const char *object_count_name(enum object_count count)
{
    return count_names[count];
}

void object_counts(struct object_store *store, struct object_counts *counts)
{
    if (store->ops->counts) {
        store->ops->counts(store, counts);
        return;
    }
    for (uint32_t i = 0; i < OBJECT_COUNTS; i++)
        counts->of[i] = atomic_load_explicit(&store->tally[i], memory_order_relaxed);
}

/* What a call ended in. That something is or is not there is an answer, not a failure. */
static bool ended(struct object_store *store, bool ok, const struct err *err)
{
    if (!ok && err->code != ERR_NOT_FOUND && err->code != ERR_EXISTS) object_tally(store, OBJECT_COUNT_FAILED, 1);
    return ok;
}

/* -- writing ---------------------------------------------------------------------------------------------------- */

bool object_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    return key_check(key, err) && ended(store, store->ops->put_if_absent(store, key, bytes, err), err);
}

bool object_put(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    return key_check(key, err) && ended(store, store->ops->put(store, key, bytes, err), err);
}

bool object_put_file(struct object_store *store, const char *key, const char *path, struct err *err)
{
    return key_check(key, err) && ended(store, store->ops->put_file(store, key, path, err), err);
}

bool object_put_files(struct object_store *store, const struct object_file *files, uint32_t count, struct err *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (!key_check(files[i].key, err)) return false;
    if (store->ops->put_files) return ended(store, store->ops->put_files(store, files, count, err), err);
    for (uint32_t i = 0; i < count; i++)
        if (!ended(store, store->ops->put_file(store, files[i].key, files[i].path, err), err)) return false;
    return true;
}

bool object_delete(struct object_store *store, const char *key, struct err *err)
{
    return key_check(key, err) && ended(store, store->ops->erase(store, key, err), err);
}

bool object_delete_many(struct object_store *store, const char *const *keys, uint32_t count, struct err *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (!key_check(keys[i], err)) return false;
    if (store->ops->erase_many) return ended(store, store->ops->erase_many(store, keys, count, err), err);
    for (uint32_t i = 0; i < count; i++)
        if (!ended(store, store->ops->erase(store, keys[i], err), err)) return false;
    return true;
}

bool object_writer_open(struct object_store *store, const char *key, struct object_writer **writer, struct err *err)
{
    *writer = NULL;
    return key_check(key, err) && ended(store, store->ops->writer_open(store, key, writer, err), err);
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

/* -- reading ---------------------------------------------------------------------------------------------------- */

/* Up to its last "/" it must be what a key can begin with. */
static bool prefix_is_valid(const char *prefix)
{
    char key[OBJECT_KEY_BYTES_MAX + 2]; /* one that could be found */
    const char *slash = strrchr(prefix, '/');
    size_t len = slash ? (size_t)(slash - prefix) : 0;
    if (strlen(prefix) >= OBJECT_KEY_BYTES_MAX) return false;
    if (!slash) return true;
    memcpy(key, prefix, len);
    memcpy(key + len, "/x", 3);
    return object_key_is_valid(key);
}

bool object_list_from(struct object_store *store, const char *prefix, const char *start_after,
                      bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                      struct err *err)
{
    if (!prefix_is_valid(prefix) || strlen(start_after) > OBJECT_KEY_BYTES_MAX)
        return err_set(err, ERR_INPUT, "cannot list \"%.100s\"", prefix);
    return ended(store, store->ops->list(store, prefix, start_after, entry, ctx, err), err);
}

bool object_list(struct object_store *store, const char *prefix,
                 bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                 struct err *err)
{
    return object_list_from(store, prefix, "", entry, ctx, err);
}

bool object_local_path(struct object_store *store, const char *key, char *path, size_t path_bytes)
{
    return store->ops->local_path && object_key_is_valid(key) && store->ops->local_path(store, key, path, path_bytes);
}

bool object_is_local(struct object_store *store, const char *key)
{
    char path[2 * OBJECT_KEY_BYTES_MAX + 1026];
    return object_local_path(store, key, path, sizeof path);
}

bool object_reader_open(struct object_store *store, const char *key, struct object_reader **reader, struct err *err)
{
    *reader = NULL;
    return key_check(key, err) && ended(store, store->ops->reader_open(store, key, reader, err), err);
}

bool object_reader_open_sized(struct object_store *store, const char *key, uint64_t bytes,
                              struct object_reader **reader, struct err *err)
{
    if (!store->ops->reader_open_sized) return object_reader_open(store, key, reader, err);
    *reader = NULL;
    return key_check(key, err) && ended(store, store->ops->reader_open_sized(store, key, bytes, reader, err), err);
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

bool object_size(struct object_store *store, const char *key, uint64_t *bytes, struct err *err)
{
    struct object_reader *reader;
    if (!object_reader_open(store, key, &reader, err)) return false;
    bool ok = ended(store, reader->ops->size(reader, bytes, err), err);
    object_reader_close(reader);
    return ok;
}

/* Its size first, then all of it. */
static bool get_by_reader(struct object_store *store, const char *key, size_t len_max, struct buf *out, struct err *err)
{
    struct object_reader *reader;
    if (!store->ops->reader_open(store, key, &reader, err)) return false;
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

bool object_get(struct object_store *store, const char *key, size_t len_max, struct buf *out, struct err *err)
{
    if (!key_check(key, err)) return false;
    bool ok =
        store->ops->get ? store->ops->get(store, key, len_max, out, err) : get_by_reader(store, key, len_max, out, err);
    return ended(store, ok, err);
}

static bool ranges_by_reader(struct object_store *store, const char *key, const struct object_range *ranges,
                             uint32_t count, struct err *err)
{
    struct object_reader *reader;
    if (!store->ops->reader_open(store, key, &reader, err)) return false;
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = object_reader_pread(reader, ranges[i].offset, ranges[i].into, ranges[i].len, err) ||
             err_within(err, "read \"%s\"", key);
    object_reader_close(reader);
    return ok;
}

bool object_get_ranges(struct object_store *store, const char *key, const struct object_range *ranges, uint32_t count,
                       struct err *err)
{
    if (!key_check(key, err)) return false;
    bool ok = store->ops->get_ranges ? store->ops->get_ranges(store, key, ranges, count, err)
                                     : ranges_by_reader(store, key, ranges, count, err);
    return ended(store, ok, err);
}

bool object_get_range(struct object_store *store, const char *key, uint64_t offset, void *ptr, size_t len,
                      struct err *err)
{
    return object_get_ranges(store, key, &(struct object_range){ offset, len, ptr }, 1, err);
}

/* -- what the store can do -------------------------------------------------------------------------------------- */

static bool probe_entry(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us)
{
    (void)key, (void)bytes, (void)modified_unix_us;
    ++*(uint32_t *)ctx;
    return true;
}

/* The second put must be refused, and the first one's bytes must be there still. */
static bool probe_key(struct object_store *store, const char *key, struct err *err)
{
    struct bytes first = BYTES("first"), second = BYTES("second");
    struct buf read;
    struct err refused = { 0 };
    if (!object_put_if_absent(store, key, first, err)) return false;
    bool took_second = object_put_if_absent(store, key, second, &refused);
    if (!took_second && refused.code != ERR_EXISTS) {
        *err = refused;
        return false;
    }
    buf_init(&read, 64);
    bool ok = object_get(store, key, 64, &read, err);
    bool lies = took_second || !bytes_equal(buf_bytes(&read), first);
    buf_deinit(&read);
    if (ok && lies)
        return err_set(err, ERR_UNSUPPORTED,
                       "it replaces an object that it was told to put only if absent (If-None-Match: *)");
    uint32_t count = 0;
    if (!ok || !object_list(store, key, probe_entry, &count, err)) return false;
    return count == 1 || err_set(err, ERR_UNSUPPORTED, "a listing does not hold what was just put");
}

bool object_store_probe(struct object_store *store, struct err *err)
{
    char id[UUID_TEXT_BYTES + 1], key[64];
    struct err delete_err = { 0 };
    uuid_to_text(uuid_random(), id);
    snprintf(key, sizeof key, "_monoscope/probe/%.13s", id); /* short: errors name it */
    bool ok = probe_key(store, key, err);
    bool deleted = object_delete(store, key, &delete_err);
    if (ok && !deleted) {
        *err = delete_err;
        ok = false;
    }
    return ok || err_within(err, "store \"%.100s\"", object_store_url(store));
}
