-- What people thought of answers to their questions (docs/ask.md): a list to review. owner_id NULL: a key, or its user is gone.
CREATE TABLE ask_feedback(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    owner_id {uuid} REFERENCES users(id) ON DELETE SET NULL,
    owner_name {text} NOT NULL,
    question {text} NOT NULL,
    plan {text} NOT NULL,
    note {text} NOT NULL,
    is_good {boolean} NOT NULL,
    created_unix_us {integer} NOT NULL
) {strict};
CREATE INDEX ask_feedback_by_time ON ask_feedback(project_id, created_unix_us, id);
CREATE INDEX ask_feedback_by_owner ON ask_feedback(owner_id);
