-- The audit log as a chain. The twin under migrations/sqlite holds the same; change both together.

-- An act's place in the chain, from 1 without gaps, and a keyed hash of it and of all before it; null until it is sealed.
ALTER TABLE audit ADD COLUMN place bigint;
ALTER TABLE audit ADD COLUMN print bytea;
CREATE UNIQUE INDEX audit_place ON audit (place) WHERE place IS NOT NULL;
CREATE INDEX audit_loose ON audit (id) WHERE place IS NULL;

-- The end of the chain: one row.
CREATE TABLE audit_seal (
    only_one bigint PRIMARY KEY CHECK (only_one = 1),
    place    bigint NOT NULL,
    print    bytea NOT NULL
);
INSERT INTO audit_seal (only_one, place, print) VALUES (1, 0, decode(repeat('00', 32), 'hex'));
