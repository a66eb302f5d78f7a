-- Everything with identity that is not the service loop itself (that is 0002).
--
-- Conventions
--   * Times are bigint milliseconds of hub time, in columns ending in _ms.
--   * A table that holds a brand's things has brand_id first in its primary key, and foreign keys between such tables
--     carry brand_id, so that no row can ever point across brands.
--   * hub_protect(table) forces row-level security: rows of the present brand, or everything in hub scope. A table
--     without brand_id is the hub's own and shows nothing at all inside a brand's transaction.
--   * brand_id 'hub' stands for the operator's own rows (keys, audit, test deliveries). No brand can have that id, and
--     the tables that allow it have no foreign key to brands.
--   * What is derived from the telemetry log (alerts, views, quarantine) has no foreign key to devices or rules: a log
--     that knows more than a restored database must still be applicable.

CREATE FUNCTION hub_protect(target regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  by_brand boolean := EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = target AND attname = 'brand_id' AND NOT attisdropped);
  in_hub text := '(SELECT current_setting(''hub.scope'', true)) = ''hub''';
  visible text := CASE WHEN by_brand
    THEN 'brand_id = (SELECT current_setting(''hub.brand'', true)) OR ' || in_hub
    ELSE in_hub END;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY tenancy ON %s USING (%s) WITH CHECK (%s)', target, visible, visible);
END $$;

-- Who is there ------------------------------------------------------------------------------------------------------

CREATE TABLE brands (
  brand_id       text PRIMARY KEY CHECK (brand_id <> 'hub'),
  key            text NOT NULL UNIQUE,
  name           jsonb NOT NULL,
  settings       jsonb NOT NULL DEFAULT '{}',
  created_at_ms  bigint NOT NULL,
  updated_at_ms  bigint NOT NULL,
  disabled_at_ms bigint
);

-- Kill switches: a row closes the way out for a brand, one of its rules, a region or a partner, at once.
CREATE TABLE gates (
  brand_id     text NOT NULL REFERENCES brands,
  kind         text NOT NULL CHECK (kind IN ('brand', 'rule', 'region', 'partner')),
  target       text NOT NULL,
  closed_at_ms bigint NOT NULL,
  closed_by    text NOT NULL,
  reason       text NOT NULL,
  PRIMARY KEY (brand_id, kind, target)
);

CREATE TABLE api_keys (
  brand_id        text NOT NULL,
  key_id          text NOT NULL,
  role            text NOT NULL CHECK (role IN ('admin', 'author', 'viewer', 'partner', 'platform')),
  label           text NOT NULL DEFAULT '',
  key_hash        text NOT NULL UNIQUE,
  partner_key     text,
  created_at_ms   bigint NOT NULL,
  created_by      text NOT NULL,
  expires_at_ms   bigint,
  last_used_at_ms bigint,
  revoked_at_ms   bigint,
  PRIMARY KEY (brand_id, key_id),
  -- The operator's keys are the hub's. A partner's may be too, since one partner serves many brands.
  CHECK (CASE role WHEN 'platform' THEN brand_id = 'hub' WHEN 'partner' THEN true ELSE brand_id <> 'hub' END),
  CHECK ((role = 'partner') = (partner_key IS NOT NULL))
);

-- What is sold and where it stands ----------------------------------------------------------------------------------

CREATE TABLE products (
  brand_id        text NOT NULL REFERENCES brands,
  product_key     text NOT NULL,
  current_version integer NOT NULL CHECK (current_version >= 1),
  created_at_ms   bigint NOT NULL,
  updated_at_ms   bigint NOT NULL,
  removed_at_ms   bigint,
  PRIMARY KEY (brand_id, product_key)
);

CREATE TABLE product_versions (
  brand_id      text NOT NULL,
  product_key   text NOT NULL,
  version       integer NOT NULL CHECK (version >= 1),
  document      jsonb NOT NULL,
  sha256        text NOT NULL,
  created_at_ms bigint NOT NULL,
  created_by    text NOT NULL,
  PRIMARY KEY (brand_id, product_key, version),
  FOREIGN KEY (brand_id, product_key) REFERENCES products
);

CREATE TABLE homes (
  brand_id       text NOT NULL REFERENCES brands,
  home_id        text NOT NULL UNIQUE,
  time_zone      text NOT NULL,
  quiet_from     text NOT NULL CHECK (quiet_from ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  quiet_to       text NOT NULL CHECK (quiet_to ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  region         text CHECK (region ~ '^[0-9]{2,9}$'),
  address_sealed bytea,
  -- The brand's own name for the place, when it keeps the address and resolves it on demand.
  site_ref       text,
  external_ref   text,
  created_at_ms  bigint NOT NULL,
  updated_at_ms  bigint NOT NULL,
  erased_at_ms   bigint,
  PRIMARY KEY (brand_id, home_id),
  UNIQUE (brand_id, external_ref)
);

CREATE TABLE people (
  brand_id       text NOT NULL,
  person_id      text NOT NULL,
  home_id        text NOT NULL,
  role           text NOT NULL CHECK (role IN ('owner', 'resident', 'delegate')),
  name_sealed    bytea,
  contact_sealed bytea,
  channel        text NOT NULL,
  locale         text NOT NULL,
  decides        boolean NOT NULL,
  pays           boolean NOT NULL,
  created_at_ms  bigint NOT NULL,
  erased_at_ms   bigint,
  PRIMARY KEY (brand_id, person_id),
  FOREIGN KEY (brand_id, home_id) REFERENCES homes
);
CREATE INDEX people_of_home ON people (brand_id, home_id);

-- One record per purpose and, for sharing, per recipient. A withdrawal closes the record; it is never rewritten.
CREATE TABLE consents (
  brand_id           text NOT NULL,
  consent_id         text NOT NULL,
  home_id            text NOT NULL,
  purpose            text NOT NULL CHECK (purpose IN ('monitoring', 'contact', 'promotion', 'share')),
  granted            boolean NOT NULL,
  at_ms              bigint NOT NULL,
  given_by           text NOT NULL CHECK (given_by IN ('owner', 'resident', 'delegate')),
  method             text NOT NULL,
  text_version       text NOT NULL,
  text_sha256        text NOT NULL CHECK (text_sha256 ~ '^[0-9a-f]{64}$'),
  recipient_key      text,
  recipient_name     text,
  recipient_contact  text,
  data_kinds         text[] NOT NULL DEFAULT '{}',
  -- Given for one order only, at the moment it was accepted; null for a standing consent.
  subject            text,
  until_ms           bigint,
  withdrawn_at_ms    bigint,
  created_at_ms      bigint NOT NULL,
  PRIMARY KEY (brand_id, consent_id),
  FOREIGN KEY (brand_id, home_id) REFERENCES homes,
  CHECK ((purpose = 'share') = (recipient_key IS NOT NULL))
);
CREATE INDEX consents_of_home ON consents (brand_id, home_id, purpose, at_ms DESC);

CREATE TABLE devices (
  brand_id          text NOT NULL,
  device_id         text NOT NULL UNIQUE,
  serial            text NOT NULL,
  product_key       text NOT NULL,
  home_id           text,
  region            text CHECK (region ~ '^[0-9]{2,9}$'),
  tags              text[] NOT NULL DEFAULT '{}',
  purchased_at_ms   bigint,
  installed_at_ms   bigint,
  extended_warranty jsonb,
  gateway_id        text,
  attributes        jsonb NOT NULL DEFAULT '{}',
  presence          text NOT NULL DEFAULT 'unknown' CHECK (presence IN ('unknown', 'connected', 'disconnected')),
  presence_epoch    bigint NOT NULL DEFAULT 0,
  presence_at_ms    bigint,
  last_seen_at_ms   bigint,
  -- Raised with every new owner: what an earlier one did or agreed to is not shown to the next.
  owner_epoch       integer NOT NULL DEFAULT 1,
  owner_since_ms    bigint NOT NULL,
  created_at_ms     bigint NOT NULL,
  updated_at_ms     bigint NOT NULL,
  removed_at_ms     bigint,
  PRIMARY KEY (brand_id, device_id),
  FOREIGN KEY (brand_id, product_key) REFERENCES products,
  FOREIGN KEY (brand_id, home_id) REFERENCES homes,
  FOREIGN KEY (brand_id, gateway_id) REFERENCES devices (brand_id, device_id)
);
-- A removed device leaves its serial free for the next registration of the same appliance.
CREATE UNIQUE INDEX devices_serial ON devices (brand_id, serial) WHERE removed_at_ms IS NULL;
CREATE INDEX devices_of_home ON devices (brand_id, home_id) WHERE home_id IS NOT NULL;
CREATE INDEX devices_of_product ON devices (brand_id, product_key, device_id);
CREATE INDEX devices_of_gateway ON devices (brand_id, gateway_id) WHERE gateway_id IS NOT NULL;
CREATE INDEX devices_by_age ON devices (brand_id, created_at_ms, device_id);

CREATE TABLE credentials (
  brand_id      text NOT NULL,
  credential_id text NOT NULL,
  device_id     text NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('token', 'certificate')),
  -- SHA-256 of the access token, or of the certificate in DER form. Unique over all brands: it is how a device is found.
  hash          text NOT NULL UNIQUE,
  created_at_ms bigint NOT NULL,
  revoked_at_ms bigint,
  PRIMARY KEY (brand_id, credential_id),
  FOREIGN KEY (brand_id, device_id) REFERENCES devices
);
CREATE INDEX credentials_of_device ON credentials (brand_id, device_id);

CREATE TABLE provisioning_keys (
  brand_id        text NOT NULL,
  provisioning_id text NOT NULL,
  product_key     text NOT NULL,
  public_key      text NOT NULL UNIQUE,
  secret_hash     text NOT NULL,
  region          text CHECK (region ~ '^[0-9]{2,9}$'),
  tags            text[] NOT NULL DEFAULT '{}',
  uses_left       integer CHECK (uses_left >= 0),
  created_at_ms   bigint NOT NULL,
  expires_at_ms   bigint,
  revoked_at_ms   bigint,
  PRIMARY KEY (brand_id, provisioning_id),
  FOREIGN KEY (brand_id, product_key) REFERENCES products
);

-- Lets one appliance, named by its serial, be bound once, within minutes.
CREATE TABLE claim_tokens (
  brand_id      text NOT NULL,
  token_hash    text NOT NULL UNIQUE,
  serial        text NOT NULL,
  product_key   text NOT NULL,
  home_id       text,
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  used_at_ms    bigint,
  device_id     text,
  PRIMARY KEY (brand_id, token_hash),
  FOREIGN KEY (brand_id, product_key) REFERENCES products,
  FOREIGN KEY (brand_id, home_id) REFERENCES homes,
  FOREIGN KEY (brand_id, device_id) REFERENCES devices
);

-- What decides ------------------------------------------------------------------------------------------------------

CREATE TABLE rules (
  brand_id        text NOT NULL REFERENCES brands,
  rule_key        text NOT NULL,
  status          text NOT NULL CHECK (status IN ('draft', 'active', 'shadow', 'paused', 'deleted')),
  current_version integer NOT NULL CHECK (current_version >= 1),
  -- The version in force, which the current one replaces once it is activated.
  live_version    integer,
  -- Id of the control change that made it live; part of every episode id, kept by edits.
  activation      text,
  canary_share    double precision NOT NULL DEFAULT 1 CHECK (canary_share > 0 AND canary_share <= 1),
  created_at_ms   bigint NOT NULL,
  updated_at_ms   bigint NOT NULL,
  deleted_at_ms   bigint,
  PRIMARY KEY (brand_id, rule_key)
);

CREATE TABLE rule_versions (
  brand_id         text NOT NULL,
  rule_key         text NOT NULL,
  version          integer NOT NULL CHECK (version >= 1),
  document         jsonb NOT NULL,
  -- As the author wrote it, comments included, when it came as YAML.
  source           text,
  canonical_sha256 text NOT NULL,
  author           text NOT NULL,
  created_at_ms    bigint NOT NULL,
  activated_at_ms  bigint,
  warmed_at_ms     bigint,
  PRIMARY KEY (brand_id, rule_key, version),
  FOREIGN KEY (brand_id, rule_key) REFERENCES rules
);

CREATE TABLE parameters (
  brand_id  text NOT NULL REFERENCES brands,
  scope     text NOT NULL CHECK (scope IN ('device', 'home', 'region', 'product', 'brand')),
  scope_id  text NOT NULL,
  key       text NOT NULL,
  value     double precision NOT NULL,
  set_at_ms bigint NOT NULL,
  set_by    text NOT NULL,
  PRIMARY KEY (brand_id, scope, scope_id, key)
);

-- The control outbox: committed with the change it describes, appended to the log afterwards, in order of ordinal.
CREATE TABLE control_changes (
  ordinal         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  change_id       text NOT NULL UNIQUE,
  brand_id        text,
  change          jsonb NOT NULL,
  committed_at_ms bigint NOT NULL,
  seq             bigint,
  appended_at_ms  bigint
);
CREATE INDEX control_changes_waiting ON control_changes (ordinal) WHERE seq IS NULL;

-- What follows from the log -----------------------------------------------------------------------------------------

CREATE TABLE log_positions (
  consumer      text NOT NULL,
  partition     integer NOT NULL,
  log_id        text NOT NULL,
  state_seq     bigint NOT NULL CHECK (state_seq >= 0),
  effects_seq   bigint NOT NULL,
  fencing_token bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (consumer, partition),
  -- State may trail the effects, never lead them: a start replays from the state and emits nothing up to the effects.
  CHECK (effects_seq >= state_seq)
) WITH (fillfactor = 50);

CREATE TABLE evaluator_state (
  partition integer NOT NULL,
  -- In code-unit order whatever the database collates by: a state is restored in order of key.
  key       text COLLATE "C" NOT NULL,
  value     text NOT NULL,
  PRIMARY KEY (partition, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE alerts (
  brand_id           text NOT NULL,
  episode_id         text NOT NULL,
  rule_key           text NOT NULL,
  rule_version       integer NOT NULL,
  device_id          text NOT NULL,
  component          text NOT NULL,
  activation         text NOT NULL,
  mode               text NOT NULL CHECK (mode IN ('active', 'shadow')),
  severity           text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  safety             text,
  state              text NOT NULL CHECK (state IN ('firing', 'recovering', 'cleared-latched', 'resolved')),
  started_at_ms      bigint NOT NULL,
  opened_at_ms       bigint NOT NULL,
  opened_seq         bigint NOT NULL,
  opened_ordinal     integer NOT NULL,
  -- Opened while the device was catching up: history only until it proves to be current.
  silent             boolean NOT NULL,
  revised            boolean NOT NULL DEFAULT false,
  reopened           integer NOT NULL DEFAULT 0,
  peak               double precision,
  evidence           jsonb NOT NULL,
  resolved_at_ms     bigint,
  resolved_seq       bigint,
  reason             text,
  acknowledged_at_ms bigint,
  acknowledged_by    text,
  snoozed_until_ms   bigint,
  dismissed_by       text,
  dismissed_reason   text,
  updated_at_ms      bigint NOT NULL,
  PRIMARY KEY (brand_id, episode_id),
  CHECK ((state = 'resolved') = (resolved_at_ms IS NOT NULL)),
  CHECK ((state = 'resolved') = (reason IS NOT NULL))
);
CREATE INDEX alerts_by_age ON alerts (brand_id, opened_at_ms, episode_id);
CREATE INDEX alerts_open ON alerts (brand_id, device_id, component) WHERE state <> 'resolved';
CREATE INDEX alerts_of_device ON alerts (brand_id, device_id, opened_at_ms);
CREATE INDEX alerts_of_rule ON alerts (brand_id, rule_key, opened_at_ms);

-- The timeline. The key makes applying the same effect again do nothing.
CREATE TABLE alert_transitions (
  brand_id   text NOT NULL,
  episode_id text NOT NULL,
  seq        bigint NOT NULL,
  ordinal    integer NOT NULL,
  kind       text NOT NULL,
  at_ms      bigint NOT NULL,
  detail     jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (brand_id, episode_id, seq, ordinal)
);

CREATE TABLE quarantine (
  brand_id         text NOT NULL,
  quarantine_id    text NOT NULL,
  log_id           text NOT NULL,
  seq              bigint NOT NULL,
  device_id        text NOT NULL,
  code             text NOT NULL,
  pointer          text NOT NULL,
  detail           text NOT NULL,
  payload          bytea NOT NULL,
  truncated        boolean NOT NULL,
  via              text NOT NULL,
  received_at_ms   bigint NOT NULL,
  reimported_at_ms bigint,
  PRIMARY KEY (brand_id, quarantine_id),
  UNIQUE (log_id, seq)
);
CREATE INDEX quarantine_by_age ON quarantine (brand_id, received_at_ms, quarantine_id);
CREATE INDEX quarantine_of_device ON quarantine (brand_id, device_id, received_at_ms);

-- What leaves -------------------------------------------------------------------------------------------------------

-- The event outbox. delivery_id is the webhook id, the same in every attempt and redrive.
CREATE TABLE deliveries (
  brand_id         text NOT NULL,
  delivery_id      text NOT NULL UNIQUE,
  destination_kind text NOT NULL CHECK (destination_kind IN ('partner', 'brand')),
  destination_id   text NOT NULL,
  type             text NOT NULL,
  subject          text NOT NULL,
  -- Lets a receiver put the events of one subject in order.
  subject_sequence integer NOT NULL CHECK (subject_sequence >= 1),
  body             text NOT NULL,
  state            text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'dead', 'cancelled')),
  attempts         integer NOT NULL DEFAULT 0,
  -- When to try next; while sending, when the lease of the sender ends.
  next_at_ms       bigint NOT NULL,
  last_status      integer,
  last_error       text,
  created_at_ms    bigint NOT NULL,
  first_tried_at_ms bigint,
  sent_at_ms       bigint,
  dead_at_ms       bigint,
  redriven         integer NOT NULL DEFAULT 0,
  PRIMARY KEY (brand_id, delivery_id),
  UNIQUE (brand_id, destination_kind, destination_id, subject, subject_sequence)
) WITH (fillfactor = 80);
CREATE INDEX deliveries_due ON deliveries (next_at_ms) WHERE state IN ('pending', 'sending');
CREATE INDEX deliveries_waiting_per_destination ON deliveries (destination_kind, destination_id, next_at_ms)
  WHERE state IN ('pending', 'sending');
CREATE INDEX deliveries_by_age ON deliveries (brand_id, created_at_ms, delivery_id);
CREATE INDEX deliveries_of_subject ON deliveries (brand_id, subject);

CREATE TABLE delivery_attempts (
  brand_id      text NOT NULL,
  delivery_id   text NOT NULL,
  attempt       integer NOT NULL,
  started_at_ms bigint NOT NULL,
  duration_ms   integer,
  status        integer,
  error         text,
  PRIMARY KEY (brand_id, delivery_id, attempt),
  FOREIGN KEY (brand_id, delivery_id) REFERENCES deliveries ON DELETE CASCADE
);

-- Where a brand wants its own events.
CREATE TABLE endpoints (
  brand_id              text NOT NULL REFERENCES brands,
  endpoint_id           text NOT NULL,
  url                   text NOT NULL,
  -- One or, while rotating, two signing secrets.
  secrets_sealed        bytea NOT NULL,
  -- Types wanted; empty for all.
  types                 text[] NOT NULL DEFAULT '{}',
  consecutive_failures  integer NOT NULL DEFAULT 0,
  breaker_opened_at_ms  bigint,
  breaker_probe_at_ms   bigint,
  created_at_ms         bigint NOT NULL,
  updated_at_ms         bigint NOT NULL,
  disabled_at_ms        bigint,
  disabled_reason       text,
  PRIMARY KEY (brand_id, endpoint_id)
);

-- What was done, and what was already seen --------------------------------------------------------------------------

-- Each entry's hash covers the one before it, per brand, so that a changed or missing entry shows.
CREATE TABLE audit (
  brand_id  text NOT NULL,
  ordinal   bigint NOT NULL,
  at_ms     bigint NOT NULL,
  actor     text NOT NULL,
  action    text NOT NULL,
  subject   text NOT NULL,
  detail    jsonb NOT NULL,
  prev_hash bytea NOT NULL,
  hash      bytea NOT NULL,
  PRIMARY KEY (brand_id, ordinal)
);
CREATE INDEX audit_of_subject ON audit (brand_id, subject, ordinal);

CREATE TABLE audit_heads (
  brand_id  text PRIMARY KEY,
  ordinal   bigint NOT NULL,
  prev_hash bytea NOT NULL,
  hash      bytea NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE idempotency_keys (
  brand_id      text NOT NULL,
  route         text NOT NULL,
  key           text NOT NULL,
  body_sha256   text NOT NULL,
  status        integer NOT NULL,
  response      text NOT NULL,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (brand_id, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at_ms);

CREATE TABLE webhook_receipts (
  sender         text NOT NULL,
  webhook_id     text NOT NULL,
  received_at_ms bigint NOT NULL,
  PRIMARY KEY (sender, webhook_id)
);
CREATE INDEX webhook_receipts_by_age ON webhook_receipts (received_at_ms);

CREATE TABLE number_series (
  brand_id text NOT NULL REFERENCES brands,
  series   text NOT NULL,
  year     integer NOT NULL,
  last     bigint NOT NULL,
  PRIMARY KEY (brand_id, series, year)
) WITH (fillfactor = 50);

-- What the hub remembers of itself between runs: when it was last alive, its evaluator version, its secret's fingerprint.
CREATE TABLE hub_facts (
  key           text PRIMARY KEY,
  value         jsonb NOT NULL,
  updated_at_ms bigint NOT NULL
);

SELECT hub_protect(name::regclass) FROM unnest(ARRAY[
  'brands', 'gates', 'api_keys', 'products', 'product_versions', 'homes', 'people', 'consents', 'devices', 'credentials',
  'provisioning_keys', 'claim_tokens', 'rules', 'rule_versions', 'parameters', 'control_changes', 'log_positions',
  'evaluator_state', 'alerts', 'alert_transitions', 'quarantine', 'deliveries', 'delivery_attempts',
  'endpoints', 'audit', 'audit_heads', 'idempotency_keys', 'webhook_receipts', 'number_series', 'hub_facts'
]) AS name;
