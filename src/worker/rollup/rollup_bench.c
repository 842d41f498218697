/* What counting costs: a row, a minute's counts into SQLite, and how the file grows. 40 services of 50 endpoints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "meta/tap_position.h"
#include "worker/rollup/rollup_delta.h"

enum { SERVICES = 40, ENDPOINTS = 50, ROWS = 4000000, REQUEST_ROWS = 500, MINUTES = 30, ROWS_A_MINUTE = 60000 };

static struct {
    char services[SERVICES][16], endpoints[SERVICES * ENDPOINTS][40], routes[ENDPOINTS][32];
} names;
static struct otlp_request request;
static uint64_t random_state = 88172645463325252u;

static uint64_t next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void names_make(void)
{
    for (int s = 0; s < SERVICES; s++) snprintf(names.services[s], sizeof names.services[s], "service-%02d", s);
    for (int e = 0; e < ENDPOINTS; e++) snprintf(names.routes[e], sizeof names.routes[e], "/api/v1/thing%02d/{id}", e);
    for (int e = 0; e < SERVICES * ENDPOINTS; e++)
        snprintf(names.endpoints[e], sizeof names.endpoints[e], "%08x-7104-538a-8d29-%012llx", (unsigned)next(),
                 (unsigned long long)(next() & 0xFFFFFFFFFFFF));
    request.resources.count = SERVICES;
}

static void rows_add(struct rollup_delta *delta, struct rollup_names *of_day, int64_t at_us, uint32_t count)
{
    static const struct uuid project = { { 7 } };
    uint8_t ids[32];
    struct otlp_span span = { .trace_id = bytes_from(ids, 16), .span_id = bytes_from(ids + 16, 8) };
    for (uint32_t r = 0; r < count; r++) {
        uint64_t random = next();
        uint32_t service = (uint32_t)(random >> 8) % SERVICES, endpoint = (uint32_t)(random >> 32) % ENDPOINTS;
        bool is_server = (random & 3) < 2;
        if (r % REQUEST_ROWS == 0) rollup_delta_request_begin(delta, of_day, at_us, project, &request);
        memcpy(ids, &random, 8);
        memcpy(ids + 16, &random, 8);
        span.parent_span_id = bytes_from(ids + 16, is_server ? 8 : 0);
        struct rows_row row = { .kind = is_server ? ROWS_SERVER : ROWS_CLIENT,
                                .has_duration = true,
                                /* most of an endpoint's requests take about as long as each other */
                                .duration_ns =
                                    (uint64_t)(1e6 * (1 + endpoint) * exp((double)(random >> 44) / 1048576.0)),
                                .timestamp_us = at_us,
                                .resource = service,
                                .service = bytes_of_text(names.services[service]),
                                .span = &span };
        if (is_server) {
            row.endpoint = bytes_from(names.endpoints[service * ENDPOINTS + endpoint], 36);
            row.method = BYTES("GET");
            row.route = bytes_of_text(names.routes[endpoint]);
        } else if ((random & 4) == 0) {
            row.db_system = BYTES("postgresql");
            row.db_namespace = BYTES("shop");
        }
        rollup_delta_row(delta, &row, INT64_MIN);
    }
}

static void fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

int main(void)
{
    const struct log log = { .fd = -1 };
    struct rollup_names *of_day = rollup_names_create();
    struct rollup_delta *delta = rollup_delta_create();
    struct err err = { 0 };
    struct db *db;
    struct stat file;
    char dir[] = "/tmp/monoscope-rollup-XXXXXX", path[64], wal[80];
    names_make();
    uint64_t from_ns = clock_cpu_ns();
    rows_add(delta, of_day, INT64_C(1795744800000000), ROWS);
    printf("rollup_ns_per_row %.0f ns\n", (double)(clock_cpu_ns() - from_ns) / ROWS);
    printf("rollup_delta_kib %zu KiB\n", rollup_delta_bytes(delta) / 1024);
    rollup_delta_reset(delta);

    if (!mkdtemp(dir)) return 1;
    snprintf(path, sizeof path, "%s/meta.sqlite", dir);
    snprintf(wal, sizeof wal, "%s-wal", path);
    if (!db_open(&db, &(struct db_options){ .url = path, .log = &log }, &err)) fail(&err);
    uint64_t position;
    struct uuid owner = { { 1 } };
    if (!tap_position_take(db, ROLLUP_TAP, "bench", owner, clock_unix_us(), &position, &err)) fail(&err);
    uint64_t cpu_ns = 0, wall_ns = 0, rows = 0, buckets = 0;
    for (int minute = 0; minute < MINUTES; minute++) {
        rows_add(delta, of_day, INT64_C(1795744800000000) + minute * ROLLUP_MINUTE_US, ROWS_A_MINUTE);
        uint64_t begin_cpu_ns = clock_cpu_ns(), begin_ns = clock_mono_ns();
        struct rollup_changes changes = {
            .app_id = "bench", .owner = owner, .position_before = (uint64_t)minute, .position = (uint64_t)minute + 1
        };
        rollup_delta_changes(delta, &changes);
        changes.half_count = 0; /* joined and gone within minutes */
        if (!rollup_store(db, &changes, clock_unix_us(), &err)) fail(&err);
        cpu_ns += clock_cpu_ns() - begin_cpu_ns;
        wall_ns += clock_mono_ns() - begin_ns;
        rows += changes.minute_count;
        buckets += changes.bucket_count;
        rollup_delta_reset(delta);
    }
    db_close(db);
    if (stat(path, &file) != 0) return 1;
    printf("rollup_store_minute_rows %llu, buckets %llu\n", (unsigned long long)rows / MINUTES,
           (unsigned long long)buckets / MINUTES);
    printf("rollup_store_minute_cpu_ms %.0f ms, wall %.0f ms\n", (double)cpu_ns / MINUTES / 1e6,
           (double)wall_ns / MINUTES / 1e6);
    printf("rollup_store_minute_kib %.0f KiB\n", (double)file.st_size / MINUTES / 1024);
    unlink(path);
    unlink(wal);
    rmdir(dir);
    rollup_delta_destroy(delta);
    rollup_names_destroy(of_day);
    return 0;
}
