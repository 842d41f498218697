-- From which role on recordings are shown with the texts that pages left unmasked (meta/replay_settings.h); a project without a row: viewer.
CREATE TABLE replay_settings(
    project_id {uuid} PRIMARY KEY REFERENCES projects(id),
    unmasked_role {integer} NOT NULL
) {strict};
