/* cache_bench.c -- a dashboard's week before the cache: how many reads cost a request to the bucket.
 *
 *   trace (made here, the same each time) --pread of struct object_store--> cache --GETs counted--> objects that are made up
 *
 * The trace. Five projects, the largest ten times the smallest, write 4 MB of Parquet an hour; the table holds seven days,
 * and two days are replayed minute by minute, cache cold at first. Each five minutes a project's rows come as a small file;
 * at the full hour its twelve files are joined to one of row groups of 3 MB and deleted ten minutes later. Both are put
 * through the store, as the server does. A row group has twelve runs of neighbouring columns.
 *   Panels: 120, by Zipf's law (s = 1): six loads a minute by day, two at night. A panel reads one or two runs of each row
 *     group of its project in its range before now: 15 minutes (35 of 100 panels), 1 hour (30), 6 hours (20), a day (10),
 *     seven days (5). Each file's end is read before its first use, once, as footers are kept decoded by the server.
 *   Looks: each ten minutes somebody reads all columns of one or two hours of any project and day, once.
 *   Scan: at 02:00 all columns of all seven days are read in 20 minutes, while panels go on.
 * Nothing else caches: what is in front of this cache in the server (results, DuckDB's decoded pages) is not assumed.
 *
 * Scaled: 22 MiB of memory and 430 MiB of disk for 0.7 GB of a week and 0.9 GB in all; the defaults are 512 MB and 100 GB.
 * A request hits when it cost no GET. The cost of the scan: the same trace without it, panels in the six hours behind.
 * Arguments: block bytes, memory MiB, disk MiB, any fourth: without LRU. `cache_bench` alone is what RESULTS.md tells of. */
#include "base/clock.h"
#include "timefusion/cache/cache_fixture.h"
#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum {
    PROJECTS = 5,
    PANELS = 120,
    RUNS = 12, /* of columns, in a row group */
    DAYS_BEFORE = 7,
    DAYS_REPLAYED = 2,
    HOURS = (DAYS_BEFORE + DAYS_REPLAYED) * 24,
    PARTS = 12, /* small files an hour */
    FOOTER_BYTES = 64 << 10,
    ROW_GROUP_BYTES = 3 << 20,
    AFTER_SCAN_MINUTES = 360,
};

struct panel {
    uint32_t project, range_minutes, run_first, run_count;
};
struct replay {
    struct counted_store *counted;
    struct cache *cache;
    struct object_store *store;
    uint64_t seed;
    int64_t minute; /* since the first of DAYS_BEFORE */
    struct panel panels[PANELS];
    double shares[PANELS]; /* cumulative */
    uint64_t hour_bytes[PROJECTS];
    bool has_footer[PROJECTS][HOURS][PARTS + 1]; /* the last one is the joined file */
    uint8_t *buffer;
    uint8_t *touched; /* a bit a block of 64 KiB, by hash: bytes touched */
    uint64_t touched_blocks;
};
struct tally {
    uint64_t requests, hits;
};
struct result {
    struct tally all, panels, after_scan;
    struct cache_stats stats;
    uint64_t gets, touched_bytes;
    double seconds;
};

static void must(bool ok, const struct err *err)
{
    if (ok) return;
    fprintf(stderr, "cache_bench: %s\n", err->text);
    exit(1);
}

static uint64_t dice(struct replay *replay, uint64_t sides)
{
    replay->seed += 0x9E3779B97F4A7C15u;
    return hash64_mix(replay->seed, 0xA0761D6478BD642Fu) % sides;
}

static int64_t now_of(void *ctx)
{
    return (INT64_C(1800000000) + ((struct replay *)ctx)->minute * 60) * 1000000;
}

/* -- the trace -------------------------------------------------------------------------------------------------- */

static void panels_make(struct replay *replay)
{
    static const struct {
        uint32_t minutes, share;
    } ranges[] = { { 15, 35 }, { 60, 30 }, { 360, 20 }, { 1440, 10 }, { 10080, 5 } };
    double sum = 0, projects[PROJECTS], project_sum = 0;
    for (uint32_t p = 0; p < PROJECTS; p++) project_sum += projects[p] = 1.0 / (1.0 + p * 9.0 / (PROJECTS - 1));
    for (uint32_t p = 0; p < PROJECTS; p++) replay->hour_bytes[p] = (uint64_t)(4e6 * projects[p] / project_sum);
    for (uint32_t i = 0; i < PANELS; i++) {
        uint64_t draw = dice(replay, 100), project = dice(replay, 1000);
        struct panel *panel = &replay->panels[i];
        uint32_t r = 0;
        while (draw >= ranges[r].share) draw -= ranges[r++].share;
        panel->range_minutes = ranges[r].minutes;
        while ((double)project >= 1000 * projects[panel->project] / project_sum && panel->project < PROJECTS - 1)
            project -= (uint64_t)(1000 * projects[panel->project++] / project_sum);
        panel->run_count = (uint32_t)dice(replay, 2) + 1;
        panel->run_first = (uint32_t)dice(replay, RUNS - panel->run_count + 1);
        replay->shares[i] = sum += 1.0 / (i + 1);
    }
}

/* part: PARTS for the joined file. */
static uint64_t file_of(const struct replay *replay, uint32_t project, uint32_t hour, uint32_t part, char key[80])
{
    snprintf(key, 80, "otel_logs_and_spans/project_id=%u/date=%u/part-%u-%u.parquet", project, hour / 24, hour, part);
    uint64_t bytes = replay->hour_bytes[project];
    return FOOTER_BYTES / 8 + (part == PARTS ? bytes : bytes / PARTS);
}

static void touch(struct replay *replay, const char *key, uint64_t offset, size_t len)
{
    uint64_t hash = hash64_of(bytes_of_text(key));
    for (uint64_t block = offset >> 16; block <= (offset + len - 1) >> 16; block++) {
        uint64_t bit = hash64_mix(hash ^ block, 0xE7037ED1A0B428DBu) % (8 << 20);
        if (replay->touched[bit / 8] & 1 << bit % 8) continue;
        replay->touched[bit / 8] |= (uint8_t)(1 << bit % 8);
        replay->touched_blocks++;
    }
}

static void range_read(struct replay *replay, struct object_reader *reader, const char *key, uint64_t offset,
                       uint64_t len)
{
    struct err err = { 0 };
    must(object_reader_pread(reader, offset, replay->buffer, len, &err), &err);
    touch(replay, key, offset, len);
}

/* Row groups, of each the runs asked for; a full read takes a row group in one, as DuckDB does. */
static void file_read(struct replay *replay, uint32_t project, uint32_t hour, uint32_t part, uint32_t run_first,
                      uint32_t run_count)
{
    char key[80];
    struct err err = { 0 };
    struct object_reader *reader;
    uint64_t bytes = file_of(replay, project, hour, part, key), data = bytes - FOOTER_BYTES / 8;
    must(object_reader_open_sized(replay->store, key, bytes, &reader, &err), &err);
    if (!replay->has_footer[project][hour][part]) {
        uint64_t len = bytes < FOOTER_BYTES ? bytes : FOOTER_BYTES;
        range_read(replay, reader, key, bytes - len, len);
        replay->has_footer[project][hour][part] = true;
    }
    for (uint64_t group = 0; group < data; group += ROW_GROUP_BYTES) {
        uint64_t len = data - group < ROW_GROUP_BYTES ? data - group : ROW_GROUP_BYTES;
        uint64_t from = group + len * run_first / RUNS, to = group + len * (run_first + run_count) / RUNS;
        range_read(replay, reader, key, from, to - from);
    }
    object_reader_close(reader);
}

/* All files of a project with rows of [from, to) minutes. */
static void span_read(struct replay *replay, uint32_t project, int64_t from, int64_t to, uint32_t run_first,
                      uint32_t run_count)
{
    for (int64_t hour = from / 60; hour * 60 < to; hour++) {
        if ((hour + 1) * 60 <= replay->minute) {
            file_read(replay, project, (uint32_t)hour, PARTS, run_first, run_count);
            continue;
        }
        for (int64_t part = 0; part < PARTS; part++) {
            int64_t begin = hour * 60 + part * 5, end = begin + 5;
            if (end <= replay->minute && end > from && begin < to)
                file_read(replay, project, (uint32_t)hour, (uint32_t)part, run_first, run_count);
        }
    }
}

static void file_put(struct replay *replay, uint32_t project, uint32_t hour, uint32_t part)
{
    char key[80];
    struct err err = { 0 };
    uint64_t bytes = file_of(replay, project, hour, part, key);
    counted_fill(hash64_of(bytes_of_text(key)), 0, replay->buffer, bytes);
    must(object_put(replay->store, key, bytes_from(replay->buffer, bytes), &err), &err);
}

static void minute_write(struct replay *replay)
{
    uint32_t hour = (uint32_t)((replay->minute - 1) / 60);
    for (uint32_t p = 0; p < PROJECTS; p++) {
        if (replay->minute % 5 == 0) file_put(replay, p, hour, (uint32_t)((replay->minute - 1) % 60 / 5));
        if (replay->minute % 60 == 0) file_put(replay, p, hour, PARTS);
        for (uint32_t part = 0; replay->minute % 60 == 10 && part < PARTS; part++) {
            char key[80];
            struct err err = { 0 };
            file_of(replay, p, (uint32_t)(replay->minute / 60) - 1, part, key);
            must(object_delete(replay->store, key, &err), &err);
        }
    }
}

static void panel_load(struct replay *replay)
{
    double draw = (double)dice(replay, 1u << 30) / (1u << 30) * replay->shares[PANELS - 1];
    uint32_t i = 0;
    while (replay->shares[i] < draw) i++;
    const struct panel *panel = &replay->panels[i];
    span_read(replay, panel->project, replay->minute - panel->range_minutes, replay->minute, panel->run_first,
              panel->run_count);
}

static void tally_add(struct replay *replay, struct tally *tally, struct cache_stats *before)
{
    struct cache_stats now;
    cache_stats(replay->cache, &now);
    tally->requests += now.requests - before->requests;
    tally->hits += now.request_hits - before->request_hits;
    *before = now;
}

static void minute_read(struct replay *replay, bool has_scan, struct result *result, struct cache_stats *seen)
{
    struct tally ignored = { 0 };
    int64_t of_day = replay->minute % 1440;
    bool is_day = of_day >= 8 * 60 && of_day < 20 * 60;
    tally_add(replay, &ignored, seen);
    struct tally before = result->panels;
    for (int load = 0; load < (is_day ? 6 : 2); load++) panel_load(replay);
    tally_add(replay, &result->panels, seen);
    if (of_day >= 2 * 60 + 20 && of_day < 2 * 60 + 20 + AFTER_SCAN_MINUTES) {
        result->after_scan.requests += result->panels.requests - before.requests;
        result->after_scan.hits += result->panels.hits - before.hits;
    }
    if (replay->minute % 10 == 7) { /* drawn in any case, so that both traces have the same */
        int64_t from = (int64_t)dice(replay, DAYS_BEFORE * 1440);
        span_read(replay, (uint32_t)dice(replay, PROJECTS), replay->minute - from - 60, replay->minute - from, 0, RUNS);
    }
    for (int64_t hour = 0; has_scan && of_day >= 2 * 60 && of_day < 2 * 60 + 20 && hour < DAYS_BEFORE * 24; hour++) {
        int64_t from = replay->minute / 60 * 60 - (DAYS_BEFORE * 24 - hour) * 60;
        if (hour % 20 != of_day % 20) continue;
        for (uint32_t p = 0; p < PROJECTS; p++) span_read(replay, p, from, from + 60, 0, RUNS);
    }
}

/* -- the replay ------------------------------------------------------------------------------------------------- */

static struct result replay_run(struct cache_options options, bool has_scan)
{
    static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR };
    char dir[] = "cache_bench_XXXXXX", command[64];
    struct replay *replay = mem_calloc(1, sizeof *replay);
    struct result result = { 0 };
    struct cache_stats seen = { 0 };
    struct err err = { 0 };
    if (!mkdtemp(dir)) must(err_os(&err, "could not make a folder"), &err);
    replay->seed = 7;
    replay->minute = DAYS_BEFORE * 1440;
    replay->buffer = mem_alloc(64 << 20);
    replay->touched = mem_calloc(1, 1 << 20);
    options.dir = dir;
    options.log = &quiet;
    options.now_unix_us = now_of;
    options.now_ctx = replay;
    must(cache_open(&replay->cache, &options, &err), &err);
    replay->counted = counted_store_open(PROJECTS * HOURS * (PARTS + 1));
    replay->counted->has_plain_puts = true;
    replay->store = object_store_open_cached(&replay->counted->store, replay->cache);
    panels_make(replay);
    for (uint32_t hour = 0; hour < DAYS_BEFORE * 24; hour++)
        for (uint32_t p = 0; p < PROJECTS; p++) {
            char key[80];
            uint64_t bytes = file_of(replay, p, hour, PARTS, key);
            counted_add(replay->counted, key, bytes, NULL);
        }
    uint64_t begin_ns = clock_mono_ns();
    while (++replay->minute < (DAYS_BEFORE + DAYS_REPLAYED) * 1440) {
        minute_write(replay);
        minute_read(replay, has_scan, &result, &seen);
    }
    result.seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
    cache_stats(replay->cache, &result.stats);
    result.all = (struct tally){ result.stats.requests, result.stats.request_hits };
    result.gets = replay->counted->gets;
    result.touched_bytes = replay->touched_blocks << 16;
    object_store_close(replay->store);
    cache_close(replay->cache);
    free(replay->buffer);
    free(replay->touched);
    free(replay);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0) exit(1);
    return result;
}

static double percent(struct tally tally)
{
    return tally.requests ? 100.0 * (double)tally.hits / (double)tally.requests : 0;
}

static double bytes_percent(const struct cache_stats *stats)
{
    return 100.0 * (1 - (double)stats->bytes_fetched / (double)stats->bytes_asked);
}

static void policy_print(struct cache_options options, enum cache_policy policy, const char *suffix)
{
    options.policy = policy;
    struct result with = replay_run(options, true), without = replay_run(options, false);
    printf("cache_hit_percent%s %.2f %%\n", suffix, percent(with.all));
    printf("cache_hit_bytes_percent%s %.2f %%\n", suffix, bytes_percent(&with.stats));
    printf("cache_panel_hit_percent%s %.2f %%\n", suffix, percent(with.panels));
    printf("cache_panel_hit_percent_without_scan%s %.2f %%\n", suffix, percent(without.panels));
    printf("cache_scan_cost_points%s %.2f points\n", suffix, percent(without.after_scan) - percent(with.after_scan));
    printf("cache_gets%s %llu GETs\n", suffix, (unsigned long long)with.gets);
    printf("cache_fetched_mb%s %.0f MB\n", suffix, (double)with.stats.bytes_fetched / 1e6);
    printf("cache_disk_written_mb%s %.0f MB\n", suffix, (double)with.stats.disk_bytes_written / 1e6);
    printf("cache_memory_hits_percent%s %.1f %%\n", suffix,
           100.0 * (double)with.stats.memory_hits /
               (double)(with.stats.memory_hits + with.stats.disk_hits + with.stats.misses));
    if (policy != CACHE_POLICY_DEFAULT) return;
    printf("cache_requests %llu requests\n", (unsigned long long)with.all.requests);
    printf("cache_asked_mb %.0f MB\n", (double)with.stats.bytes_asked / 1e6);
    printf("cache_touched_mb %.0f MB\n", (double)with.touched_bytes / 1e6);
    printf("cache_touched_mb_without_scan %.0f MB\n", (double)without.touched_bytes / 1e6);
    printf("cache_touched_per_memory %.1f times\n", (double)without.touched_bytes / (double)options.memory_bytes);
    printf("cache_touched_per_disk %.1f times\n", (double)with.touched_bytes / (double)options.disk_bytes);
    printf("cache_replay_us_per_request %.1f us\n", with.seconds * 1e6 / (double)with.all.requests);
}

/* How long a start takes: the heads of OPEN_BLOCKS blocks, written as the cache does (of their bytes one each, the rest
 * holes), read again; told for the 763,000 of 100 GB. The heads are in the kernel's cache. */
static void open_measure(void)
{
    enum { OPEN_BLOCKS = 8 * 8192 };
    static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR };
    char dir[] = "cache_bench_XXXXXX", command[64];
    struct err err = { 0 };
    if (!mkdtemp(dir)) must(err_os(&err, "could not make a folder"), &err);
    struct cache_options options = { .dir = dir,
                                     .scope = "bench",
                                     .memory_bytes = 128 << 20,
                                     .disk_bytes = 100000000000,
                                     .ttl_s = 7 * 86400,
                                     .disk = &disk_real,
                                     .log = &quiet };
    struct cache *cache;
    must(cache_open(&cache, &options, &err), &err);
    for (uint32_t b = 0; b < OPEN_BLOCKS; b++) {
        struct slab_head head = { .object = { b / 64, 1 }, .block = b % 64, .len = 1, .touched_s = cache_now_s(cache) };
        must(slab_write(&cache->slabs, b, &head, "x", &err), &err);
    }
    cache_close(cache);
    uint64_t begin_ns = clock_mono_ns();
    must(cache_open(&cache, &options, &err), &err);
    double ms = (double)(clock_mono_ns() - begin_ns) / 1e6;
    struct cache_stats stats;
    cache_stats(cache, &stats);
    if (stats.disk_bytes != (uint64_t)OPEN_BLOCKS * CACHE_BLOCK_BYTES) exit(1);
    cache_close(cache);
    printf("cache_open_ms_per_100gb %.0f ms\n", ms * (100e9 / CACHE_BLOCK_BYTES) / OPEN_BLOCKS);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0) exit(1);
}

int main(int argc, char **argv)
{
    struct cache_options options = { .scope = "bench",
                                     .block_bytes = argc > 1 ? (uint32_t)atoi(argv[1]) : 0,
                                     .memory_bytes = (argc > 2 ? (uint64_t)atoi(argv[2]) : 22) << 20,
                                     .disk_bytes = (argc > 3 ? (uint64_t)atoi(argv[3]) : 430) << 20,
                                     .ttl_s = 7 * 86400,
                                     .disk = &disk_real };
    policy_print(options, CACHE_POLICY_DEFAULT, "");
    if (argc < 5) policy_print(options, CACHE_POLICY_LRU, "_lru");
    if (argc < 2) open_measure();
    return 0;
}
