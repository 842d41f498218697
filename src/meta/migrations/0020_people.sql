CREATE TABLE users(
    id {uuid} PRIMARY KEY,
    email {text} NOT NULL UNIQUE,
    name {text} NOT NULL,
    is_instance_admin {boolean} NOT NULL,
    password_hash {text},
    scram_verifier {text},
    must_change_password {boolean} NOT NULL,
    disabled_unix_us {integer},
    created_unix_us {integer} NOT NULL,
    signed_in_unix_us {integer}
) {strict};

CREATE TABLE user_identities(
    issuer {text} NOT NULL,
    subject {text} NOT NULL,
    user_id {uuid} NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    created_unix_us {integer} NOT NULL,
    PRIMARY KEY(issuer, subject)
) {clustered};
CREATE INDEX user_identities_by_user ON user_identities(user_id);

CREATE TABLE user_sessions(
    id {uuid} PRIMARY KEY,
    user_id {uuid} NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    token_sha256 {bytes} NOT NULL UNIQUE,
    method {text} NOT NULL,
    address {text} NOT NULL,
    agent {text} NOT NULL,
    created_unix_us {integer} NOT NULL,
    used_unix_us {integer} NOT NULL,
    ends_unix_us {integer} NOT NULL
) {strict};
CREATE INDEX user_sessions_by_user ON user_sessions(user_id);
CREATE INDEX user_sessions_by_end ON user_sessions(ends_unix_us);

CREATE TABLE teams(
    id {uuid} PRIMARY KEY,
    name {text} NOT NULL UNIQUE,
    created_unix_us {integer} NOT NULL
) {strict};

CREATE TABLE team_members(
    team_id {uuid} NOT NULL REFERENCES teams(id) ON DELETE CASCADE,
    user_id {uuid} NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    PRIMARY KEY(team_id, user_id)
) {clustered};
CREATE INDEX team_members_by_user ON team_members(user_id);

CREATE TABLE project_members(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    user_id {uuid} NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    is_by_oidc {boolean} NOT NULL,
    role {integer} NOT NULL CHECK(role BETWEEN 1 AND 4),
    PRIMARY KEY(project_id, user_id, is_by_oidc)
) {clustered};
CREATE INDEX project_members_by_user ON project_members(user_id);

CREATE TABLE project_teams(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    team_id {uuid} NOT NULL REFERENCES teams(id) ON DELETE CASCADE,
    role {integer} NOT NULL CHECK(role BETWEEN 1 AND 4),
    PRIMARY KEY(project_id, team_id)
) {clustered};
CREATE INDEX project_teams_by_team ON project_teams(team_id);

CREATE TABLE audit(
    number {identity},
    at_unix_us {integer} NOT NULL,
    actor_kind {text} NOT NULL,
    actor_id {text} NOT NULL,
    actor_name {text} NOT NULL,
    address {text} NOT NULL,
    action {text} NOT NULL,
    object_kind {text} NOT NULL,
    object {text} NOT NULL,
    project_id {uuid},
    is_refused {boolean} NOT NULL,
    details {text} NOT NULL
) {strict};
CREATE INDEX audit_by_project ON audit(project_id, number);
CREATE INDEX audit_by_time ON audit(at_unix_us);

--sqlite
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
--postgres
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
--both
