-- Replays: the addresses of the pages of a session, each once; past some hundred of them others are left out (meta/replay.h).
CREATE TABLE replay_pages(
    project_id {uuid} NOT NULL,
    session_id {text} NOT NULL,
    url {text} NOT NULL,
    PRIMARY KEY(project_id, session_id, url)
) {clustered};
