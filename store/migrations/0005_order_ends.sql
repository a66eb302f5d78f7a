-- What happens to an order on its way: quotes, visits that did not come off, other partners, how it ended.

-- A price a partner asked for in place of the agreed one (C12). The accepted one becomes the order's charge.
CREATE TABLE quotes (
  brand_id       text NOT NULL,
  work_order_id  text NOT NULL,
  version        integer NOT NULL CHECK (version >= 1),
  state          text NOT NULL CHECK (state IN ('open', 'accepted', 'declined', 'expired', 'replaced', 'withdrawn')),
  lines          jsonb NOT NULL,
  total_minor    bigint NOT NULL,
  reason         text NOT NULL,
  if_declined    text NOT NULL CHECK (if_declined IN ('continue', 'cancel')),
  valid_until_ms bigint NOT NULL,
  created_at_ms  bigint NOT NULL,
  decided_at_ms  bigint,
  -- Hash of the charge frozen by accepting.
  charge_sha256  text CHECK (charge_sha256 ~ '^[0-9a-f]{64}$'),
  CHECK ((state = 'accepted') = (charge_sha256 IS NOT NULL)),
  PRIMARY KEY (brand_id, work_order_id, version),
  FOREIGN KEY (brand_id, work_order_id) REFERENCES work_orders
);
CREATE UNIQUE INDEX quotes_one_open_per_order ON quotes (brand_id, work_order_id) WHERE state = 'open';

-- The charge stays as agreed; only a quote that was accepted replaces it, by exactly what was accepted.
CREATE OR REPLACE FUNCTION keep_frozen_charge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.consent_id = NEW.consent_id AND EXISTS (
    SELECT 1 FROM quotes q
     WHERE q.brand_id = NEW.brand_id AND q.work_order_id = NEW.work_order_id
       AND q.state = 'accepted' AND q.charge_sha256 = NEW.charge_sha256
       AND q.version = (NEW.charge ->> 'quoteVersion')::integer AND q.total_minor = (NEW.charge ->> 'totalMinor')::bigint
  ) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the charge of work order % is frozen', OLD.work_order_id USING ERRCODE = 'integrity_constraint_violation';
END $$;

ALTER TABLE work_orders
  -- Why it is over where no status says it: 'lapsed' (acceptBy passed), or who called it off.
  ADD COLUMN end_reason      text,
  -- Promises of the agreement that passed unkept, as 'bookBy 1' (with the visit).
  ADD COLUMN missed          text[] NOT NULL DEFAULT '{}',
  -- Another time the home asked for and the partner has not answered yet.
  ADD COLUMN requested_slot  jsonb,
  ADD COLUMN objected_at_ms  bigint,
  -- Anything a partner that polls would want to know.
  ADD COLUMN updated_at_ms   bigint;
UPDATE work_orders SET updated_at_ms = coalesce(closed_at_ms, accepted_at_ms, created_at_ms);
ALTER TABLE work_orders ALTER COLUMN updated_at_ms SET NOT NULL;
CREATE INDEX work_orders_changed ON work_orders (partner_key, updated_at_ms, work_order_id);

ALTER TABLE order_items
  -- With serials, origin and what became of the old part; `parts` are the stock numbers alone.
  ADD COLUMN parts_used      jsonb,
  -- When `verified` was said: a partner may object for a while from here.
  ADD COLUMN verified_at_ms  bigint;

ALTER TABLE cases
  -- Where a case goes on that waits for a decision about a quote.
  ADD COLUMN resume_state    text CHECK (resume_state IN ('ordered', 'scheduled', 'in_progress', 'awaiting_parts'));

SELECT hub_protect('quotes');
