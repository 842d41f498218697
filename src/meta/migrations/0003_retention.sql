CREATE TABLE retentions(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    table_name {text} NOT NULL,
    days {integer} NOT NULL CHECK(days >= 0),
    PRIMARY KEY(project_id, table_name)
) {strict};
