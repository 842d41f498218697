-- Channels (docs/channels.md): where a project's people are told. settings: a JSON object without secrets; sealed: the secrets, a JSON
-- object too, sealed for the channel and its address. routes: JSON, which incidents come here without being asked.
CREATE TABLE channels(
    id {identity},
    project_id {uuid} NOT NULL REFERENCES projects(id),
    kind {integer} NOT NULL,
    name {text} NOT NULL,
    is_on {boolean} NOT NULL,
    settings {text} NOT NULL,
    sealed {bytes} NOT NULL,
    routes {text} NOT NULL,
    author {text} NOT NULL,
    created_unix_us {integer} NOT NULL,
    changed_unix_us {integer} NOT NULL,
    failed_unix_us {integer} NOT NULL,
    failed_why {text} NOT NULL,
    sent_unix_us {integer} NOT NULL,
    UNIQUE(project_id, name)
) {strict};

-- Messages on their way (channels/delivery.h). due_unix_us: when it is tried next; lease_unix_us: until when a process has it; digest_id: the
-- message that it was told in. first_try_unix_us 0: none yet. uncertain: a try began whose end nobody wrote down.
CREATE TABLE deliveries(
    id {identity},
    project_id {uuid} NOT NULL,
    channel_id {integer} NOT NULL REFERENCES channels(id) ON DELETE CASCADE,
    dedup_key {text} NOT NULL,
    thread_key {text} NOT NULL,
    incident {integer} NOT NULL,
    act {integer} NOT NULL,
    severity {integer} NOT NULL,
    title {text} NOT NULL,
    message {text} NOT NULL,
    state {integer} NOT NULL,
    attempts {integer} NOT NULL,
    uncertain {boolean} NOT NULL,
    created_unix_us {integer} NOT NULL,
    due_unix_us {integer} NOT NULL,
    lease_unix_us {integer} NOT NULL,
    lease_owner {uuid},
    first_try_unix_us {integer} NOT NULL,
    ended_unix_us {integer} NOT NULL,
    why {text} NOT NULL,
    remote {text} NOT NULL,
    digest_id {integer} NOT NULL,
    UNIQUE(channel_id, dedup_key)
) {strict};
CREATE INDEX deliveries_due ON deliveries(due_unix_us) WHERE state IN (0, 3);
CREATE INDEX deliveries_by_channel ON deliveries(channel_id, created_unix_us);
CREATE INDEX deliveries_by_incident ON deliveries(project_id, incident, id);
CREATE INDEX deliveries_by_age ON deliveries(created_unix_us);

-- What was tried: status of the protocol (HTTP, SMTP), 0: none came.
CREATE TABLE delivery_attempts(
    delivery_id {integer} NOT NULL REFERENCES deliveries(id) ON DELETE CASCADE,
    number {integer} NOT NULL,
    began_unix_us {integer} NOT NULL,
    took_us {integer} NOT NULL,
    status {integer} NOT NULL,
    is_done {boolean} NOT NULL,
    why {text} NOT NULL,
    PRIMARY KEY(delivery_id, number)
) {clustered};

-- What the other side calls the first message of a thread: a timestamp of Slack, an id of Discord, a Message-ID.
CREATE TABLE channel_threads(
    channel_id {integer} NOT NULL REFERENCES channels(id) ON DELETE CASCADE,
    thread_key {text} NOT NULL,
    remote {text} NOT NULL,
    started_unix_us {integer} NOT NULL,
    PRIMARY KEY(channel_id, thread_key)
) {clustered};
