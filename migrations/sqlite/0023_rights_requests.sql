-- Changes of rights that wait for a second administrator. Whatever is decided, or expires, leaves: what became of it is in the audit log.
-- The twin under migrations/postgres holds the same; change both together.

CREATE TABLE rights_request (
    id          INTEGER PRIMARY KEY,
    proposed_by INTEGER NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    change      TEXT NOT NULL,   -- JSON: RightsChange in src/domain/rights_change.rs
    effect      TEXT NOT NULL,   -- JSON: Effect beside it, as it was when it was proposed; approved only while it still is
    reason      TEXT NOT NULL,   -- perhaps empty
    proposed_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;
