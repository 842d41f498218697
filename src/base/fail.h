/* fail.h -- named points where a test can kill the process, or stop it as if the machine stood still.
 *
 *   MONOSCOPE_FAIL_POINT="wal.before_sync:3"      SIGKILL at the third pass of that point, on whichever thread
 *   MONOSCOPE_STOP_POINT="flush.before_commit:1"  SIGSTOP likewise: it goes on with SIGCONT
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
