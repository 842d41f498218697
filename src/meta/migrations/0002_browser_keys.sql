ALTER TABLE keys ADD COLUMN is_ingest_only {boolean} NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN origins {text} NOT NULL DEFAULT '';
