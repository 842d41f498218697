CREATE TABLE projects(
    id {uuid} PRIMARY KEY,
    name {text} NOT NULL UNIQUE,
    created_unix_ms {integer} NOT NULL
) {strict};
CREATE TABLE keys(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    name {text} NOT NULL,
    secret_sha256 {bytes} NOT NULL UNIQUE CHECK(length(secret_sha256) = 32),
    created_unix_ms {integer} NOT NULL,
    revoked_unix_ms {integer}
) {strict};
