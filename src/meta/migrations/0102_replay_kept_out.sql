-- Recordings that were deleted because somebody asked (meta/replay_kept_out.h): what still comes of them is not kept.
CREATE TABLE replay_kept_out(
    project_id {uuid} NOT NULL,
    session_id {text} NOT NULL,
    at_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, session_id)
) {clustered};
CREATE INDEX replay_kept_out_by_age ON replay_kept_out(at_unix_us);
