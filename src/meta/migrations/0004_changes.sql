CREATE TABLE changes(
    topic {text} PRIMARY KEY,
    number {integer} NOT NULL
) {clustered};
