-- Daily quotas of providers, deliveries that no answer came to, and codes that nobody knows. The twin under
-- migrations/postgres holds the same; change both together.

-- How many deliveries a provider with a quota took, or may have, on its vendor's day: src/domain/quota.rs.
CREATE TABLE provider_day (
    provider_id INTEGER NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    day         TEXT NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (provider_id, day)
) STRICT, WITHOUT ROWID;

-- When a delivery that no answer came to is handed over once more, and how often that was done.
ALTER TABLE delivery ADD COLUMN repeat_at INTEGER;
ALTER TABLE delivery ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
CREATE INDEX delivery_repeat ON delivery (repeat_at) WHERE repeat_at IS NOT NULL;

-- What is told of a provider once: the code that nobody knows.
ALTER TABLE provider_event ADD COLUMN code TEXT;
CREATE UNIQUE INDEX provider_event_code ON provider_event (provider_id, code) WHERE code IS NOT NULL;
