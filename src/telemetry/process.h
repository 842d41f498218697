/* process.h -- what the kernel tells of this process: CPU, memory, files, threads. Thread: any. Source: proc(5). */
#pragma once
#include "telemetry/metric.h"

/* start_mono_ns: when the process began, for its uptime. What cannot be read is left out. */
void process_collect(struct metric_set *set, uint64_t start_mono_ns);
