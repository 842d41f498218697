-- May questions in plain English (docs/ask.md) go to the project's language model? 0 as the server's setting, 1 yes, 2 no.
ALTER TABLE llm_settings ADD COLUMN ask {integer} NOT NULL DEFAULT 0 CHECK(ask BETWEEN 0 AND 2);
