-- What was asked by SQL (docs/statements.md): one row a statement, written a second later with others. sqlstate: '00000' when it went well.
CREATE TABLE statements(
    number {identity},
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    actor_kind {text} NOT NULL,
    actor_id {text} NOT NULL,
    actor_name {text} NOT NULL,
    address {text} NOT NULL,
    via {text} NOT NULL,
    session {integer} NOT NULL,
    operation {text} NOT NULL,
    statement {text} NOT NULL,
    duration_us {integer} NOT NULL,
    waited_us {integer} NOT NULL,
    row_count {integer} NOT NULL,
    bytes {integer} NOT NULL,
    files_read {integer} NOT NULL,
    files_pruned {integer} NOT NULL,
    sqlstate {text} NOT NULL
) {strict};
CREATE INDEX statements_of_project ON statements(project_id, number);
CREATE INDEX statements_by_time ON statements(at_unix_us);
