-- QR codes of an account that were made for one person each. The twin under migrations/postgres holds the same; change both together.

-- Whoever scans one makes what the account knows them by that person's. A new one stands in the place of an earlier one.
CREATE TABLE scene (
    recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    provider_id  INTEGER NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    by_operator  INTEGER NOT NULL,               -- shown by an operator who saw the person, not on a page of theirs
    hash         BLOB NOT NULL UNIQUE,           -- of what a scan of it says
    picture      BLOB NOT NULL,                  -- sealed: what the code says to a telephone
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,                        -- NULL: nobody scanned it yet
    PRIMARY KEY (recipient_id, provider_id, by_operator)
) STRICT, WITHOUT ROWID;
CREATE INDEX scene_expires_at ON scene (expires_at);
