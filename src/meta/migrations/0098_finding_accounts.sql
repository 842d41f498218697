-- What a language model says of a finding (findings/finding_account.h). wished_unix_us: when its causes were known; asked_unix_us: when a
-- process took it to ask the model, 0: nobody yet; content: JSON, empty: there is none, and why says why.
CREATE TABLE finding_accounts(
    project_id {uuid} NOT NULL,
    number {integer} NOT NULL,
    wished_unix_us {integer} NOT NULL,
    asked_unix_us {integer} NOT NULL,
    model {text} NOT NULL,
    content {text} NOT NULL,
    why {text} NOT NULL,
    PRIMARY KEY(project_id, number)
) {clustered};
CREATE INDEX finding_accounts_wished ON finding_accounts(asked_unix_us, wished_unix_us);
