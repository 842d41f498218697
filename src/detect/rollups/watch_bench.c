/* What a minute of 10,000 series costs with its reading: from SQLite, CPU of all of the process. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "detect/rollups/watch.h"
#include "meta/tap_position.h"

#define PROJECT  ((struct uuid){ { 7 } })
#define APP_ID   "monoscope/f1/0"
#define BEGIN_US (INT64_C(20000) * ROLLUP_DAY_US)

enum { SERIES = 10000, BUCKETS = 20, MINUTES = 4 };

static void stop(const struct err *err)
{
    fprintf(stderr, "watch_bench: %s\n", err->text);
    exit(1);
}

static void minute_store(struct db *db, int64_t minute, uint64_t position)
{
    struct err err = { 0 };
    struct rollup_series *series = mem_calloc(SERIES, sizeof *series);
    struct rollup_sums *sums = mem_calloc(SERIES, sizeof *sums);
    struct rollup_bucket *buckets = mem_calloc((size_t)SERIES * BUCKETS, sizeof *buckets);
    char(*names)[16] = mem_calloc(SERIES, sizeof *names);
    int64_t at_us = BEGIN_US + minute * ROLLUP_MINUTE_US;
    struct rollup_changes changes = { .app_id = APP_ID,
                                      .owner = PROJECT,
                                      .position_before = position,
                                      .position = position + 1,
                                      .series = series,
                                      .minutes = sums,
                                      .buckets = buckets,
                                      .series_count = SERIES,
                                      .minute_count = SERIES,
                                      .bucket_count = (size_t)SERIES * BUCKETS };
    for (uint32_t s = 0; s < SERIES; s++) {
        snprintf(names[s], sizeof names[s], "s%u", s / 20);
        snprintf(names[s] + 8, 8, "e%u", s);
        series[s] = (struct rollup_series){ .project_id = PROJECT,
                                            .kind = "server",
                                            .service = bytes_of_text(names[s]),
                                            .endpoint = bytes_of_text(names[s] + 8),
                                            .source_kind = "",
                                            .target_kind = "",
                                            .first_unix_us = at_us,
                                            .last_unix_us = at_us };
        series[s].id = rollup_series_id(&series[s]);
        sums[s] = (struct rollup_sums){ .project_id = PROJECT,
                                        .at_unix_us = at_us,
                                        .series_id = series[s].id,
                                        .row_count = 100,
                                        .error_count = 1,
                                        .duration_count = 100 };
        for (int b = 0; b < BUCKETS; b++)
            buckets[s * BUCKETS + (uint32_t)b] = (struct rollup_bucket){ .project_id = PROJECT,
                                                                         .at_unix_us = at_us,
                                                                         .series_id = series[s].id,
                                                                         .bucket = 700 + 5 * b,
                                                                         .row_count = 5 };
    }
    if (!rollup_store(db, &changes, at_us, &err)) stop(&err);
    free(series);
    free(sums);
    free(buckets);
    free(names);
}

static void tell(void *ctx, const struct detect_finding *finding, const struct watch_subject *subject)
{
    (void)ctx, (void)finding, (void)subject;
}

int main(void)
{
    char dir[] = "/tmp/watch_bench.XXXXXX", path[64], shm[70], wal[70];
    struct db *db;
    struct err err = { 0 };
    uint64_t position;
    if (!mkdtemp(dir)) return 1;
    snprintf(path, sizeof path, "%s/meta.sqlite", dir);
    snprintf(shm, sizeof shm, "%s-shm", path);
    snprintf(wal, sizeof wal, "%s-wal", path);
    struct db_options options = { .url = path, .log = &(struct log){ .fd = -1, .level_min = LOG_ERROR } };
    if (!db_open(&db, &options, &err) || !tap_position_take(db, ROLLUP_TAP, APP_ID, PROJECT, BEGIN_US, &position, &err))
        stop(&err);
    for (int m = 0; m < MINUTES; m++) minute_store(db, m, position + (uint64_t)m);
    struct watch *watch = watch_create(PROJECT, BEGIN_US, NULL);
    if (!watch_run(watch, db, BEGIN_US + ROLLUP_MINUTE_US, tell, NULL, &err)) stop(&err); /* names */
    uint64_t begin_ns = clock_cpu_ns();
    for (int m = 2; m <= MINUTES; m++)
        if (!watch_run(watch, db, BEGIN_US + m * ROLLUP_MINUTE_US, tell, NULL, &err)) stop(&err);
    if (watch_series_count(watch) != SERIES + SERIES / 20) return 1;
    printf("detect_minute_cpu_ms %.0f ms   (10,000 endpoints of 500 services, %d buckets each, read from SQLite)\n",
           (double)(clock_cpu_ns() - begin_ns) / 1e6 / (MINUTES - 1), BUCKETS);
    watch_destroy(watch);
    db_close(db);
    unlink(path);
    unlink(shm);
    unlink(wal);
    rmdir(dir);
    return 0;
}
