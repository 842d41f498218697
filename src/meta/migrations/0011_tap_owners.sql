-- Who stores for a partition now: taken by whoever opens it, so that what its last owner still had under way comes too late.
ALTER TABLE tap_positions ADD COLUMN owner {text} NOT NULL DEFAULT '';
