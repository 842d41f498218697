-- Monitors (docs/monitors.md): a question, a condition on its answer. content is JSON, as the API has it.
CREATE TABLE monitors(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    slug {text} NOT NULL,
    title {text} NOT NULL,
    content {text} NOT NULL,
    is_on {boolean} NOT NULL,
    version {integer} NOT NULL,
    author {text} NOT NULL,
    created_unix_us {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL,
    -- What the evaluation has come to: up to which moment; 0: not yet. broken: since when it cannot be, and why.
    evaluated_unix_us {integer} NOT NULL,
    broken_unix_us {integer} NOT NULL,
    broken_why {text} NOT NULL,
    muted_until_unix_us {integer} NOT NULL,
    UNIQUE(project_id, slug)
) {strict};

-- What each of them was, the current one too.
CREATE TABLE monitor_versions(
    monitor_id {uuid} NOT NULL REFERENCES monitors(id) ON DELETE CASCADE,
    version {integer} NOT NULL,
    content {text} NOT NULL,
    author {text} NOT NULL,
    stored_unix_us {integer} NOT NULL,
    PRIMARY KEY(monitor_id, version)
) {clustered};
