-- The audit log as a chain. The twin under migrations/postgres holds the same; change both together.

-- An act's place in the chain, from 1 without gaps, and a keyed hash of it and of all before it; null until it is sealed.
ALTER TABLE audit ADD COLUMN place INTEGER;
ALTER TABLE audit ADD COLUMN print BLOB;
CREATE UNIQUE INDEX audit_place ON audit (place) WHERE place IS NOT NULL;
CREATE INDEX audit_loose ON audit (id) WHERE place IS NULL;

-- The end of the chain: one row.
CREATE TABLE audit_seal (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    place    INTEGER NOT NULL,
    print    BLOB NOT NULL
) STRICT;
INSERT INTO audit_seal (only_one, place, print) VALUES (1, 0, zeroblob(32));
