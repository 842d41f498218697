/* monitor_text.h -- what people are told: the message of a monitor with its variables filled in.
 *
 *   "{{value}} errors of {{group}}" + an event --monitor_text_fill--> "12 errors of cart"
 *
 * Known: title, group, level, value, compared, alert, warning, window. What is none of them stays as it is.
 * Thread: any. Memory: the arena's. Errors: none. */
#pragma once
#include "monitors/monitor_round.h"

struct bytes monitor_text_fill(struct arena *arena, struct bytes text, const struct monitor *monitor,
                               struct bytes group, const struct monitor_event *event);
/* Where the monitor says none. */
struct bytes monitor_text_usual(struct arena *arena, const struct monitor *monitor, struct bytes group,
                                const struct monitor_event *event);
