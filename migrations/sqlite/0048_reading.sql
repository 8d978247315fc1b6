-- Who agreed to be suggested changes of their own preferences from what they read (adr 67): that, and nothing that came of it. The
-- twin under migrations/postgres holds the same; change both together.

CREATE TABLE reading_consent (
    recipient_id INTEGER PRIMARY KEY REFERENCES recipient (id) ON DELETE CASCADE,
    terms        INTEGER NOT NULL,               -- which words they agreed to: TERMS in src/service/preferences/reading.rs
    given_at     INTEGER NOT NULL
) STRICT;
