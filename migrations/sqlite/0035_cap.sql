-- Alerts of the Common Alerting Protocol, published and received, and presses that are safe to repeat.
-- The twin under migrations/postgres holds the same; change both together.

-- What was published, each change of an alert by itself. Never changed.
CREATE TABLE cap_document (
    id           INTEGER PRIMARY KEY,
    broadcast_id INTEGER NOT NULL REFERENCES broadcast (id) ON DELETE CASCADE,
    part         INTEGER NOT NULL,
    identifier   TEXT NOT NULL UNIQUE,     -- of the alert, and of its file in the feed
    sender       TEXT NOT NULL,
    sent         TEXT NOT NULL,            -- as the document says it, by which later ones refer to it
    sent_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    listed       INTEGER NOT NULL,         -- it stands in the feed
    title        TEXT NOT NULL,
    summary      TEXT NOT NULL,
    document     TEXT NOT NULL             -- XML
) STRICT;
CREATE INDEX cap_document_broadcast ON cap_document (broadcast_id, id);
CREATE INDEX cap_document_listed ON cap_document (sent_at) WHERE listed;

-- What others sent in, for the record. Never changed.
CREATE TABLE cap_received (
    id           INTEGER PRIMARY KEY,
    source_id    INTEGER NOT NULL,
    test         INTEGER NOT NULL,         -- by a test key
    sender       TEXT NOT NULL,
    identifier   TEXT NOT NULL,
    sent_at      INTEGER NOT NULL,
    broadcast_id INTEGER NOT NULL REFERENCES broadcast (id) ON DELETE CASCADE,
    received_at  INTEGER NOT NULL,
    document     TEXT NOT NULL,            -- XML, as it came
    answer       TEXT,                     -- JSON, as its sender was answered
    UNIQUE (source_id, test, sender, identifier, sent_at)
) STRICT;
CREATE INDEX cap_received_broadcast ON cap_received (broadcast_id);

-- The first answer to each Idempotency-Key of a press.
CREATE TABLE broadcast_key (
    source_id    INTEGER NOT NULL,
    key          TEXT NOT NULL,
    body_hash    TEXT NOT NULL,
    broadcast_id INTEGER NOT NULL REFERENCES broadcast (id) ON DELETE CASCADE,
    answer       TEXT,                     -- JSON
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (source_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX broadcast_key_broadcast ON broadcast_key (broadcast_id);
CREATE INDEX broadcast_key_created ON broadcast_key (created_at);
CREATE INDEX broadcast_source ON broadcast (source_id, id) WHERE source_id IS NOT NULL;
