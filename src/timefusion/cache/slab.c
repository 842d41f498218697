#include "timefusion/cache/slab.h"
#include "base/fail.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLAB_HEAD_AT = 4096, SLAB_HEAD_BYTES = 64, SLAB_PATH_BYTES = 1100 };
#define SLAB_MAGIC "monocac1"
#define SLOT_MAGIC 0x314B4C42u /* "BLK1" */

/* As on disk, little endian: what else could read it is this program on this machine. */
struct slab_first {
    char magic[8];
    uint32_t block_bytes, slots;
    struct hash128 scope;
    uint8_t unused[24];
    uint64_t check;
};
struct slot_head {
    uint32_t magic, len;
    struct hash128 object;
    uint32_t block, touched_s;
    uint64_t bytes_hash;
    uint32_t was_used, unused[3];
    uint64_t check;
};
static_assert(sizeof(struct slab_first) == SLAB_HEAD_BYTES && sizeof(struct slot_head) == SLAB_HEAD_BYTES, "layout");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "layout");

static uint64_t check_of(const void *head)
{
    return hash64_of(bytes_from(head, SLAB_HEAD_BYTES - sizeof(uint64_t)));
}

static void path_of(const struct slabs *slabs, uint32_t number, char path[SLAB_PATH_BYTES])
{
    snprintf(path, SLAB_PATH_BYTES, "%s/%04" PRIu32 ".slab", slabs->dir, number);
}

static uint64_t head_at(const struct slabs *slabs, uint32_t slot)
{
    return SLAB_HEAD_AT + (uint64_t)(slot % slabs->slots_each) * SLAB_HEAD_BYTES;
}

static uint64_t bytes_at(const struct slabs *slabs, uint32_t slot)
{
    uint64_t heads = (uint64_t)slabs->slots_each * SLAB_HEAD_BYTES;
    uint64_t first = SLAB_HEAD_AT + (heads + 4095) / 4096 * 4096;
    return first + (uint64_t)(slot % slabs->slots_each) * slabs->block_bytes;
}

static bool file_make(struct slabs *slabs, const char *path, struct disk_file **file, struct err *err)
{
    struct slab_first first = {
        .magic = SLAB_MAGIC, .block_bytes = slabs->block_bytes, .slots = slabs->slots_each, .scope = slabs->scope
    };
    struct bytes part = bytes_from(&first, sizeof first);
    first.check = check_of(&first);
    if (!slabs->disk->ops->open(slabs->disk, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, file, err))
        return false;
    if (slabs->disk->ops->pwrite(*file, 0, &part, 1, err)) return true;
    slabs->disk->ops->close(*file);
    struct err ignored = { 0 };
    (void)!slabs->disk->ops->unlink(slabs->disk, path, &ignored);
    return false;
}

/* The slab of that slot, made when there is none. NULL on failure. */
static struct disk_file *file_of(struct slabs *slabs, uint32_t slot, struct err *err)
{
    uint32_t number = slot / slabs->slots_each;
    assert(number < slabs->count);
    char path[SLAB_PATH_BYTES];
    pthread_mutex_lock(&slabs->lock);
    struct disk_file *file = slabs->files[number];
    if (!file) {
        path_of(slabs, number, path);
        if (file_make(slabs, path, &file, err)) {
            slabs->files[number] = file;
        } else {
            file = NULL;
        }
    }
    pthread_mutex_unlock(&slabs->lock);
    return file;
}

/* -- a slot ----------------------------------------------------------------------------------------------------- */

static bool head_write(struct slabs *slabs, struct disk_file *file, uint32_t slot, struct slot_head *head,
                       struct err *err)
{
    head->check = check_of(head);
    struct bytes part = bytes_from(head, sizeof *head);
    return slabs->disk->ops->pwrite(file, head_at(slabs, slot), &part, 1, err);
}

bool slab_write(struct slabs *slabs, uint32_t slot, const struct slab_head *head, const void *ptr, struct err *err)
{
    assert(head->len > 0 && head->len <= slabs->block_bytes);
    struct disk_file *file = file_of(slabs, slot, err);
    struct bytes part = bytes_from(ptr, head->len);
    if (!file) return false;
    struct slot_head written = { .magic = SLOT_MAGIC,
                                 .len = head->len,
                                 .object = head->object,
                                 .block = head->block,
                                 .touched_s = head->touched_s,
                                 .bytes_hash = hash64_of(part),
                                 .was_used = head->was_used };
    if (!slabs->disk->ops->pwrite(file, bytes_at(slabs, slot), &part, 1, err)) return false;
    fail_point("cache.before_head");
    bool ok = head_write(slabs, file, slot, &written, err);
    fail_point("cache.after_head");
    return ok;
}

static bool head_is_right(const struct slabs *slabs, const struct slot_head *head)
{
    return head->magic == SLOT_MAGIC && head->check == check_of(head) && head->len > 0 &&
           head->len <= slabs->block_bytes;
}

static bool head_read(struct slabs *slabs, struct disk_file *file, uint32_t slot, struct slot_head *head,
                      struct err *err)
{
    size_t len = 0;
    if (!slabs->disk->ops->pread(file, head_at(slabs, slot), head, sizeof *head, &len, err)) return false;
    if (len == sizeof *head && head_is_right(slabs, head)) return true;
    return err_set(err, ERR_CORRUPT, "cached block %" PRIu32 " has no head", slot);
}

bool slab_read(struct slabs *slabs, uint32_t slot, struct slab_head *head, void *ptr, struct err *err)
{
    struct slot_head read;
    size_t len = 0;
    struct disk_file *file = file_of(slabs, slot, err);
    if (!file || !head_read(slabs, file, slot, &read, err)) return false;
    if (!hash128_equal(read.object, head->object) || read.block != head->block)
        return err_set(err, ERR_CORRUPT, "cached block %" PRIu32 " is another one", slot);
    if (!slabs->disk->ops->pread(file, bytes_at(slabs, slot), ptr, read.len, &len, err)) return false;
    if (len != read.len || hash64_of(bytes_from(ptr, len)) != read.bytes_hash)
        return err_set(err, ERR_CORRUPT, "cached block %" PRIu32 " fails its checksum", slot);
    head->len = read.len;
    head->touched_s = read.touched_s;
    head->was_used = read.was_used != 0;
    return true;
}

bool slab_note_use(struct slabs *slabs, uint32_t slot, uint32_t touched_s, struct err *err)
{
    struct slot_head head;
    struct disk_file *file = file_of(slabs, slot, err);
    if (!file || !head_read(slabs, file, slot, &head, err)) return false;
    head.touched_s = touched_s;
    head.was_used = 1;
    return head_write(slabs, file, slot, &head, err);
}

/* The bytes too, and their room on the disk: a hole, or zeros where the file system has none. */
bool slab_erase(struct slabs *slabs, uint32_t slot, struct err *err)
{
    struct slot_head none = { 0 };
    struct bytes part = bytes_from(&none, sizeof none);
    struct disk_file *file = file_of(slabs, slot, err);
    if (!file || !slabs->disk->ops->pwrite(file, head_at(slabs, slot), &part, 1, err)) return false;
    fail_point("cache.before_hole");
    int fd = slabs->disk->ops->fd(file);
    if (fd >= 0 && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)bytes_at(slabs, slot),
                             slabs->block_bytes) == 0)
        return true;
    part = bytes_from(mem_calloc(1, slabs->block_bytes), slabs->block_bytes);
    bool ok = slabs->disk->ops->pwrite(file, bytes_at(slabs, slot), &part, 1, err);
    free((void *)(uintptr_t)part.ptr);
    return ok;
}

bool slab_drop(struct slabs *slabs, uint32_t number, struct err *err)
{
    char path[SLAB_PATH_BYTES];
    path_of(slabs, number, path);
    pthread_mutex_lock(&slabs->lock);
    struct disk_file *file = slabs->files[number];
    slabs->files[number] = NULL;
    if (file) slabs->disk->ops->close(file);
    bool ok = !file || slabs->disk->ops->unlink(slabs->disk, path, err);
    pthread_mutex_unlock(&slabs->lock);
    return ok;
}

/* -- start ------------------------------------------------------------------------------------------------------ */

static bool first_is_ours(struct slabs *slabs, struct disk_file *file)
{
    struct slab_first first;
    struct err err = { 0 };
    size_t len = 0;
    return slabs->disk->ops->pread(file, 0, &first, sizeof first, &len, &err) && len == sizeof first &&
           memcmp(first.magic, SLAB_MAGIC, sizeof first.magic) == 0 && first.check == check_of(&first) &&
           first.block_bytes == slabs->block_bytes && first.slots == slabs->slots_each &&
           hash128_equal(first.scope, slabs->scope);
}

struct opening {
    struct slabs *slabs;
    uint32_t numbers[SLAB_COUNT_MAX];
    uint32_t count;
    char **strangers;
    uint32_t stranger_count;
};

static void folder_entry(void *ctx, const char *name, bool is_dir)
{
    struct opening *opening = ctx;
    char *end, ours[32];
    unsigned long number = strtoul(name, &end, 10);
    if (is_dir || end == name || strcmp(end, ".slab") != 0) return;
    snprintf(ours, sizeof ours, "%04" PRIu32 ".slab", (uint32_t)number);
    if (number < opening->slabs->count && strcmp(name, ours) == 0) {
        opening->numbers[opening->count++] = (uint32_t)number;
        return;
    }
    opening->strangers = mem_realloc(opening->strangers, (opening->stranger_count + 1) * sizeof(char *));
    opening->strangers[opening->stranger_count++] = mem_strdup(name);
}

/* Reads all heads of one slab. False: it is of no use. */
static bool file_load(struct slabs *slabs, uint32_t number, struct slot_head *heads,
                      void (*found)(void *ctx, uint32_t slot, const struct slab_head *head), void *ctx)
{
    char path[SLAB_PATH_BYTES];
    struct err err = { 0 };
    struct disk_file *file;
    size_t len = 0;
    path_of(slabs, number, path);
    if (!slabs->disk->ops->open(slabs->disk, path, DISK_READ | DISK_WRITE, &file, &err)) return false;
    if (!first_is_ours(slabs, file) ||
        !slabs->disk->ops->pread(file, SLAB_HEAD_AT, heads, slabs->slots_each * sizeof *heads, &len, &err)) {
        slabs->disk->ops->close(file);
        return false;
    }
    slabs->files[number] = file;
    for (uint32_t s = 0; s < len / sizeof *heads; s++) {
        if (!head_is_right(slabs, &heads[s])) continue;
        struct slab_head head = { .object = heads[s].object,
                                  .block = heads[s].block,
                                  .len = heads[s].len,
                                  .is_last = heads[s].len < slabs->block_bytes,
                                  .touched_s = heads[s].touched_s,
                                  .was_used = heads[s].was_used != 0 };
        found(ctx, number * slabs->slots_each + s, &head);
    }
    return true;
}

static int number_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

bool slabs_open(struct slabs *slabs, struct disk *disk, const char *dir, struct hash128 scope, uint32_t block_bytes,
                uint32_t slots_each, uint32_t count,
                void (*found)(void *ctx, uint32_t slot, const struct slab_head *head), void *ctx, struct err *err)
{
    assert(count > 0 && count <= SLAB_COUNT_MAX && slots_each > 0);
    *slabs = (struct slabs){
        .disk = disk, .dir = dir, .scope = scope, .block_bytes = block_bytes, .slots_each = slots_each, .count = count
    };
    pthread_mutex_init(&slabs->lock, NULL);
    struct opening opening = { .slabs = slabs };
    struct slot_head *heads = mem_calloc(slots_each, sizeof *heads);
    struct err ignored = { 0 };
    char path[SLAB_PATH_BYTES];
    bool ok = disk->ops->mkdir(disk, dir, err) && disk->ops->list(disk, dir, folder_entry, &opening, err);
    if (ok && opening.count > 0) qsort(opening.numbers, opening.count, sizeof(uint32_t), number_compare);
    for (uint32_t i = 0; ok && i < opening.count; i++) {
        path_of(slabs, opening.numbers[i], path);
        if (!file_load(slabs, opening.numbers[i], heads, found, ctx)) (void)!disk->ops->unlink(disk, path, &ignored);
    }
    for (uint32_t i = 0; i < opening.stranger_count; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, opening.strangers[i]);
        if (ok) (void)!disk->ops->unlink(disk, path, &ignored);
        free(opening.strangers[i]);
    }
    free(opening.strangers);
    free(heads);
    if (!ok) slabs_close(slabs);
    return ok;
}

void slabs_close(struct slabs *slabs)
{
    for (uint32_t i = 0; i < slabs->count; i++)
        if (slabs->files[i]) slabs->disk->ops->close(slabs->files[i]);
    pthread_mutex_destroy(&slabs->lock);
}
