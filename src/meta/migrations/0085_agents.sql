-- Agents (docs/agents.md): definition: a JSON object, as the API takes it. job_id: of schedule_jobs.
CREATE TABLE agents(
    id {identity},
    project_id {uuid} NOT NULL REFERENCES projects(id),
    name {text} NOT NULL,
    definition {text} NOT NULL,
    author {text} NOT NULL,
    created_unix_us {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL,
    UNIQUE(project_id, name)
) {strict};

-- What a run found. run_id: of schedule_runs: at most one report each. content: JSON (agents/report.h).
CREATE TABLE agent_reports(
    id {identity},
    project_id {uuid} NOT NULL,
    agent_id {integer} NOT NULL,
    run_id {integer} NOT NULL UNIQUE,
    title {text} NOT NULL,
    severity {integer} NOT NULL,
    from_unix_us {integer} NOT NULL,
    to_unix_us {integer} NOT NULL,
    made_unix_us {integer} NOT NULL,
    content {text} NOT NULL
) {strict};
CREATE INDEX agent_reports_by_project ON agent_reports(project_id, id);
CREATE INDEX agent_reports_by_agent ON agent_reports(agent_id, id);
CREATE INDEX agent_reports_by_age ON agent_reports(made_unix_us);
