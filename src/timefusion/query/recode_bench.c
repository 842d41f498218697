/* What recoding a day costs: files as joining leaves them, read by DuckDB, sorted, encoded again; whole units of maintenance. */
#include <malloc.h>

#include "timefusion/maintenance/maintenance_fixture.h"
#include "timefusion/query/query.h"

#define DAY       20000
#define FILES     300
#define FILE_ROWS 2000 /* a project with 33 spans a second, flushed every minute */

static uint64_t peak_bytes(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lu", &kib) == 1) break;
    if (status) fclose(status);
    return kib * 1024;
}

static uint64_t table_bytes(struct maintenance_fixture *fixture, uint64_t *rows, uint32_t *files)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(fixture->timefusion, FIXTURE_TABLE));
    uint64_t bytes = 0;
    *rows = 0;
    for (uint32_t f = 0; f < snapshot->file_count; f++) {
        bytes += delta_snapshot_file(snapshot, f)->bytes;
        *rows += delta_snapshot_file(snapshot, f)->row_count;
    }
    *files = snapshot->file_count;
    delta_snapshot_release(snapshot);
    return bytes;
}

int main(int argc, char **argv)
{
    struct maintenance_fixture fixture;
    struct maintenance *maintenance;
    struct maintenance_result result;
    struct err err = { 0 };
    struct rewriter rewriter = query_rewriter();
    uint64_t rows_before, rows;
    uint32_t files_before, files;
    fixture_init(&fixture);
    for (uint64_t f = 0; f < FILES; f++) fixture_add(&fixture, DAY, f * FILE_ROWS, f * FILE_ROWS + FILE_ROWS);
    struct maintenance_options options = { .timefusion = fixture.timefusion,
                                           .memory_bytes_max = (uint64_t)(argc > 1 ? atoi(argv[1]) : 58)
                                                               << 20, /* MiB; 58: 6% of the default --memory */
                                           .recode_after_ms = 1,
                                           .vacuum_keep_ms = -1,
                                           .log = &fixture.log };
    fixture_must(maintenance_open(&maintenance, &options, &err) && maintenance_start(maintenance, &rewriter, &err),
                 &err, "open");
    struct maintenance_request request = { .table = FIXTURE_TABLE, .keep_ms = -1 };
    fixture_must(maintenance_run_now(maintenance, MAINTENANCE_JOIN, &request, &result, &err), &err, "join");
    uint64_t bytes_before = table_bytes(&fixture, &rows_before, &files_before);
    malloc_trim(0);
    uint64_t memory = peak_bytes(), cpu_ns = clock_cpu_ns(), begin_ns = clock_mono_ns();
    fixture_must(maintenance_run_now(maintenance, MAINTENANCE_RECODE, &request, &result, &err), &err, "recode");
    cpu_ns = clock_cpu_ns() - cpu_ns;
    uint64_t bytes = table_bytes(&fixture, &rows, &files);
    if (rows != rows_before) abort();
    printf("recode_cpu_us_per_row %.2f us\n", (double)cpu_ns / 1e3 / (double)rows);
    printf("recode_rows %llu rows\n", (unsigned long long)rows);
    printf("recode_units %llu units\n", (unsigned long long)result.units);
    printf("recode_unit_s %.2f s\n", (double)(clock_mono_ns() - begin_ns) / 1e9 / (double)result.units);
    printf("recode_files_before %u files\n", files_before);
    printf("recode_files_after %u files\n", files);
    printf("recode_bytes_per_row_before %.1f B\n", (double)bytes_before / (double)rows);
    printf("recode_bytes_per_row_after %.1f B\n", (double)bytes / (double)rows);
    printf("recode_rss_growth_mb %.0f MB\n", (double)(peak_bytes() - memory) / 1e6);
    maintenance_close(maintenance);
    fixture_deinit(&fixture);
    return 0;
}
