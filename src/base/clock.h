/* clock.h -- the clocks by name: _unix_ns (OTLP), _unix_us (Delta), _mono_ns (timers). Thread: any. */
#pragma once
#include <stdint.h>
uint64_t clock_unix_ns(void);
int64_t clock_unix_us(void);
uint64_t clock_mono_ns(void);
uint64_t clock_cpu_ns(void); /* of this process */
void clock_sleep_ms(uint32_t ms);
uint64_t clock_thread_ns(void); /* CPU that this thread has used: not what it waited for others */
