#include "base/disk_sim.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka needs some of the above */
#include <cmocka.h>

struct place { /* a disk and a folder on it */
    struct disk *disk;
    struct disk_sim *sim; /* NULL: the real one */
    char dir[64];
    char path[3][128];
};

static void place_init(struct place *place, struct disk_sim *sim)
{
    *place = (struct place){ .disk = sim ? disk_sim_disk(sim) : &disk_real, .sim = sim };
    struct err err;
    snprintf(place->dir, sizeof place->dir, "%s", sim ? "/sim" : "disk-test-XXXXXX");
    if (sim == NULL)
        assert_non_null(mkdtemp(place->dir));
    else
        assert_true(place->disk->ops->mkdir(place->disk, place->dir, &err));
    for (int i = 0; i < 3; i++) snprintf(place->path[i], sizeof place->path[i], "%s/%c", place->dir, 'a' + i);
}

static struct disk_file *opened(struct place *place, const char *path, int flags)
{
    struct disk_file *file;
    struct err err;
    if (!place->disk->ops->open(place->disk, path, flags, &file, &err)) fail_msg("%s", err.text);
    return file;
}

static void write_text(struct place *place, struct disk_file *file, uint64_t offset, const char *text)
{
    struct bytes part = bytes_of_text(text);
    struct err err;
    assert_true(place->disk->ops->pwrite(file, offset, &part, 1, &err));
}

static bool holds(struct place *place, const char *path, struct bytes expected)
{
    struct disk_file *file;
    struct err err;
    if (!place->disk->ops->open(place->disk, path, DISK_READ, &file, &err)) return false;
    uint8_t bytes[256];
    size_t len;
    assert_true(place->disk->ops->pread(file, 0, bytes, sizeof bytes, &len, &err));
    place->disk->ops->close(file);
    return bytes_equal(bytes_from(bytes, len), expected);
}

struct listing {
    uint32_t files, folders;
};

static void listing_add(void *ctx, const char *name, bool is_dir)
{
    struct listing *listing = ctx;
    assert_true(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    *(is_dir ? &listing->folders : &listing->files) += 1;
}

static void check_contract(struct place *place)
{
    const struct disk_ops *ops = place->disk->ops;
    struct err err;
    struct disk_file *file;
    const char *a = place->path[0], *b = place->path[1], *c = place->path[2];
    assert_false(ops->open(place->disk, a, DISK_READ, &file, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_null(file);
    file = opened(place, a, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE);
    struct disk_file *second;
    assert_false(ops->open(place->disk, a, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, &second, &err));
    assert_int_equal(err.code, ERR_EXISTS);

    struct bytes parts[] = { BYTES("one"), { NULL, 0 }, BYTES(", two"), BYTES(", three") };
    assert_true(ops->pwrite(file, 2, parts, COUNT_OF(parts), &err));
    assert_true(ops->sync(file, &err));
    assert_true(holds(place, a, BYTES("\0\0one, two, three")));
    assert_true(ops->pwrite(file, 0, parts, 0, &err)); /* nothing is fine */
    uint8_t bytes[32];
    size_t len;
    assert_true(ops->pread(file, 12, bytes, sizeof bytes, &len, &err));
    assert_int_equal(len, 5);
    assert_true(ops->pread(file, 100, bytes, sizeof bytes, &len, &err));
    assert_int_equal(len, 0);

    struct disk_stat stat;
    assert_true(ops->reserve(file, 1000, &err));
    assert_true(ops->reserve(file, 10, &err)); /* never shrinks */
    assert_true(ops->stat(file, &stat, &err));
    assert_int_equal(stat.bytes, 1000);
    uint64_t data_end;
    assert_true(ops->reserve(file, 1 << 20, &err));
    assert_true(ops->data_end(file, &data_end, &err));
    assert_in_range(data_end, 17, place->sim ? 17 : 1 << 20); /* a real file system need not tell */
    write_text(place, file, 700000, "x");
    assert_true(ops->data_end(file, &data_end, &err));
    assert_in_range(data_end, 700001, 1 << 20);
    assert_true(ops->truncate(file, 5, &err));
    assert_true(holds(place, a, BYTES("\0\0one")));

    assert_true(ops->lock(file, &err));
    second = opened(place, a, DISK_READ | DISK_WRITE);
    assert_false(ops->lock(second, &err));
    assert_int_equal(err.code, ERR_BUSY);
    ops->close(file);
    assert_true(ops->lock(second, &err));
    ops->close(second);
    ops->close(NULL);

    assert_true(ops->link(place->disk, a, b, &err));
    assert_false(ops->link(place->disk, a, b, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_true(ops->rename(place->disk, a, c, &err));
    assert_false(ops->rename(place->disk, a, c, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(holds(place, b, BYTES("\0\0one")) && holds(place, c, BYTES("\0\0one")));
    file = opened(place, c, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE);
    write_text(place, file, 0, "new");
    ops->close(file);
    assert_true(holds(place, b, BYTES("new"))); /* the same file */

    char deep[128], shallow[128];
    snprintf(deep, sizeof deep, "%s/d/e", place->dir);
    snprintf(shallow, sizeof shallow, "%s/d", place->dir);
    assert_true(ops->mkdir(place->disk, deep, &err));
    assert_true(ops->mkdir(place->disk, deep, &err));
    assert_false(ops->mkdir(place->disk, b, &err)); /* a file is there */
    assert_true(ops->sync_dir(place->disk, shallow, &err));
    struct listing listing = { 0 };
    assert_true(ops->list(place->disk, place->dir, listing_add, &listing, &err));
    assert_int_equal(listing.files, 2);
    assert_int_equal(listing.folders, 1);
    assert_false(ops->list(place->disk, "no-such-folder", listing_add, &listing, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);

    assert_true(ops->unlink(place->disk, b, &err) && ops->unlink(place->disk, c, &err));
    assert_false(ops->unlink(place->disk, c, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    if (place->sim == NULL) {
        rmdir(deep);
        rmdir(shallow);
        assert_int_equal(rmdir(place->dir), 0);
    }
}

/* Goal: both disks do what disk.h says. */
static void test_contract(void **state)
{
    (void)state;
    struct place place;
    place_init(&place, NULL);
    check_contract(&place);
    struct disk_sim *sim = disk_sim_create(512);
    place_init(&place, sim);
    check_contract(&place);
    disk_sim_destroy(sim);
}

/* Goal: more parts than one pwritev takes go out whole and in order. */
static void test_many_parts(void **state)
{
    (void)state;
    struct place place;
    place_init(&place, NULL);
    enum { COUNT = 5000 };
    static uint8_t bytes[COUNT * 3], back[COUNT * 3 + 1];
    static struct bytes parts[COUNT];
    size_t total = 0;
    for (size_t i = 0; i < COUNT; i++) {
        parts[i] = bytes_from(bytes + total, i % 4);
        for (size_t j = 0; j < i % 4; j++) bytes[total++] = (uint8_t)(i + j * 77);
    }
    struct err err;
    struct disk_file *file = opened(&place, place.path[0], DISK_READ | DISK_WRITE | DISK_CREATE);
    assert_true(place.disk->ops->pwrite(file, 0, parts, COUNT, &err));
    size_t len;
    assert_true(place.disk->ops->pread(file, 0, back, sizeof back, &len, &err));
    assert_true(bytes_equal(bytes_from(back, len), bytes_from(bytes, total)));
    place.disk->ops->close(file);
    unlink(place.path[0]);
    rmdir(place.dir);
}

static struct place crashed(struct place *place, uint64_t seed)
{
    struct place after = *place;
    after.sim = disk_sim_crash(place->sim, seed);
    after.disk = disk_sim_disk(after.sim);
    return after;
}

/* Goal: exactly what was synced is sure to survive: data by sync of the file, names by sync of the folder. */
static void test_what_a_crash_keeps(void **state)
{
    (void)state;
    struct place place;
    struct err err;
    place_init(&place, disk_sim_create(512));
    const struct disk_ops *ops = place.disk->ops;
    assert_true(ops->sync_dir(place.disk, "/", &err));
    struct disk_file *file = opened(&place, place.path[0], DISK_WRITE | DISK_CREATE);
    write_text(&place, file, 0, "safe");
    assert_true(ops->sync(file, &err));
    struct place after = crashed(&place, DISK_SIM_SEED_LOSE_ALL);
    assert_false(holds(&after, place.path[0], BYTES("safe"))); /* the name was not synced */
    disk_sim_destroy(after.sim);

    assert_true(ops->sync_dir(place.disk, place.dir, &err));
    write_text(&place, file, 4, "+new");
    assert_true(ops->rename(place.disk, place.path[0], place.path[1], &err));
    assert_true(holds(&place, place.path[1], BYTES("safe+new")));
    static const struct {
        uint64_t seed;
        int name;
        struct bytes content;
    } expected[] = { { DISK_SIM_SEED_LOSE_ALL, 0, BYTES("safe") },
                     { DISK_SIM_SEED_KEEP_ALL, 1, BYTES("safe+new") },
                     { DISK_SIM_SEED_NAMES_ONLY, 1, BYTES("safe") },
                     { DISK_SIM_SEED_DATA_ONLY, 0, BYTES("safe+new") } };
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        after = crashed(&place, expected[i].seed);
        assert_true(holds(&after, place.path[expected[i].name], expected[i].content));
        assert_false(holds(&after, place.path[1 - expected[i].name], expected[i].content));
        disk_sim_destroy(after.sim);
    }
    /* Other seeds find every mix, torn writes too, and never lose what was safe. */
    uint32_t names[2] = { 0 }, torn = 0;
    for (uint64_t seed = 4; seed < 300; seed++) {
        after = crashed(&place, seed);
        uint64_t len0, len1;
        uint8_t *bytes[2] = { disk_sim_bytes(after.sim, place.path[0], &len0),
                              disk_sim_bytes(after.sim, place.path[1], &len1) };
        assert_true((bytes[0] == NULL) != (bytes[1] == NULL));
        int name = bytes[1] != NULL;
        uint64_t len = name ? len1 : len0;
        names[name]++;
        assert_memory_equal(bytes[name], "safe+new", len);
        assert_true(len >= 4);
        torn += len > 4 && len < 8;
        disk_sim_destroy(after.sim);
    }
    assert_true(names[0] > 20 && names[1] > 20 && torn > 5);
    ops->close(file);
    disk_sim_destroy(place.sim);
}

/* Goal: each sector of a write survives by itself. */
static void test_sectors_survive_apart(void **state)
{
    (void)state;
    struct place place;
    struct err err;
    place_init(&place, disk_sim_create(512));
    assert_true(place.disk->ops->sync_dir(place.disk, "/", &err));
    struct disk_file *file = opened(&place, place.path[0], DISK_WRITE | DISK_CREATE);
    assert_true(place.disk->ops->reserve(file, 2048, &err) && place.disk->ops->sync(file, &err));
    assert_true(place.disk->ops->sync_dir(place.disk, place.dir, &err));
    static uint8_t ones[2048];
    memset(ones, 1, sizeof ones);
    assert_true(place.disk->ops->pwrite(file, 0, &(struct bytes){ ones, sizeof ones }, 1, &err));
    bool seen[16] = { false };
    for (uint64_t seed = 4; seed < 400; seed++) {
        struct place after = crashed(&place, seed);
        uint64_t len;
        uint8_t *bytes = disk_sim_bytes(after.sim, place.path[0], &len);
        assert_int_equal(len, 2048);
        unsigned mask = 0;
        for (unsigned sector = 0; sector < 4; sector++) mask |= (unsigned)bytes[sector * 512] << sector;
        seen[mask] = true;
        disk_sim_destroy(after.sim);
    }
    for (int mask = 0; mask < 16; mask++) assert_true(seen[mask]);
    place.disk->ops->close(file);
    disk_sim_destroy(place.sim);
}

/* Goal: failures come where they were ordered; a short write leaves its half; what a failed sync covered stays in doubt
 * even after a later sync, unless it is written again. */
static void test_failures(void **state)
{
    (void)state;
    struct place place;
    struct err err;
    place_init(&place, disk_sim_create(512));
    const struct disk_ops *ops = place.disk->ops;
    assert_true(ops->sync_dir(place.disk, "/", &err));
    struct disk_file *file = opened(&place, place.path[0], DISK_WRITE | DISK_CREATE);
    assert_true(ops->sync_dir(place.disk, place.dir, &err));
    disk_sim_fail(place.sim, DISK_SIM_WRITE, 2, 1, ENOSPC);
    write_text(&place, file, 0, "1234");
    assert_false(ops->pwrite(file, 4, &BYTES("5678"), 1, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(err.os_errno, ENOSPC);
    assert_true(holds(&place, place.path[0], BYTES("123456")));

    disk_sim_fail(place.sim, DISK_SIM_SYNC, 1, 1, EIO);
    assert_false(ops->sync(file, &err));
    assert_true(ops->sync(file, &err));
    struct place after = crashed(&place, DISK_SIM_SEED_LOSE_ALL);
    assert_true(holds(&after, place.path[0], BYTES("")));
    disk_sim_destroy(after.sim);
    write_text(&place, file, 0, "1234");
    assert_true(ops->sync(file, &err));
    after = crashed(&place, DISK_SIM_SEED_LOSE_ALL);
    assert_true(holds(&after, place.path[0], BYTES("1234")));
    disk_sim_destroy(after.sim);

    disk_sim_stop_after(place.sim, 1);
    write_text(&place, file, 0, "x");
    assert_false(ops->pwrite(file, 0, &BYTES("y"), 1, &err));
    assert_false(ops->sync(file, &err));
    after = crashed(&place, DISK_SIM_SEED_KEEP_ALL);
    assert_true(holds(&after, place.path[0], BYTES("x23456")));
    disk_sim_destroy(after.sim);
    ops->close(file);
    disk_sim_destroy(place.sim);
}

/* Goal: a file that is replaced is the old one or the new one, whole: wherever the power goes, whatever fails; and no other file stays
 * after a failure. Method: the power goes after each operation, with what a cut may leave; each operation fails once. */
static void test_replaced_whole(void **state)
{
    (void)state;
    static const struct bytes old = { (const uint8_t *)"what it was before", 18 },
                              new = { (const uint8_t *)"new, and longer than what it was", 32 };
    enum { OPERATIONS = 4 }; /* made, written, synced, renamed */
    for (uint64_t stop = 0; stop <= OPERATIONS; stop++)
        for (uint64_t seed = 0; seed < 40; seed++) {
            struct place place;
            struct err err;
            place_init(&place, disk_sim_create(512));
            assert_true(place.disk->ops->sync_dir(place.disk, "/", &err));
            assert_true(disk_file_replace(place.disk, place.path[0], old, &err));
            assert_true(place.disk->ops->sync_dir(place.disk, place.dir, &err));
            disk_sim_stop_after(place.sim, stop);
            assert_int_equal(disk_file_replace(place.disk, place.path[0], new, &err), stop == OPERATIONS);
            struct place after = crashed(&place, seed);
            assert_true(holds(&after, after.path[0], new) || holds(&after, after.path[0], old));
            disk_sim_destroy(after.sim);
            disk_sim_destroy(place.sim);
        }
    for (int kind = 0; kind < DISK_SIM_OPERATION_COUNT; kind++) {
        struct place place;
        struct err err;
        if (kind == DISK_SIM_READ || kind == DISK_SIM_SIZE || kind == DISK_SIM_SYNC_DIR) continue;
        place_init(&place, disk_sim_create(512));
        assert_true(disk_file_replace(place.disk, place.path[0], old, &err));
        disk_sim_fail(place.sim, (enum disk_sim_operation)kind, 1, 1, ENOSPC);
        assert_false(disk_file_replace(place.disk, place.path[0], new, &err));
        assert_int_equal(err.os_errno, ENOSPC);
        struct listing listing = { 0, 0 };
        assert_true(place.disk->ops->list(place.disk, place.dir, listing_add, &listing, &err));
        assert_int_equal(listing.files, 1);
        assert_true(holds(&place, place.path[0], old));
        disk_sim_destroy(place.sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaced_whole),
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_many_parts),
        cmocka_unit_test(test_what_a_crash_keeps),
        cmocka_unit_test(test_sectors_survive_apart),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
