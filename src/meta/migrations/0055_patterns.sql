-- Log patterns (docs/patterns.md): what lines say without what varies in them, and how many said it when. id: of the row's
-- element `pat:`, made of project, service and template; which templates are one pattern is seen when they are read.
-- is_rest: a pattern's own text, under which its rarer templates count together; their rows have ids of their own.
CREATE TABLE pattern_templates(
    project_id {uuid} NOT NULL,
    id {uuid} NOT NULL,
    service {text} NOT NULL,
    template {text} NOT NULL,
    sample {text} NOT NULL,
    is_rest {boolean} NOT NULL,
    first_unix_us {integer} NOT NULL,
    last_unix_us {integer} NOT NULL,
    PRIMARY KEY(project_id, id)
) {clustered};
CREATE INDEX pattern_templates_by_last ON pattern_templates(last_unix_us);

-- level: 0 none, 1 TRACE to 6 FATAL. Of a minute, and of an hour, that begins at at_unix_us.
CREATE TABLE pattern_minutes(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    template_id {uuid} NOT NULL,
    level {integer} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, template_id, level)
) {clustered};
CREATE INDEX pattern_minutes_by_time ON pattern_minutes(at_unix_us);
CREATE TABLE pattern_hours(
    project_id {uuid} NOT NULL,
    at_unix_us {integer} NOT NULL,
    template_id {uuid} NOT NULL,
    level {integer} NOT NULL,
    row_count {integer} NOT NULL,
    PRIMARY KEY(project_id, at_unix_us, template_id, level)
) {clustered};
CREATE INDEX pattern_hours_by_time ON pattern_hours(at_unix_us);
