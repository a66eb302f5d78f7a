-- What fleets teach: the lives of parts as they are followed night by night, the models fitted to them, and what the
-- models say of each part now.

-- One life of one part of one device, from its service (or the first reading) to the next.
CREATE TABLE part_lives (
  brand_id    text NOT NULL REFERENCES brands,
  device_id   text NOT NULL,
  component   text NOT NULL,
  -- From 0, in the order in which they were lived.
  ordinal     integer NOT NULL,
  product_key text NOT NULL,
  -- When the part was put in; null when nobody knows.
  born_ms     bigint,
  -- Readings that arrived before this are in it.
  through_ms  bigint NOT NULL,
  -- Its course and the points of its way, as JSON that only the models read; null stands for "no number".
  life        text NOT NULL,
  -- The part was taken out.
  over        boolean NOT NULL,
  -- It was seen to its end: worn out, or failed.
  ended       boolean NOT NULL,
  PRIMARY KEY (brand_id, device_id, component, ordinal),
  FOREIGN KEY (brand_id, device_id) REFERENCES devices
);
CREATE INDEX part_lives_of_product ON part_lives (brand_id, product_key, component, ended, device_id);

-- How far the lives of a product have been followed, and by which description of its wear.
CREATE TABLE life_runs (
  brand_id    text NOT NULL REFERENCES brands,
  product_key text NOT NULL,
  spec_sha256 text NOT NULL,
  through_ms  bigint NOT NULL,
  ran_at_ms   bigint NOT NULL,
  PRIMARY KEY (brand_id, product_key)
);

-- Every model that ever decided, with what it is worth. The log has the same content at its place (model.fitted).
CREATE TABLE models (
  brand_id     text NOT NULL REFERENCES brands,
  product_key  text NOT NULL,
  component    text NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('life')),
  version      integer NOT NULL,
  change_id    text NOT NULL,
  fitted_at_ms bigint NOT NULL,
  -- The time the lives it was fitted to were seen over, and how many they are.
  from_ms      bigint NOT NULL,
  to_ms        bigint NOT NULL,
  lives        integer NOT NULL,
  censored     integer NOT NULL,
  -- Its error on lives kept out of the fit.
  held_out     jsonb NOT NULL,
  content      jsonb NOT NULL,
  PRIMARY KEY (brand_id, product_key, component, kind, version)
);

-- What became of the newest attempt: why there is no model, or no newer one.
CREATE TABLE model_attempts (
  brand_id    text NOT NULL REFERENCES brands,
  product_key text NOT NULL,
  component   text NOT NULL,
  kind        text NOT NULL,
  at_ms       bigint NOT NULL,
  outcome     text NOT NULL CHECK (outcome IN ('fitted', 'unchanged', 'refused')),
  reason      text,
  lives       integer NOT NULL,
  censored    integer NOT NULL,
  PRIMARY KEY (brand_id, product_key, component, kind)
);

-- What is known of each part now.
CREATE TABLE component_health (
  brand_id            text NOT NULL REFERENCES brands,
  device_id           text NOT NULL,
  component           text NOT NULL,
  -- 0 new, 1 worn out.
  wear                double precision,
  p10_days            double precision,
  p50_days            double precision,
  p90_days            double precision,
  out_of_distribution boolean NOT NULL DEFAULT false,
  -- The day the numbers stand for.
  as_of_ms            bigint,
  model_version       integer,
  -- Why there is no remaining life.
  reason              text,
  -- What is behind it, in words.
  factors             jsonb NOT NULL DEFAULT '[]',
  updated_at_ms       bigint NOT NULL,
  PRIMARY KEY (brand_id, device_id, component),
  FOREIGN KEY (brand_id, device_id) REFERENCES devices
);

-- Work that one hub of several does at a time. The token rises with each holder and fences the one before.
CREATE TABLE job_leases (
  job      text PRIMARY KEY,
  token    bigint NOT NULL,
  until_ms bigint NOT NULL
);

SELECT hub_protect(name::regclass) FROM unnest(ARRAY[
  'part_lives', 'life_runs', 'models', 'model_attempts', 'component_health', 'job_leases'
]) AS name;
