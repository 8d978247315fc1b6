-- Files that were handed in to be imported, where every node finds them (adr 71). The twin under migrations/sqlite holds the same; change
-- both together.

SET LOCAL lock_timeout = '5s';  -- nodes that serve do not wait for this behind a long statement

CREATE TABLE import_piece (
    import_id BIGINT NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    file      TEXT NOT NULL,                     -- its name in the folder of whichever node has it: in import.detail too
    number    BIGINT NOT NULL,                   -- from 0, without a gap
    bytes     BYTEA NOT NULL,
    PRIMARY KEY (import_id, file, number)
);
