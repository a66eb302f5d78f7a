-- People: how they are reached, what a brand keeps for itself, and how a home is forgotten.

-- The brand's own names for a home may be a customer number: sealed like the address, and found again by a keyed hash.
-- What an earlier release stored in plain is sealed when the hub starts; the plain columns stay empty from then on.
ALTER TABLE homes
  ADD COLUMN site_ref_sealed     bytea,
  ADD COLUMN external_ref_sealed bytea,
  ADD COLUMN external_ref_hash   text;
CREATE UNIQUE INDEX homes_external_ref ON homes (brand_id, external_ref_hash);

-- In order of preference; empty for the one channel of old.
ALTER TABLE people ADD COLUMN channels text[] NOT NULL DEFAULT '{}';

-- A home that wants no more service notices on a channel. A later consent to be contacted lifts it.
CREATE TABLE channel_opt_outs (
  brand_id  text NOT NULL,
  home_id   text NOT NULL,
  channel   text NOT NULL,
  at_ms     bigint NOT NULL,
  notice_id text NOT NULL,
  PRIMARY KEY (brand_id, home_id, channel),
  FOREIGN KEY (brand_id, home_id) REFERENCES homes
);

ALTER TABLE notices
  DROP CONSTRAINT notices_status_check,
  ADD CONSTRAINT notices_status_check CHECK (status IN
    ('requested', 'sent', 'delivered', 'read', 'failed', 'opted_out', 'expired', 'withdrawn', 'suppressed')),
  -- Whom it is for; an id, never a name.
  ADD COLUMN person_id  text,
  -- Every need it speaks of; several when one notice stands for them.
  ADD COLUMN case_ids   text[] NOT NULL DEFAULT '{}',
  -- Channels that failed, in the order they were tried.
  ADD COLUMN tried      text[] NOT NULL DEFAULT '{}',
  -- When the brand was last asked to send it; null while it waits for its time.
  ADD COLUMN told_at_ms bigint,
  -- Where a notice the brand asked for leads to.
  ADD COLUMN link       text;
UPDATE notices SET told_at_ms = created_at_ms, case_ids = CASE WHEN case_id IS NULL THEN '{}' ELSE ARRAY[case_id] END;
CREATE INDEX notices_waiting ON notices (brand_id, home_id) WHERE status = 'requested' AND told_at_ms IS NULL;

-- The same status may come once from each channel.
ALTER TABLE notice_receipts ADD COLUMN channel text NOT NULL DEFAULT '';
ALTER TABLE notice_receipts DROP CONSTRAINT notice_receipts_pkey,
  ADD PRIMARY KEY (brand_id, notice_id, channel, status);

-- The brand's own service that knows the address behind a site reference.
CREATE TABLE site_resolvers (
  brand_id       text PRIMARY KEY REFERENCES brands,
  url            text NOT NULL,
  secrets_sealed bytea NOT NULL,
  created_at_ms  bigint NOT NULL,
  updated_at_ms  bigint NOT NULL
);

-- A home that asked to be forgotten, and what was taken away so far. Holds nothing of the home but its id.
CREATE TABLE home_erasures (
  brand_id        text NOT NULL,
  home_id         text NOT NULL,
  requested_at_ms bigint NOT NULL,
  requested_by    text NOT NULL,
  due_by_ms       bigint NOT NULL,
  swept_at_ms     bigint NOT NULL,
  sweeps          integer NOT NULL,
  done_at_ms      bigint,
  -- Rows by what they were: {"people": 2, "notices": 14}.
  removed         jsonb NOT NULL,
  PRIMARY KEY (brand_id, home_id),
  FOREIGN KEY (brand_id, home_id) REFERENCES homes
);

-- A kept answer that may hold the person of a home, so that it can be forgotten with it.
ALTER TABLE idempotency_keys ADD COLUMN home_id text;
CREATE INDEX idempotency_keys_of_home ON idempotency_keys (brand_id, home_id) WHERE home_id IS NOT NULL;

-- Bodies are kept for a while after they arrived; the row stays as the record that they did.
ALTER TABLE deliveries ADD COLUMN body_removed_at_ms bigint;
CREATE INDEX deliveries_with_body ON deliveries (coalesce(sent_at_ms, dead_at_ms, created_at_ms))
  WHERE body_removed_at_ms IS NULL AND state IN ('sent', 'dead', 'cancelled');

SELECT hub_protect(name::regclass) FROM unnest(ARRAY['channel_opt_outs', 'site_resolvers', 'home_erasures']) AS name;
