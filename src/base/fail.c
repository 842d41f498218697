#include "base/fail.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool fail_point_armed;

/* Const after start. */
static const char *armed_name;
static size_t armed_name_len;
static _Atomic long passes_left;

/* Before main, so that no thread can pass a point while it is being armed. */
__attribute__((constructor)) static void fail_point_arm(void)
{
    const char *text = getenv("MONOSCOPE_FAIL_POINT");
    if (text == NULL || *text == 0) return;
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long count = colon ? strtol(colon + 1, &end, 10) : 1;
    if (colon && (end == colon + 1 || *end != 0 || count < 1)) {
        fprintf(stderr, "MONOSCOPE_FAIL_POINT=\"%s\" is not name:count\n", text);
        _exit(2); /* a crash test that never crashes would pass for the wrong reason */
    }
    armed_name = text;
    armed_name_len = colon ? (size_t)(colon - text) : strlen(text);
    passes_left = count;
    fail_point_armed = true;
}

void fail_point_passed(const char *name)
{
    if (strlen(name) != armed_name_len || memcmp(name, armed_name, armed_name_len) != 0) return;
    if (atomic_fetch_sub(&passes_left, 1) == 1) kill(getpid(), SIGKILL);
}
