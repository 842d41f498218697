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
