-- Language models (docs/llm.md): what one project says of its own. url empty: the server's model, with the server's key. key_sealed:
-- net/seal.h, about the project and the URL, so that a key cannot be sent to another address than the one it was given for;
-- empty: none. Prices: millionths of the currency that is meant, for a million tokens. Budgets 0: none. audit: 0 as the
-- server's setting, 1 on, 2 off; audit_days 0: as the server's.
CREATE TABLE llm_settings(
    project_id {uuid} PRIMARY KEY REFERENCES projects(id),
    is_on {boolean} NOT NULL,
    url {text} NOT NULL,
    model {text} NOT NULL,
    key_sealed {bytes} NOT NULL,
    input_price_micros {integer} NOT NULL CHECK(input_price_micros >= 0),
    output_price_micros {integer} NOT NULL CHECK(output_price_micros >= 0),
    tokens_day {integer} NOT NULL CHECK(tokens_day >= 0),
    tokens_month {integer} NOT NULL CHECK(tokens_month >= 0),
    cost_day_micros {integer} NOT NULL CHECK(cost_day_micros >= 0),
    cost_month_micros {integer} NOT NULL CHECK(cost_month_micros >= 0),
    audit {integer} NOT NULL CHECK(audit BETWEEN 0 AND 2),
    audit_days {integer} NOT NULL CHECK(audit_days >= 0),
    changed_unix_us {integer} NOT NULL
) {strict};
