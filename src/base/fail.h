/* fail.h -- named points where a crash test can kill the process.
 *
 *   MONOSCOPE_FAIL_POINT="wal.before_sync:3"   SIGKILL at the third pass of that point, on whichever thread
 *
 * The names in use are listed in the README of the folder that places them.
 * Thread: any. Costs one predictable branch when off: fail_point_armed is written once, before main runs. */
#pragma once
#include "base/bytes.h"

extern bool fail_point_armed;
void fail_point_passed(const char *name);

static inline void fail_point(const char *name)
{
    if (unlikely(fail_point_armed)) fail_point_passed(name);
}
