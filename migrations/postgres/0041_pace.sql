-- What is left of the rates that all nodes together keep to.
-- The twin under migrations/sqlite holds the same; change both together.

-- One row a provider with a rate: src/store/paces.rs. Lost, it costs a tenth of a second's worth at once: not worth a write to
-- the log for each grant.
CREATE UNLOGGED TABLE provider_pace (
    provider_id BIGINT PRIMARY KEY REFERENCES provider (id) ON DELETE CASCADE,
    free_at     BIGINT NOT NULL,                -- when all that was granted is made up for, in microseconds
    granted     BIGINT NOT NULL                 -- by the last grant
);
