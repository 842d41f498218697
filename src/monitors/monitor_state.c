#include "monitors/monitor_state.h"

#include <math.h>

const char *const monitor_level_names[MONITOR_LEVEL_COUNT] = { "ok", "warning", "alert", "no_data" };

bool monitor_is_beyond(enum monitor_side side, double compared, double level)
{
    if (side == MONITOR_BOTH) return fabs(compared) > level;
    return side == MONITOR_ABOVE ? compared > level : compared < level;
}

static void since_set(int64_t *since_us, bool is, int64_t now_us)
{
    if (!is)
        *since_us = 0;
    else if (*since_us == 0)
        *since_us = now_us;
}

static bool is_sustained(const struct monitor_rule *rule, int64_t since_us, int64_t now_us)
{
    return since_us != 0 && now_us - since_us >= rule->for_us;
}

/* What is there: which levels it is beyond; one that is held is left by its recovery level. */
static enum monitor_level level_of(const struct monitor_rule *rule, struct monitor_state *state,
                                   const struct monitor_measure *measure, int64_t now_us)
{
    bool was_alert = state->level == MONITOR_ALERT, was_warning = was_alert || state->level == MONITOR_WARNING;
    bool is_alert = measure->is_alert, is_warning = measure->is_warning;
    if (!measure->is_decided) {
        is_alert = monitor_is_beyond(rule->side, measure->compared, was_alert ? rule->alert_recovery : rule->alert);
        is_warning = !isnan(rule->warning) && monitor_is_beyond(rule->side, measure->compared,
                                                                was_warning ? rule->warning_recovery : rule->warning);
    }
    is_warning = is_warning || is_alert;
    state->none_since_us = 0;
    since_set(&state->alert_since_us, is_alert, now_us);
    since_set(&state->warning_since_us, is_warning, now_us);
    if (is_alert && (was_alert || is_sustained(rule, state->alert_since_us, now_us))) return MONITOR_ALERT;
    bool has_warning = !isnan(rule->warning) || measure->is_decided;
    if (is_warning && has_warning && (was_warning || is_sustained(rule, state->warning_since_us, now_us)))
        return MONITOR_WARNING;
    return MONITOR_OK;
}

static enum monitor_level level_of_none(const struct monitor_rule *rule, struct monitor_state *state, int64_t now_us)
{
    since_set(&state->none_since_us, true, now_us);
    if (rule->no_data == MONITOR_NO_DATA_KEEP) return state->level;
    state->alert_since_us = state->warning_since_us = 0;
    if (rule->no_data == MONITOR_NO_DATA_OK) return MONITOR_OK;
    return is_sustained(rule, state->none_since_us, now_us) ? MONITOR_NO_DATA : state->level;
}

bool monitor_state_step(const struct monitor_rule *rule, struct monitor_state *state,
                        const struct monitor_measure *measure, int64_t now_us, enum monitor_level *from)
{
    bool is_there = measure->is_there && (measure->is_decided || isfinite(measure->compared));
    enum monitor_level to = is_there ? level_of(rule, state, measure, now_us) : level_of_none(rule, state, now_us);
    *from = state->level;
    if (measure->is_there && isfinite(measure->value)) {
        state->value = measure->value;
        state->seen_us = now_us;
    }
    if (to == state->level) return false;
    if (state->level == MONITOR_OK) state->begun_us = now_us;
    if (to == MONITOR_OK) state->begun_us = 0;
    state->level = to;
    state->since_us = now_us;
    return true;
}
