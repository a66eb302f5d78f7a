-- What somebody writes when calling a need off, dismissing an alert or asking for peace is a person's words: sealed,
-- in no event or record, and gone with the home.

ALTER TABLE case_events ADD COLUMN words_sealed bytea;

ALTER TABLE alerts
  ADD COLUMN dismissed_words_sealed bytea,
  -- The home its appliance stood in when they were written: who comes after it does not inherit them.
  ADD COLUMN home_id text;
-- Reasons that an earlier release kept in plain, with the home they may be of.
UPDATE alerts a SET home_id = d.home_id FROM devices d
  WHERE a.dismissed_reason IS NOT NULL AND d.brand_id = a.brand_id AND d.device_id = a.device_id;
CREATE INDEX alerts_of_home ON alerts (brand_id, home_id) WHERE home_id IS NOT NULL;

ALTER TABLE silences
  ADD COLUMN reason_sealed bytea,
  -- The home it is about: its own, or that of its appliance.
  ADD COLUMN home_id text;
UPDATE silences s SET home_id = s.scope ->> 'homeId' WHERE s.scope ? 'homeId';
UPDATE silences s SET home_id = d.home_id FROM devices d
  WHERE s.home_id IS NULL AND d.brand_id = s.brand_id AND d.device_id = s.scope ->> 'deviceId';
CREATE INDEX silences_of_home ON silences (brand_id, home_id) WHERE home_id IS NOT NULL;
