-- Systems that asked for a key by themselves, and what became of it. The twin under migrations/postgres holds the same; change both together.

CREATE TABLE registration (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    state         INTEGER NOT NULL,   -- 1 pending, 2 approved, 3 rejected; pending is expired from ends_at on
    name          TEXT NOT NULL,
    department    TEXT NOT NULL,
    contact_name  TEXT NOT NULL,
    contact_email TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    topics        TEXT NOT NULL,   -- JSON array of patterns
    channels      TEXT NOT NULL,   -- JSON array
    network       TEXT NOT NULL,   -- where it came from: an address, or the /64 of one of IPv6
    claim_hash    BLOB NOT NULL UNIQUE,   -- keyed
    created_at    INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL,   -- pending: waits until; approved: its key can be fetched until; rejected: kept until
    decided_at    INTEGER,
    decided_by    TEXT,
    reason        TEXT NOT NULL,   -- why it was rejected; else empty
    source_id     INTEGER REFERENCES source (id),
    test          INTEGER NOT NULL,   -- its key is to be a test key
    key_id        INTEGER REFERENCES api_key (id),
    handed_at     INTEGER   -- when the key was made and told to whoever holds the claim token
) STRICT;
CREATE INDEX registration_pending ON registration (created_at, id) WHERE state = 1;
CREATE INDEX registration_source ON registration (source_id);
