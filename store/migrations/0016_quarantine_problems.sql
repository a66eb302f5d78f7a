-- Every problem of a payload, up to the bound per message: a re-import takes in what each of them refused, not the first alone.
-- NULL where there was only one, which the row itself names.
ALTER TABLE quarantine ADD COLUMN problems jsonb;
