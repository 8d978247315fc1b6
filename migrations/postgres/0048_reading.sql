-- Who agreed to be suggested changes of their own preferences from what they read (adr 67): that, and nothing that came of it. The
-- twin under migrations/sqlite holds the same; change both together.

CREATE TABLE reading_consent (
    recipient_id BIGINT PRIMARY KEY REFERENCES recipient (id) ON DELETE CASCADE,
    terms        BIGINT NOT NULL,               -- which words they agreed to: TERMS in src/service/preferences/reading.rs
    given_at     BIGINT NOT NULL
);
