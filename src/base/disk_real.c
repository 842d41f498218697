#include "base/disk.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

struct disk_file {
    int fd;
    char path[]; /* for the words of errors */
};

/* ERR_EXISTS and ERR_NOT_FOUND are answers a caller acts upon; the rest is ERR_IO. */
static bool err_path(struct err *err, const char *verb, const char *path)
{
    int number = errno;
    err_os(err, "could not %s \"%s\"", verb, path);
    if (number == EEXIST) err->code = ERR_EXISTS;
    if (number == ENOENT) err->code = ERR_NOT_FOUND;
    return false;
}

static bool real_open(struct disk *disk, const char *path, int flags, struct disk_file **file, struct err *err)
{
    (void)disk;
    *file = NULL;
    int mode = (flags & DISK_WRITE) == 0 ? O_RDONLY : (flags & DISK_READ) != 0 ? O_RDWR : O_WRONLY;
    if (flags & DISK_CREATE) mode |= O_CREAT;
    if (flags & DISK_EXCLUSIVE) mode |= O_EXCL;
    if (flags & DISK_TRUNCATE) mode |= O_TRUNC;
    int fd;
    do fd = open(path, mode | O_CLOEXEC, 0640);
    while (fd == -1 && errno == EINTR);
    if (fd == -1) return err_path(err, (flags & DISK_CREATE) ? "create" : "open", path);
    size_t path_bytes = strlen(path) + 1;
    *file = mem_alloc(sizeof **file + path_bytes);
    (*file)->fd = fd;
    memcpy((*file)->path, path, path_bytes);
    return true;
}

/* One pwritev of up to IOV_MAX parts; *written says how many bytes went. */
static bool write_some(struct disk_file *file, uint64_t offset, struct iovec *parts, uint32_t part_count,
                       size_t *written, struct err *err)
{
    ssize_t result;
    do result = pwritev(file->fd, parts, (int)part_count, (off_t)offset);
    while (result == -1 && errno == EINTR);
    if (result == -1) return err_path(err, "write to", file->path);
    *written = (size_t)result;
    return true;
}

static bool real_pwrite(struct disk_file *file, uint64_t offset, const struct bytes *parts, uint32_t part_count,
                        struct err *err)
{
    enum { PARTS_MAX = 1024 }; /* IOV_MAX of Linux */
    static_assert(PARTS_MAX <= IOV_MAX, "pwritev would refuse");
    struct iovec window[PARTS_MAX];
    uint32_t next = 0, count = 0;
    for (;;) {
        while (count < PARTS_MAX && next < part_count) {
            if (parts[next].len > 0)
                window[count++] = (struct iovec){ (void *)(uintptr_t)parts[next].ptr, parts[next].len };
            next++;
        }
        if (count == 0) return true;
        size_t written;
        if (!write_some(file, offset, window, count, &written, err)) return false;
        if (written == 0) {
            errno = EIO; /* Linux does not do this for files; looping here for ever would be worse */
            return err_path(err, "write to", file->path);
        }
        offset += written;
        uint32_t whole = 0;
        while (whole < count && written >= window[whole].iov_len) written -= window[whole++].iov_len;
        if (whole < count) {
            window[whole].iov_base = (uint8_t *)window[whole].iov_base + written;
            window[whole].iov_len -= written;
        }
        memmove(window, window + whole, (count - whole) * sizeof *window);
        count -= whole;
    }
}

static bool real_pread(struct disk_file *file, uint64_t offset, void *ptr, size_t max, size_t *len, struct err *err)
{
    *len = 0;
    while (*len < max) {
        ssize_t got = pread(file->fd, (uint8_t *)ptr + *len, max - *len, (off_t)(offset + *len));
        if (got == -1 && errno == EINTR) continue;
        if (got == -1) return err_path(err, "read", file->path);
        if (got == 0) break;
        *len += (size_t)got;
    }
    return true;
}

static bool real_reserve(struct disk_file *file, uint64_t bytes, struct err *err)
{
    do errno = posix_fallocate(file->fd, 0, (off_t)bytes); /* returns its errno */
    while (errno == EINTR);
    if (errno != 0) return err_path(err, "reserve room for", file->path);
    return true;
}

static bool real_truncate(struct disk_file *file, uint64_t bytes, struct err *err)
{
    if (ftruncate(file->fd, (off_t)bytes) == -1) return err_path(err, "cut", file->path);
    return true;
}

static bool real_sync(struct disk_file *file, struct err *err)
{
    /* Never again after a failure: the kernel may have dropped the pages and would say all is well. EINTR included. */
    if (fdatasync(file->fd) == -1) return err_path(err, "sync", file->path);
    return true;
}

static bool real_stat(struct disk_file *file, struct disk_stat *out, struct err *err)
{
    struct stat it;
    if (fstat(file->fd, &it) == -1) return err_path(err, "look at", file->path);
    out->bytes = (uint64_t)it.st_size;
    out->modified_unix_us = (int64_t)it.st_mtim.tv_sec * 1000000 + it.st_mtim.tv_nsec / 1000;
    return true;
}

static bool real_data_end(struct disk_file *file, uint64_t *end, struct err *err)
{
    *end = 0;
    for (;;) {
        off_t data = lseek(file->fd, (off_t)*end, SEEK_DATA);
        if (data == -1 && errno == ENXIO) return true; /* none behind it */
        off_t hole = data == -1 ? -1 : lseek(file->fd, data, SEEK_HOLE);
        if (hole == -1 && errno == EINVAL) hole = lseek(file->fd, 0, SEEK_END); /* cannot tell: all is data */
        if (hole == -1) return err_path(err, "look for data in", file->path);
        if ((uint64_t)hole <= *end) return true;
        *end = (uint64_t)hole;
    }
}

static void real_forget(struct disk_file *file, uint64_t offset, uint64_t bytes)
{
    posix_fadvise(file->fd, (off_t)offset, (off_t)bytes, POSIX_FADV_DONTNEED);
}

static bool real_room(struct disk *disk, const char *path, uint64_t *bytes, struct err *err)
{
    (void)disk;
    struct statvfs it;
    if (statvfs(path, &it) == -1) return err_path(err, "look at", path);
    *bytes = (uint64_t)it.f_bavail * it.f_frsize;
    return true;
}

static int real_fd(struct disk_file *file)
{
    return file->fd;
}

static void real_close(struct disk_file *file)
{
    if (file == NULL) return;
    close(file->fd);
    free(file);
}

static bool real_lock(struct disk_file *file, struct err *err)
{
    int result;
    do result = flock(file->fd, LOCK_EX | LOCK_NB);
    while (result == -1 && errno == EINTR);
    if (result == 0) return true;
    if (errno != EWOULDBLOCK) return err_path(err, "lock", file->path);
    return err_set(err, ERR_BUSY, "could not lock \"%s\": another process holds it", file->path);
}

static bool real_rename(struct disk *disk, const char *from, const char *to, struct err *err)
{
    (void)disk;
    if (rename(from, to) == -1) return err_path(err, "rename to", to);
    return true;
}

static bool real_link(struct disk *disk, const char *from, const char *to, struct err *err)
{
    (void)disk;
    if (link(from, to) == -1) return err_path(err, "link", to);
    return true;
}

static bool real_unlink(struct disk *disk, const char *path, struct err *err)
{
    (void)disk;
    if (unlink(path) == -1) return err_path(err, "remove", path);
    return true;
}

static bool real_rmdir(struct disk *disk, const char *path, struct err *err)
{
    (void)disk;
    if (rmdir(path) == -1) return err_path(err, "remove folder", path);
    return true;
}

static bool real_mkdir(struct disk *disk, const char *path, struct err *err)
{
    (void)disk;
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return err_set(err, ERR_INPUT, "cannot make folder \"%s\": bad length of name", path);
    memcpy(part, path, len + 1);
    for (size_t at = 1; at <= len; at++) {
        if (part[at] != '/' && part[at] != 0) continue;
        char kept = part[at];
        part[at] = 0;
        if (mkdir(part, 0750) == -1 && errno != EEXIST) return err_path(err, "make folder", part);
        part[at] = kept;
    }
    struct stat it;
    if (stat(path, &it) == -1) return err_path(err, "look at", path);
    if (!S_ISDIR(it.st_mode)) {
        errno = ENOTDIR;
        return err_path(err, "make folder", path);
    }
    return true;
}

static bool real_sync_dir(struct disk *disk, const char *path, struct err *err)
{
    (void)disk;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1) return err_path(err, "open folder", path);
    bool synced = fsync(fd) == 0 || err_path(err, "sync folder", path);
    close(fd);
    return synced;
}

static bool real_list(struct disk *disk, const char *path, void (*entry)(void *ctx, const char *name, bool is_dir),
                      void *ctx, struct err *err)
{
    (void)disk;
    DIR *dir = opendir(path);
    if (dir == NULL) return err_path(err, "list folder", path);
    struct dirent *found;
    while ((errno = 0, found = readdir(dir)) != NULL) {
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0) continue;
        bool is_dir = found->d_type == DT_DIR;
        if (found->d_type == DT_UNKNOWN) { /* some file systems do not say */
            struct stat it;
            is_dir = fstatat(dirfd(dir), found->d_name, &it, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(it.st_mode);
        }
        entry(ctx, found->d_name, is_dir);
    }
    bool whole = errno == 0 || err_path(err, "list folder", path);
    closedir(dir);
    return whole;
}

static const struct disk_ops real_ops = {
    .open = real_open,
    .pwrite = real_pwrite,
    .pread = real_pread,
    .reserve = real_reserve,
    .truncate = real_truncate,
    .sync = real_sync,
    .stat = real_stat,
    .fd = real_fd,
    .close = real_close,
    .lock = real_lock,
    .rename = real_rename,
    .link = real_link,
    .unlink = real_unlink,
    .mkdir = real_mkdir,
    .sync_dir = real_sync_dir,
    .rmdir = real_rmdir,
    .list = real_list,
    .data_end = real_data_end,
    .room = real_room,
    .forget = real_forget,
};
struct disk disk_real = { .ops = &real_ops };
