/* disk.h -- files as the log and the store use them, so that a test can take the power away.
 *
 *   code --struct disk--> disk_real: system calls
 *                     '-> disk_sim (disk_sim.h): memory; remembers what was not yet synced, file data and
 *                         directory entries apart, and can produce every state a power cut may leave
 *
 * Thread: disk_real any; disk_sim is locked inside. Paths are relative to nothing: absolute or to the cwd.
 * Errors: ERR_IO with os_errno; ERR_EXISTS for O_EXCL and link onto an existing name; ERR_NOT_FOUND. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include <sys/types.h>

struct disk;
struct disk_file;
struct disk_stat {
    uint64_t bytes;
    int64_t modified_unix_us;
};
enum disk_open_flags { DISK_READ = 1, DISK_WRITE = 2, DISK_CREATE = 4, DISK_EXCLUSIVE = 8, DISK_TRUNCATE = 16 };

struct disk_ops {
    bool (*open)(struct disk *disk, const char *path, int flags, struct disk_file **file, struct err *err);
    bool (*pwrite)(struct disk_file *file, uint64_t offset, const struct bytes *parts, uint32_t part_count,
                   struct err *err);
    /* *len < max only at the end of the file. */
    bool (*pread)(struct disk_file *file, uint64_t offset, void *ptr, size_t max, size_t *len, struct err *err);
    bool (*reserve)(struct disk_file *file, uint64_t bytes, struct err *err); /* fallocate: size becomes bytes */
    bool (*truncate)(struct disk_file *file, uint64_t bytes, struct err *err);
    bool (*sync)(struct disk_file *file, struct err *err); /* fdatasync */
    bool (*stat)(struct disk_file *file, struct disk_stat *stat, struct err *err);
    int (*fd)(struct disk_file *file); /* for copy_file_range and flock; -1 when there is none */
    void (*close)(struct disk_file *file);
    bool (*lock)(struct disk_file *file, struct err *err); /* exclusive flock; ERR_BUSY when held by another */
    bool (*rename)(struct disk *disk, const char *from, const char *to, struct err *err);
    bool (*link)(struct disk *disk, const char *from, const char *to, struct err *err); /* never replaces */
    bool (*unlink)(struct disk *disk, const char *path, struct err *err);
    bool (*mkdir)(struct disk *disk, const char *path, struct err *err); /* with parents; existing is fine */
    bool (*sync_dir)(struct disk *disk, const char *path, struct err *err);
    bool (*rmdir)(struct disk *disk, const char *path, struct err *err); /* only an empty one; NULL: not on this disk */
    /* Calls entry for each name but "." and ".."; order unstated. ERR_NOT_FOUND when there is no such folder. */
    bool (*list)(struct disk *disk, const char *path, void (*entry)(void *ctx, const char *name, bool is_dir),
                 void *ctx, struct err *err);
    /* Behind *end there are only zeros up to the file's end: room that was reserved and never written. To be asked before
     * reading: what has been read and is in the kernel's cache counts as data. */
    bool (*data_end)(struct disk_file *file, uint64_t *end, struct err *err);
    /* Bytes free for us in the file system of that folder. */
    bool (*room)(struct disk *disk, const char *path, uint64_t *bytes, struct err *err);
    /* A hint: these bytes are synced and will hardly be read; the kernel may use their memory for something else. */
    void (*forget)(struct disk_file *file, uint64_t offset, uint64_t bytes);
};
struct disk {
    const struct disk_ops *ops;
};
extern struct disk disk_real;

/* Makes the folder when it is missing and deletes the files in it; folders in it stay. */
MUST_CHECK bool disk_dir_empty(struct disk *disk, const char *dir, struct err *err);
/* The file is these bytes from now on, or what it was: also behind a power cut one of the two, whole. Which of them, the folder's
 * sync_dir decides. By way of PATH.tmp, which a process that was killed leaves behind and the next time replaces. */
MUST_CHECK bool disk_file_replace(struct disk *disk, const char *path, struct bytes bytes, struct err *err);
