-- What a finding most likely comes from (docs/causes.md). content: JSON (findings/finding_causes.h); line: its first cause in one
-- line, empty: none was found. next_unix_us: when it is looked at again, 0: never.
CREATE TABLE finding_causes(
    project_id {uuid} NOT NULL,
    number {integer} NOT NULL,
    content {text} NOT NULL,
    line {text} NOT NULL,
    looked_unix_us {integer} NOT NULL,
    next_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, number)
) {clustered};
CREATE INDEX finding_causes_next ON finding_causes(project_id, next_unix_us);
