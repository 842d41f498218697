-- Saved views (docs/views.md): an address below the project, under a name. owner_id NULL: made by a key, or its user is gone.
CREATE TABLE saved_views(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    owner_id {uuid} REFERENCES users(id) ON DELETE SET NULL,
    owner_name {text} NOT NULL,
    name {text} NOT NULL,
    address {text} NOT NULL,
    is_shared {boolean} NOT NULL,
    created_unix_us {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL
) {strict};
CREATE INDEX saved_views_by_name ON saved_views(project_id, name, id);
CREATE INDEX saved_views_by_owner ON saved_views(owner_id);

-- Links that open one range of a project's time to who has them (docs/sharing.md). Of the token an HMAC is kept.
CREATE TABLE share_links(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    token_hmac {bytes} NOT NULL UNIQUE,
    owner_id {uuid} REFERENCES users(id) ON DELETE CASCADE,
    owner_name {text} NOT NULL,
    title {text} NOT NULL,
    address {text} NOT NULL,
    from_unix_us {integer} NOT NULL,
    to_unix_us {integer} NOT NULL,
    created_unix_us {integer} NOT NULL,
    expires_unix_us {integer} NOT NULL
) {strict};
CREATE INDEX share_links_by_project ON share_links(project_id, created_unix_us, id);
CREATE INDEX share_links_by_owner ON share_links(owner_id);
CREATE INDEX share_links_by_end ON share_links(expires_unix_us);

-- Projects that let nobody share.
CREATE TABLE share_refusals(
    project_id {uuid} PRIMARY KEY REFERENCES projects(id),
    since_unix_us {integer} NOT NULL
) {strict};
