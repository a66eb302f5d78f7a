-- Dead letters are few among many deliveries, kept long, and counted whenever the hub is measured.
CREATE INDEX deliveries_dead ON deliveries (brand_id, delivery_id) WHERE state = 'dead';
