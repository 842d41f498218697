#include "base/clock.h"
#include "base/fail.h"
#include "buffer/wal/wal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void wal_path(const struct wal *wal, char path[WAL_PATH_BYTES], const char *name)
{
    int len = snprintf(path, WAL_PATH_BYTES, "%s/%s", wal->dir, name);
    assert(len > 0 && (size_t)len < WAL_PATH_BYTES); /* wal_open checked the folder's length */
}

void wal_segment_name(char name[WAL_NAME_BYTES], uint64_t first)
{
    snprintf(name, WAL_NAME_BYTES, "%020" PRIu64 ".wal", first);
}

static uint64_t random_number(void)
{
    struct uuid random = uuid_random();
    uint64_t halves[2];
    memcpy(halves, random.bytes, sizeof halves);
    return halves[0] ^ halves[1] << 3; /* version and variant bits meet random ones */
}

bool wal_segment_create(struct wal *wal, uint64_t first, uint64_t bytes, struct disk_file **file, uint64_t *salt,
                        struct err *err)
{
    assert(bytes >= WAL_SEGMENT_HEADER_BYTES);
    const struct disk_ops *ops = wal->disk->ops;
    char name[WAL_NAME_BYTES], path[WAL_PATH_BYTES];
    wal_segment_name(name, first);
    wal_path(wal, path, name);
    struct disk_file *made = NULL;
    struct wal_segment_header header = {
        .log_id = wal->id,
        .first = first,
        .salt = random_number(),
        .created_unix_us = clock_unix_us(),
    };
    uint8_t page[WAL_SEGMENT_HEADER_BYTES];
    wal_segment_header_write(page, &header);

    if (!ops->open(wal->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &made, err)) goto fail;
    fail_point("wal.segment_create");
    if (!ops->reserve(made, bytes, err)) goto fail;
    if (!ops->pwrite(made, 0, &(struct bytes){ page, sizeof page }, 1, err)) goto fail;
    /* The folder too: otherwise the file can be whole and its name gone after a power cut. */
    if (!ops->sync(made, err) || !ops->sync_dir(wal->disk, wal->dir, err)) goto fail;
    *file = made;
    *salt = header.salt;
    return true;
fail:
    err_within(err, "make log file \"%s\" of %" PRIu64 " bytes", name, bytes);
    if (made != NULL) {
        struct err ignored;
        ops->close(made);
        ops->unlink(wal->disk, path, &ignored); /* what is left of it the next open takes away */
    }
    return false;
}

struct wal_segment *wal_segment_add(struct wal *wal, struct wal_segment segment)
{
    if (wal->segment_count == wal->segment_cap) {
        wal->segment_cap = wal->segment_cap ? wal->segment_cap * 2 : 8;
        wal->segments = mem_realloc(wal->segments, wal->segment_cap * sizeof *wal->segments);
    }
    wal->segments[wal->segment_count] = segment;
    return &wal->segments[wal->segment_count++];
}

bool wal_reader_open(struct wal_reader *reader, const struct wal *wal, uint64_t first, size_t read_bytes,
                     struct err *err)
{
    *reader = (struct wal_reader){ .wal = wal, .read_bytes = read_bytes };
    wal_segment_name(reader->name, first);
    char path[WAL_PATH_BYTES];
    wal_path(wal, path, reader->name);
    struct disk_stat stat;
    const uint8_t *page;
    if (!wal->disk->ops->open(wal->disk, path, DISK_READ | DISK_WRITE, &reader->file, err)) return false;
    if (!wal->disk->ops->stat(reader->file, &stat, err)) goto fail;
    reader->bytes = stat.bytes;
    if (!wal->disk->ops->data_end(reader->file, &reader->data_end, err)) goto fail;
    if (!wal_reader_view(reader, 0, WAL_SEGMENT_HEADER_BYTES, &page, err)) goto fail;
    reader->header_valid =
        page != NULL && wal_segment_header_read(page, &reader->header) && reader->header.first == first;
    return true;
fail:
    wal_reader_close(reader);
    return false;
}

void wal_reader_close(struct wal_reader *reader)
{
    if (reader->file != NULL) reader->wal->disk->ops->close(reader->file);
    free(reader->window);
    *reader = (struct wal_reader){ 0 };
}

bool wal_reader_view(struct wal_reader *reader, uint64_t offset, size_t len, const uint8_t **ptr, struct err *err)
{
    *ptr = NULL;
    if (offset > reader->bytes || len > reader->bytes - offset) return true;
    if (offset < reader->window_offset || offset + len > reader->window_offset + reader->window_len) {
        size_t want = len > reader->read_bytes ? len : reader->read_bytes;
        if (want > reader->bytes - offset) want = (size_t)(reader->bytes - offset);
        if (want > len && offset + want > reader->data_end)
            want = reader->data_end > offset + len ? (size_t)(reader->data_end - offset) : len;
        if (want > reader->window_cap) {
            free(reader->window);
            reader->window = mem_alloc(want);
            reader->window_cap = want;
        }
        reader->window_offset = offset;
        reader->window_len = 0;
        if (!reader->wal->disk->ops->pread(reader->file, offset, reader->window, want, &reader->window_len, err))
            return false;
        if (reader->window_len < len) return true; /* it shrank under our feet */
    }
    *ptr = reader->window + (offset - reader->window_offset);
    return true;
}

bool wal_reader_record(struct wal_reader *reader, uint64_t offset, uint64_t position, bool with_body, bool *found,
                       struct wal_record_header *header, struct bytes *body, struct err *err)
{
    *found = false;
    const uint8_t *ptr;
    if (!wal_reader_view(reader, offset, WAL_RECORD_HEADER_BYTES, &ptr, err)) return false;
    if (ptr == NULL || !wal_record_header_read(ptr, reader->header.salt, header)) return true;
    if (header->position != position || wal_record_end(offset, header) > reader->bytes) return true;
    if (with_body) {
        if (!wal_reader_view(reader, offset + WAL_RECORD_HEADER_BYTES, header->body_bytes, &ptr, err)) return false;
        *body = bytes_from(ptr, header->body_bytes);
        if (ptr == NULL || wal_body_checksum(*body) != header->body_checksum) return true;
    }
    *found = true;
    return true;
}
