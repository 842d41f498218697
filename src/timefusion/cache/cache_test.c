/* The cache before a store whose GETs are counted: what is asked of the store, what comes back, what survives. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "timefusion/cache/cache_fixture.h"

#define BLOCK 4096u /* small ones, so that tests are */

struct fixture {
    struct disk_sim *sim;
    struct cache_options options;
    struct cache *cache;
    struct counted_store *counted;
    struct object_store *store;
    struct log log;
    _Atomic int64_t now_us;
};

static int64_t now_of(void *ctx)
{
    return ((struct fixture *)ctx)->now_us;
}

static void wait_s(struct fixture *fixture, int64_t seconds)
{
    fixture->now_us += seconds * 1000000;
}

static void cache_start(struct fixture *fixture)
{
    struct err err = { 0 };
    if (!cache_open(&fixture->cache, &fixture->options, &err)) fail_msg("%s", err.text);
    fixture->store = object_store_open_cached(&fixture->counted->store, fixture->cache);
}

/* The store lives on, as a bucket does. */
static void cache_stop(struct fixture *fixture)
{
    free(fixture->store); /* not closed: the counted store stays */
    cache_close(fixture->cache);
}

static void restart(struct fixture *fixture)
{
    cache_stop(fixture);
    cache_start(fixture);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->sim = disk_sim_create(512);
    fixture->log = (struct log){ .fd = -1, .level_min = LOG_ERROR };
    fixture->now_us = INT64_C(1800000000) * 1000000;
    fixture->counted = counted_store_open(4096);
    fixture->options = (struct cache_options){ .dir = "cache",
                                               .scope = "s3://test",
                                               .memory_bytes = 256 << 10,
                                               .disk_bytes = 1 << 20,
                                               .ttl_s = 7 * 86400,
                                               .block_bytes = BLOCK,
                                               .disk = disk_sim_disk(fixture->sim),
                                               .log = &fixture->log,
                                               .now_unix_us = now_of,
                                               .now_ctx = fixture };
    cache_start(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    object_store_close(fixture->store);
    cache_close(fixture->cache);
    disk_sim_destroy(fixture->sim);
    free(fixture);
    return 0;
}

static struct cache_stats stats_of(struct fixture *fixture)
{
    struct cache_stats stats;
    cache_stats(fixture->cache, &stats);
    return stats;
}

static bool read_is(struct fixture *fixture, const char *key, uint64_t bytes, uint64_t offset, size_t len,
                    struct err *err)
{
    struct object_reader *reader;
    uint8_t *got = mem_alloc(len + 1), *want = mem_alloc(len + 1);
    if (!object_reader_open_sized(fixture->store, key, bytes, &reader, err)) fail_msg("%s", err->text);
    bool ok = object_reader_pread(reader, offset, got, len, err);
    object_reader_close(reader);
    counted_fill(hash64_of(bytes_of_text(key)), offset, want, len);
    if (ok && memcmp(got, want, len) != 0) fail_msg("other bytes of \"%s\" at %zu", key, (size_t)offset);
    free(got);
    free(want);
    return ok;
}

static void read_right(struct fixture *fixture, const char *key, uint64_t bytes, uint64_t offset, size_t len)
{
    struct err err = { 0 };
    if (!read_is(fixture, key, bytes, offset, len, &err)) fail_msg("%s", err.text);
}

/* Reads all of an object by pieces, so that every block is wanted. */
static void read_all(struct fixture *fixture, const char *key, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += 3 * BLOCK)
        read_right(fixture, key, bytes, at, bytes - at < 3 * BLOCK ? (size_t)(bytes - at) : 3 * BLOCK);
}

/* -- what is asked of the store --------------------------------------------------------------------------------- */

static void test_gets_are_few(void **state)
{
    struct fixture *fixture = *state;
    struct counted_store *counted = fixture->counted;
    counted_add(counted, "t/small.parquet", 5 * BLOCK + 7, NULL);
    counted_add(counted, "t/large.parquet", 100 * BLOCK, NULL);

    read_right(fixture, "t/small.parquet", 5 * BLOCK + 7, 100, 10);
    assert_int_equal(counted->gets, 1); /* small: it came whole */
    assert_int_equal(counted->get_bytes, 5 * BLOCK + 7);
    read_all(fixture, "t/small.parquet", 5 * BLOCK + 7);
    assert_int_equal(counted->gets, 1);

    read_right(fixture, "t/large.parquet", 100 * BLOCK, 99 * BLOCK + 5, 20);
    assert_int_equal(counted->gets, 2); /* the end, and what is before it */
    read_right(fixture, "t/large.parquet", 100 * BLOCK, 98 * BLOCK, 2 * BLOCK);
    assert_int_equal(counted->gets, 2);

    read_right(fixture, "t/large.parquet", 100 * BLOCK, 10 * BLOCK + 1, 3 * BLOCK);
    assert_int_equal(counted->gets, 3); /* four blocks, one GET */
    assert_int_equal(counted->get_bytes, 5 * BLOCK + 7 + 2 * BLOCK + 4 * BLOCK);
    read_right(fixture, "t/large.parquet", 100 * BLOCK, 8 * BLOCK, 10 * BLOCK);
    assert_int_equal(counted->gets, 5); /* two before, four behind what was there */
    struct cache_stats stats = stats_of(fixture);
    assert_int_equal(stats.fetches, 5);
    assert_int_equal(stats.request_hits, 3); /* of small's read_all, two; of large, one */
    assert_int_equal(stats.requests, 7);
    assert_int_equal(counted->heads, 0);
}

static void test_sequence_is_read_ahead(void **state)
{
    struct fixture *fixture = *state;
    struct object_reader *reader;
    struct err err = { 0 };
    uint8_t bytes[2 * BLOCK], want[2 * BLOCK];
    counted_add(fixture->counted, "t/a.parquet", 200 * BLOCK, NULL);
    assert_true(object_reader_open_sized(fixture->store, "t/a.parquet", 200 * BLOCK, &reader, &err));
    for (uint64_t at = 0; at < 60; at += 2) {
        assert_true(object_reader_pread(reader, at * BLOCK, bytes, sizeof bytes, &err));
        counted_fill(hash64_of(BYTES("t/a.parquet")), at * BLOCK, want, sizeof want);
        assert_memory_equal(bytes, want, sizeof want);
    }
    object_reader_close(reader);
    assert_in_range(fixture->counted->gets, 4, 12); /* of 30 reads */
}

static void test_size_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct err err = { 0 };
    struct buf buf;
    counted_add(fixture->counted, "t/_monoscope/index/p/1.run", 10 * BLOCK + 1, NULL);
    for (int pass = 0; pass < 3; pass++) {
        buf_init(&buf, 8 << 20);
        assert_true(object_get(fixture->store, "t/_monoscope/index/p/1.run", 1 << 20, &buf, &err));
        assert_int_equal(buf.len, 10 * BLOCK + 1);
        buf_deinit(&buf);
        assert_int_equal(fixture->counted->gets, 1);
        assert_int_equal(fixture->counted->heads, 0);
        if (pass == 1) restart(fixture); /* then from disk */
    }
    buf_init(&buf, 8 << 20);
    assert_false(object_get(fixture->store, "t/_monoscope/index/p/1.run", 10 * BLOCK, &buf, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    buf_deinit(&buf);

    uint8_t head[16], tail[16], past[16], want[16];
    struct object_range ranges[] = { { 0, 16, head }, { 10 * BLOCK - 15, 16, tail } };
    assert_true(object_get_ranges(fixture->store, "t/_monoscope/index/p/1.run", ranges, 2, &err));
    counted_fill(hash64_of(BYTES("t/_monoscope/index/p/1.run")), 10 * BLOCK - 15, want, 16);
    assert_memory_equal(tail, want, 16);
    err = (struct err){ 0 };
    ranges[1] = (struct object_range){ 10 * BLOCK, 16, past };
    assert_false(object_get_ranges(fixture->store, "t/_monoscope/index/p/1.run", ranges, 2, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_int_equal(fixture->counted->gets, 1);
}

static void test_log_passes_by(void **state)
{
    struct fixture *fixture = *state;
    static const char *const passing[] = { "t/_delta_log/00000000000000000007.json",
                                           "t/_delta_log/00000000000000000010.checkpoint.parquet", "t/other" };
    for (size_t i = 0; i < COUNT_OF(passing); i++) {
        counted_add(fixture->counted, passing[i], BLOCK, NULL);
        for (int pass = 0; pass < 2; pass++) read_right(fixture, passing[i], BLOCK, 0, BLOCK);
    }
    assert_int_equal(fixture->counted->gets, 2 * COUNT_OF(passing));
    assert_int_equal(stats_of(fixture).requests, 0);
}

/* -- single flight ---------------------------------------------------------------------------------------------- */

enum { READERS = 6 };
struct reading {
    struct fixture *fixture;
    pthread_t thread;
    bool ok;
    struct err err;
};

static void *reading_run(void *arg)
{
    struct reading *reading = arg;
    reading->ok = read_is(reading->fixture, "t/a.parquet", 40 * BLOCK, 3 * BLOCK + 9, 2 * BLOCK, &reading->err);
    return NULL;
}

/* All readers are on their way to the same blocks before the first GET is answered. */
static void readings_join(struct fixture *fixture, struct reading *readings)
{
    struct counted_store *counted = fixture->counted;
    pthread_mutex_lock(&counted->lock);
    counted->is_held = true;
    pthread_mutex_unlock(&counted->lock);
    for (int r = 0; r < READERS; r++) {
        readings[r] = (struct reading){ .fixture = fixture };
        pthread_create(&readings[r].thread, NULL, reading_run, &readings[r]);
    }
    while (stats_of(fixture).joins < (READERS - 1) * 3) usleep(1000);
    pthread_mutex_lock(&counted->lock);
    counted->is_held = false;
    pthread_cond_broadcast(&counted->changed);
    pthread_mutex_unlock(&counted->lock);
    for (int r = 0; r < READERS; r++) pthread_join(readings[r].thread, NULL);
}

static void test_one_fetch_for_all(void **state)
{
    struct fixture *fixture = *state;
    struct reading readings[READERS];
    counted_add(fixture->counted, "t/a.parquet", 40 * BLOCK, NULL);
    readings_join(fixture, readings);
    for (int r = 0; r < READERS; r++) assert_true(readings[r].ok);
    assert_int_equal(fixture->counted->gets, 1);
}

static void test_failure_is_told_to_all_and_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct reading readings[READERS];
    counted_add(fixture->counted, "t/a.parquet", 40 * BLOCK, NULL);
    fixture->counted->fail_next = 1;
    readings_join(fixture, readings);
    for (int r = 0; r < READERS; r++) {
        assert_false(readings[r].ok);
        assert_int_equal(readings[r].err.code, ERR_IO);
    }
    assert_int_equal(fixture->counted->gets, 1);
    read_right(fixture, "t/a.parquet", 40 * BLOCK, 3 * BLOCK, BLOCK);
    assert_int_equal(fixture->counted->gets, 2);
    assert_int_equal(stats_of(fixture).fetch_failures, 1);
}

/* -- the disk --------------------------------------------------------------------------------------------------- */

static void objects_add(struct fixture *fixture, uint32_t count, uint64_t bytes)
{
    char key[64];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "t/%u.parquet", i);
        counted_add(fixture->counted, key, bytes, NULL);
    }
}
static void objects_read(struct fixture *fixture, uint32_t count, uint64_t bytes)
{
    char key[64];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "t/%u.parquet", i);
        read_all(fixture, key, bytes);
    }
}

static void test_restart_is_warm(void **state)
{
    struct fixture *fixture = *state;
    objects_add(fixture, 20, 6 * BLOCK + 1);
    objects_read(fixture, 20, 6 * BLOCK + 1);
    assert_int_equal(fixture->counted->gets, 20);
    for (int pass = 0; pass < 2; pass++) {
        restart(fixture);
        objects_read(fixture, 20, 6 * BLOCK + 1);
        assert_int_equal(fixture->counted->gets, 20);
    }
    assert_true(stats_of(fixture).disk_hits > 100);
    fixture->options.scope = "s3://another";
    restart(fixture); /* the same keys would mean other bytes there */
    objects_read(fixture, 20, 6 * BLOCK + 1);
    assert_int_equal(fixture->counted->gets, 40);
}

/* Goal: whatever a kill or a power cut leaves in the folder, reads give the object's bytes.
 * Method: power off after n changes of the disk, for every n; open what may be left, for several seeds. */
static void test_crash_anywhere(void **state)
{
    struct fixture *fixture = *state;
    objects_add(fixture, 6, 5 * BLOCK + 100);
    struct disk_sim *before = fixture->sim;
    bool was_warm = false;
    cache_stop(fixture);
    for (uint64_t n = 1; n < 90; n += 3) {
        struct disk_sim *first = disk_sim_create(512);
        fixture->options.disk = disk_sim_disk(first);
        disk_sim_stop_after(first, n);
        cache_start(fixture);
        objects_read(fixture, 6, 5 * BLOCK + 100);
        cache_stop(fixture);
        for (uint64_t seed = 0; seed < 8; seed++) {
            struct disk_sim *after = disk_sim_crash(first, seed);
            fixture->options.disk = disk_sim_disk(after);
            cache_start(fixture);
            objects_read(fixture, 6, 5 * BLOCK + 100);
            struct cache_stats stats = stats_of(fixture);
            was_warm |= stats.disk_hits > 0 && stats.corrupt > 0;
            cache_stop(fixture);
            disk_sim_destroy(after);
        }
        disk_sim_destroy(first);
    }
    fixture->options.disk = disk_sim_disk(before);
    cache_start(fixture);
    assert_true(was_warm); /* else nothing was tried */
}

static void test_damage_is_fetched_again(void **state)
{
    struct fixture *fixture = *state;
    uint64_t len;
    objects_add(fixture, 10, 8 * BLOCK);
    objects_read(fixture, 10, 8 * BLOCK);
    uint64_t gets = fixture->counted->gets;
    uint8_t *bytes = disk_sim_bytes(fixture->sim, "cache/0000.slab", &len);
    assert_non_null(bytes);
    for (uint64_t at = 20 * 1024; at < len; at += 9 * BLOCK) bytes[at] ^= 1;
    restart(fixture);
    objects_read(fixture, 10, 8 * BLOCK);
    uint64_t corrupt = stats_of(fixture).corrupt;
    assert_in_range(corrupt, 5, 12);
    assert_true(fixture->counted->gets > gets);
    gets = fixture->counted->gets;
    restart(fixture);
    objects_read(fixture, 10, 8 * BLOCK); /* repaired */
    assert_int_equal(fixture->counted->gets, gets);
    assert_int_equal(stats_of(fixture).corrupt, 0);
}

static void test_full_disk(void **state)
{
    struct fixture *fixture = *state;
    objects_add(fixture, 60, 8 * BLOCK);
    objects_read(fixture, 10, 8 * BLOCK);
    disk_sim_fail(fixture->sim, DISK_SIM_WRITE, 1, 1000000, ENOSPC);
    objects_read(fixture, 60, 8 * BLOCK);
    struct cache_stats stats = stats_of(fixture);
    assert_true(stats.refused > 100);
    assert_int_equal(stats.disk_failures, 1); /* not tried again for a while */
    assert_int_equal(stats.disk_bytes, 0);    /* its only slab was given back */
    disk_sim_fail(fixture->sim, DISK_SIM_WRITE, 1, 0, 0);
    for (int look = 0; look < 3; look++) { /* the first write after the pause looks for room, and has the slab back */
        wait_s(fixture, 20);
        char key[64];
        snprintf(key, sizeof key, "t/again%d.parquet", look);
        counted_add(fixture->counted, key, 8 * BLOCK, NULL);
        read_all(fixture, key, 8 * BLOCK);
    }
    assert_true(stats_of(fixture).disk_bytes > 0);
}

static void test_room_is_left_for_others(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.disk_bytes = 8 << 20; /* eight slabs */
    fixture->options.disk_reserve_bytes = 100 << 20;
    fixture->options.memory_bytes = 1 << 20;
    restart(fixture);
    objects_add(fixture, 200, 8 * BLOCK);
    objects_read(fixture, 150, 8 * BLOCK);
    uint64_t before = stats_of(fixture).disk_bytes;
    assert_true(before > 4 << 20);
    disk_sim_set_room(fixture->sim, (100 << 20) - (2 << 20) + 1);
    wait_s(fixture, 6);
    objects_read(fixture, 200, 8 * BLOCK);
    struct cache_stats stats = stats_of(fixture);
    assert_true(stats.disk_bytes <= before - (2 << 20));
    assert_int_equal(stats.disk_bytes_max, 6 << 20);
    assert_true(stats.refused > 0);
}

static void test_disk_that_fails(void **state)
{
    struct fixture *fixture = *state;
    objects_add(fixture, 30, 8 * BLOCK);
    objects_read(fixture, 30, 8 * BLOCK);
    disk_sim_fail(fixture->sim, DISK_SIM_READ, 1, 1000000, EIO);
    objects_read(fixture, 30, 8 * BLOCK);
    assert_true(stats_of(fixture).disk_failures > 0);
    disk_sim_fail(fixture->sim, DISK_SIM_NAME, 1, 1000000, EROFS);
    restart(fixture); /* there is no folder to be had: memory alone */
    objects_read(fixture, 2, 8 * BLOCK);
    uint64_t gets = fixture->counted->gets;
    objects_read(fixture, 2, 8 * BLOCK);
    assert_int_equal(fixture->counted->gets, gets);
    assert_int_equal(stats_of(fixture).disk_bytes_max, 0);
}

static void test_unused_blocks_expire(void **state)
{
    struct fixture *fixture = *state;
    objects_add(fixture, 4, 8 * BLOCK);
    objects_read(fixture, 4, 8 * BLOCK);
    wait_s(fixture, 4 * 86400);
    objects_read(fixture, 2, 8 * BLOCK); /* a use */
    assert_int_equal(fixture->counted->gets, 4);
    restart(fixture); /* the disk knows of it */
    wait_s(fixture, 4 * 86400);
    struct cache_stats stats = stats_of(fixture);
    assert_int_equal(stats.expired, 2 * 8);
    assert_int_equal(stats.disk_bytes, 2 * 8 * BLOCK);
    objects_read(fixture, 4, 8 * BLOCK);
    assert_int_equal(fixture->counted->gets, 6);
}

/* -- writes and deletes ----------------------------------------------------------------------------------------- */

static void file_write(const char *path, const char *key, size_t len)
{
    FILE *file = fopen(path, "w");
    uint8_t *bytes = mem_alloc(len);
    counted_fill(hash64_of(bytes_of_text(key)), 0, bytes, len);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    free(bytes);
}

/* On the real disk: what is deleted must not be found in the files of the cache. */
static void test_written_is_warm_and_deleted_is_gone(void **state)
{
    struct fixture *fixture = *state;
    char dir[] = "/tmp/mono_cache_XXXXXX", path[128], command[256];
    struct err err = { 0 };
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/cache", dir);
    fixture->options.dir = path;
    fixture->options.disk = &disk_real;
    fixture->options.memory_bytes = 2 << 20;
    fixture->options.disk_bytes = 4 << 20;
    restart(fixture);
    char local[128];
    snprintf(local, sizeof local, "%s/new", dir);
    file_write(local, "t/new.parquet", 20 * BLOCK + 5);
    assert_true(object_put_file(fixture->store, "t/new.parquet", local, &err));
    read_all(fixture, "t/new.parquet", 20 * BLOCK + 5);
    restart(fixture);
    read_all(fixture, "t/new.parquet", 20 * BLOCK + 5);
    assert_int_equal(fixture->counted->gets, 0);
    file_write(local, "t/big.parquet", 1 << 20); /* over the share of one file: its end only */
    assert_true(object_put_file(fixture->store, "t/big.parquet", local, &err));
    read_right(fixture, "t/big.parquet", 1 << 20, (1 << 20) - 3 * BLOCK, 3 * BLOCK);
    assert_int_equal(fixture->counted->gets, 0);
    read_right(fixture, "t/big.parquet", 1 << 20, 0, 10);
    assert_int_equal(fixture->counted->gets, 1);

    uint64_t before = stats_of(fixture).disk_bytes;
    const char *keys[] = { "t/new.parquet", "t/never.parquet" };
    assert_true(object_delete_many(fixture->store, keys, 2, &err));
    assert_int_equal(stats_of(fixture).dropped, 21);
    assert_int_equal(stats_of(fixture).disk_bytes, before - 21 * BLOCK);
    char slab[160];
    snprintf(slab, sizeof slab, "%s/0000.slab", path);
    FILE *file = fopen(slab, "r");
    uint8_t *bytes = mem_alloc(8 << 20), want[64];
    size_t len = fread(bytes, 1, 8 << 20, file);
    fclose(file);
    for (uint64_t at = 0; at < 20 * BLOCK; at += BLOCK) {
        counted_fill(hash64_of(BYTES("t/new.parquet")), at, want, sizeof want);
        assert_null(memmem(bytes, len, want, sizeof want));
    }
    free(bytes);
    assert_false(read_is(fixture, "t/new.parquet", 20 * BLOCK + 5, 0, 10, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

static void test_no_tiers_no_harm(void **state)
{
    struct fixture *fixture = *state;
    objects_add(fixture, 4, 8 * BLOCK);
    fixture->options.memory_bytes = 0;
    restart(fixture);
    objects_read(fixture, 4, 8 * BLOCK);
    objects_read(fixture, 4, 8 * BLOCK);
    assert_int_equal(fixture->counted->gets, 4);
    fixture->options.disk_bytes = 0;
    restart(fixture);
    objects_read(fixture, 4, 8 * BLOCK);
    assert_true(fixture->counted->gets > 4);
}

/* -- any read, under all of it ---------------------------------------------------------------------------------- */

struct storm {
    struct fixture *fixture;
    pthread_t thread;
    uint64_t seed, failures, over;
    uint32_t steps;
};

static uint64_t dice(uint64_t *seed)
{
    *seed += 0x9E3779B97F4A7C15u;
    return hash64_mix(*seed, 0xA0761D6478BD642Fu);
}

static const uint64_t storm_sizes[] = { 1,         BLOCK - 1,     BLOCK,      BLOCK + 1,         7 * BLOCK,
                                        8 * BLOCK, 8 * BLOCK + 1, 31 * BLOCK, 77 * BLOCK + 1234, 300 * BLOCK + 1 };
enum { STORM_OBJECTS = 40 };

static void *storm_run(void *arg)
{
    struct storm *storm = arg;
    struct fixture *fixture = storm->fixture;
    for (uint32_t i = 0; i < storm->steps; i++) {
        uint32_t number = (uint32_t)(dice(&storm->seed) % STORM_OBJECTS);
        uint64_t bytes = storm_sizes[number % COUNT_OF(storm_sizes)], offset = dice(&storm->seed) % bytes;
        size_t max = (size_t)(dice(&storm->seed) % 4 == 0 ? bytes - offset : 3 * BLOCK);
        size_t len = (size_t)(dice(&storm->seed) % (bytes - offset < max ? bytes - offset : max)) + 1;
        if (len > bytes - offset) len = (size_t)(bytes - offset);
        bool is_known = dice(&storm->seed) % 3 > 0;
        struct err err = { 0 };
        struct cache_stats stats;
        char key[64];
        snprintf(key, sizeof key, "t/%u.parquet", number);
        if (!read_is(fixture, key, is_known ? bytes : CACHE_BYTES_UNKNOWN, offset, len, &err)) storm->failures++;
        switch (dice(&storm->seed) % 64) {
        case 0: cache_drop(fixture->cache, cache_object(fixture->cache, key)); break;
        case 1: wait_s(fixture, 15); break;
        case 2: disk_sim_fail(fixture->sim, DISK_SIM_WRITE, 1, 1, ENOSPC); break;
        case 3: disk_sim_fail(fixture->sim, DISK_SIM_READ, 1, 1, EIO); break;
        case 4: disk_sim_fail(fixture->sim, DISK_SIM_WRITE, 1, 1, EIO); break;
        case 5: wait_s(fixture, dice(&storm->seed) % 4 == 0 ? 3 * 86400 : 5); break;
        case 6:
            pthread_mutex_lock(&fixture->counted->lock);
            fixture->counted->fail_next = 1;
            pthread_mutex_unlock(&fixture->counted->lock);
            break;
        default: break;
        }
        cache_stats(fixture->cache, &stats);
        if (stats.memory_bytes > stats.memory_bytes_max + (fixture->options.memory_bytes ? 0 : UINT64_MAX / 2))
            storm->over++;
    }
    return NULL;
}

/* Goal: a read gives the object's bytes or the store's failure, whatever goes on beside it; memory stays under its limit.
 * Method: threads read random ranges of objects larger than both tiers, delete, let time pass, break disk and store. */
static void test_storm(void **state)
{
    enum { THREADS = 4 };
    struct fixture *fixture = *state;
    struct storm storms[THREADS];
    uint64_t hits = 0, dropped = 0, refused = 0, expired = 0, evicted = 0;
    char key[64];
    fixture->options.disk_bytes = 3 << 20;
    for (uint32_t i = 0; i < STORM_OBJECTS; i++) {
        snprintf(key, sizeof key, "t/%u.parquet", i);
        counted_add(fixture->counted, key, storm_sizes[i % COUNT_OF(storm_sizes)], NULL);
    }
    for (uint32_t memory = 0; memory < 3; memory++) {
        static const uint64_t limits[] = { 12 << 20, 300 << 10, 0 };
        fixture->options.memory_bytes = limits[memory];
        restart(fixture);
        for (uint32_t t = 0; t < THREADS; t++) {
            storms[t] = (struct storm){ .fixture = fixture, .seed = memory * 1000 + t, .steps = 1500 };
            pthread_create(&storms[t].thread, NULL, storm_run, &storms[t]);
        }
        uint64_t failures = 0;
        for (uint32_t t = 0; t < THREADS; t++) {
            pthread_join(storms[t].thread, NULL);
            failures += storms[t].failures;
            if (memory == 0) assert_int_equal(storms[t].over, 0);
        }
        struct cache_stats stats = stats_of(fixture);
        assert_true(failures > 0 && failures < 1000); /* those that the store was told to fail */
        hits += stats.request_hits;
        dropped += stats.dropped;
        refused += stats.refused;
        expired += stats.expired;
        evicted += stats.memory_evictions;
    }
    assert_true(hits > 100);
    assert_true(dropped > 0);
    assert_true(refused > 0);
    assert_true(expired > 0);
    assert_true(evicted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gets_are_few, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sequence_is_read_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_size_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_passes_by, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_fetch_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_is_told_to_all_and_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_is_warm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_fetched_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_is_left_for_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unused_blocks_expire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_written_is_warm_and_deleted_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_tiers_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_storm, setup, teardown),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
