-- Templates that are new are looked for every minute (findings/finding_new.h).
CREATE INDEX pattern_templates_by_first ON pattern_templates(project_id, first_unix_us);
