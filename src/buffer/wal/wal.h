/* wal.h -- the inside of the log on disk; others include buffer/buffer.h only.
 *
 *   wal.c          append, the writer thread, close     repeats.c  which requests came lately
 *   wal_open.c     what a crash left: scan, cut, start  wal_segment.c  log files: make, read
 *   wal_release.c  the released position, dropping log files and keeping their hashes
 *
 * Thread: `lock` guards what is marked so and is never held over a disk call. `release_lock` makes releases follow
 * each other and is held over theirs: only releases wait for it. The writer thread owns `file` once it runs.
 * Bytes: wal_format.h. */
#pragma once
#include "base/disk.h"
#include "base/repeats.h"
#include "buffer/buffer.h"
#include "buffer/wal/wal_format.h"
#include <pthread.h>

#define REPEATS_MAX      (UINT32_C(1) << 21)
#define REPEATS_WINDOW_S 600u
#define WAL_PATH_BYTES   4096u
#define WAL_NAME_BYTES   40u
#define WAL_READ_BYTES   (256u << 10) /* at a time, when bodies are wanted */
#define WAL_FORGET_PAGE  4096u
#define WAL_FORGET_BYTES (1u << 20)  /* at a time: the hint has a price per call */
#define WAL_WALK_BYTES   (16u << 10) /* when only headers are */

struct wal_segment {
    uint64_t first;      /* position of its first record, also its name */
    uint64_t bytes;      /* of the file */
    uint64_t bytes_used; /* header and records */
    uint64_t salt;
    int64_t newest_unix_us; /* of its records; INT64_MIN without any */
};

struct wal_hashes_file {
    uint64_t first;
    int64_t newest_unix_us;
};

/* One append on its way to the disk; allocated per append, freed after done and sink. */
struct wal_append {
    struct wal_append *next;
    struct buffer_record record; /* position 0 when it is a repeat */
    void *request;
    buffer_done_fn *done;
    void *ctx;
    bool repeated;
    uint64_t segment_bytes; /* not 0: a new log file of that size begins with it */
    uint64_t offset;        /* of its header in its log file */
    uint64_t body_checksum;
    uint32_t head_bytes; /* padding behind the record before it, and its header */
    uint8_t head[WAL_RECORD_ALIGN + WAL_RECORD_HEADER_BYTES];
};

enum wal_state { WAL_OPENED, WAL_RUNNING, WAL_CLOSING };

struct wal {
    struct buffer buffer; /* first: what the world holds */
    /* Const after open. */
    struct disk *disk;
    char *dir;
    struct buffer_options options;
    struct uuid id;
    struct disk_file *lock_file;

    /* The writer thread's. */
    pthread_t writer;
    struct disk_file *file; /* the current log file, or NULL before the first */
    struct bytes *parts;    /* of one pwrite */
    size_t parts_cap;
    bool is_out_of_room;    /* said so once */
    uint64_t forget_offset; /* up to here the kernel was told to forget the file */
    struct histogram sync_times;

    pthread_mutex_t lock;                            /* guards all down to release_lock */
    pthread_cond_t wake;                             /* the writer's */
    pthread_cond_t rolled;                           /* of those in buffer_roll */
    uint64_t rolls_asked, rolls_planned, rolls_done; /* each at most the one before */
    struct err roll_err;                             /* of the last one planned */
    enum wal_state state;
    struct err failure; /* code not ERR_OK: takes no more */
    struct wal_append *pending, **pending_end;
    uint64_t pending_bytes;
    uint64_t position_last; /* given out */
    uint64_t position_durable;
    uint64_t position_released;
    uint64_t plan_offset; /* where the next record goes in the log file that will then be current */
    uint64_t plan_capacity;
    uint64_t disk_bytes;          /* of all log files, as they will be when what is pending is written */
    struct wal_segment *segments; /* by position; the last one is current */
    uint32_t segment_count, segment_cap;
    struct repeats repeats; /* its newest entries are, one each, positions hashed_first to hashed_last */
    uint64_t hashed_first, hashed_last;
    int64_t newest_unix_us; /* received, of all records seen */
    struct buffer_stats stats;

    pthread_mutex_t release_lock; /* guards the rest */
    struct disk_file *released_file;
    struct wal_released_slot slot; /* the last one written */
    bool release_failed;
    struct wal_hashes_file *hashes_files;
    uint32_t hashes_count, hashes_cap;
};

static inline struct wal *wal_of(struct buffer *buffer)
{
    return (struct wal *)(void *)buffer;
}
static inline uint32_t wal_second(int64_t unix_us)
{
    return unix_us <= 0 ? 0 : unix_us / 1000000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(unix_us / 1000000);
}

/* --- wal_segment.c --- */
void wal_path(const struct wal *wal, char path[WAL_PATH_BYTES], const char *name);
void wal_segment_name(char name[WAL_NAME_BYTES], uint64_t first);
/* Makes the file, reserves its room, writes its header, syncs both it and the folder. On failure nothing is left. */
MUST_CHECK bool wal_segment_create(struct wal *wal, uint64_t first, uint64_t bytes, struct disk_file **file,
                                   uint64_t *salt, struct err *err);
struct wal_segment *wal_segment_add(struct wal *wal, struct wal_segment segment);

/* Reads one log file from front to back. */
struct wal_reader {
    const struct wal *wal;
    struct disk_file *file;
    char name[WAL_NAME_BYTES];
    uint64_t bytes;    /* of the file */
    uint64_t data_end; /* zeros from here on: 64 MiB of them would take 70 ms to read */
    struct wal_segment_header header;
    bool header_valid;
    uint8_t *window;
    size_t window_cap, window_len, read_bytes;
    uint64_t window_offset;
};
/* Fails only when the disk does: a damaged header leaves header_valid false. */
MUST_CHECK bool wal_reader_open(struct wal_reader *reader, const struct wal *wal, uint64_t first, size_t read_bytes,
                                struct err *err);
void wal_reader_close(struct wal_reader *reader);
/* *ptr is NULL when the file is too short; borrowed until the next call. */
MUST_CHECK bool wal_reader_view(struct wal_reader *reader, uint64_t offset, size_t len, const uint8_t **ptr,
                                struct err *err);
/* Is the record of that position whole at offset? Its body is looked at only when asked for, and then *body borrowed
 * until the next call. */
MUST_CHECK bool wal_reader_record(struct wal_reader *reader, uint64_t offset, uint64_t position, bool with_body,
                                  bool *found, struct wal_record_header *header, struct bytes *body, struct err *err);
static inline uint64_t wal_record_end(uint64_t offset, const struct wal_record_header *header)
{
    return offset + WAL_RECORD_HEADER_BYTES + header->body_bytes;
}

/* --- wal_open.c --- */
MUST_CHECK bool wal_start(struct buffer *buffer, struct err *err);

/* --- wal_release.c --- */
MUST_CHECK bool wal_release(struct buffer *buffer, uint64_t position, struct err *err);
/* The released file of a log that begins. */
MUST_CHECK bool wal_released_create(struct wal *wal, struct err *err);
MUST_CHECK bool wal_released_open(struct wal *wal, struct err *err);
/* Remembers how far the log is safe: what is missing at the next open is then known to be damage. */
MUST_CHECK bool wal_released_write(struct wal *wal, uint64_t released, uint64_t durable, struct err *err);
void wal_hashes_load(struct wal *wal, uint64_t first);
void wal_trim(struct wal *wal);

/* --- wal.c --- */
/* The hash of a record, in the order of positions; position 0: of one whose log file is gone. */
void wal_remember(struct wal *wal, uint64_t position, struct hash128 hash, int64_t received_unix_us);
void *wal_writer(void *wal);
void wal_close(struct buffer *buffer);
extern const struct buffer_ops wal_ops;
