-- What language models were asked (docs/llm.md), by whose model it was: payer 0 the server's, 1 the project's own. Days are UTC.
CREATE TABLE llm_usage(
    project_id {uuid} NOT NULL REFERENCES projects(id),
    day {integer} NOT NULL,
    payer {integer} NOT NULL,
    purpose {text} NOT NULL,
    requests {integer} NOT NULL,
    failures {integer} NOT NULL,
    input_tokens {integer} NOT NULL,
    output_tokens {integer} NOT NULL,
    cost_micros {integer} NOT NULL,
    PRIMARY KEY(project_id, day, payer, purpose)
) {clustered};

-- Requests under way, with the most that they may use: they count against the budget as if it were used. One whose process
-- died is over at until_unix_us, and then counts as used.
CREATE TABLE llm_reservations(
    id {uuid} PRIMARY KEY,
    project_id {uuid} NOT NULL REFERENCES projects(id),
    day {integer} NOT NULL,
    payer {integer} NOT NULL,
    purpose {text} NOT NULL,
    input_tokens {integer} NOT NULL,
    output_tokens {integer} NOT NULL,
    cost_micros {integer} NOT NULL,
    until_unix_us {integer} NOT NULL
) {strict};
CREATE INDEX llm_reservations_by_project ON llm_reservations(project_id, day);
CREATE INDEX llm_reservations_by_end ON llm_reservations(until_unix_us);

-- What was sent and what came back, without secrets, cut at a bound; bytes: what they were before. failure empty: none.
CREATE TABLE llm_audit(
    number {identity},
    project_id {uuid} NOT NULL REFERENCES projects(id),
    at_unix_us {integer} NOT NULL,
    purpose {text} NOT NULL,
    actor {text} NOT NULL,
    model {text} NOT NULL,
    host {text} NOT NULL,
    prompt {text} NOT NULL,
    prompt_bytes {integer} NOT NULL,
    answer {text} NOT NULL,
    answer_bytes {integer} NOT NULL,
    input_tokens {integer} NOT NULL,
    output_tokens {integer} NOT NULL,
    cost_micros {integer} NOT NULL,
    tries {integer} NOT NULL,
    took_ms {integer} NOT NULL,
    failure {text} NOT NULL
) {strict};
CREATE INDEX llm_audit_by_project ON llm_audit(project_id, number);
CREATE INDEX llm_audit_by_time ON llm_audit(project_id, at_unix_us);
