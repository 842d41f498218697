-- Incidents (docs/incidents.md): number: from 1 in its project. state: enum incident_state. told: how often people were told that it opened
-- (episodes). last_unix_us: when its last signal began; remind_unix_us: when people are reminded next, 0: not.
CREATE TABLE incidents(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    number {integer} NOT NULL,
    title {text} NOT NULL,
    service {text} NOT NULL,
    environment {text} NOT NULL,
    state {integer} NOT NULL,
    severity {integer} NOT NULL,
    worst {integer} NOT NULL,
    signal_count {integer} NOT NULL,
    episode {integer} NOT NULL,
    is_quiet {boolean} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    over_unix_us {integer} NOT NULL,
    ended_unix_us {integer} NOT NULL,
    acknowledged_unix_us {integer} NOT NULL,
    acknowledged_by {text} NOT NULL,
    muted_until_unix_us {integer} NOT NULL,
    remind_unix_us {integer} NOT NULL,
    reminders {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, number)
) {clustered};
CREATE INDEX incidents_by_last ON incidents(project_id, last_unix_us);
CREATE INDEX incidents_by_state ON incidents(project_id, state);

-- What it is made of. A key has one row in each incident that it was part of; the one with the greatest number is the current one.
CREATE TABLE incident_signals(
    project_id {uuid} NOT NULL,
    incident {integer} NOT NULL,
    source {integer} NOT NULL,
    key {text} NOT NULL,
    severity {integer} NOT NULL,
    service {text} NOT NULL,
    endpoint {text} NOT NULL,
    environment {text} NOT NULL,
    title {text} NOT NULL,
    body {text} NOT NULL,
    path {text} NOT NULL,
    labels {text} NOT NULL,
    channels {text} NOT NULL,
    is_quiet {boolean} NOT NULL,
    started_unix_us {integer} NOT NULL,
    ended_unix_us {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, incident, source, key)
) {clustered};
CREATE INDEX incident_signals_by_key ON incident_signals(project_id, source, key, incident);
CREATE INDEX incident_signals_by_service ON incident_signals(project_id, service, incident);

-- What happened: enum incident_happening; detail: a JSON object.
CREATE TABLE incident_events(
    project_id {uuid} NOT NULL,
    incident {integer} NOT NULL,
    at_unix_us {integer} NOT NULL,
    id {uuid} NOT NULL,
    actor {text} NOT NULL,
    what {integer} NOT NULL,
    detail {text} NOT NULL,
    PRIMARY KEY(project_id, incident, at_unix_us, id)
) {clustered};

-- What a project says of its incidents; without a row all is as incidents/incident.h has it.
CREATE TABLE incident_settings(
    project_id {uuid} PRIMARY KEY REFERENCES projects(id),
    remind_minutes {integer} NOT NULL,
    reminders_max {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL
) {clustered};
