-- Which process evaluates a monitor now, and until when that is so (monitors/monitor_store.h); lease_unix_us 0: nobody.
ALTER TABLE monitors ADD COLUMN lease_owner {text} NOT NULL DEFAULT '';
ALTER TABLE monitors ADD COLUMN lease_unix_us {integer} NOT NULL DEFAULT 0;
