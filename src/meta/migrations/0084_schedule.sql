-- What is to be done at times (src/schedule). next_unix_us: the next due time; start_unix_us: with the job's jitter, when it is begun;
-- asked_unix_us: somebody wants it now, 0: nobody. settings of when are those of subject's own table, copied.
CREATE TABLE schedule_jobs(
    id {identity},
    project_id {uuid} NOT NULL REFERENCES projects(id),
    subject {text} NOT NULL,
    cadence {text} NOT NULL,
    zone {text} NOT NULL,
    jitter_s {integer} NOT NULL,
    is_paused {boolean} NOT NULL,
    next_unix_us {integer} NOT NULL,
    start_unix_us {integer} NOT NULL,
    asked_unix_us {integer} NOT NULL,
    UNIQUE(project_id, subject)
) {strict};
CREATE INDEX schedule_jobs_by_start ON schedule_jobs(start_unix_us);

-- Each due time of a job once, and each time that it was asked for. state: enum job_run_state; missed: due times before this one that
-- nobody ran. lease_unix_us: until when its owner may be silent, or when it is tried again. log: lines; figures: JSON, what it cost.
CREATE TABLE schedule_runs(
    id {identity},
    job_id {integer} NOT NULL REFERENCES schedule_jobs(id) ON DELETE CASCADE,
    project_id {uuid} NOT NULL,
    due_unix_us {integer} NOT NULL,
    is_asked {boolean} NOT NULL,
    missed {integer} NOT NULL,
    state {integer} NOT NULL,
    attempt {integer} NOT NULL,
    owner {text} NOT NULL,
    lease_unix_us {integer} NOT NULL,
    began_unix_us {integer} NOT NULL,
    ended_unix_us {integer} NOT NULL,
    why {text} NOT NULL,
    log {text} NOT NULL,
    figures {text} NOT NULL,
    UNIQUE(job_id, due_unix_us, is_asked)
) {strict};
CREATE INDEX schedule_runs_open ON schedule_runs(lease_unix_us) WHERE state = 0;
CREATE INDEX schedule_runs_by_job ON schedule_runs(job_id, id);
