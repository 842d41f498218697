-- Redaction rules that find elements of recordings (finds 3, docs/redaction.md): which numbers there are is the program's to say.
--postgres
ALTER TABLE redaction_rules DROP CONSTRAINT redaction_rules_finds_check;
--sqlite
CREATE TABLE redaction_finds_kept(rule_id {uuid} NOT NULL, day {integer} NOT NULL, found {integer} NOT NULL, PRIMARY KEY(rule_id, day)) {clustered};
INSERT INTO redaction_finds_kept(rule_id, day, found) SELECT rule_id, day, found FROM redaction_finds;
DROP TABLE redaction_finds;
CREATE TABLE redaction_rules_kept(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    name {text} NOT NULL,
    place {integer} NOT NULL,
    finds {integer} NOT NULL,
    pattern {text} NOT NULL,
    does {integer} NOT NULL CHECK(does BETWEEN 0 AND 2),
    is_on {boolean} NOT NULL,
    created_unix_us {integer} NOT NULL,
    UNIQUE(project_id, name)
) {strict};
INSERT INTO redaction_rules_kept(id, project_id, name, place, finds, pattern, does, is_on, created_unix_us)
    SELECT id, project_id, name, place, finds, pattern, does, is_on, created_unix_us FROM redaction_rules;
DROP TABLE redaction_rules;
ALTER TABLE redaction_rules_kept RENAME TO redaction_rules;
CREATE INDEX redaction_rules_by_project ON redaction_rules(project_id, place);
CREATE TABLE redaction_finds(
    rule_id {uuid} NOT NULL REFERENCES redaction_rules(id) ON DELETE CASCADE,
    day {integer} NOT NULL,
    found {integer} NOT NULL,
    PRIMARY KEY(rule_id, day)
) {clustered};
INSERT INTO redaction_finds(rule_id, day, found) SELECT rule_id, day, found FROM redaction_finds_kept;
DROP TABLE redaction_finds_kept;
--both
