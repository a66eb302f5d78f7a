-- A firmware's name comes from the device and may be long; an index row may not. Devices alike are told apart by
-- its first 128 characters (STORM_FIRMWARE_LENGTH of the rules), here and in every question about them.
DROP INDEX devices_of_firmware;
CREATE INDEX devices_of_firmware ON devices (brand_id, product_key, left(coalesce(attributes ->> 'firmware', ''), 128))
  WHERE removed_at_ms IS NULL;
