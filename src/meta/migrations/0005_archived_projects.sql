ALTER TABLE projects ADD COLUMN archived_unix_us {integer};
