-- What was answered to requests with an Idempotency-Key, for 24 h. status 0: it is being done.
CREATE TABLE api_once(
    caller {text} NOT NULL,
    key {text} NOT NULL,
    request_hash {bytes} NOT NULL,
    status {integer} NOT NULL,
    content_type {text} NOT NULL,
    body {bytes} NOT NULL,
    created_unix_us {integer} NOT NULL,
    PRIMARY KEY(caller, key)
) {clustered};
CREATE INDEX api_once_created ON api_once(created_unix_us);
