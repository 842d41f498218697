#include "base/fail.h"
#include "buffer/wal/wal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RELEASED_NAME "released"

static void hashes_name(char name[WAL_NAME_BYTES], uint64_t first)
{
    snprintf(name, WAL_NAME_BYTES, "%020" PRIu64 ".hashes", first);
}

bool wal_released_write(struct wal *wal, uint64_t released, uint64_t durable, struct err *err)
{
    assert(released <= durable);
    if (wal->release_failed)
        return err_set(err, ERR_IO, "could not release position %" PRIu64 ": an earlier release failed on disk",
                       released);
    struct wal_released_slot slot = { wal->id, wal->slot.number + 1, released, durable };
    uint8_t bytes[WAL_RELEASED_SLOT_BYTES];
    wal_released_slot_write(bytes, &slot);
    /* In turn: a torn write leaves the other slot whole. */
    uint64_t offset = slot.number % 2 * WAL_RELEASED_SLOT_DISTANCE;
    const struct disk_ops *ops = wal->disk->ops;
    if (!ops->pwrite(wal->released_file, offset, &(struct bytes){ bytes, sizeof bytes }, 1, err) ||
        !ops->sync(wal->released_file, err)) {
        wal->release_failed = true; /* a failed sync is not tried again: nobody knows what is on the disk */
        return err_within(err, "release position %" PRIu64, released);
    }
    wal->slot = slot;
    return true;
}

bool wal_released_create(struct wal *wal, struct err *err)
{
    char path[WAL_PATH_BYTES];
    wal_path(wal, path, RELEASED_NAME);
    const struct disk_ops *ops = wal->disk->ops;
    if (!ops->open(wal->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &wal->released_file, err))
        return false;
    return ops->reserve(wal->released_file, 2 * WAL_RELEASED_SLOT_DISTANCE, err) &&
           wal_released_write(wal, 0, 0, err) && wal_released_write(wal, 0, 0, err);
}

bool wal_released_open(struct wal *wal, struct err *err)
{
    char path[WAL_PATH_BYTES];
    wal_path(wal, path, RELEASED_NAME);
    const struct disk_ops *ops = wal->disk->ops;
    if (!ops->open(wal->disk, path, DISK_READ | DISK_WRITE, &wal->released_file, err)) {
        if (err->code == ERR_NOT_FOUND) err->code = ERR_CORRUPT; /* it is made before the id that we have read */
        return false;
    }
    bool found = false;
    for (uint64_t i = 0; i < 2; i++) {
        uint8_t bytes[WAL_RELEASED_SLOT_BYTES];
        size_t len;
        struct wal_released_slot slot;
        if (!ops->pread(wal->released_file, i * WAL_RELEASED_SLOT_DISTANCE, bytes, sizeof bytes, &len, err))
            return false;
        if (len < sizeof bytes || !wal_released_slot_read(bytes, &slot)) continue;
        if (!uuid_equal(slot.log_id, wal->id))
            return err_set(err, ERR_CORRUPT, "\"%s\" belongs to another log than the one that \"%s/id\" names", path,
                           wal->dir);
        if (slot.released > slot.durable)
            return err_set(err, ERR_CORRUPT,
                           "\"%s\" releases position %" PRIu64 " of a log that was safe up to %" PRIu64, path,
                           slot.released, slot.durable);
        if (!found || slot.number > wal->slot.number) wal->slot = slot;
        found = true;
    }
    if (!found) return err_set(err, ERR_CORRUPT, "\"%s\" is damaged: neither of its two copies is whole", path);
    wal->position_released = wal->slot.released;
    return true;
}

/* --- hashes of dropped log files --- */

static void hashes_file_add(struct wal *wal, uint64_t first, int64_t newest_unix_us)
{
    if (wal->hashes_count == wal->hashes_cap) {
        wal->hashes_cap = wal->hashes_cap ? wal->hashes_cap * 2 : 8;
        wal->hashes_files = mem_realloc(wal->hashes_files, wal->hashes_cap * sizeof *wal->hashes_files);
    }
    wal->hashes_files[wal->hashes_count++] = (struct wal_hashes_file){ first, newest_unix_us };
}

static bool hashes_read(struct wal *wal, const char *path, uint64_t first, struct buf *content,
                        struct wal_hashes_header *header, struct err *err)
{
    const struct disk_ops *ops = wal->disk->ops;
    struct disk_file *file;
    struct disk_stat stat;
    if (!ops->open(wal->disk, path, DISK_READ, &file, err)) return false;
    bool read = ops->stat(file, &stat, err);
    if (read) {
        buf_init(content, (size_t)REPEATS_MAX * WAL_HASHES_ENTRY_BYTES + WAL_HASHES_HEADER_BYTES);
        read = stat.bytes <= content->bytes_max && buf_reserve(content, (size_t)stat.bytes + 1);
        if (!read)
            err_set(err, ERR_CORRUPT, "\"%s\" is too large", path);
        else
            read = ops->pread(file, 0, content->ptr, (size_t)stat.bytes, &content->len, err);
    }
    ops->close(file);
    if (!read) return false;
    struct bytes entries = { 0 };
    if (content->len >= WAL_HASHES_HEADER_BYTES && wal_hashes_header_read(content->ptr, header) &&
        header->first == first && uuid_equal(header->log_id, wal->id)) {
        entries = bytes_from(content->ptr + WAL_HASHES_HEADER_BYTES, content->len - WAL_HASHES_HEADER_BYTES);
        if (entries.len / WAL_HASHES_ENTRY_BYTES == header->count && entries.len % WAL_HASHES_ENTRY_BYTES == 0 &&
            header->entries_checksum == wal_body_checksum(entries))
            return true;
    }
    return err_set(err, ERR_CORRUPT, "\"%s\" is damaged", path);
}

/* A damaged one is not worth refusing to start: at worst a request that a client sends again is stored twice. It is
 * also what a power cut leaves of a file that was being written, and then the log file itself is still there. */
void wal_hashes_load(struct wal *wal, uint64_t first)
{
    char name[WAL_NAME_BYTES], path[WAL_PATH_BYTES];
    hashes_name(name, first);
    wal_path(wal, path, name);
    struct buf content = { 0 };
    struct wal_hashes_header header;
    struct err err = { .code = ERR_OK };
    if (hashes_read(wal, path, first, &content, &header, &err)) {
        for (uint64_t i = 0; i < header.count; i++) {
            struct hash128 hash;
            int64_t received_unix_us;
            wal_hashes_entry_read(content.ptr + WAL_HASHES_HEADER_BYTES + i * WAL_HASHES_ENTRY_BYTES, &hash,
                                  &received_unix_us);
            wal_remember(wal, 0, hash, received_unix_us);
        }
        hashes_file_add(wal, first, header.newest_unix_us);
    } else {
        log_warn(wal->options.log, "wal.hashes_lost", log_text("err", err.text));
        hashes_file_add(wal, first, INT64_MIN); /* goes with the next trim */
    }
    buf_deinit(&content);
}

/* The hashes of a log file that will go, as far as they are of the last ten minutes: from memory, not from the file.
 * In steps, so that no append waits long for the lock. */
static void hashes_collect(struct wal *wal, uint64_t first, uint64_t position_end, struct buf *content)
{
    enum { STEP = 512 };
    bool fits = true;
    for (uint64_t position = first; fits && position < position_end;) {
        pthread_mutex_lock(&wal->lock);
        assert(first >= wal->hashed_first);
        /* Of a damaged file that was released before, only what lies in front of the damage was remembered. */
        if (position_end > wal->hashed_last + 1) position_end = wal->hashed_last + 1;
        for (int i = 0; fits && i < STEP && position < position_end; i++, position++) {
            struct hash128 hash;
            uint32_t second;
            if (!repeats_at(&wal->repeats, wal->hashed_last - position, &hash, &second)) continue; /* too old */
            uint8_t entry[WAL_HASHES_ENTRY_BYTES];
            wal_hashes_entry_write(entry, hash, (int64_t)second * 1000000);
            fits = buf_add(content, entry, sizeof entry); /* else more than the memory of hashes holds */
        }
        pthread_mutex_unlock(&wal->lock);
    }
}

static bool hashes_write(struct wal *wal, const struct wal_segment *segment, uint64_t position_end, struct err *err)
{
    const struct disk_ops *ops = wal->disk->ops;
    char name[WAL_NAME_BYTES], path[WAL_PATH_BYTES];
    hashes_name(name, segment->first);
    wal_path(wal, path, name);
    struct buf entries;
    buf_init(&entries, (size_t)REPEATS_MAX * WAL_HASHES_ENTRY_BYTES);
    hashes_collect(wal, segment->first, position_end, &entries);
    struct wal_hashes_header header = {
        .log_id = wal->id,
        .first = segment->first,
        .count = entries.len / WAL_HASHES_ENTRY_BYTES,
        .newest_unix_us = segment->newest_unix_us,
        .entries_checksum = wal_body_checksum(buf_bytes(&entries)),
    };
    uint8_t head[WAL_HASHES_HEADER_BYTES];
    wal_hashes_header_write(head, &header);
    struct bytes parts[] = { { head, sizeof head }, buf_bytes(&entries) };
    /* It must be safe, and its name too, before the log file goes. */
    struct disk_file *file = NULL;
    bool written = ops->open(wal->disk, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err) &&
                   ops->pwrite(file, 0, parts, COUNT_OF(parts), err) && ops->sync(file, err) &&
                   ops->sync_dir(wal->disk, wal->dir, err);
    if (file != NULL) ops->close(file);
    buf_deinit(&entries);
    if (written) hashes_file_add(wal, segment->first, segment->newest_unix_us);
    return written;
}

static void hashes_drop_old(struct wal *wal, int64_t oldest_unix_us)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < wal->hashes_count; i++) {
        struct wal_hashes_file *file = &wal->hashes_files[i];
        char name[WAL_NAME_BYTES], path[WAL_PATH_BYTES];
        hashes_name(name, file->first);
        wal_path(wal, path, name);
        struct err err = { .code = ERR_OK };
        if (file->newest_unix_us >= oldest_unix_us ||
            (!wal->disk->ops->unlink(wal->disk, path, &err) && err.code != ERR_NOT_FOUND))
            wal->hashes_files[left++] = *file; /* tried again at the next trim */
    }
    wal->hashes_count = left;
}

/* --- dropping log files --- */

/* Under the lock: hashes of requests before this are not kept. */
static int64_t oldest_kept_unix_us(const struct wal *wal)
{
    const int64_t window_us = REPEATS_WINDOW_S * INT64_C(1000000);
    return wal->newest_unix_us < INT64_MIN + window_us ? INT64_MIN : wal->newest_unix_us - window_us;
}

/* The oldest log file, when all it holds is released and another one is current. Its hashes need keeping unless they
 * are too old, or it came back after a crash behind a gap: then its side file was safe before anything went. */
static bool segment_releasable(struct wal *wal, struct wal_segment *segment, uint64_t *position_end,
                               bool *hashes_needed)
{
    pthread_mutex_lock(&wal->lock);
    bool releasable = wal->segment_count > 1 && wal->segments[1].first <= wal->position_released + 1;
    if (releasable) {
        *segment = wal->segments[0];
        *position_end = wal->segments[1].first;
        *hashes_needed = segment->newest_unix_us >= oldest_kept_unix_us(wal) && segment->first >= wal->hashed_first;
    }
    pthread_mutex_unlock(&wal->lock);
    return releasable;
}

static void segment_forget(struct wal *wal)
{
    pthread_mutex_lock(&wal->lock);
    wal->disk_bytes -= wal->segments[0].bytes;
    wal->segment_count--;
    memmove(wal->segments, wal->segments + 1, wal->segment_count * sizeof *wal->segments);
    pthread_mutex_unlock(&wal->lock);
}

/* A failure here loses nothing and is tried again at the next release; until then the room is not free. */
void wal_trim(struct wal *wal)
{
    struct wal_segment segment;
    uint64_t position_end;
    bool hashes_needed;
    while (segment_releasable(wal, &segment, &position_end, &hashes_needed)) {
        char name[WAL_NAME_BYTES], path[WAL_PATH_BYTES];
        wal_segment_name(name, segment.first);
        wal_path(wal, path, name);
        struct err err = { .code = ERR_OK };
        fail_point("wal.before_trim");
        if ((hashes_needed && !hashes_write(wal, &segment, position_end, &err)) ||
            (!wal->disk->ops->unlink(wal->disk, path, &err) && err.code != ERR_NOT_FOUND)) {
            log_warn(wal->options.log, "wal.trim_failed", log_text("file", name), log_text("err", err.text));
            break;
        }
        segment_forget(wal);
    }
    pthread_mutex_lock(&wal->lock);
    int64_t oldest_unix_us = oldest_kept_unix_us(wal);
    pthread_mutex_unlock(&wal->lock);
    hashes_drop_old(wal, oldest_unix_us);
}

bool wal_release(struct buffer *buffer, uint64_t position, struct err *err)
{
    struct wal *wal = wal_of(buffer);
    pthread_mutex_lock(&wal->release_lock);
    pthread_mutex_lock(&wal->lock);
    uint64_t durable = wal->position_durable, released = wal->position_released;
    pthread_mutex_unlock(&wal->lock);
    bool done = true;
    if (position > durable) {
        done = err_set(err, ERR_INTERNAL, "cannot release position %" PRIu64 ": the log is safe only up to %" PRIu64,
                       position, durable);
    } else if (position > released) {
        fail_point("wal.before_release");
        done = wal_released_write(wal, position, durable, err);
        if (done) {
            fail_point("wal.after_release");
            pthread_mutex_lock(&wal->lock);
            wal->position_released = position;
            pthread_mutex_unlock(&wal->lock);
        }
    }
    if (done) wal_trim(wal);
    pthread_mutex_unlock(&wal->release_lock);
    return done;
}
