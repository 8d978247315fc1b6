-- Applications that are told: what of, where, and what happened that they are to hear of.
-- The twin under migrations/postgres holds the same; change both together.

CREATE TABLE subscription (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id       INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    kind            INTEGER NOT NULL,      -- 1 webhook, 2 stream
    topics          TEXT NOT NULL,         -- JSON array of patterns
    events          TEXT NOT NULL,         -- JSON array of words
    url             TEXT,                  -- of a webhook
    secret          BLOB,                  -- sealed; of a webhook
    old_secret      BLOB,                  -- sealed; signs too
    old_until       INTEGER,               -- until then
    standing        INTEGER NOT NULL DEFAULT 0,  -- 0 active, 1 disabled
    why_disabled    INTEGER,               -- 1 gone, 2 exhausted
    disabled_at     INTEGER,
    place           INTEGER NOT NULL,      -- what has a higher place than this is still to be handed to it
    failures        INTEGER NOT NULL DEFAULT 0,  -- in a row
    failed_at       INTEGER,               -- the latest
    succeeded_at    INTEGER,               -- the latest
    next_at         INTEGER NOT NULL DEFAULT 0,  -- not called before
    last_at         INTEGER,               -- when it was called last
    last_status     INTEGER,               -- NULL: no answer came
    last_answer     TEXT,                  -- its first characters, or what went wrong
    seen_at         INTEGER,               -- when somebody last read the stream
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX subscription_source ON subscription (source_id, id);

-- What happened. Only written where somebody subscribed to it. Holds nothing of people: who it was is looked up when it is told.
CREATE TABLE subscription_event (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    place       INTEGER,                   -- in the order in which everybody sees them; NULL: not given yet
    kind        INTEGER NOT NULL,          -- EventKind in src/domain/subscription; 0: a test
    message_id  INTEGER,                   -- NULL: a test
    source_id   INTEGER,                   -- of the message
    topic       TEXT NOT NULL,
    delivery_id INTEGER,
    at          INTEGER NOT NULL,
    detail      TEXT NOT NULL              -- JSON: what is told beside the message
) STRICT;
CREATE UNIQUE INDEX subscription_event_place ON subscription_event (place) WHERE place IS NOT NULL;
CREATE INDEX subscription_event_new ON subscription_event (id) WHERE place IS NULL;
CREATE INDEX subscription_event_at ON subscription_event (at);

-- The last place that was given.
CREATE TABLE subscription_place (
    id   INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;
INSERT INTO subscription_place (id, last) VALUES (1, 0);

-- An event on its way to an endpoint.
CREATE TABLE subscription_handing (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id INTEGER NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
    event_id        INTEGER NOT NULL REFERENCES subscription_event (id) ON DELETE CASCADE,
    message_id      INTEGER,               -- its events go one after the other
    state           INTEGER NOT NULL DEFAULT 0,  -- 0 waiting, 1 sending, 2 delivered, 3 given up
    attempts        INTEGER NOT NULL DEFAULT 0,
    failures        INTEGER NOT NULL DEFAULT 0,  -- in a row
    due_at          INTEGER NOT NULL,
    lease_owner     INTEGER,
    lease_until     INTEGER,
    first_at        INTEGER,               -- the first try
    last_at         INTEGER,
    last_status     INTEGER,
    last_answer     TEXT,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX subscription_handing_list ON subscription_handing (subscription_id, id);
CREATE INDEX subscription_handing_event ON subscription_handing (event_id);
CREATE INDEX subscription_handing_waits ON subscription_handing (subscription_id, failures, id) WHERE state = 0;
CREATE INDEX subscription_handing_order ON subscription_handing (subscription_id, message_id, id) WHERE state <= 1;
CREATE INDEX subscription_handing_sent ON subscription_handing (lease_owner) WHERE state = 1;
