-- How long a new case of a rule waits for what else the home may need before anyone is asked. Set with the
-- activation; null for the hub's own time.
ALTER TABLE rules ADD COLUMN settle_ms bigint CHECK (settle_ms >= 0);
