-- Past repairs and failures as brands bring them, and the imports that brought them. Without them "missed" has no source.

CREATE TABLE outcomes (
  brand_id      text NOT NULL REFERENCES brands,
  outcome_id    text NOT NULL,
  device_id     text NOT NULL,
  serial        text NOT NULL,
  component     text,
  at_ms         bigint NOT NULL,
  symptom       text,
  cause         text,
  parts         text[] NOT NULL DEFAULT '{}',
  import_id     text,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (brand_id, outcome_id),
  FOREIGN KEY (brand_id, device_id) REFERENCES devices
);
CREATE INDEX outcomes_of_device ON outcomes (brand_id, device_id, at_ms);
CREATE INDEX outcomes_by_age ON outcomes (brand_id, at_ms, outcome_id);

-- Over which time a brand's repairs are known to be complete: an alert that nothing followed in it was for nothing.
CREATE TABLE outcome_spans (
  brand_id text NOT NULL REFERENCES brands,
  span_id  text NOT NULL,
  from_ms  bigint NOT NULL,
  to_ms    bigint NOT NULL,
  PRIMARY KEY (brand_id, span_id)
);

-- How far each file of an import has come, so that one that broke off goes on where it was.
CREATE TABLE imports (
  brand_id      text NOT NULL REFERENCES brands,
  import_id     text NOT NULL,
  kind          text NOT NULL CHECK (kind IN ('devices', 'telemetry', 'outcomes')),
  -- SHA-256 of the file, or what the caller calls it.
  source        text NOT NULL,
  lines         bigint NOT NULL DEFAULT 0,
  accepted      bigint NOT NULL DEFAULT 0,
  rejected      bigint NOT NULL DEFAULT 0,
  -- Newest first, a few: what was wrong with rejected lines.
  problems      jsonb NOT NULL DEFAULT '[]',
  done_at_ms    bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (brand_id, import_id),
  UNIQUE (brand_id, kind, source)
);

-- What a rule is expected to cause, as computed before it was put in force.
CREATE TABLE rule_expectations (
  brand_id         text NOT NULL,
  rule_key         text NOT NULL,
  canonical_sha256 text NOT NULL,
  computed_at_ms   bigint NOT NULL,
  expectation      jsonb NOT NULL,
  PRIMARY KEY (brand_id, rule_key, canonical_sha256),
  FOREIGN KEY (brand_id, rule_key) REFERENCES rules
);

-- When a rule's precision fell below the brand's bar: demoted to shadow or, a safety rule, told of.
CREATE TABLE rule_alarms (
  brand_id     text NOT NULL,
  rule_key     text NOT NULL,
  rule_version integer NOT NULL,
  activation   text NOT NULL,
  at_ms        bigint NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('demoted', 'alarmed')),
  detail       jsonb NOT NULL,
  PRIMARY KEY (brand_id, rule_key, rule_version, activation),
  FOREIGN KEY (brand_id, rule_key) REFERENCES rules
);

SELECT hub_protect(name::regclass) FROM unnest(ARRAY[
  'outcomes', 'outcome_spans', 'imports', 'rule_expectations', 'rule_alarms'
]) AS name;
