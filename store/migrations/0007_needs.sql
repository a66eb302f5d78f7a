-- Needs: faults people report, storms of a fleet, several needs in one offer, and what a home says of them.

ALTER TABLE cases
  -- Null for a need that a person reported and no rule has seen.
  ALTER COLUMN rule_key DROP NOT NULL,
  ALTER COLUMN rule_version DROP NOT NULL,
  -- What ended it: the happening, or for an alert's end its reason. Null while it is live.
  ADD COLUMN ended_by text,
  -- As the device reported it when the need opened: what a storm is told apart by.
  ADD COLUMN firmware text,
  -- The hold it waits in, or was released from.
  ADD COLUMN hold_id  text,
  -- What a reported need is about, in words, until a rule says more: {code, text}.
  ADD COLUMN cause    jsonb,
  -- A person of the home asked for this themselves: no cap on contacts holds it.
  ADD COLUMN wanted   boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN cases.first_episode_id IS 'what its ids derive from: the first episode, or the report it began with';
CREATE INDEX cases_of_rule ON cases (brand_id, rule_key, opened_at_ms) WHERE rule_key IS NOT NULL;
CREATE INDEX cases_of_hold ON cases (brand_id, hold_id, case_id) WHERE hold_id IS NOT NULL;

-- How many devices a storm is measured against.
CREATE INDEX devices_of_firmware ON devices (brand_id, product_key, (attributes ->> 'firmware')) WHERE removed_at_ms IS NULL;

CREATE TABLE fleet_holds (
  brand_id      text NOT NULL REFERENCES brands,
  hold_id       text NOT NULL,
  state         text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'dropped')),
  rule_key      text NOT NULL,
  rule_version  integer NOT NULL,
  product_key   text NOT NULL,
  -- Empty where devices report none, or their region is not known.
  firmware      text NOT NULL,
  region        text NOT NULL,
  safety        text,
  population    integer NOT NULL,
  case_limit    integer NOT NULL,
  held_at_ms    bigint NOT NULL,
  decided_at_ms bigint,
  decided_by    text,
  reason        text,
  PRIMARY KEY (brand_id, hold_id)
);
CREATE UNIQUE INDEX fleet_holds_one_per_group ON fleet_holds (brand_id, rule_key, product_key, firmware, region)
  WHERE state = 'held';
CREATE INDEX fleet_holds_by_age ON fleet_holds (brand_id, held_at_ms, hold_id);

-- What a fault report says in the reporter's own words is a person's: sealed, and gone with the home.
CREATE TABLE fault_reports (
  brand_id       text NOT NULL REFERENCES brands,
  report_id      text NOT NULL,
  -- Whose ticket numbers: `brand`, a partner's key, or the offer whose page it came from.
  source         text NOT NULL,
  external_ref   text,
  device_id      text NOT NULL,
  home_id        text,
  case_id        text,
  component      text,
  channel        text NOT NULL CHECK (channel IN ('hotline', 'app', 'wechat', 'partner', 'page')),
  symptom        text,
  -- What a home complained of on its page.
  problem        text,
  text_sealed    bytea,
  joined         boolean NOT NULL,
  missed         boolean NOT NULL,
  -- What was answered, without a person in it.
  diagnosis      jsonb NOT NULL,
  reported_at_ms bigint NOT NULL,
  received_at_ms bigint NOT NULL,
  PRIMARY KEY (brand_id, report_id),
  UNIQUE (brand_id, source, external_ref)
);
CREATE INDEX fault_reports_by_age ON fault_reports (brand_id, received_at_ms, report_id);
CREATE INDEX fault_reports_of_device ON fault_reports (brand_id, device_id, reported_at_ms);
CREATE INDEX fault_reports_of_home ON fault_reports (brand_id, home_id) WHERE home_id IS NOT NULL;

ALTER TABLE offers
  -- Raised with every change of needs, price or visits.
  ADD COLUMN revision     integer NOT NULL DEFAULT 1,
  -- A person's own words beside an answer: sealed, and gone with the home.
  ADD COLUMN words_sealed bytea;
-- Words that an earlier release kept in plain.
UPDATE offers SET answer = answer - 'text' WHERE answer ? 'text';
-- Why a need is no longer part of an offer that goes on.
ALTER TABLE offer_items ADD COLUMN ended_as text CHECK (ended_as IN ('self_service', 'declined', 'recovered', 'ended'));

-- No more offers about this kind of part of this kind of appliance in this home; danger excepted.
CREATE TABLE offer_stops (
  brand_id       text NOT NULL,
  stop_id        text NOT NULL,
  home_id        text NOT NULL,
  category       text NOT NULL,
  component_kind text NOT NULL,
  offer_id       text,
  stopped_at_ms  bigint NOT NULL,
  lifted_at_ms   bigint,
  lifted_by      text,
  PRIMARY KEY (brand_id, stop_id),
  FOREIGN KEY (brand_id, home_id) REFERENCES homes
);
CREATE UNIQUE INDEX offer_stops_in_force ON offer_stops (brand_id, home_id, category, component_kind) WHERE lifted_at_ms IS NULL;

CREATE TABLE ratings (
  brand_id      text NOT NULL,
  work_order_id text NOT NULL,
  home_id       text NOT NULL,
  partner_key   text NOT NULL,
  agreement_id  text NOT NULL,
  attitude      smallint NOT NULL CHECK (attitude BETWEEN 1 AND 5),
  quality       smallint NOT NULL CHECK (quality BETWEEN 1 AND 5),
  speed         smallint NOT NULL CHECK (speed BETWEEN 1 AND 5),
  solved        boolean NOT NULL,
  text_sealed   bytea,
  rated_at_ms   bigint NOT NULL,
  changed_at_ms bigint NOT NULL,
  PRIMARY KEY (brand_id, work_order_id),
  FOREIGN KEY (brand_id, work_order_id) REFERENCES work_orders
);
CREATE INDEX ratings_of_agreement ON ratings (brand_id, agreement_id, rated_at_ms);

-- Since when its subject has waited: what was held together goes on in that order.
ALTER TABLE timers ADD COLUMN since_ms bigint NOT NULL DEFAULT 0;
CREATE INDEX timers_waiting ON timers (brand_id, waits_for) WHERE waits_for IS NOT NULL;

SELECT hub_protect(name::regclass) FROM unnest(ARRAY['fleet_holds', 'fault_reports', 'offer_stops', 'ratings']) AS name;
