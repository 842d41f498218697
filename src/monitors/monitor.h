/* monitor.h -- what a monitor is: a question, a condition on its answer, and whom to tell.
 *
 *   JSON of a definition --monitor_read--> struct monitor       what is wrong: a pointer into it ("/condition/alert")
 *
 * Thread: a value. Memory: texts are the JSON's, which has to live as long; the zones of its windows are monitor_close's.
 * Errors: ERR_INPUT with the pointer; any JSON may come. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "monitors/monitor_state.h"
#include <yyjson.h>

enum {
    MONITOR_POINTER_BYTES = 96,
    MONITOR_GROUPS_MAX = 200,
    MONITOR_WINDOWS_MAX = 16,
    MONITOR_CHANNELS_MAX = 16,
    MONITOR_BYTES_MAX = 64 << 10,
    MONITOR_BY_MAX = 4
};
enum monitor_source { MONITOR_SEARCH, MONITOR_SQL, MONITOR_METRIC };
enum monitor_kind { MONITOR_THRESHOLD, MONITOR_CHANGE, MONITOR_ANOMALY, MONITOR_ABSENCE, MONITOR_BURN };
enum monitor_against { MONITOR_BEFORE, MONITOR_DAY, MONITOR_WEEK };

struct monitor_query {
    enum monitor_source source;
    struct bytes text;  /* the explorer's address, or SQL */
    yyjson_val *metric; /* of MONITOR_METRIC */
    struct bytes bad;   /* of MONITOR_BURN over a search: which of the rows are the bad ones */
    bool has_total;     /* two numbers: bad ones and all of them */
};
/* When nobody is to be told: once, or each week by a wall clock. */
struct zone;
struct monitor_window {
    int64_t from_us, to_us; /* once; both 0: weekly */
    struct zone *zone;
    uint8_t days;               /* bit 0: Monday; of the day that it begins on */
    int from_minute, to_minute; /* of that day; to at or before from: of the next one */
};
struct monitor {
    struct bytes title, description, message, service, environment;
    struct monitor_query query;
    enum monitor_kind kind;
    enum monitor_against against;
    bool is_percent;
    double objective; /* 0.999 */
    struct monitor_rule rule;
    int64_t window_us, every_us, delay_us;
    uint32_t groups_max;
    uint32_t window_count;
    struct monitor_window windows[MONITOR_WINDOWS_MAX];
    struct bytes channels; /* a JSON array as text; empty: none of its own */
    bool is_off;
};
MUST_CHECK bool monitor_read(struct monitor *monitor, yyjson_val *json, struct arena *arena,
                             char pointer[MONITOR_POINTER_BYTES], struct err *err);
void monitor_close(struct monitor *monitor);
/* Is this moment in one of its windows? */
bool monitor_is_quiet(const struct monitor *monitor, int64_t unix_us);
