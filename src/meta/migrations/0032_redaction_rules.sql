CREATE TABLE redaction_rules(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    name {text} NOT NULL,
    place {integer} NOT NULL,
    finds {integer} NOT NULL CHECK(finds BETWEEN 0 AND 2),
    pattern {text} NOT NULL,
    does {integer} NOT NULL CHECK(does BETWEEN 0 AND 2),
    is_on {boolean} NOT NULL,
    created_unix_us {integer} NOT NULL,
    UNIQUE(project_id, name)
) {strict};
CREATE INDEX redaction_rules_by_project ON redaction_rules(project_id, place);

CREATE TABLE redaction_finds(
    rule_id {uuid} NOT NULL REFERENCES redaction_rules(id) ON DELETE CASCADE,
    day {integer} NOT NULL,
    found {integer} NOT NULL,
    PRIMARY KEY(rule_id, day)
) {clustered};
