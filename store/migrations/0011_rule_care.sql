-- What surrounds a rule: a second person for what sends anybody, and who is to be left in peace when.

-- Ids of versions a version repeats, when somebody went back.
ALTER TABLE rule_versions ADD COLUMN restored_from integer CHECK (restored_from >= 1);

-- An activation that waits for another person's yes. At most one open per rule: a newer one takes its place.
CREATE TABLE rule_proposals (
  brand_id       text NOT NULL,
  proposal_id    text NOT NULL UNIQUE,
  rule_key       text NOT NULL,
  version        integer NOT NULL,
  canary_share   double precision NOT NULL CHECK (canary_share > 0 AND canary_share <= 1),
  settle_ms      bigint CHECK (settle_ms >= 0),
  state          text NOT NULL CHECK (state IN ('open', 'approved', 'rejected', 'replaced')),
  proposed_by    text NOT NULL,
  proposed_at_ms bigint NOT NULL,
  decided_by     text,
  decided_at_ms  bigint,
  note           text,
  PRIMARY KEY (brand_id, proposal_id),
  FOREIGN KEY (brand_id, rule_key, version) REFERENCES rule_versions,
  -- Two people means two, whatever the code above says.
  CHECK (state <> 'approved' OR (decided_by IS NOT NULL AND decided_by <> proposed_by))
);
CREATE UNIQUE INDEX rule_proposals_open ON rule_proposals (brand_id, rule_key) WHERE state = 'open';
SELECT hub_protect('rule_proposals');

-- Quiet for a time, as somebody asked for it. The evaluator has its own copy by control record.
CREATE TABLE silences (
  brand_id      text NOT NULL REFERENCES brands,
  silence_id    text NOT NULL UNIQUE,
  scope         jsonb NOT NULL,
  reason        text NOT NULL,
  from_ms       bigint NOT NULL,
  until_ms      bigint NOT NULL,
  created_by    text NOT NULL,
  ended_at_ms   bigint,
  ended_by      text,
  PRIMARY KEY (brand_id, silence_id),
  -- A silence nobody ends would hide a fault for good.
  CHECK (until_ms > from_ms AND until_ms <= from_ms + 30 * 86400000::bigint)
);
CREATE INDEX silences_by_end ON silences (brand_id, until_ms);
SELECT hub_protect('silences');

-- Quiet that comes again by the clock.
CREATE TABLE maintenance_windows (
  brand_id      text NOT NULL REFERENCES brands,
  window_key    text NOT NULL,
  document      jsonb NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  updated_by    text NOT NULL,
  PRIMARY KEY (brand_id, window_key)
);
SELECT hub_protect('maintenance_windows');
