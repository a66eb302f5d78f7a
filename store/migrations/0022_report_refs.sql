-- What a teller calls a fault report is a ticket number, and sometimes the number of whoever rang: sealed like the words
-- beside it, and found again by a keyed hash. What an earlier release stored in plain is sealed when the hub starts.

ALTER TABLE fault_reports
  ADD COLUMN external_ref_sealed bytea,
  ADD COLUMN external_ref_hash   text;
CREATE UNIQUE INDEX fault_reports_external_ref ON fault_reports (brand_id, source, external_ref_hash);
