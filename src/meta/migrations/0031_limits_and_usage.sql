CREATE TABLE limits(
    subject_id {uuid} NOT NULL,
    name {text} NOT NULL,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    value {integer} NOT NULL CHECK(value >= 0),
    PRIMARY KEY(subject_id, name)
) {clustered};
CREATE INDEX limits_by_project ON limits(project_id);

CREATE TABLE usage(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    key_id {uuid} NOT NULL,
    day {integer} NOT NULL,
    requests {integer} NOT NULL,
    bytes {integer} NOT NULL,
    logs {integer} NOT NULL,
    spans {integer} NOT NULL,
    points {integer} NOT NULL,
    refused {integer} NOT NULL,
    redacted {integer} NOT NULL,
    queries {integer} NOT NULL,
    PRIMARY KEY(project_id, day, key_id)
) {clustered};
CREATE INDEX usage_by_day ON usage(day);
