-- What came in, by key (docs/intake.md): added to by every process. Counts stand twice, by minute (step_s 60) for a day and by hour (3600)
-- for a month. key_id and project_id all zeros: requests whose key nobody knows. signal: 0 not known, 1 logs, 2 traces, 3 metrics.
CREATE TABLE intake_counts(
    project_id {uuid} NOT NULL,
    step_s {integer} NOT NULL,
    at_s {integer} NOT NULL,
    key_id {uuid} NOT NULL,
    signal {integer} NOT NULL,
    requests {integer} NOT NULL,
    repeats {integer} NOT NULL,
    partial {integer} NOT NULL,
    refused {integer} NOT NULL,
    records {integer} NOT NULL,
    rejected {integer} NOT NULL,
    bytes {integer} NOT NULL,
    lag_count {integer} NOT NULL,
    lag_sum_us {integer} NOT NULL,
    lag_max_us {integer} NOT NULL,
    lag_min_us {integer} NOT NULL,
    seen_unix_us {integer} NOT NULL,
    accepted_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, step_s, at_s, key_id, signal)
) {clustered};

-- Why something was refused (code: of err.h) or left out ("partial"), with the latest example.
CREATE TABLE intake_reasons(
    project_id {uuid} NOT NULL,
    step_s {integer} NOT NULL,
    at_s {integer} NOT NULL,
    key_id {uuid} NOT NULL,
    signal {integer} NOT NULL,
    code {text} NOT NULL,
    happened {integer} NOT NULL,
    example {text} NOT NULL,
    seen_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, step_s, at_s, key_id, signal, code)
) {clustered};

-- What sends: its user agent, and the SDK that its resource names.
CREATE TABLE intake_senders(
    project_id {uuid} NOT NULL,
    key_id {uuid} NOT NULL,
    signal {integer} NOT NULL,
    agent {text} NOT NULL,
    sdk {text} NOT NULL,
    requests {integer} NOT NULL,
    seen_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, key_id, signal, agent, sdk)
) {clustered};

-- How long rows took from their arrival until they could be asked, by table.
CREATE TABLE intake_visible(
    project_id {uuid} NOT NULL,
    step_s {integer} NOT NULL,
    at_s {integer} NOT NULL,
    table_name {text} NOT NULL,
    lag_count {integer} NOT NULL,
    lag_sum_us {integer} NOT NULL,
    lag_max_us {integer} NOT NULL,
    visible_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, step_s, at_s, table_name)
) {clustered};
