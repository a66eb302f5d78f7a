-- The service loop: partners and what they charge, cases, offers, work orders, what partners said, notices, timers.
--
-- Uniqueness and consent are the database's business here: one live case per component, one live offer and one live
-- order item per case, and no work order without a granted consent of that home for that partner.

-- Who comes ---------------------------------------------------------------------------------------------------------

-- The operator's object: one endpoint and one secret for all brands it works for.
CREATE TABLE partners (
  partner_id            text PRIMARY KEY,
  key                   text NOT NULL UNIQUE,
  name                  text NOT NULL,
  -- Null for a partner that polls.
  url                   text,
  -- JSON [{secret, untilMs}], newest first; two while rotating.
  secrets_sealed        bytea NOT NULL,
  state                 text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
  consecutive_failures  integer NOT NULL DEFAULT 0,
  breaker_opened_at_ms  bigint,
  breaker_probe_at_ms   bigint,
  disabled_at_ms        bigint,
  disabled_reason       text,
  created_at_ms         bigint NOT NULL,
  updated_at_ms         bigint NOT NULL
);

CREATE TABLE agreements (
  brand_id       text NOT NULL REFERENCES brands,
  agreement_id   text NOT NULL,
  partner_key    text NOT NULL REFERENCES partners (key),
  -- Copies, because a brand's transaction cannot see the operator's partners.
  partner_name   text NOT NULL,
  partner_state  text NOT NULL CHECK (partner_state IN ('active', 'suspended')),
  document       jsonb NOT NULL,
  active         boolean NOT NULL DEFAULT true,
  created_at_ms  bigint NOT NULL,
  updated_at_ms  bigint NOT NULL,
  PRIMARY KEY (brand_id, agreement_id)
);
CREATE INDEX agreements_of_partner ON agreements (partner_key);

CREATE TABLE parts (
  brand_id      text NOT NULL REFERENCES brands,
  sku           text NOT NULL,
  name          jsonb NOT NULL,
  genuine       boolean NOT NULL,
  -- Days by region-code prefix; "" is the default.
  lead_days     jsonb NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (brand_id, sku)
);

-- Needs -------------------------------------------------------------------------------------------------------------

CREATE TABLE cases (
  brand_id             text NOT NULL REFERENCES brands,
  case_id              text NOT NULL,
  device_id            text NOT NULL,
  component            text NOT NULL,
  product_key          text NOT NULL,
  home_id              text,
  region               text,
  state                text NOT NULL CHECK (state IN (
    'open', 'held', 'offered', 'snoozed', 'accepted', 'ordered', 'rerouting', 'scheduled', 'awaiting_quote', 'awaiting_parts',
    'in_progress', 'verifying', 'closed', 'declined', 'self_serviced', 'recovered', 'expired', 'cancelled')),
  end_kind             text CHECK (end_kind IN ('verified', 'no_fault_found', 'not_observed', 'unverified')),
  source               text NOT NULL CHECK (source IN ('alert', 'reported')),
  severity             text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  safety               text,
  dispatch             text NOT NULL CHECK (dispatch IN ('notify', 'offer', 'auto')),
  rule_key             text NOT NULL,
  rule_version         integer NOT NULL,
  first_episode_id     text NOT NULL,
  evidence             jsonb NOT NULL,
  -- How many of each this case has had: the ordinals its ids derive from.
  offers               integer NOT NULL DEFAULT 0,
  orders               integer NOT NULL DEFAULT 0,
  attempts             integer NOT NULL DEFAULT 0,
  events               integer NOT NULL DEFAULT 0,
  self_services        integer NOT NULL DEFAULT 0,
  offer_id             text,
  work_order_id        text,
  needs_review         text,
  acknowledged_at_ms   bigint,
  acknowledged_by      text,
  opened_at_ms         bigint NOT NULL,
  updated_at_ms        bigint NOT NULL,
  closed_at_ms         bigint,
  PRIMARY KEY (brand_id, case_id)
);
CREATE UNIQUE INDEX cases_one_live_per_component ON cases (brand_id, device_id, component)
  WHERE state NOT IN ('closed', 'declined', 'self_serviced', 'recovered', 'expired', 'cancelled');
CREATE INDEX cases_of_component ON cases (brand_id, device_id, component, opened_at_ms DESC);
CREATE INDEX cases_by_age ON cases (brand_id, opened_at_ms, case_id);
CREATE INDEX cases_of_home ON cases (brand_id, home_id) WHERE home_id IS NOT NULL;

-- Every transition: who, why, by which row of the table, on what evidence.
CREATE TABLE case_events (
  brand_id     text NOT NULL,
  case_id      text NOT NULL,
  ordinal      integer NOT NULL,
  at_ms        bigint NOT NULL,
  event        text NOT NULL,
  from_state   text,
  to_state     text NOT NULL,
  table_row    text NOT NULL,
  actor_kind   text NOT NULL,
  actor_id     text,
  why          text,
  rule_version integer,
  evidence     jsonb,
  PRIMARY KEY (brand_id, case_id, ordinal),
  FOREIGN KEY (brand_id, case_id) REFERENCES cases
);

CREATE TABLE case_episodes (
  brand_id       text NOT NULL,
  episode_id     text NOT NULL,
  case_id        text NOT NULL,
  rule_key       text NOT NULL,
  joined_at_ms   bigint NOT NULL,
  resolved_at_ms bigint,
  PRIMARY KEY (brand_id, case_id, episode_id),
  FOREIGN KEY (brand_id, case_id) REFERENCES cases
);
CREATE INDEX case_episodes_by_episode ON case_episodes (brand_id, episode_id);

-- What the rules said that was already acted upon; a second time does nothing.
CREATE TABLE service_effects (
  brand_id  text NOT NULL,
  device_id text NOT NULL,
  seq       bigint NOT NULL,
  ordinal   integer NOT NULL,
  PRIMARY KEY (brand_id, device_id, seq, ordinal)
);

-- Offers ------------------------------------------------------------------------------------------------------------

CREATE TABLE offers (
  brand_id         text NOT NULL REFERENCES brands,
  offer_id         text NOT NULL,
  home_id          text NOT NULL,
  state            text NOT NULL CHECK (state IN (
    'offered', 'snoozed', 'accepted', 'self_service', 'declined', 'expired', 'withdrawn', 'cancelled', 'closed')),
  -- Raised to make every older link dead.
  generation       integer NOT NULL DEFAULT 1,
  token_hash       text NOT NULL UNIQUE,
  -- What the home is shown, as it was when the offer was made.
  terms            jsonb NOT NULL,
  created_at_ms    bigint NOT NULL,
  expires_at_ms    bigint NOT NULL,
  snoozed_until_ms bigint,
  answered_at_ms   bigint,
  answer           jsonb,
  PRIMARY KEY (brand_id, offer_id),
  FOREIGN KEY (brand_id, home_id) REFERENCES homes
);
CREATE INDEX offers_of_home ON offers (brand_id, home_id, created_at_ms DESC);
CREATE INDEX offers_by_age ON offers (brand_id, created_at_ms, offer_id);

CREATE TABLE offer_items (
  brand_id text NOT NULL,
  offer_id text NOT NULL,
  case_id  text NOT NULL,
  live     boolean NOT NULL DEFAULT true,
  PRIMARY KEY (brand_id, offer_id, case_id),
  FOREIGN KEY (brand_id, offer_id) REFERENCES offers,
  FOREIGN KEY (brand_id, case_id) REFERENCES cases
);
CREATE UNIQUE INDEX offer_items_one_live_per_case ON offer_items (brand_id, case_id) WHERE live;

-- Orders ------------------------------------------------------------------------------------------------------------

-- What a work order's consent is checked against: the same home, that partner, and granted.
ALTER TABLE consents ADD CONSTRAINT consents_as_proof UNIQUE (brand_id, consent_id, home_id, recipient_key, granted);

CREATE TABLE work_orders (
  brand_id        text NOT NULL REFERENCES brands,
  work_order_id   text NOT NULL UNIQUE,
  number          text NOT NULL,
  home_id         text NOT NULL,
  offer_id        text,
  partner_key     text NOT NULL REFERENCES partners (key),
  agreement_id    text NOT NULL,
  consent_id      text NOT NULL,
  consent_granted boolean NOT NULL DEFAULT true CHECK (consent_granted),
  state           text NOT NULL CHECK (state IN ('sent', 'accepted', 'in_progress', 'completed', 'rejected', 'failed', 'cancelled')),
  -- The partner's last status that counted, ordered by (visit, rank).
  status          text,
  visit           integer NOT NULL DEFAULT 1,
  rank            integer NOT NULL DEFAULT 0,
  rework_of       text,
  -- The charge as accepted; the trigger below keeps it so.
  charge          jsonb NOT NULL,
  charge_sha256   text NOT NULL CHECK (charge_sha256 ~ '^[0-9a-f]{64}$'),
  packet          jsonb NOT NULL,
  job_token_hash  text NOT NULL UNIQUE,
  job_expires_at_ms bigint NOT NULL,
  external_id     text,
  technician      jsonb,
  appointment     jsonb,
  outcome         jsonb,
  overcharged     boolean NOT NULL DEFAULT false,
  needs_review    text,
  accept_by_ms    bigint,
  created_at_ms   bigint NOT NULL,
  accepted_at_ms  bigint,
  arrived_at_ms   bigint,
  closed_at_ms    bigint,
  PRIMARY KEY (brand_id, work_order_id),
  UNIQUE (brand_id, number),
  FOREIGN KEY (brand_id, offer_id) REFERENCES offers,
  FOREIGN KEY (brand_id, agreement_id) REFERENCES agreements,
  FOREIGN KEY (brand_id, consent_id, home_id, partner_key, consent_granted)
    REFERENCES consents (brand_id, consent_id, home_id, recipient_key, granted)
);
CREATE INDEX work_orders_by_age ON work_orders (brand_id, created_at_ms, work_order_id);
CREATE INDEX work_orders_of_partner ON work_orders (partner_key, created_at_ms, work_order_id);

CREATE FUNCTION keep_frozen_charge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the charge of work order % is frozen', OLD.work_order_id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER work_orders_frozen_charge BEFORE UPDATE OF charge, charge_sha256, consent_id ON work_orders FOR EACH ROW
  WHEN (OLD.charge IS DISTINCT FROM NEW.charge OR OLD.charge_sha256 IS DISTINCT FROM NEW.charge_sha256
    OR OLD.consent_id IS DISTINCT FROM NEW.consent_id)
  EXECUTE FUNCTION keep_frozen_charge();

CREATE TABLE order_items (
  brand_id      text NOT NULL,
  item_id       text NOT NULL,
  work_order_id text NOT NULL,
  case_id       text NOT NULL,
  live          boolean NOT NULL DEFAULT true,
  verdict       text CHECK (verdict IN ('confirmed', 'other_cause', 'no_fault_found', 'not_accessible')),
  cause         text,
  parts         text[] NOT NULL DEFAULT '{}',
  verified      text CHECK (verified IN ('verified', 'not_fixed', 'not_observed', 'unverified')),
  finished_at_ms bigint,
  PRIMARY KEY (brand_id, item_id),
  UNIQUE (brand_id, work_order_id, case_id),
  FOREIGN KEY (brand_id, work_order_id) REFERENCES work_orders,
  FOREIGN KEY (brand_id, case_id) REFERENCES cases
);
CREATE UNIQUE INDEX order_items_one_live_per_case ON order_items (brand_id, case_id) WHERE live;

-- Everything a partner or technician said about an order, counted or not.
CREATE TABLE partner_events (
  brand_id       text NOT NULL,
  work_order_id  text NOT NULL,
  webhook_id     text NOT NULL,
  source         text NOT NULL CHECK (source IN ('webhook', 'job')),
  status         text NOT NULL,
  visit          integer NOT NULL,
  at_ms          bigint NOT NULL,
  received_at_ms bigint NOT NULL,
  body           jsonb NOT NULL,
  disposition    text NOT NULL,
  PRIMARY KEY (brand_id, work_order_id, webhook_id),
  FOREIGN KEY (brand_id, work_order_id) REFERENCES work_orders
);

-- Time and people ---------------------------------------------------------------------------------------------------

-- What happens by itself, at a time of the hub's clock. One of a kind per subject; setting it again moves it.
CREATE TABLE timers (
  brand_id  text NOT NULL,
  kind      text NOT NULL,
  subject   text NOT NULL,
  due_at_ms bigint NOT NULL,
  -- What it waits for besides the time, as 'gate': opening it makes the timer due at once.
  waits_for text,
  failures  integer NOT NULL DEFAULT 0,
  PRIMARY KEY (brand_id, kind, subject)
) WITH (fillfactor = 70);
CREATE INDEX timers_due ON timers (due_at_ms);

CREATE TABLE notices (
  brand_id      text NOT NULL REFERENCES brands,
  notice_id     text NOT NULL,
  home_id       text NOT NULL,
  case_id       text,
  offer_id      text,
  kind          text NOT NULL CHECK (kind IN ('service', 'safety', 'promotion')),
  reason_code   text NOT NULL,
  channels      text[] NOT NULL,
  text          jsonb NOT NULL,
  -- Whether it has a link; the link itself is a bearer secret and is made again when needed.
  link_kind     text CHECK (link_kind IN ('offer')),
  send_after_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  status        text NOT NULL DEFAULT 'requested'
    CHECK (status IN ('requested', 'sent', 'delivered', 'read', 'failed', 'opted_out')),
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (brand_id, notice_id),
  FOREIGN KEY (brand_id, home_id) REFERENCES homes
);
CREATE INDEX notices_by_age ON notices (brand_id, created_at_ms, notice_id);
CREATE INDEX notices_of_home ON notices (brand_id, home_id, created_at_ms DESC);

CREATE TABLE notice_receipts (
  brand_id  text NOT NULL,
  notice_id text NOT NULL,
  status    text NOT NULL,
  at_ms     bigint NOT NULL,
  PRIMARY KEY (brand_id, notice_id, status),
  FOREIGN KEY (brand_id, notice_id) REFERENCES notices
);

SELECT hub_protect(name::regclass) FROM unnest(ARRAY[
  'partners', 'agreements', 'parts', 'cases', 'case_events', 'case_episodes', 'service_effects', 'offers', 'offer_items',
  'work_orders', 'order_items', 'partner_events', 'timers', 'notices', 'notice_receipts'
]) AS name;
