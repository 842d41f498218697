#include "base/disk.h"
#include <stdio.h>

struct emptying {
    struct disk *disk;
    const char *dir;
    struct err *err;
    bool ok;
};

static void file_delete(void *ctx, const char *name, bool is_dir)
{
    struct emptying *emptying = ctx;
    if (is_dir || !emptying->ok) return;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", emptying->dir, name);
    emptying->ok = emptying->disk->ops->unlink(emptying->disk, path, emptying->err);
}

bool disk_dir_empty(struct disk *disk, const char *dir, struct err *err)
{
    struct emptying emptying = { .disk = disk, .dir = dir, .err = err, .ok = true };
    return disk->ops->mkdir(disk, dir, err) && disk->ops->list(disk, dir, file_delete, &emptying, err) && emptying.ok;
}

bool disk_file_replace(struct disk *disk, const char *path, struct bytes bytes, struct err *err)
{
    struct disk_file *file;
    char temporary[1280];
    int len = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (len < 0 || (size_t)len >= sizeof temporary)
        return err_set(err, ERR_INPUT, "cannot write \"%s\": the path is too long", path);
    if (!disk->ops->open(disk, temporary, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, &file, err))
        return false;
    bool ok = disk->ops->pwrite(file, 0, &bytes, 1, err) && disk->ops->sync(file, err);
    disk->ops->close(file);
    if (ok && disk->ops->rename(disk, temporary, path, err)) return true;
    struct err ignored; /* what failed before is told */
    ok = disk->ops->unlink(disk, temporary, &ignored);
    return false;
}
