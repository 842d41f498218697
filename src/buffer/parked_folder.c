#include "buffer/parked_folder.h"
#include "base/disk.h"
#include "base/hash.h"
#include "buffer/kafka/kafka_parked.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SUFFIX         ".parked"
#define SUFFIX_OLD     ".otlp"
#define AGAIN          "again"
#define PATH_BYTES     4096
#define HEAD_BYTES_MAX 4096u
#define FILE_BYTES_MAX ((size_t)(65u << 20) + HEAD_BYTES_MAX)
#define LOG_NAME       "log" /* the origin's topic, where there is none */

bool parked_position_read(const char *id, uint64_t *position)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(id, &end, 10);
    *position = number;
    return errno == 0 && id[0] >= '0' && id[0] <= '9' && *end == '\0' && number > 0 && number < INT64_MAX;
}

/* --- one file --- */

static bool head_write(struct buf *file, const struct parked_entry *entry)
{
    struct kafka_headers headers;
    struct kafka_passport passport = { .retry = { .attempt = entry->attempts,
                                                  .origin_position = entry->record.position },
                                       .origin_topic = LOG_NAME,
                                       .parked_unix_us = entry->parked_unix_us };
    snprintf(passport.retry.reason, sizeof passport.retry.reason, "%s", entry->reason);
    for (char *at = passport.retry.reason; *at != '\0'; at++)
        if ((unsigned char)*at < ' ') *at = ' '; /* a line of its own */
    kafka_record_write(&headers, &entry->record, &passport);
    struct hash128 hash = hash128_of(entry->record.body);
    bool ok = true;
    for (uint32_t i = 0; ok && i < headers.count; i++)
        ok = buf_printf(file, "%s: %.*s\n", headers.list[i].name, (int)headers.list[i].value.len,
                        (const char *)headers.list[i].value.ptr);
    return ok &&
           buf_printf(file, "body: %zu %016" PRIx64 "%016" PRIx64 "\n\n", entry->record.body.len, hash.hi, hash.lo);
}

static bool corrupt(struct err *err, const char *why)
{
    return err_set(err, ERR_CORRUPT, "it is damaged: %s", why);
}

bool parked_file_read(struct bytes content, struct parked_entry *entry, struct err *err)
{
    char head[HEAD_BYTES_MAX + 1], origin[256], body_line[80] = "", wanted[80];
    struct kafka_header list[KAFKA_HEADERS_MAX];
    struct kafka_passport passport;
    uint32_t count = 0;
    size_t at = 0;
    *entry = (struct parked_entry){ 0 };
    const uint8_t *end = memmem(content.ptr, content.len, "\n\n", 2);
    if (end == NULL || (size_t)(end - content.ptr) >= HEAD_BYTES_MAX)
        return corrupt(err, "it has no end of its headers");
    size_t head_len = (size_t)(end - content.ptr) + 1;
    memcpy(head, content.ptr, head_len);
    head[head_len] = '\0';
    if (memchr(head, '\0', head_len) != NULL) return corrupt(err, "its headers are no text");
    while (at < head_len) {
        char *line = head + at, *line_end = strchr(line, '\n'), *colon = strstr(line, ": ");
        if (line_end == NULL || colon == NULL || colon > line_end) return corrupt(err, "a header has no value");
        if (count == KAFKA_HEADERS_MAX) return corrupt(err, "it has too many headers");
        *line_end = *colon = '\0';
        struct bytes value = bytes_of_text(colon + 2);
        if (strcmp(line, "body") == 0)
            snprintf(body_line, sizeof body_line, "%.79s", colon + 2);
        else
            list[count++] = (struct kafka_header){ line, value };
        at = (size_t)(line_end - head) + 1;
    }
    struct bytes body = bytes_from(end + 2, content.len - head_len - 1);
    struct hash128 hash = hash128_of(body);
    snprintf(wanted, sizeof wanted, "%zu %016" PRIx64 "%016" PRIx64, body.len, hash.hi, hash.lo);
    if (strcmp(wanted, body_line) != 0) return corrupt(err, "its body is not what was written");
    if (!kafka_record_read(list, count, &entry->record, &passport, origin, err)) {
        err->code = ERR_CORRUPT;
        return false;
    }
    if (passport.replayed_position != 0) return corrupt(err, "it is no record");
    entry->record.body = body;
    entry->record.position = passport.retry.origin_position;
    entry->attempts = passport.retry.attempt;
    entry->parked_unix_us = passport.parked_unix_us;
    snprintf(entry->origin, sizeof entry->origin, "%s", LOG_NAME);
    snprintf(entry->reason, sizeof entry->reason, "%s", passport.retry.reason);
    return true;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* content by malloc, also on failure. */
static bool file_load(const char *dir, struct disk *disk, const char *name, struct buf *content,
                      struct parked_entry *entry, struct err *err)
{
    char path[PATH_BYTES];
    struct disk_file *file;
    struct disk_stat stat;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    buf_init(content, FILE_BYTES_MAX);
    if (!disk->ops->open(disk, path, DISK_READ, &file, err)) return false;
    bool ok = disk->ops->stat(file, &stat, err);
    if (ok && (stat.bytes > FILE_BYTES_MAX || !buf_reserve(content, (size_t)stat.bytes + 1)))
        ok = err_set(err, ERR_CORRUPT, "\"%s\" is too large", path);
    ok = ok && disk->ops->pread(file, 0, content->ptr, (size_t)stat.bytes, &content->len, err);
    disk->ops->close(file);
    if (!ok) return false;
    if (has_suffix(name, SUFFIX_OLD)) {
        *entry = (struct parked_entry){ .record = { .signal = BUFFER_SIGNAL_LOGS, .body = buf_bytes(content) },
                                        .parked_unix_us = stat.modified_unix_us,
                                        .origin = LOG_NAME,
                                        .reason = "an older version parked it: only its body is known" };
        return true;
    }
    if (!parked_file_read(buf_bytes(content), entry, err)) return err_within(err, "\"%s\"", path);
    return true;
}

static void id_of(const char *name, char id[80])
{
    snprintf(id, 80, "%.*s", (int)(strlen(name) - strlen(has_suffix(name, SUFFIX) ? SUFFIX : SUFFIX_OLD)), name);
}

/* --- the folder --- */

struct names {
    char (*list)[100];
    uint32_t count, cap;
};
static void name_take(void *ctx, const char *name, bool is_dir)
{
    struct names *names = ctx;
    if (is_dir || strlen(name) >= 80 || (!has_suffix(name, SUFFIX) && !has_suffix(name, SUFFIX_OLD))) return;
    if (names->count == names->cap) {
        names->cap = names->cap > 0 ? names->cap * 2 : 16;
        names->list = mem_realloc(names->list, names->cap * sizeof *names->list);
    }
    snprintf(names->list[names->count++], sizeof *names->list, "%s", name);
}
static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* A folder that is not there is an empty one. */
static bool names_list(const char *dir, struct disk *disk, struct names *names, struct err *err)
{
    *names = (struct names){ 0 };
    struct err why = { 0 };
    if (!disk->ops->list(disk, dir, name_take, names, &why) && why.code != ERR_NOT_FOUND) {
        *err = why;
        free(names->list);
        return false;
    }
    if (names->count > 0) qsort(names->list, names->count, sizeof *names->list, by_name);
    return true;
}

/* A damaged file is told of, and the rest comes. */
static bool entry_tell(const char *dir, struct disk *disk, const char *name, parked_fn *found, void *ctx)
{
    struct buf content;
    struct parked_entry entry;
    struct err err = { 0 };
    if (!file_load(dir, disk, name, &content, &entry, &err)) {
        entry = (struct parked_entry){ .record = { .signal = BUFFER_SIGNAL_LOGS }, .origin = LOG_NAME };
        snprintf(entry.reason, sizeof entry.reason, "%s", err.text);
    }
    id_of(name, entry.id);
    bool goes_on = found(ctx, &entry);
    buf_deinit(&content);
    return goes_on;
}

bool parked_folder_list(const char *dir, struct disk *disk, parked_fn *found, void *ctx, struct err *err)
{
    struct names names;
    if (!names_list(dir, disk, &names, err)) return false;
    bool goes_on = true;
    for (uint32_t i = 0; goes_on && i < names.count; i++) goes_on = entry_tell(dir, disk, names.list[i], found, ctx);
    free(names.list);
    return true;
}

static bool name_find(const char *dir, struct disk *disk, const char *id, char name[100], struct err *err)
{
    struct names names;
    bool is_found = false;
    if (!names_list(dir, disk, &names, err)) return false;
    for (uint32_t i = 0; !is_found && i < names.count; i++) {
        char found[80];
        id_of(names.list[i], found);
        is_found = strcmp(found, id) == 0;
        if (is_found) memcpy(name, names.list[i], 100);
    }
    free(names.list);
    return is_found || err_set(err, ERR_NOT_FOUND, "there is no parked record \"%s\" in \"%s\"", id, dir);
}

bool parked_folder_show(const char *dir, struct disk *disk, const char *id, parked_fn *found, void *ctx,
                        struct err *err)
{
    char name[100];
    struct buf content;
    struct parked_entry entry;
    if (!name_find(dir, disk, id, name, err)) return false;
    bool ok = file_load(dir, disk, name, &content, &entry, err);
    if (ok) {
        id_of(name, entry.id);
        found(ctx, &entry);
    }
    buf_deinit(&content);
    return ok;
}

bool parked_folder_replay(const char *dir, struct disk *disk, const char *id, struct err *err)
{
    char name[100], again[PATH_BYTES], from[PATH_BYTES], to[PATH_BYTES];
    struct buf content;
    struct parked_entry entry;
    if (!name_find(dir, disk, id, name, err)) return false;
    if (has_suffix(name, SUFFIX_OLD))
        return err_set(err, ERR_UNSUPPORTED,
                       "cannot replay \"%s\": an older version parked it and did not say whose it is", id);
    bool ok = file_load(dir, disk, name, &content, &entry, err);
    buf_deinit(&content);
    if (!ok) return false;
    snprintf(again, sizeof again, "%s/%s", dir, AGAIN);
    snprintf(from, sizeof from, "%s/%s", dir, name);
    snprintf(to, sizeof to, "%.4000s/%.90s", again, name);
    return disk->ops->mkdir(disk, again, err) && disk->ops->rename(disk, from, to, err) &&
           disk->ops->sync_dir(disk, again, err) && disk->ops->sync_dir(disk, dir, err);
}

/* --- the server's side --- */

bool parked_write(const char *dir, struct disk *disk, const struct parked_entry *entry, struct err *err)
{
    char path[PATH_BYTES];
    struct disk_file *file;
    struct buf head;
    buf_init(&head, HEAD_BYTES_MAX);
    snprintf(path, sizeof path, "%s/%020" PRIu64 "-%08" PRIx32 SUFFIX, dir, entry->record.position,
             (uint32_t)(entry->record.hash.hi >> 32));
    bool ok = head_write(&head, entry) || err_set(err, ERR_INTERNAL, "a parked record's headers are too long");
    struct bytes parts[] = { buf_bytes(&head), entry->record.body };
    if (ok && disk->ops->mkdir(disk, dir, err) &&
        disk->ops->open(disk, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err)) {
        ok = disk->ops->pwrite(file, 0, parts, COUNT_OF(parts), err) && disk->ops->sync(file, err);
        disk->ops->close(file);
        ok = ok && disk->ops->sync_dir(disk, dir, err);
    } else {
        ok = false;
    }
    buf_deinit(&head);
    return ok;
}

bool parked_again_next(const char *dir, struct disk *disk, struct parked_entry *entry, bool *found, struct err *err)
{
    char again[PATH_BYTES];
    struct names names;
    struct buf content;
    *found = false;
    snprintf(again, sizeof again, "%.4000s/%s", dir, AGAIN);
    if (!names_list(again, disk, &names, err)) return false;
    bool ok = true;
    if (names.count > 0) {
        ok = file_load(again, disk, names.list[0], &content, entry, err);
        if (ok) {
            id_of(names.list[0], entry->id);
            uint8_t *body = mem_alloc(entry->record.body.len);
            if (entry->record.body.len > 0) memcpy(body, entry->record.body.ptr, entry->record.body.len);
            entry->record.body.ptr = body;
            entry->record.hash = kafka_replay_hash(entry->record.hash, entry->record.position);
            *found = true;
        }
        buf_deinit(&content);
    }
    free(names.list);
    return ok;
}

bool parked_again_drop(const char *dir, struct disk *disk, const char *id, struct err *err)
{
    char again[PATH_BYTES], path[PATH_BYTES];
    snprintf(again, sizeof again, "%.4000s/%s", dir, AGAIN);
    snprintf(path, sizeof path, "%.4000s/%.80s%s", again, id, SUFFIX);
    return disk->ops->unlink(disk, path, err) && disk->ops->sync_dir(disk, again, err);
}
