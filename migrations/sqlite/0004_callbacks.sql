-- Calls that providers make to us, stored before they are answered and gone once they were looked into. Those that could
-- not be read stay a while, for an administrator. The twin under migrations/postgres holds the same; change both together.
CREATE TABLE callback (
    id           INTEGER PRIMARY KEY,
    provider_id  INTEGER NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    received_at  INTEGER NOT NULL,
    is_post      INTEGER NOT NULL,
    query        TEXT NOT NULL,
    content_type TEXT,
    body         BLOB NOT NULL,
    trouble      TEXT                            -- NULL: not looked into yet
) STRICT;
CREATE INDEX callback_waiting ON callback (id) WHERE trouble IS NULL;
CREATE INDEX callback_provider ON callback (provider_id);

-- Receipts that have found no delivery: the number they are about, and when to look again. NULL: not any more.
ALTER TABLE receipt ADD COLUMN address TEXT;
ALTER TABLE receipt ADD COLUMN look_at INTEGER;
CREATE INDEX receipt_waiting ON receipt (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX receipt_unmatched ON receipt (id) WHERE delivery_id IS NULL;
