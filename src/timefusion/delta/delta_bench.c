/* What a table of many files costs: commits, snapshots, checkpoints. Syncs are left out: our own work is measured. */
#include <unistd.h>

#include "timefusion/delta/delta_bench_table.h"

enum { COMMITS_MEASURED = 300, SIZES = 3 };
static const uint32_t sizes[SIZES] = { 100, 10000, 100000 };

/* By turns, so that what else the machine does hits all alike. */
static void bench_commits(struct delta_table *tables[SIZES])
{
    uint64_t spent_ns[SIZES][COMMITS_MEASURED];
    for (uint32_t i = 0; i < COMMITS_MEASURED; i++) {
        for (uint32_t size = 0; size < SIZES; size++) spent_ns[size][i] = bench_commit(tables[size], 1, 1);
    }
    for (uint32_t size = 0; size < SIZES; size++)
        printf("delta_commit_us_at_%u %.1f us\n", sizes[size], bench_median_us(spent_ns[size], COMMITS_MEASURED));
}

static void bench_project_files(struct delta_table *table)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(table);
    uint32_t first, count;
    uint64_t from_ns = clock_cpu_ns(), rows = 0;
    delta_snapshot_project(snapshot, bench_project(7), &first, &count);
    for (uint32_t i = 0; i < count; i++) rows += delta_snapshot_file(snapshot, first + i)->row_count;
    assert(rows > 0);
    printf("delta_project_file_ns_at_%u %.1f ns\n", snapshot->file_count, (double)(clock_cpu_ns() - from_ns) / count);
    delta_snapshot_release(snapshot);
}

static void bench_checkpoint(struct delta_table *table)
{
    struct err err = { 0 };
    bench_peak_reset();
    long before_kb = bench_status_kb("VmRSS");
    uint64_t from_ns = clock_mono_ns();
    must(delta_checkpoint_write(table, &err), &err);
    printf("delta_checkpoint_ms %.1f ms\n", seconds_since(from_ns) * 1e3);
    printf("checkpoint_rss_growth_mb %.1f MB\n", (double)(bench_status_kb("VmHWM") - before_kb) / 1024);
}

int main(void)
{
    char dir[] = "/tmp/mono_delta_bench_XXXXXX", command[64];
    struct object_store *store;
    struct delta_table *tables[SIZES];
    struct err err = { 0 };
    struct disk_ops ops;
    struct disk disk = bench_disk(&ops);
    if (mkdtemp(dir) == NULL) return 1;
    must(object_store_open_folder(&store, dir, &disk, &err), &err);
    long before_kb = bench_status_kb("VmRSS");
    for (uint32_t size = SIZES; size-- > 0;) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "files-%u", sizes[size]);
        struct delta_options options = {
            .store = store, .prefix = prefix, .table = schema_table(SCHEMA_LOGS_AND_SPANS), .log = &bench_log
        };
        must(delta_open(&tables[size], &options, &err), &err);
        bench_commit(tables[size], sizes[size], sizes[size] < 1000 ? sizes[size] : 1000);
        if (size != SIZES - 1) continue;
        long after_kb = bench_status_kb("VmRSS");
        printf("delta_file_bytes %.0f B\n", (double)(after_kb - before_kb) * 1024 / sizes[size]);
        bench_checkpoint(tables[size]); /* before anything was freed that it could use */
    }
    bench_commits(tables);
    bench_project_files(tables[SIZES - 1]);
    for (uint32_t size = 0; size < SIZES; size++) delta_close(tables[size]);
    object_store_close(store);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 ? 0 : 1;
}
