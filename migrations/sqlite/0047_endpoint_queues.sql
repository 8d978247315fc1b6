-- Endpoints at the message broker (subscription.kind 3).
-- The twin under migrations/postgres holds the same; change both together.

-- How the source calls its queue; what stands before that at the broker follows from the settings and the source.
ALTER TABLE subscription ADD COLUMN queue TEXT;
