/* A log folder made from bytes: either a log file as it is, or records with right checksums around wrong contents.
 * Whatever is in it, opening ends in an error with words or in a log that goes on without a gap. */
#include "base/disk_sim.h"
#include "buffer/buffer.h"
#include "buffer/wal/wal_format.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SALT              UINT64_C(0x5a17)
#define SEGMENT_BYTES_MAX 65536u

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };
static const struct uuid log_id = { { 1, 2, 3, 4, 5, 6, 0x47, 8, 0x89 } };

static void must(bool condition)
{
    if (!condition) abort();
}

struct input {
    const uint8_t *at, *end;
};

static uint8_t next_byte(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static struct bytes next_bytes(struct input *input, size_t len)
{
    size_t left = (size_t)(input->end - input->at);
    struct bytes bytes = { input->at, len < left ? len : left };
    input->at += bytes.len;
    return bytes;
}

static void file_write(struct disk *disk, const char *path, uint64_t offset, struct bytes bytes)
{
    struct disk_file *file;
    struct err err;
    must(disk->ops->open(disk, path, DISK_READ | DISK_WRITE | DISK_CREATE, &file, &err));
    must(disk->ops->pwrite(file, offset, &bytes, 1, &err));
    disk->ops->close(file);
}

/* The log file being made. */
struct segment {
    char path[64];
    uint8_t bytes[SEGMENT_BYTES_MAX];
    size_t len;
    uint64_t position;
};

static void segment_begin(struct segment *segment, uint64_t first)
{
    snprintf(segment->path, sizeof segment->path, "/log/%020" PRIu64 ".wal", first);
    memset(segment->bytes, 0, sizeof segment->bytes);
    struct wal_segment_header header = { .log_id = log_id, .first = first, .salt = SALT };
    wal_segment_header_write(segment->bytes, &header);
    segment->len = WAL_SEGMENT_HEADER_BYTES;
    segment->position = first;
}

static void segment_record(struct segment *segment, struct input *input, bool lie)
{
    struct bytes body = next_bytes(input, next_byte(input));
    size_t offset = (size_t)wal_align(segment->len);
    if (offset + WAL_RECORD_HEADER_BYTES + body.len > SEGMENT_BYTES_MAX) return;
    struct wal_record_header header = {
        .position = segment->position++,
        .durable = segment->position > 2 ? segment->position - 2 : 0,
        .received_unix_us = (int64_t)segment->position * 1000000,
        .hash = { segment->position, body.len },
        .body_bytes = (uint32_t)body.len,
        .body_checksum = wal_body_checksum(body),
        .signal = BUFFER_SIGNAL_LOGS,
    };
    if (lie) {
        struct bytes fields = next_bytes(input, sizeof header);
        switch (next_byte(input) % 5) {
        case 0: header.position = next_byte(input); break;
        case 1: header.durable = next_byte(input); break;
        case 2: memcpy(&header.body_bytes, fields.ptr, fields.len < 4 ? fields.len : 4); break;
        case 3:
            header.signal = next_byte(input), header.encoding = next_byte(input), header.format = next_byte(input);
            break;
        case 4: memcpy(&header, fields.ptr, fields.len); break;
        }
    }
    wal_record_header_write(segment->bytes + offset, &header, SALT);
    if (body.len > 0) memcpy(segment->bytes + offset + WAL_RECORD_HEADER_BYTES, body.ptr, body.len);
    segment->len = offset + WAL_RECORD_HEADER_BYTES + body.len;
}

static void segment_end(struct disk *disk, const struct segment *segment, uint8_t spare)
{
    size_t len = segment->len + spare * 32u;
    file_write(disk, segment->path, 0, bytes_from(segment->bytes, len < SEGMENT_BYTES_MAX ? len : SEGMENT_BYTES_MAX));
}

static void script_run(struct disk *disk, struct segment *segment, struct input *input)
{
    segment_begin(segment, 1);
    while (input->at < input->end) {
        uint8_t what = next_byte(input);
        switch (what % 8) {
        default: segment_record(segment, input, false); break;
        case 5: segment_record(segment, input, true); break;
        case 6: { /* any bytes, or a hole */
            struct bytes raw = next_bytes(input, next_byte(input));
            if (segment->len + raw.len > SEGMENT_BYTES_MAX) break;
            if (what < 128 && raw.len > 0) memcpy(segment->bytes + segment->len, raw.ptr, raw.len);
            segment->len += raw.len;
            break;
        }
        case 7: { /* the next file, with a gap or none */
            uint64_t first = segment->position + (what < 200 ? 0 : next_byte(input) % 3);
            segment_end(disk, segment, next_byte(input));
            segment_begin(segment, first);
            break;
        }
        }
    }
    segment_end(disk, segment, 20);
}

struct replay {
    uint64_t next; /* position that must come next */
    uint64_t count, sum;
};

static void replay_record(void *ctx, const struct buffer_record *record, void *request)
{
    struct replay *replay = ctx;
    (void)request;
    must(record->position == replay->next++);
    for (size_t i = 0; i < record->body.len; i++) replay->sum += record->body.ptr[i];
    replay->count++;
}

static void append_done(void *ctx, const struct err *err, bool repeated)
{
    must(err == NULL && !repeated);
    ++*(uint32_t *)ctx;
}

static bool log_open(struct disk *disk, struct replay *replay, struct buffer **buffer)
{
    struct buffer_options options = {
        .dir = "/log",
        .segment_bytes = 8192,
        .disk_bytes_max = UINT64_C(1) << 30,
        .pending_bytes_max = 1 << 20,
        .record_bytes_max = 4096,
        .disk = disk,
        .sink = { replay_record, replay },
        .log = &quiet,
    };
    struct err err = { .code = ERR_OK };
    bool opened = buffer_open(buffer, &options, &err);
    if (opened) {
        *replay = (struct replay){ .next = buffer_position_released(*buffer) + 1 };
        opened = buffer_start(*buffer, &err);
        if (!opened) buffer_close(*buffer);
    }
    must(opened || (err.text[0] != 0 && (err.code == ERR_CORRUPT || err.code == ERR_UNSUPPORTED)));
    return opened;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, data + size };
    struct disk_sim *sim = disk_sim_create(512);
    struct disk *disk = disk_sim_disk(sim);
    struct err err;
    must(disk->ops->mkdir(disk, "/log", &err));

    char id[UUID_TEXT_BYTES + 2];
    uuid_to_text(log_id, id);
    strcat(id, "\n");
    file_write(disk, "/log/id", 0, bytes_of_text(id));
    uint8_t mode = next_byte(&input), slot_bytes[WAL_RELEASED_SLOT_BYTES];
    struct wal_released_slot slot = {
        .log_id = log_id, .number = 1, .released = next_byte(&input), .durable = next_byte(&input)
    };
    wal_released_slot_write(slot_bytes, &slot);
    file_write(disk, "/log/released", 0, bytes_from(slot_bytes, sizeof slot_bytes));

    struct segment *segment = mem_alloc(sizeof *segment);
    if (mode % 4 == 0) {
        file_write(disk, "/log/00000000000000000001.wal", 0, bytes_from(input.at, (size_t)(input.end - input.at)));
    } else if (mode % 4 == 1) {
        file_write(disk, "/log/00000000000000000001.hashes", 0, bytes_from(input.at, (size_t)(input.end - input.at)));
    } else {
        script_run(disk, segment, &input);
    }
    free(segment);

    struct replay replay;
    struct buffer *buffer;
    if (log_open(disk, &replay, &buffer)) {
        uint64_t count = replay.count, last = buffer_position_last(buffer);
        uint32_t stored = 0;
        struct buffer_record record = {
            .signal = BUFFER_SIGNAL_LOGS,
            .hash = { UINT64_MAX, UINT64_MAX },
            .received_unix_us = INT64_MAX,
            .body = BYTES("the next"),
        };
        must(buffer_append(buffer, &record, &stored, append_done, &stored, &err));
        buffer_close(buffer);
        must(stored == 1);
        must(log_open(disk, &replay, &buffer));
        must(replay.count == count + 1 && buffer_position_last(buffer) == last + 1);
        buffer_close(buffer);
    }
    disk_sim_destroy(sim);
    return 0;
}
