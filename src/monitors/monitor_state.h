/* monitor_state.h -- what one group of a monitor is in, and how a measure changes that: pure.
 *
 *   measure (a value, or none) --monitor_state_step: levels, recovery levels, how long--> ok | warning | alert | no_data
 *
 * A level is reached when what is compared has been beyond it at every evaluation for rule->for_us; it is left as soon as it is
 * not beyond the level's recovery level, which is the level itself unless one is said. What is not there: as rule->no_data says,
 * after the same time.
 * Thread: a value. Memory: none. Errors: none; a measure that is no number is none. */
#pragma once
#include "base/bytes.h"

enum monitor_level { MONITOR_OK, MONITOR_WARNING, MONITOR_ALERT, MONITOR_NO_DATA, MONITOR_LEVEL_COUNT };
enum monitor_side { MONITOR_ABOVE, MONITOR_BELOW, MONITOR_BOTH };
enum monitor_no_data { MONITOR_NO_DATA_OK, MONITOR_NO_DATA_ALERT, MONITOR_NO_DATA_KEEP };
extern const char *const monitor_level_names[MONITOR_LEVEL_COUNT];

struct monitor_rule {
    enum monitor_side side;
    double alert, alert_recovery;
    double warning, warning_recovery; /* NAN: there is no such level */
    int64_t for_us;
    enum monitor_no_data no_data;
};
struct monitor_measure {
    bool is_there;
    double value;    /* what is shown */
    double compared; /* what is held against the levels */
    /* The levels are decided already (absence, burn rates): these are it. */
    bool is_decided, is_warning, is_alert;
};
struct monitor_state {
    enum monitor_level level;
    int64_t since_us;                                        /* of the level */
    int64_t warning_since_us, alert_since_us, none_since_us; /* beyond it, or without data, ever since; 0: it is not */
    int64_t begun_us;                                        /* of what goes on: left ok then; 0: it is ok */
    int64_t seen_us;                                         /* had a value last */
    double value;                                            /* that one */
};
/* True: the level is another one now; *from is what it was. now_us only grows. */
bool monitor_state_step(const struct monitor_rule *rule, struct monitor_state *state,
                        const struct monitor_measure *measure, int64_t now_us, enum monitor_level *from);
/* Is it beyond the level, seen from that side? */
bool monitor_is_beyond(enum monitor_side side, double compared, double level);
