-- What a notice that is still waiting speaks of, by name, so that one text can stand for several needs.
ALTER TABLE notices ADD COLUMN about jsonb NOT NULL DEFAULT '[]';
