/* What a minute of 10,000 series costs: looked at, learned from, and written as bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "detect/detect.h"

#define SERIES  10000
#define BUCKETS 20

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

int main(void)
{
    struct detect *detect = detect_create(NULL);
    uint64_t seed = 1, minute_ns = 0, findings_told = 0;
    uint32_t minutes = 0;
    for (uint32_t s = 0; s < SERIES; s++) detect_series_add(detect);
    for (int64_t minute = 30000000; minute < 30000000 + 1500; minute++) {
        bool is_counted = minute >= 30000000 + 1440; /* the first day has less to do */
        uint64_t begin_ns = clock_thread_ns();
        const struct detect_finding *findings;
        detect_minute_begin(detect, minute * 60000000);
        for (uint32_t s = 0; s < SERIES; s++) {
            struct ddsketch_count durations[BUCKETS];
            int64_t rows = (int64_t)(20 + s % 200 + next(&seed) % 10), each = rows / BUCKETS + 1;
            for (int32_t b = 0; b < BUCKETS; b++)
                durations[b] = (struct ddsketch_count){ 800 + 4 * b + (int32_t)(s % 7), each };
            detect_put(detect, s, rows, (int64_t)(next(&seed) % 50 == 0), durations, BUCKETS);
        }
        findings_told += detect_minute_end(detect, &findings);
        if (is_counted) {
            minute_ns += clock_thread_ns() - begin_ns;
            minutes++;
        }
    }
    struct buf buf;
    struct err err = { 0 };
    buf_init(&buf, (size_t)SERIES * DETECT_STATE_BYTES);
    uint64_t begin_ns = clock_thread_ns();
    for (uint32_t s = 0; s < SERIES; s++) detect_series_write(detect, s, &buf);
    uint64_t write_ns = clock_thread_ns() - begin_ns;
    size_t bytes = buf.len / SERIES;
    begin_ns = clock_thread_ns();
    for (uint32_t s = 0; s < SERIES; s++)
        if (!detect_series_read(detect, s, bytes_from(buf.ptr + s * bytes, bytes), &err)) abort();
    uint64_t read_ns = clock_thread_ns() - begin_ns;
    printf("detect_cpu_ms_per_10000_series %.1f ms   (a minute of them, with durations in %d buckets each)\n",
           (double)minute_ns / 1e6 / minutes, BUCKETS);
    printf("detect_state_bytes %zu B   (of a series)\n", bytes);
    printf("detect_state_cpu_ms_per_10000_series %.1f ms written, %.1f ms read\n", (double)write_ns / 1e6,
           (double)read_ns / 1e6);
    (void)findings_told;
    buf_deinit(&buf);
    detect_destroy(detect);
    return 0;
}
