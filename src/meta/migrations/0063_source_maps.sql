-- Source maps (docs/source-maps.md): what minified stacks are resolved by; their bytes lie in the object store under the
-- project and id. host: empty: of any ("~/"). A row counts for what was received from valid_from_unix_us on, and before
-- deleted_unix_us (0: still there); one whose valid_from_unix_us is 0 was never finished. used_unix_us: by day.
CREATE TABLE source_maps(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    debug_id {uuid},
    release {text} NOT NULL,
    file {text} NOT NULL,
    host {text} NOT NULL,
    path {text} NOT NULL,
    bytes {integer} NOT NULL,
    stored_bytes {integer} NOT NULL,
    mapping_count {integer} NOT NULL,
    source_count {integer} NOT NULL,
    has_sources {boolean} NOT NULL,
    uploaded_by {text} NOT NULL,
    uploaded_unix_us {integer} NOT NULL,
    valid_from_unix_us {integer} NOT NULL,
    deleted_unix_us {integer} NOT NULL,
    used_unix_us {integer} NOT NULL
) {strict};
CREATE INDEX source_maps_by_file ON source_maps(project_id, release, file);
CREATE INDEX source_maps_by_time ON source_maps(project_id, uploaded_unix_us, id);
CREATE INDEX source_maps_by_end ON source_maps(deleted_unix_us);
