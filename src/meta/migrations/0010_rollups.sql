-- What the worker counts of rows (docs/rollups.md), and how far each of its taps has come with a partition.
CREATE TABLE tap_positions(
    tap {text} NOT NULL,
    app_id {text} NOT NULL,
    position {integer} NOT NULL,
    stored_unix_us {integer} NOT NULL,
    PRIMARY KEY(tap, app_id)
) {clustered};

-- What is counted apart: rows of one kind, service and endpoint, or the calls of an edge (kind 'edge'). id: made of the rest.
CREATE TABLE rollup_series(
    project_id {uuid} NOT NULL,
    id {integer} NOT NULL,
    kind {text} NOT NULL,
    service {text} NOT NULL,
    endpoint {text} NOT NULL,
    method {text} NOT NULL,
    route {text} NOT NULL,
    source_kind {text} NOT NULL,
    target {text} NOT NULL,
    target_kind {text} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, id)
) {clustered};

-- Sums of a minute, an hour, a day that begins at at_unix_us; and the durations in them, by bucket of base/ddsketch.h.
CREATE TABLE rollup_minutes(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    series_id {integer} NOT NULL,
    row_count {integer} NOT NULL,
    error_count {integer} NOT NULL,
    duration_count {integer} NOT NULL,
    duration_sum_ns {double} NOT NULL,
    duration_max_ns {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, series_id)
) {clustered};
CREATE TABLE rollup_minute_buckets(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    series_id {integer} NOT NULL,
    bucket {integer} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, series_id, bucket)
) {clustered};
CREATE TABLE rollup_hours(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    series_id {integer} NOT NULL,
    row_count {integer} NOT NULL,
    error_count {integer} NOT NULL,
    duration_count {integer} NOT NULL,
    duration_sum_ns {double} NOT NULL,
    duration_max_ns {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, series_id)
) {clustered};
CREATE TABLE rollup_hour_buckets(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    series_id {integer} NOT NULL,
    bucket {integer} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, series_id, bucket)
) {clustered};
CREATE TABLE rollup_days(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    series_id {integer} NOT NULL,
    row_count {integer} NOT NULL,
    error_count {integer} NOT NULL,
    duration_count {integer} NOT NULL,
    duration_sum_ns {double} NOT NULL,
    duration_max_ns {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, series_id)
) {clustered};
CREATE TABLE rollup_day_buckets(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    series_id {integer} NOT NULL,
    bucket {integer} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, series_id, bucket)
) {clustered};

-- Hours and days whose sums are not made, or not of all of their minutes: their minutes (hours) count instead.
CREATE TABLE rollup_open_hours(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    change {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us)
) {clustered};
CREATE TABLE rollup_open_days(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    change {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us)
) {clustered};

-- Attribute keys and some of their values, by the day of the rows. place: resource, span, log, metric.
CREATE TABLE rollup_attributes(
    project_id {uuid} NOT NULL,
    day_unix_us {integer} NOT NULL,
    place {text} NOT NULL,
    key {text} NOT NULL,
    type {text} NOT NULL,
    row_count {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, day_unix_us, place, key)
) {clustered};
CREATE TABLE rollup_attribute_values(
    project_id {uuid} NOT NULL,
    day_unix_us {integer} NOT NULL,
    place {text} NOT NULL,
    key {text} NOT NULL,
    value {text} NOT NULL,
    row_count {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, day_unix_us, place, key, value)
) {clustered};

CREATE TABLE rollup_metrics(
    project_id {uuid} NOT NULL,
    name {text} NOT NULL,
    service {text} NOT NULL,
    type {text} NOT NULL,
    unit {text} NOT NULL,
    description {text} NOT NULL,
    temporality {text} NOT NULL,
    is_monotonic {boolean} NOT NULL,
    row_count {integer} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, name, service)
) {clustered};

-- A call whose other side has not come yet, from the side that has: side 0 a client span (span_id its own), 1 a server
-- span (span_id its parent's).
CREATE TABLE rollup_halves(
    project_id {uuid} NOT NULL,
    trace_id {bytes} NOT NULL,
    span_id {bytes} NOT NULL,
    side {integer} NOT NULL,
    service {text} NOT NULL,
    target {text} NOT NULL,
    target_kind {text} NOT NULL,
    at_unix_us {integer} NOT NULL,
    duration_ns {integer} NOT NULL,
    is_error {boolean} NOT NULL,
    sampled_one_in {integer} NOT NULL,
    stored_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, trace_id, span_id, side)
) {clustered};
CREATE INDEX rollup_halves_by_stored ON rollup_halves(stored_unix_us);
