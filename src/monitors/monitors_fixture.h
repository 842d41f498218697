/* monitors_fixture.h -- a made-up world for tests: values of groups as a function of the minute, in place of a query. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <math.h>
#include <cmocka.h>

#include "monitors/monitors.h"

#define MINUTE INT64_C(60000000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct world {
    const char *const *groups; /* NULL-terminated; NULL: one, without a name */
    /* Of one minute: false: there is nothing then. */
    bool (*minute)(const struct world *world, uint32_t group, int64_t minute, double *value, double *total);
    bool is_broken;
    uint64_t seed;
};

/* Sums over the minutes of [from, to). */
static inline bool world_ask(void *ctx, struct uuid project_id, const char *project_name,
                             const struct monitor_query *query, int64_t from_us, int64_t to_us, struct arena *arena,
                             struct monitor_rows *rows, struct err *err)
{
    const struct world *world = ctx;
    uint32_t groups = 1;
    (void)project_id, (void)project_name, (void)query;
    if (world->is_broken) return err_set(err, ERR_NO_COLUMN, "there is no column \"x\"");
    if (world->groups != NULL)
        for (groups = 0; world->groups[groups] != NULL;) groups++;
    rows->rows = arena_calloc(arena, groups * sizeof *rows->rows);
    for (uint32_t g = 0; g < groups; g++) {
        struct monitor_row row = { .is_null = true };
        if (world->groups != NULL) row.group = bytes_of_text(world->groups[g]);
        for (int64_t minute = from_us / MINUTE; minute < to_us / MINUTE; minute++) {
            double value = 0, total = 0;
            if (!world->minute(world, g, minute, &value, &total)) continue;
            row.is_null = false;
            row.value += value;
            row.total += total;
        }
        if (!row.is_null || world->groups == NULL) rows->rows[rows->count++] = row;
    }
    return true;
}

/* The document is in the arena: texts of the monitor are in it. */
static inline void monitor_of(struct monitor *monitor, struct arena *arena, const char *json)
{
    char pointer[MONITOR_POINTER_BYTES];
    struct err err = { 0 };
    yyjson_alc pool;
    size_t room = yyjson_read_max_memory_usage(strlen(json), 0);
    assert_true(yyjson_alc_pool_init(&pool, arena_alloc(arena, room), room));
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)json, strlen(json), 0, &pool, NULL);
    assert_non_null(doc);
    if (!monitor_read(monitor, yyjson_doc_get_root(doc), arena, pointer, &err)) fail_msg("%s: %s", pointer, err.text);
}
