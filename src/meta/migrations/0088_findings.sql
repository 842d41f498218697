-- What detection found (docs/detection.md). number: from 1 in its project. subject: what it is about, as one text; with the
-- kind's family and the minute it was found in it is the same finding, however often it is told. kind: enum detect_kind.
CREATE TABLE findings(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    number {integer} NOT NULL,
    subject {text} NOT NULL,
    measure {integer} NOT NULL,
    found_unix_us {integer} NOT NULL,
    kind {integer} NOT NULL,
    is_up {boolean} NOT NULL,
    service {text} NOT NULL,
    row_kind {text} NOT NULL,
    endpoint {text} NOT NULL,
    method {text} NOT NULL,
    route {text} NOT NULL,
    severity {integer} NOT NULL,
    begin_unix_us {integer} NOT NULL,
    end_unix_us {integer} NOT NULL,
    is_accepted {boolean} NOT NULL,
    window_minutes {integer} NOT NULL,
    value {double} NOT NULL,
    expected {double} NOT NULL,
    low {double} NOT NULL,
    high {double} NOT NULL,
    effect {double} NOT NULL,
    z {double} NOT NULL,
    p {double} NOT NULL,
    row_count {double} NOT NULL,
    incident {integer} NOT NULL,
    PRIMARY KEY(project_id, number)
) {clustered};
CREATE UNIQUE INDEX findings_once ON findings(project_id, subject, measure, found_unix_us);
CREATE INDEX findings_by_begin ON findings(project_id, begin_unix_us);

-- Who watches a project: one process, as long as it says so.
CREATE TABLE finding_owners(
    project_id {uuid} PRIMARY KEY REFERENCES projects(id),
    owner {uuid} NOT NULL,
    until_unix_us {integer} NOT NULL
);
