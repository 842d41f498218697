-- What detection has learned of a project (findings/finding_usual.h), in pieces, of what part: of whoever watches it next.
CREATE TABLE finding_usual(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    part {text} NOT NULL,
    piece {integer} NOT NULL,
    saved_unix_us {integer} NOT NULL,
    content {bytes} NOT NULL,
    PRIMARY KEY(project_id, part, piece)
) {clustered};
