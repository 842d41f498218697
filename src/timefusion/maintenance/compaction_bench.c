/* What joining costs: CPU of units as the thread runs them (footers, copying, syncs, put, commit), while files keep coming. */
#include "timefusion/maintenance/maintenance_fixture.h"
#include "timefusion/maintenance/maintenance_inside.h"

struct cost {
    uint64_t cpu_ns, rows, bytes_flushed, bytes_copied, rows_copied, units, files_left;
};

static void joins_run(struct maintenance *maintenance, struct partition partition, struct cost *cost)
{
    atomic_bool never = false;
    uint64_t begin_ns = clock_cpu_ns();
    for (;;) {
        struct unit unit = { .maintenance = maintenance, .cancel = &never };
        struct err err = { 0 };
        enum unit_end end = join_unit(&unit, partition, PARTITION_WARM, PLAN_USUAL, &err);
        fixture_must(end != UNIT_FAILED, &err, "join");
        if (end != UNIT_DONE) break;
        cost->units++;
        cost->bytes_copied += unit.result.bytes_added;
        cost->rows_copied += unit.result.rows;
    }
    cost->cpu_ns += clock_cpu_ns() - begin_ns;
}

/* file_count files of one row group each, joined after every eight. */
static struct cost day_run(uint32_t file_count, uint32_t rows)
{
    struct maintenance_fixture fixture;
    struct maintenance *maintenance;
    struct cost cost = { .rows = (uint64_t)file_count * rows };
    struct err err = { 0 };
    fixture_init(&fixture);
    struct maintenance_options options = { .timefusion = fixture.timefusion, .log = &fixture.log };
    fixture_must(maintenance_open(&maintenance, &options, &err), &err, "open");
    struct partition partition = { FIXTURE_TABLE, fixture.project, 20000 };
    struct bytes bytes = fixture_bytes(&fixture, partition.day, 0, rows);
    for (uint32_t f = 1; f <= file_count; f++) {
        fixture_commit(&fixture, fixture.project, partition.day, bytes); /* the same rows in each */
        cost.bytes_flushed += bytes.len;
        if (f % 8 == 0) joins_run(maintenance, partition, &cost);
    }
    struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(fixture.timefusion, FIXTURE_TABLE));
    uint64_t rows_left = 0;
    for (uint32_t f = 0; f < snapshot->file_count; f++) rows_left += delta_snapshot_file(snapshot, f)->row_count;
    cost.files_left = snapshot->file_count;
    delta_snapshot_release(snapshot);
    if (rows_left != cost.rows) abort();
    maintenance_close(maintenance);
    fixture_deinit(&fixture);
    return cost;
}

static void cost_print(const char *name, uint32_t file_count, const struct cost *cost)
{
    printf("concat_ns_per_row%s %.1f ns\n", name, (double)cost->cpu_ns / (double)cost->rows_copied);
    printf("concat_us_per_input%s %.0f us\n", name, (double)cost->cpu_ns / 1e3 / file_count);
    printf("concat_files_before%s %u files\n", name, file_count);
    printf("concat_files_after%s %llu files\n", name, (unsigned long long)cost->files_left);
    printf("concat_units%s %llu units\n", name, (unsigned long long)cost->units);
    printf("concat_rows%s %llu rows\n", name, (unsigned long long)cost->rows);
    printf("concat_flushed_mb%s %.1f MB\n", name, (double)cost->bytes_flushed / 1e6);
    printf("concat_copied_mb%s %.1f MB\n", name, (double)cost->bytes_copied / 1e6);
    printf("concat_write_amplification%s %.2f x\n", name, (double)cost->bytes_copied / (double)cost->bytes_flushed);
}

int main(void)
{
    /* Sealed row groups, as a busy project has them; a project with 33 rows/s; one with 3. Eight hours of a flush a minute. */
    struct cost busy = day_run(192, 24576), calm = day_run(480, 2000), quiet = day_run(480, 200);
    cost_print("", 192, &busy);
    cost_print("_2000", 480, &calm);
    cost_print("_200", 480, &quiet);
    return 0;
}
