-- What a backtest needs besides readings: the control records of the log where they stood in it, and the evaluator's
-- state once a day. Control records are kept beyond the log, which forgets what every consumer has.

CREATE TABLE control_records (
  -- 'hub' for what concerns the whole hub.
  brand_id       text NOT NULL,
  change_id      text NOT NULL,
  -- Of the first record with this id: readers apply an id once.
  seq            bigint NOT NULL,
  received_at_ms bigint NOT NULL,
  type           text NOT NULL,
  -- Whom it concerns; null for the brand as a whole.
  device_id      text,
  -- JSON as text: what devices say of themselves may hold the character NUL, which jsonb refuses.
  change         text NOT NULL,
  PRIMARY KEY (brand_id, change_id)
);
CREATE INDEX control_records_of_brand ON control_records (brand_id, seq) WHERE device_id IS NULL;
CREATE INDEX control_records_of_device ON control_records (brand_id, device_id, seq) WHERE device_id IS NOT NULL;
CREATE INDEX control_records_by_age ON control_records (received_at_ms) WHERE type IN ('presence', 'attributes');

-- What went into the log before there was this table, as far as it came from the API.
INSERT INTO control_records (brand_id, change_id, seq, received_at_ms, type, device_id, change)
SELECT coalesce(brand_id, 'hub'), change_id, seq, appended_at_ms, change ->> 'type',
       coalesce(change ->> 'deviceId', change -> 'device' ->> 'deviceId'), change::text
  FROM control_changes WHERE seq IS NOT NULL AND appended_at_ms IS NOT NULL;

CREATE TABLE state_snapshots (
  partition         integer NOT NULL,
  -- Up to and with this record of the log.
  seq               bigint NOT NULL,
  log_id            text NOT NULL,
  -- When that record was received.
  at_ms             bigint NOT NULL,
  evaluator_version integer NOT NULL,
  PRIMARY KEY (partition, seq)
);

-- Entries in order of key, compressed; the first key finds the page.
CREATE TABLE state_snapshot_pages (
  partition integer NOT NULL,
  seq       bigint NOT NULL,
  first_key text COLLATE "C" NOT NULL,
  content   bytea NOT NULL,
  PRIMARY KEY (partition, seq, first_key),
  FOREIGN KEY (partition, seq) REFERENCES state_snapshots ON DELETE CASCADE
);
ALTER TABLE state_snapshot_pages ALTER COLUMN content SET STORAGE EXTERNAL;

SELECT hub_protect(name::regclass) FROM unnest(ARRAY[
  'control_records', 'state_snapshots', 'state_snapshot_pages'
]) AS name;
