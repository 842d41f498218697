CREATE TABLE secrets(
    name {text} PRIMARY KEY,
    value {bytes} NOT NULL CHECK(length(value) = 32),
    created_unix_us {integer} NOT NULL
) {clustered};

ALTER TABLE keys RENAME COLUMN secret_sha256 TO secret_hash;
ALTER TABLE keys ADD COLUMN prefix {text} NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN scopes {integer} NOT NULL DEFAULT 3 CHECK(scopes BETWEEN 1 AND 7);
ALTER TABLE keys ADD COLUMN expires_unix_us {integer};
UPDATE keys SET scopes = 1 WHERE is_ingest_only = 1;
ALTER TABLE keys DROP COLUMN is_ingest_only;

CREATE TABLE key_uses(
    key_id {uuid} PRIMARY KEY REFERENCES keys(id) ON DELETE CASCADE,
    used_unix_us {integer} NOT NULL
) {clustered};
