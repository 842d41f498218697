-- What a finding's severity is made of beside its effect (findings/finding_severity.h): its part of the service, and how fast the service
-- spends its error budget; objective 0: that is not known.
ALTER TABLE findings ADD COLUMN breadth {double} NOT NULL DEFAULT 1;
ALTER TABLE findings ADD COLUMN burn {double} NOT NULL DEFAULT 0;
ALTER TABLE findings ADD COLUMN objective {double} NOT NULL DEFAULT 0;
