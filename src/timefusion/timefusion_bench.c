/* What a query pays before it has looked at anything: the list of a project's files, of many. */
#include <unistd.h>

#define BENCH_PROJECTS 1
#include "timefusion/delta/delta_bench_table.h"
#include "timefusion/timefusion.h"

enum { ROUNDS = 20 };

static void bench_at(struct object_store *store, const char *dir, uint32_t file_count)
{
    struct err err = { 0 };
    struct timefusion *timefusion;
    struct timefusion_options options = {
        .dir = dir, .store = store, .disk = &disk_real, .footer_bytes_max = 1 << 20, .log = &bench_log
    };
    must(timefusion_open(&timefusion, &options, &err), &err);
    struct delta_table *table = timefusion_delta(timefusion, SCHEMA_LOGS_AND_SPANS);
    bench_commit(table, file_count, 1000);
    uint64_t first_ns = 0, others_ns = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct timefusion_snapshot *snapshot;
        uint64_t from_ns = clock_cpu_ns();
        must(timefusion_snapshot_acquire(timefusion, SCHEMA_LOGS_AND_SPANS, bench_project(0), &snapshot, &err), &err);
        assert(snapshot->file_count == file_count);
        timefusion_snapshot_release(snapshot);
        *(round == 0 ? &first_ns : &others_ns) += clock_cpu_ns() - from_ns;
    }
    printf("timefusion_snapshot_first_ms_at_%u %.2f ms\n", file_count, (double)first_ns / 1e6);
    printf("timefusion_snapshot_ms_at_%u %.2f ms\n", file_count, (double)others_ns / 1e6 / (ROUNDS - 1));
    timefusion_close(timefusion);
}

int main(void)
{
    for (uint32_t file_count = 1000; file_count <= 100000; file_count *= 10) {
        char dir[] = "/tmp/mono_timefusion_bench_XXXXXX", tables[64], command[64];
        struct object_store *store;
        struct err err = { 0 };
        struct disk_ops ops;
        struct disk disk = bench_disk(&ops);
        if (mkdtemp(dir) == NULL) return 1;
        snprintf(tables, sizeof tables, "%s/tables", dir);
        must(object_store_open_folder(&store, tables, &disk, &err), &err);
        bench_at(store, dir, file_count);
        object_store_close(store);
        snprintf(command, sizeof command, "rm -rf %s", dir);
        if (system(command) != 0) return 1;
    }
    return 0;
}
