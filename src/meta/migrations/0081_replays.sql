-- Replays (docs/replay.md): what pages recorded of their visits. A session's figures are sums and bounds over its segments; texts are of
-- the last batch that told them, the address of the first.
CREATE TABLE replay_sessions(
    project_id {uuid} NOT NULL,
    session_id {text} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    service {text} NOT NULL,
    version {text} NOT NULL,
    environment {text} NOT NULL,
    user_id {text} NOT NULL,
    user_name {text} NOT NULL,
    user_email {text} NOT NULL,
    user_agent {text} NOT NULL,
    landing_url {text} NOT NULL,
    event_count {integer} NOT NULL,
    page_count {integer} NOT NULL,
    click_count {integer} NOT NULL,
    rage_click_count {integer} NOT NULL,
    error_count {integer} NOT NULL,
    byte_count {integer} NOT NULL,
    PRIMARY KEY(project_id, session_id)
) {clustered};
CREATE INDEX replay_sessions_by_last ON replay_sessions(project_id, last_unix_us, session_id);
CREATE INDEX replay_sessions_by_age ON replay_sessions(last_unix_us);

-- Objects of the store below replay/PROJECT/SESSION/: lines of JSON, a batch each, compressed by gzip. ranges: which batches of which
-- recording are in it, "RECORDING FROM TO" separated by commas, with "last" or "snapshot" or both behind those that hold them.
CREATE TABLE replay_segments(
    project_id {uuid} NOT NULL,
    session_id {text} NOT NULL,
    name {text} NOT NULL,
    tab_id {text} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    ranges {text} NOT NULL,
    event_count {integer} NOT NULL,
    byte_count {integer} NOT NULL,
    PRIMARY KEY(project_id, session_id, name)
) {clustered};
