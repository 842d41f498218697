-- Dashboards (docs/dashboards.md): what a project's people look at again and again. content is JSON, as the API has it.
CREATE TABLE dashboards(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    slug {text} NOT NULL,
    title {text} NOT NULL,
    description {text} NOT NULL,
    panel_count {integer} NOT NULL,
    content {text} NOT NULL,
    version {integer} NOT NULL,
    author {text} NOT NULL,
    created_unix_us {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL,
    UNIQUE(project_id, slug)
) {strict};
CREATE INDEX dashboards_by_title ON dashboards(project_id, title, slug);

-- What each of them was, the current one too. restored_version: of the version that it was made of; 0: of none.
CREATE TABLE dashboard_versions(
    dashboard_id {uuid} NOT NULL REFERENCES dashboards(id) ON DELETE CASCADE,
    version {integer} NOT NULL,
    title {text} NOT NULL,
    panel_count {integer} NOT NULL,
    content {text} NOT NULL,
    author {text} NOT NULL,
    restored_version {integer} NOT NULL,
    stored_unix_us {integer} NOT NULL,
    PRIMARY KEY(dashboard_id, version)
) {clustered};
