-- SCRAM-SHA-256 of an API key for the SQL port: StoredKey and ServerKey, 32 bytes each. NULL: the key was made before there was this.
ALTER TABLE keys ADD COLUMN scram {bytes};
