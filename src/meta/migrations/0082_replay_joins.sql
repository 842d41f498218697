-- Replays, what joining needs (meta/replay_join.h): when data came last by our own clock, whether the session counts as ended, what came
-- since segments were joined last, who joins now, and when objects that have no row any more are to be looked for (0: there are none).
ALTER TABLE replay_sessions ADD COLUMN failed_request_count {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN is_complete {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN loose_count {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN loose_bytes {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN heard_unix_us {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN sweep_unix_us {integer} NOT NULL DEFAULT 0;
ALTER TABLE replay_sessions ADD COLUMN owner {text} NOT NULL DEFAULT '';
ALTER TABLE replay_sessions ADD COLUMN owned_until_unix_us {integer} NOT NULL DEFAULT 0;
CREATE INDEX replay_sessions_open ON replay_sessions(heard_unix_us) WHERE is_complete = 0;
CREATE INDEX replay_sessions_sweeps ON replay_sessions(sweep_unix_us) WHERE sweep_unix_us > 0;
