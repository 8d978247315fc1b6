-- Changes of rights that wait for a second administrator. Whatever is decided, or expires, leaves: what became of it is in the audit log.
-- The twin under migrations/postgres holds the same; change both together.

CREATE TABLE rights_request (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,   -- never one again that was decided: a page may still show it
    proposed_by INTEGER NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    change      TEXT NOT NULL,   -- JSON: RightsChange in src/domain/rights_change.rs
    effect      TEXT NOT NULL,   -- JSON: Effect beside it, as it was when it was proposed; approved only while it still is
    reason      TEXT NOT NULL,   -- perhaps empty
    proposed_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;

-- How often everything by which an operator was coming in ended. A sign-in that began before that begins no session.
ALTER TABLE operator ADD COLUMN ousted INTEGER NOT NULL DEFAULT 0;
-- Who was handed the last link by which an operator chose a password, where that needed a second administrator.
ALTER TABLE operator ADD COLUMN handed_to INTEGER REFERENCES operator (id) ON DELETE SET NULL;
