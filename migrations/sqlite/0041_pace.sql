-- What is left of the rates that all nodes together keep to.
-- The twin under migrations/postgres holds the same; change both together.

-- One row a provider with a rate: src/store/paces.rs. Lost, it costs a tenth of a second's worth at once.
CREATE TABLE provider_pace (
    provider_id INTEGER PRIMARY KEY REFERENCES provider (id) ON DELETE CASCADE,
    free_at     INTEGER NOT NULL,               -- when all that was granted is made up for, in microseconds
    granted     INTEGER NOT NULL                -- by the last grant
) STRICT;
