-- Broadcasts of which those are yet to be told who may stop them or let them go.
-- The twin under migrations/postgres holds the same; change both together.

ALTER TABLE broadcast ADD COLUMN untold_since INTEGER;
CREATE INDEX broadcast_untold ON broadcast (untold_since) WHERE untold_since IS NOT NULL;
