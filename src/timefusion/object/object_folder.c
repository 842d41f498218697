/* object_folder.c -- the store as a folder: an object is a file, its key the path.
 *
 * New bytes are written to .tmp/<uuid>, synced, and then take their name in one step: link(2) for put_if_absent (it never
 * replaces), rename(2) for the others. Then the folder of the name is synced, and so are, once per process, the folders on
 * the way to it. A folder that a deletion leaves empty is removed with it, by any process: a put that finds it gone makes it
 * again. A crash leaves at most a file in .tmp; those older than a day are removed when the store opens (younger
 * ones may belong to another process). */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "timefusion/object/object_ops.h"

enum {
    FOLDERS_KNOWN_MAX = 8192, /* slots; half of them used */
    COPY_BYTES = 1024 * 1024,
    LIST_DEPTH_MAX = 16,
    NAME_ATTEMPTS = 16,
};
#define TEMP_AGE_US_MAX (24 * 3600 * INT64_C(1000000))
#define TEMP_FOLDER     ".tmp"

struct folder {
    struct object_store store;
    struct disk *disk;
    char *dir, *url;
    /* Folders that are made and synced up to the root, by hash of their path. Forgotten as a whole when full: then a
     * folder is synced once more, nothing else. */
    pthread_mutex_t lock;
    uint64_t *known;
    uint32_t known_count;
};

struct folder_reader {
    struct object_reader reader;
    struct folder *folder;
    struct disk_file *file;
};

struct folder_writer {
    struct object_writer writer;
    struct folder *folder;
    struct disk_file *file;
    uint64_t bytes;
    char *temp, *key;
};

static struct folder *folder_of(struct object_store *store)
{
    return (struct folder *)store;
}

static bool path_of(struct folder *folder, const char *key, char path[PATH_MAX], struct err *err)
{
    int len = snprintf(path, PATH_MAX, "%s/%s", folder->dir, key);
    if (len > 0 && len < PATH_MAX) return true;
    return err_set(err, ERR_INPUT, "the path of object \"%.100s\" is too long", key);
}

static void temp_path(struct folder *folder, char path[PATH_MAX])
{
    char id[UUID_TEXT_BYTES + 1];
    uuid_to_text(uuid_random(), id);
    snprintf(path, PATH_MAX, "%s/" TEMP_FOLDER "/%s", folder->dir, id); /* dir's length was checked at open */
}

/* -- folders ---------------------------------------------------------------------------------------------------- */

static bool folder_known(struct folder *folder, uint64_t hash, bool add)
{
    pthread_mutex_lock(&folder->lock);
    uint32_t slot = (uint32_t)hash % FOLDERS_KNOWN_MAX;
    while (folder->known[slot] != 0 && folder->known[slot] != hash) slot = (slot + 1) % FOLDERS_KNOWN_MAX;
    bool known = folder->known[slot] == hash;
    if (add && !known) {
        if (folder->known_count == FOLDERS_KNOWN_MAX / 2) {
            memset(folder->known, 0, FOLDERS_KNOWN_MAX * sizeof *folder->known);
            folder->known_count = 0;
            slot = (uint32_t)hash % FOLDERS_KNOWN_MAX;
        }
        folder->known[slot] = hash;
        folder->known_count++;
    }
    pthread_mutex_unlock(&folder->lock);
    return known;
}

static void folders_forget(struct folder *folder)
{
    pthread_mutex_lock(&folder->lock);
    memset(folder->known, 0, FOLDERS_KNOWN_MAX * sizeof *folder->known);
    folder->known_count = 0;
    pthread_mutex_unlock(&folder->lock);
}

/* The folders above a deleted object, as far as they are empty. */
static void folders_tidy(struct folder *folder, const char *path)
{
    char dir[PATH_MAX];
    struct err last = { 0 }; /* the first that is not empty, nearly always */
    size_t len = strlen(path), root_len = strlen(folder->dir);
    if (!folder->disk->ops->rmdir) return;
    memcpy(dir, path, len + 1);
    for (bool has_removed = false;; has_removed = true) {
        while (dir[len - 1] != '/') len--;
        dir[--len] = 0;
        if (len > root_len && folder->disk->ops->rmdir(folder->disk, dir, &last)) continue;
        if (has_removed) folders_forget(folder);
        return;
    }
}

/* Makes the folder that path lies in, and syncs every folder from there up to the root that may be new. */
static bool folder_make(struct folder *folder, const char *path, struct err *err)
{
    char dir[PATH_MAX];
    size_t len = (size_t)(strrchr(path, '/') - path);
    memcpy(dir, path, len);
    dir[len] = 0;
    uint64_t hash = hash64_of(bytes_from(dir, len)) | 1; /* 0: an empty slot */
    if (folder_known(folder, hash, false)) return true;
    if (!folder->disk->ops->mkdir(folder->disk, dir, err)) return false;
    size_t root_len = strlen(folder->dir);
    while (len > root_len) { /* the entry of each folder stands in its parent */
        while (dir[len - 1] != '/') len--;
        dir[--len] = 0;
        if (!folder->disk->ops->sync_dir(folder->disk, dir, err)) return false;
    }
    (void)folder_known(folder, hash, true);
    return true;
}

/* from, a file, takes the name of path by link or rename. Its folder may be tidied away between the making and the naming. */
static bool name_take(struct folder *folder, const char *from, const char *path,
                      bool (*take)(struct disk *disk, const char *from, const char *to, struct err *err),
                      struct err *err)
{
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        *err = (struct err){ 0 };
        if (folder_make(folder, path, err) && take(folder->disk, from, path, err)) return true;
        if (err->os_errno != ENOENT) return false;
        folders_forget(folder);
    }
    return false;
}

static bool folder_sync_of(struct folder *folder, const char *path, struct err *err)
{
    char dir[PATH_MAX];
    size_t len = (size_t)(strrchr(path, '/') - path);
    memcpy(dir, path, len);
    dir[len] = 0;
    return folder->disk->ops->sync_dir(folder->disk, dir, err);
}

static void discard(struct folder *folder, const char *path)
{
    struct err ignored = { 0 }; /* what stays in .tmp is removed a day later */
    (void)!folder->disk->ops->unlink(folder->disk, path, &ignored);
}

/* -- putting ---------------------------------------------------------------------------------------------------- */

static void put_count(struct folder *folder, uint64_t bytes)
{
    object_tally(&folder->store, OBJECT_COUNT_PUT, 1);
    object_tally(&folder->store, OBJECT_COUNT_BYTES_WRITTEN, bytes);
}

static bool temp_write(struct folder *folder, struct bytes bytes, char temp[PATH_MAX], struct err *err)
{
    struct disk_file *file;
    temp_path(folder, temp);
    if (!folder->disk->ops->open(folder->disk, temp, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &file, err))
        return false;
    bool ok = folder->disk->ops->pwrite(file, 0, &bytes, 1, err) && folder->disk->ops->sync(file, err);
    folder->disk->ops->close(file);
    if (!ok) discard(folder, temp);
    return ok;
}

static bool folder_put_if_absent(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    struct folder *folder = folder_of(store);
    char path[PATH_MAX], temp[PATH_MAX];
    put_count(folder, bytes.len);
    if (!path_of(folder, key, path, err)) return false;
    if (!temp_write(folder, bytes, temp, err)) return err_within(err, "put \"%s\"", key);
    bool linked = name_take(folder, temp, path, folder->disk->ops->link, err);
    discard(folder, temp);
    if (!linked && err->code != ERR_EXISTS) return err_within(err, "put \"%s\"", key);
    /* Also when another's object was there: who hears that it exists may rely on it. */
    struct err sync_err = { 0 };
    if (!folder_sync_of(folder, path, &sync_err)) {
        *err = sync_err;
        return err_within(err, "put \"%s\"", key);
    }
    return linked || err_set(err, ERR_EXISTS, "object \"%s\" is already there", key);
}

/* temp takes the name of path; it is gone after, also on failure. */
static bool temp_rename(struct folder *folder, const char *temp, const char *path, struct err *err)
{
    if (!name_take(folder, temp, path, folder->disk->ops->rename, err)) {
        discard(folder, temp);
        return false;
    }
    return folder_sync_of(folder, path, err);
}

static bool folder_put(struct object_store *store, const char *key, struct bytes bytes, struct err *err)
{
    struct folder *folder = folder_of(store);
    char path[PATH_MAX], temp[PATH_MAX];
    put_count(folder, bytes.len);
    if (!path_of(folder, key, path, err)) return false;
    if (!temp_write(folder, bytes, temp, err) || !temp_rename(folder, temp, path, err))
        return err_within(err, "put \"%s\"", key);
    return true;
}

static bool copy_bytes(struct disk *disk, struct disk_file *from, struct disk_file *to, struct err *err)
{
    uint8_t *piece = mem_alloc(COPY_BYTES);
    bool ok = true;
    for (uint64_t offset = 0; ok;) {
        size_t len = 0;
        ok = disk->ops->pread(from, offset, piece, COPY_BYTES, &len, err);
        if (!ok || len == 0) break;
        struct bytes part = { piece, len };
        ok = disk->ops->pwrite(to, offset, &part, 1, err);
        offset += len;
    }
    free(piece);
    return ok && disk->ops->sync(to, err);
}

static bool file_copy(struct folder *folder, const char *from, char temp[PATH_MAX], struct err *err)
{
    struct disk_file *in, *out;
    temp_path(folder, temp);
    if (!folder->disk->ops->open(folder->disk, from, DISK_READ, &in, err)) return false;
    bool ok = folder->disk->ops->open(folder->disk, temp, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &out, err);
    if (ok) {
        ok = copy_bytes(folder->disk, in, out, err);
        folder->disk->ops->close(out);
        if (!ok) discard(folder, temp);
    }
    folder->disk->ops->close(in);
    return ok;
}

static uint64_t file_bytes(struct folder *folder, const char *path)
{
    struct disk_file *file;
    struct disk_stat stat = { 0 };
    struct err ignored = { 0 }; /* putting it will tell */
    if (!folder->disk->ops->open(folder->disk, path, DISK_READ, &file, &ignored)) return 0;
    (void)!folder->disk->ops->stat(file, &stat, &ignored);
    folder->disk->ops->close(file);
    return stat.bytes;
}

static bool folder_put_file(struct object_store *store, const char *key, const char *from, struct err *err)
{
    struct folder *folder = folder_of(store);
    char path[PATH_MAX], temp[PATH_MAX];
    put_count(folder, file_bytes(folder, from));
    if (!path_of(folder, key, path, err)) return false;
    if (name_take(folder, from, path, folder->disk->ops->rename, err)) {
        if (!folder_sync_of(folder, path, err)) return err_within(err, "put \"%s\"", key);
        return true;
    }
    if (err->os_errno != EXDEV) return err_within(err, "put \"%s\"", key);
    if (!file_copy(folder, from, temp, err) || !temp_rename(folder, temp, path, err))
        return err_within(err, "put \"%s\"", key);
    discard(folder, from);
    return true;
}

/* -- writing piece by piece --------------------------------------------------------------------------------------- */

static void writer_free(struct folder_writer *writer)
{
    free(writer->temp);
    free(writer->key);
    free(writer);
}

static bool folder_writer_add(struct object_writer *object_writer, struct bytes bytes, struct err *err)
{
    struct folder_writer *writer = (struct folder_writer *)object_writer;
    if (!writer->folder->disk->ops->pwrite(writer->file, writer->bytes, &bytes, 1, err))
        return err_within(err, "write \"%s\"", writer->key);
    writer->bytes += bytes.len;
    return true;
}

static void folder_writer_cancel(struct object_writer *object_writer)
{
    struct folder_writer *writer = (struct folder_writer *)object_writer;
    writer->folder->disk->ops->close(writer->file);
    discard(writer->folder, writer->temp);
    writer_free(writer);
}

static bool folder_writer_finish(struct object_writer *object_writer, struct err *err)
{
    struct folder_writer *writer = (struct folder_writer *)object_writer;
    struct folder *folder = writer->folder;
    char path[PATH_MAX];
    if (!path_of(folder, writer->key, path, err) || !folder->disk->ops->sync(writer->file, err)) {
        err_within(err, "write \"%s\"", writer->key);
        folder_writer_cancel(object_writer);
        return false;
    }
    folder->disk->ops->close(writer->file);
    put_count(folder, writer->bytes);
    bool ok = temp_rename(folder, writer->temp, path, err) || err_within(err, "write \"%s\"", writer->key);
    writer_free(writer);
    return ok;
}

static const struct object_writer_ops writer_ops = { .add = folder_writer_add,
                                                     .finish = folder_writer_finish,
                                                     .cancel = folder_writer_cancel };

static bool folder_writer_open(struct object_store *store, const char *key, struct object_writer **out, struct err *err)
{
    struct folder *folder = folder_of(store);
    char temp[PATH_MAX];
    struct disk_file *file;
    temp_path(folder, temp);
    if (!folder->disk->ops->open(folder->disk, temp, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &file, err))
        return err_within(err, "write \"%s\"", key);
    struct folder_writer *writer = mem_alloc(sizeof *writer);
    *writer = (struct folder_writer){
        .writer.ops = &writer_ops, .folder = folder, .file = file, .temp = mem_strdup(temp), .key = mem_strdup(key)
    };
    *out = &writer->writer;
    return true;
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

static bool folder_reader_pread(struct object_reader *object_reader, uint64_t offset, void *ptr, size_t max,
                                size_t *len, struct err *err)
{
    struct folder_reader *reader = (struct folder_reader *)object_reader;
    object_tally(&reader->folder->store, OBJECT_COUNT_GET, 1);
    if (!reader->folder->disk->ops->pread(reader->file, offset, ptr, max, len, err)) return false;
    object_tally(&reader->folder->store, OBJECT_COUNT_BYTES_READ, *len);
    return true;
}

static bool folder_reader_size(struct object_reader *object_reader, uint64_t *bytes, struct err *err)
{
    struct folder_reader *reader = (struct folder_reader *)object_reader;
    struct disk_stat stat;
    object_tally(&reader->folder->store, OBJECT_COUNT_HEAD, 1);
    if (!reader->folder->disk->ops->stat(reader->file, &stat, err)) return false;
    *bytes = stat.bytes;
    return true;
}

static void folder_reader_close(struct object_reader *object_reader)
{
    struct folder_reader *reader = (struct folder_reader *)object_reader;
    reader->folder->disk->ops->close(reader->file);
    free(reader);
}

static const struct object_reader_ops reader_ops = { .pread = folder_reader_pread,
                                                     .size = folder_reader_size,
                                                     .close = folder_reader_close };

static bool folder_reader_open(struct object_store *store, const char *key, struct object_reader **out, struct err *err)
{
    struct folder *folder = folder_of(store);
    char path[PATH_MAX];
    struct disk_file *file;
    if (!path_of(folder, key, path, err)) return false;
    if (!folder->disk->ops->open(folder->disk, path, DISK_READ, &file, err)) {
        if (err->code == ERR_NOT_FOUND) return err_set(err, ERR_NOT_FOUND, "there is no object \"%s\"", key);
        return err_within(err, "open \"%s\"", key);
    }
    struct folder_reader *reader = mem_alloc(sizeof *reader);
    *reader = (struct folder_reader){ .reader.ops = &reader_ops, .folder = folder, .file = file };
    *out = &reader->reader;
    return true;
}

static bool folder_local_path(struct object_store *store, const char *key, char *path, size_t path_bytes)
{
    struct folder *folder = folder_of(store);
    if (folder->disk != &disk_real) return false;
    int len = snprintf(path, path_bytes, "%s/%s", folder->dir, key);
    return len > 0 && (size_t)len < path_bytes;
}

static bool folder_erase(struct object_store *store, const char *key, struct err *err)
{
    struct folder *folder = folder_of(store);
    char path[PATH_MAX];
    object_tally(store, OBJECT_COUNT_DELETE, 1);
    if (!path_of(folder, key, path, err)) return false;
    if (!folder->disk->ops->unlink(folder->disk, path, err)) {
        if (err->code != ERR_NOT_FOUND) return err_within(err, "delete \"%s\"", key);
        *err = (struct err){ 0 };
    }
    folders_tidy(folder, path);
    return true;
}

/* -- listing ---------------------------------------------------------------------------------------------------- */

struct listing {
    const char *at; /* the folder being listed, as a key with "/" behind it, or "" */
    const char *prefix;
    struct listing_names {
        char **names;
        size_t count, cap;
    } files, folders;
};

static void names_add(struct listing_names *names, char *name)
{
    if (names->count == names->cap) {
        names->cap = names->cap ? 2 * names->cap : 64;
        names->names = mem_realloc(names->names, names->cap * sizeof *names->names);
    }
    names->names[names->count++] = name;
}

static void names_free(struct listing_names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->names[i]);
    free(names->names);
}

/* May a key lie in this folder? */
static bool folder_is_valid(const char *at, size_t len)
{
    char key[OBJECT_KEY_BYTES_MAX + 4];
    if (len > OBJECT_KEY_BYTES_MAX) return false;
    memcpy(key, at, len);
    memcpy(key + len, "/x", 3);
    return object_key_is_valid(key);
}

static void listing_entry(void *ctx, const char *name, bool is_dir)
{
    struct listing *listing = ctx;
    char key[OBJECT_KEY_BYTES_MAX + 2];
    int len = snprintf(key, sizeof key, "%s%s%s", listing->at, name, is_dir ? "/" : "");
    if (len <= 0 || (size_t)len >= sizeof key) return; /* nothing that we put */
    size_t prefix_len = strlen(listing->prefix);
    size_t common = (size_t)len < prefix_len && is_dir ? (size_t)len : prefix_len;
    if (strncmp(key, listing->prefix, common) != 0) return;
    if (is_dir ? folder_is_valid(key, (size_t)len - 1) : object_key_is_valid(key))
        names_add(is_dir ? &listing->folders : &listing->files, mem_strdup(key));
}

static bool list_walk(struct folder *folder, const char *at, const char *prefix, struct listing_names *files, int depth,
                      struct err *err)
{
    struct listing listing = { .at = at, .prefix = prefix };
    char path[PATH_MAX];
    if (depth > LIST_DEPTH_MAX) return err_set(err, ERR_CORRUPT, "folder \"%s\" lies too deep", at);
    if (!path_of(folder, at, path, err)) return false;
    path[strlen(path) - 1] = 0;
    bool ok = folder->disk->ops->list(folder->disk, path, listing_entry, &listing, err);
    if (!ok && (err->code == ERR_NOT_FOUND || err->os_errno == ENOTDIR)) {
        *err = (struct err){ 0 };
        ok = true;
    }
    for (size_t i = 0; i < listing.files.count; i++) names_add(files, listing.files.names[i]);
    listing.files.count = 0;
    for (size_t i = 0; ok && i < listing.folders.count; i++)
        ok = list_walk(folder, listing.folders.names[i], prefix, files, depth + 1, err);
    names_free(&listing.files);
    names_free(&listing.folders);
    return ok;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_show(struct folder *folder, const char *key, bool (*entry)(void *, const char *, uint64_t, int64_t),
                      void *ctx, bool *more, struct err *err)
{
    char path[PATH_MAX];
    struct disk_file *file;
    struct disk_stat stat;
    if (!path_of(folder, key, path, err)) return false;
    if (!folder->disk->ops->open(folder->disk, path, DISK_READ, &file, err)) {
        if (err->code != ERR_NOT_FOUND) return err_within(err, "list");
        *err = (struct err){ 0 }; /* deleted since */
        return true;
    }
    bool ok = folder->disk->ops->stat(file, &stat, err);
    folder->disk->ops->close(file);
    if (ok) *more = entry(ctx, key, stat.bytes, stat.modified_unix_us);
    return ok;
}

static bool folder_list(struct object_store *store, const char *prefix, const char *start_after,
                        bool (*entry)(void *ctx, const char *key, uint64_t bytes, int64_t modified_unix_us), void *ctx,
                        struct err *err)
{
    struct folder *folder = folder_of(store);
    const char *slash = strrchr(prefix, '/');
    char at[OBJECT_KEY_BYTES_MAX + 2];
    size_t at_len = slash ? (size_t)(slash - prefix) : 0;
    assert(at_len <= OBJECT_KEY_BYTES_MAX); /* checked before */
    memcpy(at, prefix, at_len);
    at[at_len] = 0;
    if (at_len > 0) memcpy(at + at_len, "/", 2);

    object_tally(store, OBJECT_COUNT_LIST, 1);
    struct listing_names files = { 0 };
    bool ok = list_walk(folder, at, prefix, &files, 0, err);
    if (ok && files.count > 0) qsort(files.names, files.count, sizeof *files.names, name_compare);
    bool more = true;
    size_t first = 0;
    while (first < files.count && strcmp(files.names[first], start_after) <= 0) first++;
    for (size_t i = first; ok && more && i < files.count; i++)
        ok = list_show(folder, files.names[i], entry, ctx, &more, err);
    names_free(&files);
    return ok;
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static void folder_close(struct object_store *store)
{
    struct folder *folder = folder_of(store);
    pthread_mutex_destroy(&folder->lock);
    free(folder->known);
    free(folder->dir);
    free(folder->url);
    free(folder);
}

static void temp_entry(void *ctx, const char *name, bool is_dir)
{
    if (!is_dir) names_add(ctx, mem_strdup(name));
}

/* Removes what crashes have left. Nothing depends on it, so nothing fails by it. */
static void temp_clean(struct folder *folder)
{
    struct listing_names names = { 0 };
    struct err ignored = { 0 };
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" TEMP_FOLDER, folder->dir);
    (void)!folder->disk->ops->list(folder->disk, path, temp_entry, &names, &ignored);
    int64_t now_us = clock_unix_us();
    for (size_t i = 0; i < names.count; i++) {
        struct disk_file *file;
        struct disk_stat stat;
        int len = snprintf(path, sizeof path, "%s/" TEMP_FOLDER "/%s", folder->dir, names.names[i]);
        if (len >= (int)sizeof path || !folder->disk->ops->open(folder->disk, path, DISK_READ, &file, &ignored))
            continue;
        bool old = folder->disk->ops->stat(file, &stat, &ignored) && now_us - stat.modified_unix_us > TEMP_AGE_US_MAX;
        folder->disk->ops->close(file);
        if (old) discard(folder, path);
    }
    names_free(&names);
}

static const char *folder_url(struct object_store *store)
{
    return folder_of(store)->url;
}

/* The same folder has the same URL, whatever the process's folder is when it opens. */
static char *url_make(const char *dir)
{
    char cwd[PATH_MAX], url[2 * PATH_MAX + 16];
    if (dir[0] == '/' || getcwd(cwd, sizeof cwd) == NULL) cwd[0] = 0;
    while (dir[0] == '.' && dir[1] == '/') dir += 2 + strspn(dir + 2, "/");
    snprintf(url, sizeof url, "file://%s%s%s", cwd, cwd[0] ? "/" : "", dir);
    return mem_strdup(url);
}

static const struct object_ops folder_ops = {
    .close = folder_close,
    .url = folder_url,
    .put_if_absent = folder_put_if_absent,
    .put = folder_put,
    .put_file = folder_put_file,
    .erase = folder_erase,
    .list = folder_list,
    .local_path = folder_local_path,
    .reader_open = folder_reader_open,
    .writer_open = folder_writer_open,
};

/* Syncs the folders above path, each of which may have been made just now: up to "/", or the current folder. */
static bool parents_sync(struct disk *disk, char *path, size_t store_len, struct err *err)
{
    size_t len = strlen(path);
    do {
        while (len > 0 && path[len - 1] != '/') len--;
        while (len > 1 && path[len - 1] == '/') len--;
        path[len] = 0;
        if (!disk->ops->sync_dir(disk, len == 0 ? "." : path, err)) {
            if (len >= store_len) return false;
            *err = (struct err){ 0 }; /* a folder that we may pass but not open was there before us */
            return true;
        }
    } while (len > 1);
    return true;
}

bool object_store_open_folder(struct object_store **store, const char *dir, struct disk *disk, struct err *err)
{
    *store = NULL;
    char path[PATH_MAX];
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/') len--;
    if (len == 0 || len + OBJECT_KEY_BYTES_MAX + 64 > PATH_MAX)
        return err_set(err, ERR_INPUT, "\"%.100s\" cannot be a store's folder: bad length of name", dir);
    snprintf(path, sizeof path, "%.*s/" TEMP_FOLDER, (int)len, dir);
    if (!disk->ops->mkdir(disk, path, err)) return err_within(err, "open store");
    if (!parents_sync(disk, path, len, err)) return err_within(err, "open store");

    struct folder *folder = mem_alloc(sizeof *folder);
    *folder = (struct folder){ .store.ops = &folder_ops,
                               .disk = disk,
                               .known = mem_calloc(FOLDERS_KNOWN_MAX, sizeof *folder->known) };
    folder->dir = bytes_to_text(bytes_from(dir, len));
    folder->url = url_make(folder->dir);
    pthread_mutex_init(&folder->lock, NULL);
    temp_clean(folder);
    *store = &folder->store;
    return true;
}
