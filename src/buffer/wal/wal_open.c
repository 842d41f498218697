#include "base/clock.h"
#include "buffer/wal/wal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ID_NAME     "id"
#define ID_NEW_NAME "id.new"
#define LOCK_NAME   "lock"

/* --- what is in the folder --- */

struct positions {
    uint64_t *items;
    uint32_t count, cap;
};
struct found {
    struct positions segments, hashes;
};

static void positions_add(struct positions *positions, uint64_t position)
{
    if (positions->count == positions->cap) {
        positions->cap = positions->cap ? positions->cap * 2 : 16;
        positions->items = mem_realloc(positions->items, positions->cap * sizeof *positions->items);
    }
    positions->items[positions->count++] = position;
}

static int position_order(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void positions_sort(struct positions *positions)
{
    if (positions->count > 0) qsort(positions->items, positions->count, sizeof *positions->items, position_order);
}

/* Names that are not ours are left alone. */
static void found_add(void *ctx, const char *name, bool is_dir)
{
    struct found *found = ctx;
    uint64_t position = 0;
    for (int i = 0; i < 20; i++) {
        if (name[i] < '0' || name[i] > '9') return;
        uint64_t digit = (uint64_t)(name[i] - '0');
        if (position > (UINT64_MAX - digit) / 10) return;
        position = position * 10 + digit;
    }
    if (is_dir || position == 0) return;
    if (strcmp(name + 20, ".wal") == 0) positions_add(&found->segments, position);
    if (strcmp(name + 20, ".hashes") == 0) positions_add(&found->hashes, position);
}

static void found_deinit(struct found *found)
{
    free(found->segments.items);
    free(found->hashes.items);
}

/* --- lock and identity --- */

static bool lock_take(struct wal *wal, struct err *err)
{
    char path[WAL_PATH_BYTES];
    wal_path(wal, path, LOCK_NAME);
    const struct disk_ops *ops = wal->disk->ops;
    if (!ops->open(wal->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE, &wal->lock_file, err)) return false;
    if (ops->lock(wal->lock_file, err)) return true;
    if (err->code != ERR_BUSY) return false;
    return err_set(err, ERR_BUSY, "cannot open the log in \"%s\": another server has it open", wal->dir);
}

/* The released file first: where there is an id there is the rest. */
static bool identity_create(struct wal *wal, struct err *err)
{
    wal->id = uuid_random();
    if (!wal_released_create(wal, err)) return false;

    char text[UUID_TEXT_BYTES + 2], path_new[WAL_PATH_BYTES], path[WAL_PATH_BYTES];
    uuid_to_text(wal->id, text);
    strcat(text, "\n");
    wal_path(wal, path_new, ID_NEW_NAME);
    wal_path(wal, path, ID_NAME);
    const struct disk_ops *ops = wal->disk->ops;
    struct disk_file *file;
    if (!ops->open(wal->disk, path_new, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err)) return false;
    struct bytes part = bytes_of_text(text);
    bool written = ops->pwrite(file, 0, &part, 1, err) && ops->sync(file, err);
    ops->close(file);
    /* Names in two steps: a folder's sync promises nothing about the order of what it syncs. */
    return written && ops->sync_dir(wal->disk, wal->dir, err) && ops->rename(wal->disk, path_new, path, err) &&
           ops->sync_dir(wal->disk, wal->dir, err);
}

static bool identity_read(struct wal *wal, bool *exists, struct err *err)
{
    char path[WAL_PATH_BYTES], text[UUID_TEXT_BYTES + 2];
    wal_path(wal, path, ID_NAME);
    const struct disk_ops *ops = wal->disk->ops;
    struct disk_file *file;
    *exists = false;
    if (!ops->open(wal->disk, path, DISK_READ, &file, err)) return err->code == ERR_NOT_FOUND;
    size_t len = 0;
    bool read = ops->pread(file, 0, text, sizeof text, &len, err);
    ops->close(file);
    if (!read) return false;
    *exists = true;
    if (len != UUID_TEXT_BYTES + 1 || text[UUID_TEXT_BYTES] != '\n' ||
        !uuid_from_text(bytes_from(text, UUID_TEXT_BYTES), &wal->id))
        return err_set(err, ERR_CORRUPT, "\"%s\" does not hold the id of a log", path);
    return true;
}

static bool identity_open(struct wal *wal, bool has_segments, struct err *err)
{
    bool exists;
    if (!identity_read(wal, &exists, err)) return false;
    if (exists) return wal_released_open(wal, err);
    if (has_segments)
        return err_set(err, ERR_CORRUPT,
                       "\"%s\" has log files, but the file \"" ID_NAME "\" that names the log is missing", wal->dir);
    return identity_create(wal, err);
}

/* --- log files but the last --- */

static bool header_check(const struct wal_reader *reader, struct err *err)
{
    if (!reader->header_valid) return err_set(err, ERR_CORRUPT, "log file \"%s\": its header is damaged", reader->name);
    if (reader->header.version != WAL_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "log file \"%s\" is of version %" PRIu32 "; this server reads version %u",
                       reader->name, reader->header.version, WAL_VERSION);
    if (!uuid_equal(reader->header.log_id, reader->wal->id))
        return err_set(err, ERR_CORRUPT, "log file \"%s\" belongs to another log than the file \"" ID_NAME "\" names",
                       reader->name);
    return true;
}

/* Walks the headers from the first record to before position_end; remembers their hashes. Stops at what is not whole. */
static bool headers_walk(struct wal *wal, struct wal_reader *reader, struct wal_segment *segment, uint64_t position_end,
                         uint64_t *position, struct err *err)
{
    segment->salt = reader->header.salt;
    segment->bytes = reader->bytes;
    segment->bytes_used = WAL_SEGMENT_HEADER_BYTES;
    segment->newest_unix_us = INT64_MIN;
    for (*position = segment->first; *position < position_end; ++*position) {
        struct wal_record_header header;
        bool found;
        if (!wal_reader_record(reader, wal_align(segment->bytes_used), *position, false, &found, &header, NULL, err))
            return false;
        if (!found) break;
        segment->bytes_used = wal_record_end(wal_align(segment->bytes_used), &header);
        if (header.received_unix_us > segment->newest_unix_us) segment->newest_unix_us = header.received_unix_us;
        wal_remember(wal, *position, header.hash, header.received_unix_us);
    }
    return true;
}

/* A full log file must hold every position up to the next one's first: it was synced before the next was made. Only
 * headers are read here; bodies are checked when they are delivered. */
static bool full_segment_load(struct wal *wal, uint64_t first, uint64_t first_next, struct err *err)
{
    struct wal_reader reader;
    if (!wal_reader_open(&reader, wal, first, WAL_WALK_BYTES, err)) return false;
    struct wal_segment segment = { .first = first, .bytes = reader.bytes, .newest_unix_us = INT64_MIN };
    uint64_t position = first;
    bool needed = first_next - 1 > wal->position_released;
    bool loaded = header_check(&reader, err) && headers_walk(wal, &reader, &segment, first_next, &position, err);
    if (loaded && position < first_next)
        loaded = err_set(err, ERR_CORRUPT,
                         "log file \"%s\" is damaged at byte %" PRIu64 ": record %" PRIu64
                         " is not whole, and record %" PRIu64 " begins the next file",
                         reader.name, wal_align(segment.bytes_used), position, first_next);
    if (!loaded && !needed && err->code == ERR_CORRUPT) loaded = true; /* all of it released: it will go */
    wal_reader_close(&reader);
    if (loaded) wal_segment_add(wal, segment);
    return loaded;
}

/* --- the last log file --- */

/* What lies behind the last whole record. */
struct tail {
    uint64_t position;   /* the one that is not there */
    uint64_t offset;     /* where it would begin */
    uint64_t offset_end; /* of the last whole record, before padding */
    uint64_t durable;    /* the log was surely safe up to here */
    uint64_t later;      /* a position behind the hole that says so, or 0 */
    bool dirty;          /* something is behind it that must not be read as records later */
};

/* Looks at everything behind the hole. Bodies are not checked: the salted header is proof enough that it was written. */
static bool tail_search(struct wal_reader *reader, struct tail *tail, struct err *err)
{
    for (uint64_t offset = tail->offset_end; offset < reader->data_end;) {
        uint64_t left = reader->data_end - offset;
        size_t len = left < WAL_READ_BYTES ? (size_t)left : WAL_READ_BYTES - (size_t)(offset % WAL_RECORD_ALIGN);
        const uint8_t *ptr;
        if (!wal_reader_view(reader, offset, len, &ptr, err)) return false;
        if (ptr == NULL) return err_set(err, ERR_IO, "could not read log file \"%s\" to its end", reader->name);
        /* All zeros (an untouched file): equal to itself moved by one, and the first is zero. */
        bool zeros = ptr[0] == 0 && memcmp(ptr, ptr + 1, len - 1) == 0;
        if (!zeros) {
            tail->dirty = true;
            for (uint64_t at = wal_align(offset); at + 4 <= offset + len; at += WAL_RECORD_ALIGN) {
                if (!wal_record_may_begin(ptr + (at - offset))) continue;
                struct wal_record_header header;
                const uint8_t *head;
                if (!wal_reader_view(reader, at, WAL_RECORD_HEADER_BYTES, &head, err)) return false;
                bool whole = head != NULL && wal_record_header_read(head, reader->header.salt, &header);
                if (whole && header.position > tail->position && header.durable > tail->durable) {
                    tail->durable = header.durable;
                    tail->later = header.position;
                }
                if (!wal_reader_view(reader, offset, len, &ptr, err))
                    return false; /* the header may have moved the window */
                if (ptr == NULL) return err_set(err, ERR_IO, "could not read log file \"%s\" to its end", reader->name);
            }
        }
        offset += len;
    }
    return true;
}

/* Zeros from the end of the last whole record on, safely. */
static bool tail_cut(struct wal *wal, struct wal_reader *reader, const struct tail *tail, struct err *err)
{
    const struct disk_ops *ops = wal->disk->ops;
    log_warn(wal->options.log, "wal.tail_cut", log_text("file", reader->name),
             log_number("offset", (int64_t)tail->offset), log_number("position", (int64_t)tail->position));
    return ops->truncate(reader->file, tail->offset_end, err) && ops->reserve(reader->file, reader->bytes, err) &&
           ops->sync(reader->file, err);
}

/* Writes again what is readable but perhaps only in the kernel's cache: after a failed sync the kernel calls such pages
 * clean, and a later sync would skip them. */
static bool tail_rewrite(struct wal *wal, struct wal_reader *reader, uint64_t offset, uint64_t offset_end,
                         struct err *err)
{
    const struct disk_ops *ops = wal->disk->ops;
    while (offset < offset_end) {
        size_t len = offset_end - offset < WAL_READ_BYTES ? (size_t)(offset_end - offset) : WAL_READ_BYTES;
        const uint8_t *ptr;
        if (!wal_reader_view(reader, offset, len, &ptr, err)) return false;
        if (ptr == NULL) return err_set(err, ERR_IO, "could not read log file \"%s\" again", reader->name);
        if (!ops->pwrite(reader->file, offset, &(struct bytes){ ptr, len }, 1, err)) return false;
        offset += len;
    }
    return ops->sync(reader->file, err);
}

/* A file that a crash left half made: nothing but its header page may have been written. */
static bool last_segment_drop(struct wal *wal, struct wal_reader *reader, bool *dropped, struct err *err)
{
    struct tail tail = { .offset_end = WAL_SEGMENT_HEADER_BYTES };
    *dropped = false;
    if (!tail_search(reader, &tail, err)) return false;
    if (tail.dirty) return header_check(reader, err);
    char path[WAL_PATH_BYTES];
    wal_path(wal, path, reader->name);
    log_info(wal->options.log, "wal.unfinished_file_removed", log_text("file", reader->name));
    *dropped = true;
    return wal->disk->ops->unlink(wal->disk, path, err) && wal->disk->ops->sync_dir(wal->disk, wal->dir, err);
}

static bool tail_damage(const struct wal_reader *reader, const struct tail *tail, struct err *err)
{
    if (tail->later > 0)
        return err_set(err, ERR_CORRUPT,
                       "log file \"%s\" is damaged at byte %" PRIu64 ": record %" PRIu64
                       " is not whole, but record %" PRIu64 " behind it was written when it was safe",
                       reader->name, tail->offset, tail->position, tail->later);
    return err_set(err, ERR_CORRUPT,
                   "log file \"%s\" is damaged at byte %" PRIu64 ": record %" PRIu64
                   " is not whole, but the log was safe up to record %" PRIu64,
                   reader->name, tail->offset, tail->position, tail->durable);
}

/* The whole records from the front on. */
static bool last_segment_walk(struct wal *wal, struct wal_reader *reader, struct wal_segment *segment,
                              struct tail *tail, struct err *err)
{
    for (;; tail->position++) {
        struct wal_record_header header;
        struct bytes body;
        bool found, with_body = tail->position > wal->position_released;
        tail->offset = wal_align(segment->bytes_used);
        if (!wal_reader_record(reader, tail->offset, tail->position, with_body, &found, &header, &body, err))
            return false;
        if (!found) break;
        if (header.durable > tail->durable) tail->durable = header.durable;
        segment->bytes_used = wal_record_end(tail->offset, &header);
        if (header.received_unix_us > segment->newest_unix_us) segment->newest_unix_us = header.received_unix_us;
    }
    tail->offset_end = segment->bytes_used;
    return true;
}

/* Where the first record begins that is not surely safe; 0 (with the header page) when that is the first of the file. */
static bool unsafe_offset(struct wal_reader *reader, uint64_t first, uint64_t durable, uint64_t *offset,
                          struct err *err)
{
    *offset = 0;
    for (uint64_t position = first; position <= durable; position++) {
        if (position == first) *offset = WAL_SEGMENT_HEADER_BYTES;
        struct wal_record_header header;
        bool found;
        if (!wal_reader_record(reader, *offset, position, false, &found, &header, NULL, err)) return false;
        if (!found)
            return err_set(err, ERR_IO, "could not read record %" PRIu64 " of \"%s\" again", position, reader->name);
        *offset = wal_align(wal_record_end(*offset, &header));
    }
    return true;
}

/* Reads the records, decides between a torn tail and damage, repairs the first and reports the second. */
static bool last_segment_repair(struct wal *wal, struct wal_reader *reader, uint64_t first, uint64_t durable,
                                struct err *err)
{
    struct wal_segment segment = {
        .first = first,
        .bytes = reader->bytes,
        .bytes_used = WAL_SEGMENT_HEADER_BYTES,
        .salt = reader->header.salt,
        .newest_unix_us = INT64_MIN,
    };
    struct tail tail = { .position = first, .durable = durable };
    if (!last_segment_walk(wal, reader, &segment, &tail, err) || !tail_search(reader, &tail, err)) return false;
    if (tail.durable >= tail.position) return tail_damage(reader, &tail, err);
    if (tail.dirty && !tail_cut(wal, reader, &tail, err)) return false;
    uint64_t offset;
    if (!unsafe_offset(reader, first, tail.durable, &offset, err) ||
        !tail_rewrite(wal, reader, offset, segment.bytes_used, err))
        return false;
    wal_segment_add(wal, segment);
    wal->position_durable = tail.position - 1;
    return true;
}

/* --- open --- */

/* The newest file, if the one on the disk is a file at all. *count shrinks when a half-made one is dropped. */
static bool last_segment_load(struct wal *wal, const struct positions *segments, uint32_t *count,
                              struct disk_file **file, struct err *err)
{
    uint64_t durable = wal->slot.durable;
    *file = NULL;
    for (; *count > 0; --*count) {
        uint64_t first = segments->items[*count - 1];
        if (first - 1 > durable) durable = first - 1; /* a file is made only when all before it is safe */
        struct wal_reader reader;
        if (!wal_reader_open(&reader, wal, first, WAL_READ_BYTES, err)) return false;
        bool dropped = false;
        bool loaded = reader.header_valid
                          ? header_check(&reader, err) && last_segment_repair(wal, &reader, first, durable, err)
                          : last_segment_drop(wal, &reader, &dropped, err);
        if (loaded && !dropped) {
            *file = reader.file; /* goes on as the current one */
            reader.file = NULL;
        }
        wal_reader_close(&reader);
        if (!loaded) return false;
        if (!dropped) return true;
    }
    if (durable > 0)
        return err_set(err, ERR_CORRUPT, "the log files in \"%s\" are missing: the log was safe up to record %" PRIu64,
                       wal->dir, durable);
    return true;
}

/* The current file's hashes are remembered last: in the order of their coming. */
static bool last_segment_remember(struct wal *wal, const struct wal_segment *last, struct err *err)
{
    struct wal_reader reader;
    struct wal_segment walked = *last;
    uint64_t position;
    if (!wal_reader_open(&reader, wal, last->first, WAL_WALK_BYTES, err)) return false;
    bool remembered = headers_walk(wal, &reader, &walked, wal->position_durable + 1, &position, err);
    wal_reader_close(&reader);
    return remembered;
}

static bool segments_load(struct wal *wal, struct positions *segments, struct err *err)
{
    positions_sort(segments);
    uint32_t count = segments->count;
    if (!last_segment_load(wal, segments, &count, &wal->file, err)) return false; /* shrinks count by half-made files */
    if (count == 0) return true;
    struct wal_segment last = wal->segments[--wal->segment_count];

    uint32_t needed = count; /* files from the one that holds the first unreleased record on */
    while (needed > 0 && segments->items[needed - 1] > wal->position_released + 1) needed--;
    if (needed == 0)
        return err_set(err, ERR_CORRUPT,
                       "log files are missing in \"%s\": records %" PRIu64 " to %" PRIu64 " were never released",
                       wal->dir, wal->position_released + 1, segments->items[0] - 1);
    for (uint32_t i = 0; i + 1 < count; i++)
        if (!full_segment_load(wal, segments->items[i], segments->items[i + 1], err)) return false;
    wal_segment_add(wal, last);
    return last_segment_remember(wal, &last, err);
}

static bool options_check(const struct buffer_options *options, struct err *err)
{
    uint64_t record_bytes =
        wal_align(WAL_SEGMENT_HEADER_BYTES + WAL_RECORD_HEADER_BYTES + (uint64_t)options->record_bytes_max);
    uint64_t segment_bytes = options->segment_bytes > record_bytes ? options->segment_bytes : record_bytes;
    if (strlen(options->dir) + WAL_NAME_BYTES >= WAL_PATH_BYTES)
        return err_set(err, ERR_INPUT, "cannot keep a log in a folder with so long a name");
    if (options->segment_bytes < 2 * WAL_SEGMENT_HEADER_BYTES || options->segment_bytes > INT64_MAX)
        return err_set(err, ERR_INPUT, "cannot use log files of %" PRIu64 " bytes", options->segment_bytes);
    if (options->disk_bytes_max < options->segment_bytes + segment_bytes || options->disk_bytes_max > INT64_MAX)
        return err_set(err, ERR_INPUT,
                       "cannot keep the log within %" PRIu64
                       " bytes: two files, one with the largest request, take %" PRIu64,
                       options->disk_bytes_max, options->segment_bytes + segment_bytes);
    return true;
}

static bool open_inside(struct wal *wal, struct found *found, struct err *err)
{
    if (!lock_take(wal, err)) return false;
    if (!wal->disk->ops->list(wal->disk, wal->dir, found_add, found, err)) return false;
    if (!identity_open(wal, found->segments.count > 0, err)) return false;
    positions_sort(&found->hashes);
    for (uint32_t i = 0; i < found->hashes.count; i++) wal_hashes_load(wal, found->hashes.items[i]);
    if (!segments_load(wal, &found->segments, err)) return false;
    /* What an earlier server could not sync of the folder: from here on all names are safe. */
    if (!wal->disk->ops->sync_dir(wal->disk, wal->dir, err)) return false;

    for (uint32_t i = 0; i < wal->segment_count; i++) wal->disk_bytes += wal->segments[i].bytes;
    if (wal->segment_count > 0) {
        const struct wal_segment *current = &wal->segments[wal->segment_count - 1];
        wal->plan_offset = current->bytes_used;
        wal->plan_capacity = current->bytes;
    }
    wal->position_last = wal->position_durable;
    return true;
}

bool buffer_open(struct buffer **out, const struct buffer_options *options, struct err *err)
{
    *out = NULL;
    if (!options_check(options, err)) return false;
    struct wal *wal = mem_calloc(1, sizeof *wal);
    wal->buffer.ops = &wal_ops;
    wal->disk = options->disk;
    wal->dir = mem_strdup(options->dir);
    wal->options = *options;
    wal->options.dir = wal->dir;
    wal->pending_end = &wal->pending;
    wal->newest_unix_us = INT64_MIN;
    pthread_mutex_init(&wal->lock, NULL);
    pthread_mutex_init(&wal->release_lock, NULL);
    pthread_cond_init(&wal->wake, NULL);
    pthread_cond_init(&wal->rolled, NULL);
    repeats_init(&wal->repeats, REPEATS_MAX, REPEATS_WINDOW_S);

    struct found found = { 0 };
    bool opened = open_inside(wal, &found, err);
    found_deinit(&found);
    if (!opened) {
        wal_close(&wal->buffer);
        return false;
    }
    log_info(options->log, "wal.opened", log_text("dir", wal->dir), log_number("files", wal->segment_count),
             log_number("last", (int64_t)wal->position_durable),
             log_number("released", (int64_t)wal->position_released), log_number("hashes", wal->repeats.count));
    *out = &wal->buffer;
    return true;
}

/* --- start --- */

static bool record_deliver(struct wal *wal, const struct wal_record_header *header, struct bytes body, const char *name,
                           struct err *err)
{
    if (header->signal < BUFFER_SIGNAL_LOGS || header->signal > BUFFER_SIGNAL_LAST ||
        header->encoding > BUFFER_ENCODING_DEFLATE || header->format > BUFFER_FORMAT_JSON)
        return err_set(err, ERR_UNSUPPORTED,
                       "record %" PRIu64 " of log file \"%s\" is of a kind (%u, %u, %u) that this server does not know",
                       header->position, name, header->signal, header->encoding, header->format);
    struct buffer_record record = {
        .position = header->position,
        .signal = (enum buffer_signal)header->signal,
        .encoding = (enum buffer_encoding)header->encoding,
        .format = (enum buffer_format)header->format,
        .project_id = header->project_id,
        .key_id = header->key_id,
        .hash = header->hash,
        .received_unix_us = header->received_unix_us,
        .body = body,
    };
    wal->options.sink.record(wal->options.sink.ctx, &record, NULL);
    return true;
}

static bool segment_deliver(struct wal *wal, const struct wal_segment *segment, uint64_t position_end, struct err *err)
{
    if (position_end - 1 <= wal->position_released) return true;
    struct wal_reader reader;
    if (!wal_reader_open(&reader, wal, segment->first, WAL_READ_BYTES, err)) return false;
    bool delivered = header_check(&reader, err);
    uint64_t offset = WAL_SEGMENT_HEADER_BYTES;
    for (uint64_t position = segment->first; delivered && position < position_end; position++) {
        struct wal_record_header header;
        struct bytes body;
        bool found, wanted = position > wal->position_released;
        delivered = wal_reader_record(&reader, offset, position, wanted, &found, &header, &body, err);
        if (delivered && !found)
            delivered = err_set(err, ERR_CORRUPT,
                                "log file \"%s\" is damaged at byte %" PRIu64 ": record %" PRIu64 " is not whole",
                                reader.name, offset, position);
        if (delivered && wanted) delivered = record_deliver(wal, &header, body, reader.name, err);
        if (delivered) offset = wal_align(wal_record_end(offset, &header));
    }
    wal_reader_close(&reader);
    return delivered;
}

bool wal_start(struct buffer *buffer, struct err *err)
{
    struct wal *wal = wal_of(buffer);
    assert(wal->state == WAL_OPENED);
    /* The sink may release while it is fed, but only what was open at the start is walked. */
    uint32_t count = wal->segment_count;
    struct wal_segment *segments = mem_alloc((count + 1) * sizeof *segments);
    if (count > 0) memcpy(segments, wal->segments, count * sizeof *segments);
    bool delivered = true;
    for (uint32_t i = 0; delivered && i < count; i++)
        delivered =
            segment_deliver(wal, &segments[i], i + 1 < count ? segments[i + 1].first : wal->position_durable + 1, err);
    free(segments);
    if (!delivered) return false;

    pthread_mutex_lock(&wal->release_lock);
    wal_trim(wal); /* files that were released and not yet dropped when the last server ended */
    pthread_mutex_unlock(&wal->release_lock);
    pthread_mutex_lock(&wal->lock);
    wal->state = WAL_RUNNING;
    pthread_mutex_unlock(&wal->lock);
    int failed = pthread_create(&wal->writer, NULL, wal_writer, wal);
    if (failed != 0) {
        pthread_mutex_lock(&wal->lock);
        wal->state = WAL_OPENED;
        pthread_mutex_unlock(&wal->lock);
        return err_set(err, ERR_INTERNAL, "could not start the log's thread: %s", strerror(failed));
    }
    return true;
}
