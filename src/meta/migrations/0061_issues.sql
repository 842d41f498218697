-- Issues (docs/errors.md): groups of fingerprints that people work on. number: from 1 in its project ("#12"), never used again.
-- Texts are those of its first fingerprint; words: these in lower case, for searching. look_unix_us: when its state is to be
-- looked at again though nothing came.
CREATE TABLE issues(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    number {integer} NOT NULL,
    title {text} NOT NULL,
    message {text} NOT NULL,
    culprit {text} NOT NULL,
    service {text} NOT NULL,
    language {text} NOT NULL,
    category {text} NOT NULL,
    known_id {text} NOT NULL,
    words {text} NOT NULL,
    state {integer} NOT NULL CHECK(state BETWEEN 0 AND 5),
    state_unix_us {integer} NOT NULL,
    resolved_in_release {text} NOT NULL,
    ignored_until_unix_us {integer} NOT NULL,
    ignored_until_count {integer} NOT NULL,
    ignored_until_users {integer} NOT NULL,
    ignored_at_count {integer} NOT NULL,
    ignored_at_users {integer} NOT NULL,
    assignee_id {uuid} REFERENCES users(id) ON DELETE SET NULL,
    assigned_team_id {uuid} REFERENCES teams(id) ON DELETE SET NULL,
    merged_into {integer} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    total_count {integer} NOT NULL,
    user_count {integer} NOT NULL,
    created_unix_us {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL,
    look_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, number)
) {clustered};
CREATE INDEX issues_by_last ON issues(project_id, last_unix_us);
CREATE INDEX issues_by_look ON issues(look_unix_us);
CREATE INDEX issues_by_merge ON issues(project_id, merged_into);
CREATE INDEX issues_by_assignee ON issues(assignee_id);
CREATE INDEX issues_by_team ON issues(assigned_team_id);

-- Why each fingerprint is where it is, and what the index needs to go on (row: hashes, sketch, vector). decided_by, score,
-- threshold, like_id: what the owner found when it came; moved_number: the last change by a person that moved it, as
-- issue_owners.moves counts them, and moved_from the issue it was in before; 0: none did. judge: JSON, empty: not asked.
CREATE TABLE issue_fingerprints(
    project_id {uuid} NOT NULL,
    fingerprint_id {uuid} NOT NULL,
    issue {integer} NOT NULL,
    title {text} NOT NULL,
    message {text} NOT NULL,
    culprit {text} NOT NULL,
    category {text} NOT NULL,
    known_id {text} NOT NULL,
    decided_by {integer} NOT NULL,
    score {double} NOT NULL,
    threshold {double} NOT NULL,
    like_id {uuid},
    is_pinned {boolean} NOT NULL,
    moved_number {integer} NOT NULL,
    moved_from {integer} NOT NULL,
    errors_version {integer} NOT NULL,
    similar_version {integer} NOT NULL,
    group_version {integer} NOT NULL,
    row {bytes} NOT NULL,
    judge {text} NOT NULL,
    decided_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, fingerprint_id)
) {clustered};
CREATE INDEX issue_fingerprints_by_issue ON issue_fingerprints(project_id, issue);
CREATE INDEX issue_fingerprints_by_move ON issue_fingerprints(project_id, moved_number);

-- What happened to an issue, by people and by itself. what: enum issue_happening; detail: a JSON object.
CREATE TABLE issue_activity(
    project_id {uuid} NOT NULL,
    issue {integer} NOT NULL,
    at_unix_us {integer} NOT NULL,
    id {uuid} NOT NULL,
    actor_id {uuid},
    actor {text} NOT NULL,
    what {integer} NOT NULL,
    detail {text} NOT NULL,
    PRIMARY KEY(project_id, issue, at_unix_us, id)
) {clustered};

-- A project's owner: the one process that groups its errors, as long as its lease lasts. name: of the process, so that after a
-- restart it need not wait for the end of its own lease. moves: merges and splits so far.
CREATE TABLE issue_owners(
    project_id {uuid} PRIMARY KEY,
    owner {uuid} NOT NULL,
    name {text} NOT NULL,
    until_unix_us {integer} NOT NULL,
    number_next {integer} NOT NULL,
    moves {integer} NOT NULL
) {clustered};

-- A project's own rules of what is one error: each version is kept as long as a replay may need it. replaced_unix_us 0: it counts.
CREATE TABLE error_rules(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    version {integer} NOT NULL,
    valid_from_unix_us {integer} NOT NULL,
    replaced_unix_us {integer} NOT NULL,
    body {text} NOT NULL,
    author {text} NOT NULL,
    stored_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, version)
) {clustered};
