#include "base/disk_sim.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Something done to a file's bytes. DOUBTFUL: under a failed sync, so no later sync makes it durable. DURABLE ones
 * leave the list, in order, for the kept content; they wait in it only behind a doubtful one. */
enum effect_state { EFFECT_PENDING, EFFECT_DOUBTFUL, EFFECT_DURABLE };
struct data_effect {
    enum effect_state state;
    bool is_size;
    uint64_t offset; /* or the new size */
    uint8_t *ptr;    /* a copy */
    size_t len;
};

struct content {
    uint8_t *ptr;
    uint64_t len, cap;
};

struct inode {
    struct inode *next; /* of all that ever were: names may come back at a crash */
    struct content now, kept;
    struct data_effect *effects;
    size_t effect_count, effect_cap;
    uint64_t effects_gone; /* that left the list at its head */
    int64_t modified_unix_us;
    const struct disk_file *locked_by;
    struct inode *copy; /* while a crash is made */
};

struct name {
    char *path;
    struct inode *inode; /* NULL: a folder */
};
struct names {
    struct name *items;
    size_t count, cap;
};

enum name_change { NAME_SET, NAME_REMOVE, NAME_MOVE };
/* Something done to a folder and not yet synced. */
struct name_effect {
    enum name_change change;
    char *path, *from; /* from only for NAME_MOVE */
    struct inode *inode;
};

struct disk_sim {
    struct disk disk; /* first: a struct disk * of ours is a struct disk_sim * */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t sector_bytes;
    struct inode *inodes;
    struct names now, kept;
    struct name_effect *effects;
    size_t effect_count, effect_cap;
    uint64_t operations, operations_max;
    uint64_t room; /* what it says is free; writes do not look at it */
    uint64_t counts[DISK_SIM_OPERATION_COUNT];
    struct {
        uint32_t nth, times;
        int os_errno;
    } failures[DISK_SIM_OPERATION_COUNT];
    uint64_t syncs_begun;
    bool hold_syncs;
    int64_t clock_us;
};

struct disk_file {
    struct disk_sim *sim;
    struct inode *inode;
    int flags;
    char path[];
};

static const struct disk_ops sim_ops;

/* --- bytes of a file --- */

static void content_resize(struct content *content, uint64_t len)
{
    if (len > content->cap) {
        content->cap = len + len / 2;
        content->ptr = mem_realloc(content->ptr, content->cap);
    }
    if (len > content->len) memset(content->ptr + content->len, 0, len - content->len);
    content->len = len;
}

static void content_write(struct content *content, uint64_t offset, const uint8_t *ptr, size_t len)
{
    if (len == 0) return;
    if (offset + len > content->len) content_resize(content, offset + len);
    memcpy(content->ptr + offset, ptr, len);
}

static void effect_apply(struct content *content, const struct data_effect *effect)
{
    if (effect->is_size)
        content_resize(content, effect->offset);
    else
        content_write(content, effect->offset, effect->ptr, effect->len);
}

static void inode_change(struct disk_sim *sim, struct inode *inode, struct data_effect effect)
{
    if (inode->effect_count == inode->effect_cap) {
        inode->effect_cap = inode->effect_cap ? inode->effect_cap * 2 : 8;
        inode->effects = mem_realloc(inode->effects, inode->effect_cap * sizeof *inode->effects);
    }
    inode->effects[inode->effect_count++] = effect;
    effect_apply(&inode->now, &effect);
    inode->modified_unix_us = ++sim->clock_us;
}

static struct inode *inode_create(struct disk_sim *sim)
{
    struct inode *inode = mem_calloc(1, sizeof *inode);
    inode->next = sim->inodes;
    inode->modified_unix_us = ++sim->clock_us;
    sim->inodes = inode;
    return inode;
}

/* --- names --- */

static struct name *names_find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].path, path) == 0) return &names->items[i];
    return NULL;
}

static void names_remove(struct names *names, const char *path)
{
    struct name *name = names_find(names, path);
    if (name == NULL) return;
    free(name->path);
    *name = names->items[--names->count];
}

static void names_set(struct names *names, const char *path, struct inode *inode)
{
    struct name *name = names_find(names, path);
    if (name == NULL) {
        if (names->count == names->cap) {
            names->cap = names->cap ? names->cap * 2 : 16;
            names->items = mem_realloc(names->items, names->cap * sizeof *names->items);
        }
        name = &names->items[names->count++];
        name->path = mem_strdup(path);
    }
    name->inode = inode;
}

static void name_effect_apply(struct names *names, const struct name_effect *effect)
{
    switch (effect->change) {
    case NAME_SET: names_set(names, effect->path, effect->inode); break;
    case NAME_REMOVE: names_remove(names, effect->path); break;
    case NAME_MOVE:
        names_remove(names, effect->from);
        names_set(names, effect->path, effect->inode);
        break;
    }
}

static void name_effect_free(struct name_effect *effect)
{
    free(effect->path);
    free(effect->from);
}

static void name_change(struct disk_sim *sim, enum name_change change, const char *path, const char *from,
                        struct inode *inode)
{
    if (sim->effect_count == sim->effect_cap) {
        sim->effect_cap = sim->effect_cap ? sim->effect_cap * 2 : 16;
        sim->effects = mem_realloc(sim->effects, sim->effect_cap * sizeof *sim->effects);
    }
    struct name_effect effect = { change, mem_strdup(path), from ? mem_strdup(from) : NULL, inode };
    sim->effects[sim->effect_count++] = effect;
    name_effect_apply(&sim->now, &effect);
}

/* Is path an entry of that folder itself? "." is the folder of names without a slash. */
static bool is_in_folder(const char *path, const char *folder, size_t folder_len)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return folder_len == 1 && *folder == '.';
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    return len == folder_len && memcmp(path, folder, len) == 0;
}

static size_t folder_length(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') len--;
    return len;
}

static bool folder_exists(const struct names *names, const char *path, size_t len)
{
    if (len == 1 && (*path == '/' || *path == '.')) return true;
    for (size_t i = 0; i < names->count; i++) {
        const struct name *name = &names->items[i];
        if (name->inode == NULL && strlen(name->path) == len && memcmp(name->path, path, len) == 0) return true;
    }
    return false;
}

static bool parent_exists(const struct names *names, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return true;
    return folder_exists(names, path, slash == path ? 1 : (size_t)(slash - path));
}

/* --- what may go wrong --- */

static bool fails(struct disk_sim *sim, enum disk_sim_operation operation, bool changes, const char *path,
                  struct err *err)
{
    if (sim->operations >= sim->operations_max) {
        errno = EIO;
        return !err_os(err, "could not use \"%s\": the power is off", path);
    }
    if (changes) sim->operations++;
    sim->counts[operation]++;
    if (sim->failures[operation].times == 0) return false;
    if (sim->failures[operation].nth > 1) {
        sim->failures[operation].nth--;
        return false;
    }
    sim->failures[operation].times--;
    errno = sim->failures[operation].os_errno;
    return !err_os(err, "could not use \"%s\"", path);
}

static bool refuse(struct err *err, enum err_code code, int os_errno, const char *path)
{
    errno = os_errno;
    err_os(err, "could not use \"%s\"", path);
    err->code = code;
    return false;
}

/* Every call runs under the one lock: begin ... return end(...). */
static struct disk_sim *begin(struct disk *disk)
{
    struct disk_sim *sim = (struct disk_sim *)disk;
    pthread_mutex_lock(&sim->lock);
    return sim;
}

static bool end(struct disk_sim *sim, bool result)
{
    pthread_mutex_unlock(&sim->lock);
    return result;
}

/* --- the operations --- */

static bool sim_open(struct disk *disk, const char *path, int flags, struct disk_file **file, struct err *err)
{
    *file = NULL;
    struct disk_sim *sim = begin(disk);
    struct name *name = names_find(&sim->now, path);
    bool creates = name == NULL && (flags & DISK_CREATE) != 0;
    if (fails(sim, creates ? DISK_SIM_OPEN : DISK_SIM_READ, creates, path, err)) return end(sim, false);
    if (name == NULL && !creates) return end(sim, refuse(err, ERR_NOT_FOUND, ENOENT, path));
    if (name != NULL && (flags & DISK_EXCLUSIVE) != 0) return end(sim, refuse(err, ERR_EXISTS, EEXIST, path));
    if (name != NULL && name->inode == NULL) return end(sim, refuse(err, ERR_IO, EISDIR, path));
    struct inode *inode = name ? name->inode : NULL;
    if (creates) {
        if (!parent_exists(&sim->now, path)) return end(sim, refuse(err, ERR_NOT_FOUND, ENOENT, path));
        inode = inode_create(sim);
        name_change(sim, NAME_SET, path, NULL, inode);
    } else if ((flags & DISK_TRUNCATE) != 0) {
        inode_change(sim, inode, (struct data_effect){ .is_size = true, .offset = 0 });
    }
    *file = mem_alloc(sizeof **file + strlen(path) + 1);
    **file = (struct disk_file){ .sim = sim, .inode = inode, .flags = flags };
    strcpy((*file)->path, path);
    return end(sim, true);
}

static bool sim_pwrite(struct disk_file *file, uint64_t offset, const struct bytes *parts, uint32_t part_count,
                       struct err *err)
{
    struct disk_sim *sim = begin(&file->sim->disk);
    if ((file->flags & DISK_WRITE) == 0) return end(sim, refuse(err, ERR_IO, EBADF, file->path));
    bool off = sim->operations >= sim->operations_max;
    bool failed = fails(sim, DISK_SIM_WRITE, true, file->path, err);
    if (off) return end(sim, false);
    size_t len = 0;
    for (uint32_t i = 0; i < part_count; i++) len += parts[i].len;
    uint8_t *copy = mem_alloc(len + 1), *at = copy;
    for (uint32_t i = 0; i < part_count; i++) {
        if (parts[i].len > 0) memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    if (failed) len /= 2;
    inode_change(sim, file->inode, (struct data_effect){ .offset = offset, .ptr = copy, .len = len });
    return end(sim, !failed);
}

static bool sim_pread(struct disk_file *file, uint64_t offset, void *ptr, size_t max, size_t *len, struct err *err)
{
    *len = 0;
    struct disk_sim *sim = begin(&file->sim->disk);
    if ((file->flags & DISK_READ) == 0) return end(sim, refuse(err, ERR_IO, EBADF, file->path));
    if (fails(sim, DISK_SIM_READ, false, file->path, err)) return end(sim, false);
    const struct content *content = &file->inode->now;
    if (offset < content->len) {
        uint64_t there = content->len - offset;
        *len = there < max ? (size_t)there : max;
        memcpy(ptr, content->ptr + offset, *len);
    }
    return end(sim, true);
}

static bool sim_reserve(struct disk_file *file, uint64_t bytes, struct err *err)
{
    struct disk_sim *sim = begin(&file->sim->disk);
    if (fails(sim, DISK_SIM_SIZE, true, file->path, err)) return end(sim, false);
    if (bytes > file->inode->now.len)
        inode_change(sim, file->inode, (struct data_effect){ .is_size = true, .offset = bytes });
    return end(sim, true);
}

static bool sim_truncate(struct disk_file *file, uint64_t bytes, struct err *err)
{
    struct disk_sim *sim = begin(&file->sim->disk);
    if (fails(sim, DISK_SIM_SIZE, true, file->path, err)) return end(sim, false);
    inode_change(sim, file->inode, (struct data_effect){ .is_size = true, .offset = bytes });
    return end(sim, true);
}

static bool sim_sync(struct disk_file *file, struct err *err)
{
    struct disk_sim *sim = begin(&file->sim->disk);
    sim->syncs_begun++;
    pthread_cond_broadcast(&sim->changed);
    struct inode *inode = file->inode;
    uint64_t covered_upto =
        inode->effects_gone + inode->effect_count; /* what comes while we are held is not promised */
    while (sim->hold_syncs) pthread_cond_wait(&sim->changed, &sim->lock);
    bool off = sim->operations >= sim->operations_max;
    bool failed = fails(sim, DISK_SIM_SYNC, true, file->path, err);
    if (off) return end(sim, false);
    size_t covered = covered_upto > inode->effects_gone ? (size_t)(covered_upto - inode->effects_gone) : 0;
    for (size_t i = 0; i < covered; i++)
        if (inode->effects[i].state == EFFECT_PENDING)
            inode->effects[i].state = failed ? EFFECT_DOUBTFUL : EFFECT_DURABLE;
    size_t done = 0;
    while (done < inode->effect_count && inode->effects[done].state == EFFECT_DURABLE) {
        effect_apply(&inode->kept, &inode->effects[done]);
        free(inode->effects[done++].ptr);
    }
    inode->effects_gone += done;
    inode->effect_count -= done;
    if (done > 0) memmove(inode->effects, inode->effects + done, inode->effect_count * sizeof *inode->effects);
    return end(sim, !failed);
}

static bool sim_stat(struct disk_file *file, struct disk_stat *stat, struct err *err)
{
    struct disk_sim *sim = begin(&file->sim->disk);
    if (fails(sim, DISK_SIM_READ, false, file->path, err)) return end(sim, false);
    *stat = (struct disk_stat){ file->inode->now.len, file->inode->modified_unix_us };
    return end(sim, true);
}

static bool sim_data_end(struct disk_file *file, uint64_t *end_out, struct err *err)
{
    struct disk_sim *sim = begin(&file->sim->disk);
    if (fails(sim, DISK_SIM_READ, false, file->path, err)) return end(sim, false);
    const struct content *content = &file->inode->now;
    *end_out = content->len;
    while (*end_out > 0 && content->ptr[*end_out - 1] == 0) --*end_out;
    return end(sim, true);
}

static bool sim_room(struct disk *disk, const char *path, uint64_t *bytes, struct err *err)
{
    struct disk_sim *sim = begin(disk);
    if (fails(sim, DISK_SIM_READ, false, path, err)) return end(sim, false);
    *bytes = sim->room;
    return end(sim, true);
}

static void sim_forget(struct disk_file *file, uint64_t offset, uint64_t bytes)
{
    (void)file, (void)offset, (void)bytes;
}

static int sim_fd(struct disk_file *file)
{
    (void)file;
    return -1;
}

static void sim_close(struct disk_file *file)
{
    if (file == NULL) return;
    struct disk_sim *sim = begin(&file->sim->disk);
    if (file->inode->locked_by == file) file->inode->locked_by = NULL;
    end(sim, true);
    free(file);
}

static bool sim_lock(struct disk_file *file, struct err *err)
{
    struct disk_sim *sim = begin(&file->sim->disk);
    if (fails(sim, DISK_SIM_READ, false, file->path, err)) return end(sim, false);
    if (file->inode->locked_by != NULL && file->inode->locked_by != file)
        return end(sim, err_set(err, ERR_BUSY, "could not lock \"%s\": another process holds it", file->path));
    file->inode->locked_by = file;
    return end(sim, true);
}

static bool sim_rename(struct disk *disk, const char *from, const char *to, struct err *err)
{
    struct disk_sim *sim = begin(disk);
    if (fails(sim, DISK_SIM_NAME, true, from, err)) return end(sim, false);
    struct name *name = names_find(&sim->now, from);
    if (name == NULL || !parent_exists(&sim->now, to)) return end(sim, refuse(err, ERR_NOT_FOUND, ENOENT, from));
    if (name->inode == NULL) return end(sim, refuse(err, ERR_IO, EISDIR, from)); /* folders are not moved here */
    name_change(sim, NAME_MOVE, to, from, name->inode);
    return end(sim, true);
}

static bool sim_link(struct disk *disk, const char *from, const char *to, struct err *err)
{
    struct disk_sim *sim = begin(disk);
    if (fails(sim, DISK_SIM_NAME, true, from, err)) return end(sim, false);
    struct name *name = names_find(&sim->now, from);
    if (name == NULL || name->inode == NULL || !parent_exists(&sim->now, to))
        return end(sim, refuse(err, ERR_NOT_FOUND, ENOENT, from));
    if (names_find(&sim->now, to) != NULL) return end(sim, refuse(err, ERR_EXISTS, EEXIST, to));
    name_change(sim, NAME_SET, to, NULL, name->inode);
    return end(sim, true);
}

static bool sim_unlink(struct disk *disk, const char *path, struct err *err)
{
    struct disk_sim *sim = begin(disk);
    if (fails(sim, DISK_SIM_NAME, true, path, err)) return end(sim, false);
    struct name *name = names_find(&sim->now, path);
    if (name == NULL) return end(sim, refuse(err, ERR_NOT_FOUND, ENOENT, path));
    if (name->inode == NULL) return end(sim, refuse(err, ERR_IO, EISDIR, path));
    name_change(sim, NAME_REMOVE, path, NULL, NULL);
    return end(sim, true);
}

static bool sim_mkdir(struct disk *disk, const char *path, struct err *err)
{
    struct disk_sim *sim = begin(disk);
    if (fails(sim, DISK_SIM_NAME, true, path, err)) return end(sim, false);
    size_t len = folder_length(path);
    for (size_t at = 1; at <= len; at++) {
        if (at < len && path[at] != '/') continue;
        if (folder_exists(&sim->now, path, at)) continue;
        char *part = bytes_to_text(bytes_from(path, at));
        bool is_file = names_find(&sim->now, part) != NULL;
        if (!is_file) name_change(sim, NAME_SET, part, NULL, NULL);
        free(part);
        if (is_file) return end(sim, refuse(err, ERR_IO, ENOTDIR, path));
    }
    return end(sim, true);
}

static bool sim_sync_dir(struct disk *disk, const char *path, struct err *err)
{
    struct disk_sim *sim = begin(disk);
    size_t len = folder_length(path);
    if (fails(sim, DISK_SIM_SYNC_DIR, true, path, err)) return end(sim, false);
    if (!folder_exists(&sim->now, path, len)) return end(sim, refuse(err, ERR_NOT_FOUND, ENOENT, path));
    size_t left = 0;
    for (size_t i = 0; i < sim->effect_count; i++) {
        struct name_effect *effect = &sim->effects[i];
        if (is_in_folder(effect->path, path, len)) {
            name_effect_apply(&sim->kept, effect);
            name_effect_free(effect);
        } else {
            sim->effects[left++] = *effect;
        }
    }
    sim->effect_count = left;
    return end(sim, true);
}

static bool sim_list(struct disk *disk, const char *path, void (*entry)(void *ctx, const char *name, bool is_dir),
                     void *ctx, struct err *err)
{
    struct disk_sim *sim = begin(disk);
    size_t len = folder_length(path);
    if (fails(sim, DISK_SIM_READ, false, path, err)) return end(sim, false);
    if (!folder_exists(&sim->now, path, len)) return end(sim, refuse(err, ERR_NOT_FOUND, ENOENT, path));
    /* Collected first: entry may call the disk. */
    struct names found = { 0 };
    for (size_t i = 0; i < sim->now.count; i++)
        if (is_in_folder(sim->now.items[i].path, path, len))
            names_set(&found, sim->now.items[i].path, sim->now.items[i].inode);
    end(sim, true);
    for (size_t i = 0; i < found.count; i++) {
        const char *slash = strrchr(found.items[i].path, '/');
        entry(ctx, slash ? slash + 1 : found.items[i].path, found.items[i].inode == NULL);
        free(found.items[i].path);
    }
    free(found.items);
    return true;
}

static const struct disk_ops sim_ops = {
    .open = sim_open,
    .pwrite = sim_pwrite,
    .pread = sim_pread,
    .reserve = sim_reserve,
    .truncate = sim_truncate,
    .sync = sim_sync,
    .stat = sim_stat,
    .fd = sim_fd,
    .close = sim_close,
    .lock = sim_lock,
    .rename = sim_rename,
    .link = sim_link,
    .unlink = sim_unlink,
    .mkdir = sim_mkdir,
    .sync_dir = sim_sync_dir,
    .list = sim_list,
    .data_end = sim_data_end,
    .room = sim_room,
    .forget = sim_forget,
};

/* --- life --- */

struct disk_sim *disk_sim_create(uint32_t sector_bytes)
{
    assert(sector_bytes > 0);
    struct disk_sim *sim = mem_calloc(1, sizeof *sim);
    sim->disk.ops = &sim_ops;
    sim->sector_bytes = sector_bytes;
    sim->operations_max = UINT64_MAX;
    sim->room = UINT64_MAX;
    pthread_mutex_init(&sim->lock, NULL);
    pthread_cond_init(&sim->changed, NULL);
    return sim;
}

static void names_deinit(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->items[i].path);
    free(names->items);
}

void disk_sim_destroy(struct disk_sim *sim)
{
    if (sim == NULL) return;
    while (sim->inodes != NULL) {
        struct inode *inode = sim->inodes;
        sim->inodes = inode->next;
        for (size_t i = 0; i < inode->effect_count; i++) free(inode->effects[i].ptr);
        free(inode->effects);
        free(inode->now.ptr);
        free(inode->kept.ptr);
        free(inode);
    }
    for (size_t i = 0; i < sim->effect_count; i++) name_effect_free(&sim->effects[i]);
    free(sim->effects);
    names_deinit(&sim->now);
    names_deinit(&sim->kept);
    pthread_cond_destroy(&sim->changed);
    pthread_mutex_destroy(&sim->lock);
    free(sim);
}

struct disk *disk_sim_disk(struct disk_sim *sim)
{
    return &sim->disk;
}

/* --- the crash --- */

struct dice {
    uint64_t state;
    uint32_t keep_of_16; /* how probably an effect survives */
    bool all_names, no_names, all_data, no_data;
};

static uint64_t dice_roll(struct dice *dice) /* splitmix64 */
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static bool dice_keeps(struct dice *dice, bool all, bool none)
{
    if (all || none) return all;
    return dice_roll(dice) % 16 < dice->keep_of_16;
}

static struct dice dice_of_seed(uint64_t seed)
{
    static const uint32_t odds[] = { 8, 2, 14, 15, 1 };
    return (struct dice){
        .state = seed * 0x2545F4914F6CDD1Du,
        .keep_of_16 = odds[seed % COUNT_OF(odds)],
        .all_names = seed == DISK_SIM_SEED_KEEP_ALL || seed == DISK_SIM_SEED_NAMES_ONLY,
        .no_names = seed == DISK_SIM_SEED_LOSE_ALL || seed == DISK_SIM_SEED_DATA_ONLY,
        .all_data = seed == DISK_SIM_SEED_KEEP_ALL || seed == DISK_SIM_SEED_DATA_ONLY,
        .no_data = seed == DISK_SIM_SEED_LOSE_ALL || seed == DISK_SIM_SEED_NAMES_ONLY,
    };
}

/* Each sector of a write by itself: old, new, or new up to some byte. */
static void write_survive(struct content *content, const struct data_effect *effect, uint32_t sector_bytes,
                          struct dice *dice)
{
    for (size_t done = 0; done < effect->len;) {
        uint64_t offset = effect->offset + done;
        size_t len = sector_bytes - (size_t)(offset % sector_bytes);
        if (len > effect->len - done) len = effect->len - done;
        if (dice_keeps(dice, dice->all_data, dice->no_data)) {
            bool torn = !dice->all_data && dice_roll(dice) % 8 == 0;
            content_write(content, offset, effect->ptr + done, torn ? dice_roll(dice) % len : len);
        }
        done += len;
    }
}

static struct inode *inode_survive(struct disk_sim *after, const struct inode *before, uint32_t sector_bytes,
                                   struct dice *dice)
{
    struct inode *inode = inode_create(after);
    content_write(&inode->now, 0, before->kept.ptr, before->kept.len);
    for (size_t i = 0; i < before->effect_count; i++) {
        const struct data_effect *effect = &before->effects[i];
        if (effect->state == EFFECT_DURABLE)
            effect_apply(&inode->now, effect);
        else if (!effect->is_size)
            write_survive(&inode->now, effect, sector_bytes, dice);
        else if (dice_keeps(dice, dice->all_data || dice->all_names, dice->no_data))
            effect_apply(&inode->now, effect);
    }
    content_write(&inode->kept, 0, inode->now.ptr, inode->now.len);
    return inode;
}

struct disk_sim *disk_sim_crash(struct disk_sim *sim, uint64_t seed)
{
    struct dice dice = dice_of_seed(seed);
    pthread_mutex_lock(&sim->lock);
    struct disk_sim *after = disk_sim_create(sim->sector_bytes);
    struct names names = { 0 };
    for (size_t i = 0; i < sim->kept.count; i++) names_set(&names, sim->kept.items[i].path, sim->kept.items[i].inode);
    for (size_t i = 0; i < sim->effect_count; i++)
        if (dice_keeps(&dice, dice.all_names, dice.no_names)) name_effect_apply(&names, &sim->effects[i]);

    for (struct inode *inode = sim->inodes; inode != NULL; inode = inode->next)
        inode->copy = inode_survive(after, inode, sim->sector_bytes, &dice);
    for (size_t i = 0; i < names.count; i++) {
        const struct name *name = &names.items[i];
        if (!parent_exists(&names, name->path)) continue; /* its folder is gone */
        struct inode *inode = name->inode ? name->inode->copy : NULL;
        names_set(&after->now, name->path, inode);
        names_set(&after->kept, name->path, inode);
    }
    names_deinit(&names);
    pthread_mutex_unlock(&sim->lock);
    return after;
}

/* --- the test's handles --- */

void disk_sim_stop_after(struct disk_sim *sim, uint64_t operations)
{
    pthread_mutex_lock(&sim->lock);
    sim->operations_max = sim->operations + operations;
    pthread_mutex_unlock(&sim->lock);
}

uint64_t disk_sim_operations(struct disk_sim *sim)
{
    pthread_mutex_lock(&sim->lock);
    uint64_t operations = sim->operations;
    pthread_mutex_unlock(&sim->lock);
    return operations;
}

uint64_t disk_sim_count(struct disk_sim *sim, enum disk_sim_operation operation)
{
    pthread_mutex_lock(&sim->lock);
    uint64_t count = sim->counts[operation];
    pthread_mutex_unlock(&sim->lock);
    return count;
}

void disk_sim_fail(struct disk_sim *sim, enum disk_sim_operation operation, uint32_t nth, uint32_t times, int os_errno)
{
    pthread_mutex_lock(&sim->lock);
    sim->failures[operation].nth = nth;
    sim->failures[operation].times = times;
    sim->failures[operation].os_errno = os_errno;
    pthread_mutex_unlock(&sim->lock);
}

void disk_sim_set_room(struct disk_sim *sim, uint64_t bytes)
{
    pthread_mutex_lock(&sim->lock);
    sim->room = bytes;
    pthread_mutex_unlock(&sim->lock);
}

void disk_sim_hold_syncs(struct disk_sim *sim, bool hold)
{
    pthread_mutex_lock(&sim->lock);
    sim->hold_syncs = hold;
    pthread_cond_broadcast(&sim->changed);
    pthread_mutex_unlock(&sim->lock);
}

void disk_sim_wait_syncs(struct disk_sim *sim, uint64_t count)
{
    pthread_mutex_lock(&sim->lock);
    while (sim->syncs_begun < count) pthread_cond_wait(&sim->changed, &sim->lock);
    pthread_mutex_unlock(&sim->lock);
}

uint8_t *disk_sim_bytes(struct disk_sim *sim, const char *path, uint64_t *len)
{
    pthread_mutex_lock(&sim->lock);
    struct name *name = names_find(&sim->now, path);
    uint8_t *ptr = name && name->inode ? name->inode->now.ptr : NULL;
    *len = ptr ? name->inode->now.len : 0;
    pthread_mutex_unlock(&sim->lock);
    return ptr;
}
