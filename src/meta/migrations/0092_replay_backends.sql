-- Replays: what the backend did for a session (meta/replay_backend.h). page_traces: ids of traces that the page's recording named, a blank
-- behind each. backend_services: names, a line's end before each and behind the last. backend_traces: some ids, a blank behind each.
-- backend_unix_us: when that was looked at last, 0 for never.
ALTER TABLE replay_sessions ADD COLUMN page_traces {text} NOT NULL DEFAULT '';
ALTER TABLE replay_sessions ADD COLUMN backend_span_count {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN backend_error_count {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN backend_services {text} NOT NULL DEFAULT '';
ALTER TABLE replay_sessions ADD COLUMN backend_traces {text} NOT NULL DEFAULT '';
ALTER TABLE replay_sessions ADD COLUMN backend_unix_us {integer} NOT NULL DEFAULT 0;
CREATE INDEX replay_sessions_heard ON replay_sessions(heard_unix_us);
