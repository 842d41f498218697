-- What each group of a monitor is in (monitors/monitor_state.h).
CREATE TABLE monitor_groups(
    monitor_id {uuid} NOT NULL REFERENCES monitors(id) ON DELETE CASCADE,
    group_key {text} NOT NULL,
    level {integer} NOT NULL,
    since_unix_us {integer} NOT NULL,
    warning_unix_us {integer} NOT NULL,
    alert_unix_us {integer} NOT NULL,
    none_unix_us {integer} NOT NULL,
    begun_unix_us {integer} NOT NULL,
    seen_unix_us {integer} NOT NULL,
    value {double} NOT NULL,
    PRIMARY KEY(monitor_id, group_key)
) {clustered};

-- Each change of a level, with what it was decided by.
CREATE TABLE monitor_events(
    id {identity},
    monitor_id {uuid} NOT NULL REFERENCES monitors(id) ON DELETE CASCADE,
    group_key {text} NOT NULL,
    at_unix_us {integer} NOT NULL,
    from_level {integer} NOT NULL,
    to_level {integer} NOT NULL,
    begun_unix_us {integer} NOT NULL,
    has_value {boolean} NOT NULL,
    value {double} NOT NULL,
    compared {double} NOT NULL,
    is_quiet {boolean} NOT NULL,
    UNIQUE(monitor_id, group_key, at_unix_us)
) {strict};
CREATE INDEX monitor_events_by_time ON monitor_events(monitor_id, id);
