#include "base/fail.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool fail_point_armed;

/* Const after start, but for passes_left. */
static struct armed {
    const char *variable;
    int signal;
    const char *name;
    size_t name_len;
    _Atomic long passes_left;
} armed[] = { { .variable = "MONOSCOPE_FAIL_POINT", .signal = SIGKILL },
              { .variable = "MONOSCOPE_STOP_POINT", .signal = SIGSTOP } };

static void point_arm(struct armed *point)
{
    const char *text = getenv(point->variable);
    if (text == NULL || *text == 0) return;
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long count = colon ? strtol(colon + 1, &end, 10) : 1;
    if (colon && (end == colon + 1 || *end != 0 || count < 1)) {
        fprintf(stderr, "%s=\"%s\" is not name:count\n", point->variable, text);
        _exit(2); /* a crash test that never crashes would pass for the wrong reason */
    }
    point->name = text;
    point->name_len = colon ? (size_t)(colon - text) : strlen(text);
    point->passes_left = count;
    fail_point_armed = true;
}

/* Before main, so that no thread can pass a point while it is being armed. */
__attribute__((constructor)) static void fail_points_arm(void)
{
    for (size_t a = 0; a < COUNT_OF(armed); a++) point_arm(&armed[a]);
}

void fail_point_passed(const char *name)
{
    for (size_t a = 0; a < COUNT_OF(armed); a++) {
        struct armed *point = &armed[a];
        if (!point->name || strlen(name) != point->name_len || memcmp(name, point->name, point->name_len) != 0)
            continue;
        if (atomic_fetch_sub(&point->passes_left, 1) != 1) continue;
        kill(getpid(), point->signal);
        usleep(100000); /* another thread may have taken the signal: here we stand until all of us do */
    }
}
