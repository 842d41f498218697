-- What a project's owner asks for again and again (meta/issue_owner.h), as small as it is.
CREATE INDEX error_fingerprints_new ON error_fingerprints(project_id) WHERE issue = 0;
CREATE INDEX error_fingerprints_changed ON error_fingerprints(project_id, issue) WHERE is_changed = 1;
CREATE INDEX issues_by_project_and_look ON issues(project_id, look_unix_us);
