/* What the tap of log patterns costs: a line whose template is known, one of a flood of words, storing what a minute brings. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "meta/tap_position.h"
#include "worker/patterns/pattern_delta.h"

enum { TEMPLATES = 500, LINES = 4000000, FLOOD = 200000, MINUTES = 20 };
static const struct uuid project = { { 7 } };

struct known {
    char text[64], pattern[4 + UUID_TEXT_BYTES + 1];
};
static struct known known[TEMPLATES];

static void known_make(struct known *one, const char *format, uint32_t n)
{
    snprintf(one->text, sizeof one->text, format, 'a' + (int)(n % 26), 'a' + (int)(n / 26 % 26),
             'a' + (int)(n / 676 % 26), 'a' + (int)(n / 17576 % 26));
    memcpy(one->pattern, "pat:", 5);
    uuid_to_text(rows_pattern_id(project, BYTES("bench"), bytes_of_text(one->text)), one->pattern + 4);
}

static void line_add(struct pattern_delta *delta, struct pattern_names *names, const struct known *one, int64_t at_us)
{
    struct rows_row row = { .kind = ROWS_LOG,
                            .timestamp_us = at_us,
                            .service = BYTES("bench"),
                            .level = 3,
                            .template = bytes_of_text(one->text),
                            .message = bytes_of_text(one->text),
                            .pattern = bytes_from(one->pattern, 4 + UUID_TEXT_BYTES) };
    pattern_delta_row(delta, names, project, &row, 0);
}

static void fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void store_measure(struct pattern_delta *delta, struct pattern_names *names)
{
    static const struct log log = { .fd = 2, .level_min = LOG_ERROR };
    char dir[] = "/tmp/mono_bench_XXXXXX", path[64], command[80];
    struct db *db;
    struct err err = { 0 };
    struct uuid owner = uuid_random();
    uint64_t position, spent_ns = 0;
    if (mkdtemp(dir) == NULL) exit(1);
    snprintf(path, sizeof path, "%s/meta.sqlite", dir);
    if (!db_open(&db, &(struct db_options){ .url = path, .log = &log }, &err) ||
        !tap_position_take(db, PATTERN_TAP, "bench", owner, clock_unix_us(), &position, &err))
        fail(&err);
    for (uint32_t minute = 0; minute < MINUTES; minute++) {
        for (uint32_t t = 0; t < TEMPLATES; t++)
            line_add(delta, names, &known[t], clock_unix_us() + minute * PATTERN_MINUTE_US);
        struct pattern_changes changes = {
            .app_id = "bench", .owner = owner, .position_before = minute, .position = minute + 1
        };
        uint64_t begin_ns = clock_cpu_ns();
        pattern_delta_changes(delta, &changes);
        if (!pattern_store(db, &changes, clock_unix_us(), &err)) fail(&err);
        spent_ns += clock_cpu_ns() - begin_ns;
        pattern_delta_reset(delta);
    }
    printf("patterns_store_ms %.1f ms (CPU, a minute of %d templates, into SQLite)\n", (double)spent_ns / 1e6 / MINUTES,
           TEMPLATES);
    db_close(db);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0) exit(1);
}

int main(void)
{
    struct pattern_delta *delta = pattern_delta_create();
    struct pattern_names *names = pattern_names_create();
    for (uint32_t t = 0; t < TEMPLATES; t++)
        known_make(&known[t], t % 2 ? "step %c%c%c%c of the work is done" : "%c%c%c%c went there and came back again",
                   t);
    int64_t now_us = clock_unix_us();
    uint64_t begin_ns = clock_cpu_ns();
    for (uint32_t n = 0; n < LINES; n++) line_add(delta, names, &known[n * 2654435761u % TEMPLATES], now_us + n);
    printf("patterns_count_ns %.0f ns (CPU, a line whose template is known)\n",
           (double)(clock_cpu_ns() - begin_ns) / LINES);
    pattern_delta_reset(delta);

    struct known *flood = malloc(FLOOD * sizeof *flood);
    for (uint32_t n = 0; n < FLOOD; n++) known_make(&flood[n], "user %c%c%c%c has logged in", n);
    begin_ns = clock_cpu_ns();
    for (uint32_t n = 0; n < FLOOD; n++) line_add(delta, names, &flood[n], now_us);
    printf("patterns_flood_ns %.0f ns (CPU, a line of a template that was never there, %d of them; %zu KiB)\n",
           (double)(clock_cpu_ns() - begin_ns) / FLOOD, FLOOD, pattern_delta_bytes(delta) >> 10);
    pattern_delta_reset(delta);
    store_measure(delta, names);
    free(flood);
    pattern_names_destroy(names);
    pattern_delta_destroy(delta);
    return 0;
}
