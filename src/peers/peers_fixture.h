/* peers_fixture.h -- for tests: the tables of one process among several, which share a store. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "timefusion/timefusion.h"

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

/* name: of the process; its folder is dir/name. */
static inline struct timefusion *peers_timefusion_open(const char *dir, struct object_store *store, const char *name)
{
    struct err err = { 0 };
    struct timefusion *timefusion;
    char own[96];
    snprintf(own, sizeof own, "%s/%s", dir, name);
    assert_true(disk_real.ops->mkdir(&disk_real, own, &err));
    struct timefusion_options options = {
        .dir = own, .store = store, .disk = &disk_real, .refresh_ms = 50, .footer_bytes_max = 1 << 20, .log = &quiet
    };
    if (!timefusion_open(&timefusion, &options, &err)) fail_msg("%s", err.text);
    return timefusion;
}
