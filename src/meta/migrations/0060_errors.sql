-- Errors (docs/errors.md). A fingerprint: what is surely the same (src/errors/fingerprint.h). Kept by the worker's tap; what it is
-- known by is of its first event: service, family (service.namespace, else empty), language (errors/error_event.h, may be
-- empty), made_by (enum fingerprint_by), rules_version and rule_line (of one made by a rule of the project, else 0). issue: 0
-- until the project's owner has put it into one; no store changes it. is_changed: set by each store, cleared by the owner when
-- its issue's figures are anew. The events (JSON, meta/error.h; empty when their time is over or the project's rows were
-- deleted) are the last columns, and the table is not clustered: whoever reads the others does not go through their pages.
CREATE TABLE error_fingerprints(
    project_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    service {text} NOT NULL,
    family {text} NOT NULL,
    language {text} NOT NULL,
    made_by {integer} NOT NULL,
    errors_version {integer} NOT NULL,
    rules_version {integer} NOT NULL,
    rule_line {integer} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    total_count {integer} NOT NULL,
    issue {integer} NOT NULL,
    is_changed {boolean} NOT NULL,
    first_event {text} NOT NULL,
    last_event {text} NOT NULL,
    PRIMARY KEY(project_id, id)
) {strict};
CREATE INDEX error_fingerprints_by_issue ON error_fingerprints(project_id, issue);
CREATE INDEX error_fingerprints_by_last ON error_fingerprints(last_unix_us);
CREATE INDEX error_fingerprints_by_change ON error_fingerprints(project_id, id) WHERE is_changed = 1;
CREATE INDEX error_fingerprints_not_grouped ON error_fingerprints(project_id, first_unix_us, id) WHERE issue = 0;

-- Of a minute, and of an hour, that begins at at_unix_us.
CREATE TABLE error_minutes(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    fingerprint_id {uuid} NOT NULL,
    environment {text} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, fingerprint_id, environment)
) {clustered};
CREATE INDEX error_minutes_by_time ON error_minutes(at_unix_us);
CREATE INDEX error_minutes_by_fingerprint ON error_minutes(project_id, fingerprint_id, at_unix_us);
CREATE TABLE error_hours(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    fingerprint_id {uuid} NOT NULL,
    environment {text} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, fingerprint_id, environment)
) {clustered};
CREATE INDEX error_hours_by_fingerprint ON error_hours(project_id, fingerprint_id, at_unix_us);
CREATE INDEX error_hours_by_time ON error_hours(at_unix_us);

-- Which releases had it.
CREATE TABLE error_releases(
    project_id {uuid} NOT NULL,
    fingerprint_id {uuid} NOT NULL,
    release {text} NOT NULL,
    environment {text} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, fingerprint_id, release, environment)
) {clustered};
CREATE INDEX error_releases_by_last ON error_releases(last_unix_us);

-- Whom it met: a keyed hash of user.id, else of session.id, from 0 on. Of a fingerprint those ERROR_USERS_MAX with the least
-- hashes: the same ones in whatever order they come.
CREATE TABLE error_users(
    project_id {uuid} NOT NULL,
    fingerprint_id {uuid} NOT NULL,
    user_hash {integer} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, fingerprint_id, user_hash)
) {clustered};
CREATE INDEX error_users_by_last ON error_users(last_unix_us);
