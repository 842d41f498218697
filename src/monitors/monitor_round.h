/* monitor_round.h -- one evaluation of a monitor at one moment: the same for what is live and for a dry run.
 *
 *   monitor + moment --ask: the windows of its kind--> values by group --judge--> measures --monitor_state_step--> events
 *
 * Which windows: the monitor's own, ending at the moment; of a change also the one to compare with; of an anomaly those of the same
 * hour of the four weeks before (MONITOR_BASELINE_WEEKS x MONITOR_BASELINE_PLACES of them, once an hour); of burn rates those of
 * the multiwindow alerts of Google's SRE workbook (chapter 5, table 5-8): 5 min, 30 min, 1 h, 6 h, 3 d.
 * Thread: one owner. Memory: groups in the table's arena; what a round needs in its own, which it resets. Errors: ask's; then
 * nothing of the table has changed. */
#pragma once
#include "monitors/monitor.h"

enum { MONITOR_BASELINE_WEEKS = 4, MONITOR_BASELINE_PLACES = 3, MONITOR_BASELINE_MIN = 6 };

struct monitor_row {
    struct bytes group; /* labels joined by MONITOR_GROUP_JOINT; empty: not by groups */
    bool is_null;
    double value, total;
};
#define MONITOR_GROUP_JOINT " \xC2\xB7 "
struct monitor_rows {
    struct monitor_row *rows;
    uint32_t count;
};
/* Rows of [from, to), in the arena. */
typedef bool monitor_ask_fn(void *ctx, const struct monitor_query *query, int64_t from_us, int64_t to_us,
                            struct arena *arena, struct monitor_rows *rows, struct err *err);

struct monitor_group {
    struct bytes key;
    struct monitor_state state;
    bool is_touched; /* to be stored */
    bool is_gone;    /* was not seen for so long that it is forgotten */
};
struct monitor_event {
    uint32_t group; /* in the table */
    enum monitor_level from, to;
    int64_t at_us, begun_us; /* begun_us: of what goes on, or has ended by this */
    double value, compared;
    bool has_value, is_quiet;
};
struct monitor_baseline {
    int64_t hour_us; /* of which it is; 0: none yet */
    struct bytes *keys;
    double *lows, *highs; /* the quarters of the samples */
    double *spreads;
    uint32_t count;
};
struct monitor_table {
    struct arena *arena; /* of keys and of the baseline */
    struct monitor_group groups[MONITOR_GROUPS_MAX];
    uint32_t count;
    uint32_t left_out; /* of the last round: more groups than groups_max */
    struct monitor_event events[MONITOR_GROUPS_MAX];
    uint32_t event_count; /* of the last round */
    struct monitor_baseline baseline;
    uint32_t asked; /* statements so far */
};
MUST_CHECK bool monitor_round(const struct monitor *monitor, struct monitor_table *table, int64_t at_us,
                              monitor_ask_fn *ask, void *ctx, struct arena *scratch, struct err *err);
/* The moment at which the last evaluation before now is due: its multiple of every_us, delay_us ago. */
int64_t monitor_due(const struct monitor *monitor, int64_t now_us);
