-- The foundation: who may send, who can be told, what was accepted and what became of each delivery.
-- The twin under migrations/postgres holds the same tables; change both together.
-- Moments are epoch milliseconds (UTC). Enumerations are small integers; src/domain names them.

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE source (
    id              INTEGER PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE,
    department      TEXT NOT NULL,
    topics          TEXT NOT NULL,               -- JSON array of topic patterns
    channels        TEXT NOT NULL,               -- JSON array of channel names
    rights          TEXT NOT NULL,               -- JSON array of right names
    rate_per_second INTEGER,
    daily_messages  INTEGER,
    created_at      INTEGER NOT NULL,
    disabled_at     INTEGER
) STRICT;

CREATE TABLE source_usage (
    source_id INTEGER NOT NULL REFERENCES source (id),
    day       TEXT NOT NULL,                     -- campus day, YYYY-MM-DD
    messages  INTEGER NOT NULL,
    PRIMARY KEY (source_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id           INTEGER PRIMARY KEY,
    source_id    INTEGER NOT NULL REFERENCES source (id),
    test         INTEGER NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    hint         TEXT NOT NULL,                  -- last characters, to tell keys apart
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX api_key_source ON api_key (source_id);

CREATE TABLE recipient (
    id            INTEGER PRIMARY KEY,
    campus_id     TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    email         TEXT,
    mobile        TEXT,
    wecom_userid  TEXT,
    wechat_openid TEXT,
    language      TEXT,
    department    TEXT,
    attributes    TEXT NOT NULL,                 -- flat JSON object
    active        INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    erased_at     INTEGER
) STRICT;

CREATE TABLE opt_out (
    recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    channel      INTEGER NOT NULL,               -- 0: every channel
    topic        TEXT NOT NULL,                  -- topic pattern
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (recipient_id, channel, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX opt_out_topic ON opt_out (topic);

CREATE TABLE recipient_group (
    id         INTEGER PRIMARY KEY,
    slug       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    kind       INTEGER NOT NULL,                 -- 0 static, 1 dynamic
    filter     TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE group_member (
    group_id     INTEGER NOT NULL REFERENCES recipient_group (id) ON DELETE CASCADE,
    recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, recipient_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_recipient ON group_member (recipient_id);

CREATE TABLE template (
    slug       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    name       TEXT NOT NULL,
    content    TEXT NOT NULL,                    -- JSON: title, body, variants
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (slug, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    id           INTEGER PRIMARY KEY,            -- minted by the application, rises with time
    source_id    INTEGER REFERENCES source (id),
    operator_id  INTEGER,
    test         INTEGER NOT NULL,
    topic        TEXT NOT NULL,
    category     INTEGER NOT NULL,
    lane         INTEGER NOT NULL,               -- 0 emergency, 1 high, 2 normal, 3 low
    status       INTEGER NOT NULL,
    reason       TEXT,                           -- why it is held, unrouted, cancelled
    title        TEXT NOT NULL,
    content      TEXT NOT NULL,                  -- JSON: Wording in src/domain/message.rs
    audience     TEXT,                           -- JSON: who it is for, as asked; NULL: rules decide
    personalise  TEXT,                           -- JSON: campus_id -> params
    channels     TEXT NOT NULL,                  -- JSON array: asked for, or all the source may use
    attributes   TEXT NOT NULL,                  -- flat JSON object
    send_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    planned_at   INTEGER,
    completed_at INTEGER,
    updated_at   INTEGER NOT NULL,
    request_id   TEXT NOT NULL,
    plan_cursor  INTEGER NOT NULL DEFAULT 0,     -- last recipient planned
    lease_owner  INTEGER,
    lease_until  INTEGER
) STRICT;
CREATE INDEX message_source ON message (source_id, id);
CREATE INDEX message_waiting ON message (lane, send_at, id) WHERE status <= 1;
CREATE INDEX message_routing ON message (lease_until) WHERE status = 2;
CREATE INDEX message_open ON message (expires_at) WHERE status = 3;
CREATE INDEX message_stuck ON message (status, id) WHERE status IN (5, 6);

CREATE TABLE message_count (
    message_id INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    channel    INTEGER NOT NULL,
    pending    INTEGER NOT NULL DEFAULT 0,
    sending    INTEGER NOT NULL DEFAULT 0,
    sent       INTEGER NOT NULL DEFAULT 0,
    delivered  INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    expired    INTEGER NOT NULL DEFAULT 0,
    cancelled  INTEGER NOT NULL DEFAULT 0,
    suppressed INTEGER NOT NULL DEFAULT 0,
    unknown    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (message_id, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE message_event (
    id         INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    detail     TEXT NOT NULL                     -- JSON object
) STRICT;
CREATE INDEX message_event_message ON message_event (message_id, id);

CREATE TABLE idempotency (
    source_id  INTEGER NOT NULL,
    key        TEXT NOT NULL,
    body_hash  TEXT NOT NULL,                    -- SHA-256 in hexadecimal
    message_id INTEGER NOT NULL,
    status     INTEGER NOT NULL,                 -- HTTP status of the first answer
    answer     TEXT NOT NULL,                    -- its body
    created_at INTEGER NOT NULL,
    PRIMARY KEY (source_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE dedup (
    source_id  INTEGER NOT NULL,
    key        TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (source_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE provider (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    channel    INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    settings   BLOB NOT NULL,                    -- JSON, sealed with the secret key
    priority   INTEGER NOT NULL,
    weight     INTEGER NOT NULL,
    rate       INTEGER,                          -- hand-overs per second; NULL: no limit
    enabled    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE provider_event (
    id          INTEGER PRIMARY KEY,
    provider_id INTEGER NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    kind        TEXT NOT NULL,                   -- opened, half_open, closed, paused, alarm
    detail      TEXT NOT NULL
) STRICT;
CREATE INDEX provider_event_provider ON provider_event (provider_id, id);

CREATE TABLE delivery (
    id              INTEGER PRIMARY KEY,
    message_id      INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    channel         INTEGER NOT NULL,
    outlet          INTEGER NOT NULL,            -- what takes it: the channel, or 0 the sandbox
    lane            INTEGER NOT NULL,
    target          INTEGER NOT NULL,            -- the recipient's id, or a negative hash of a direct address
    recipient_id    INTEGER,
    address_kind    INTEGER,
    address         TEXT,
    name            TEXT,
    language        TEXT,
    params          TEXT,                        -- JSON object of this recipient's variables
    state           INTEGER NOT NULL,
    reason          TEXT,
    due_at          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,  -- number of the latest attempt; fences late settlers
    failures        INTEGER NOT NULL DEFAULT 0,  -- attempts that count against the budget since it was opened
    lease_owner     INTEGER,
    lease_until     INTEGER,
    provider_id     INTEGER,
    reference       TEXT,                        -- the provider's own id of it
    poll_at         INTEGER,                     -- when to ask the provider what became of it
    last_attempt_at INTEGER,
    sent_at         INTEGER,
    delivered_at    INTEGER,
    updated_at      INTEGER NOT NULL,
    repeated        INTEGER NOT NULL DEFAULT 0   -- its next attempt repeats one that a crash cut off
) STRICT;
CREATE UNIQUE INDEX delivery_once ON delivery (message_id, channel, target);
CREATE INDEX delivery_ended ON delivery (message_id, channel, target) WHERE state >= 4;  -- the few that went wrong
CREATE INDEX delivery_due ON delivery (outlet, lane, due_at, id) WHERE state = 0;
CREATE INDEX delivery_leased ON delivery (lease_owner) WHERE state = 1;
CREATE INDEX delivery_poll ON delivery (outlet, poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX delivery_recipient ON delivery (recipient_id) WHERE recipient_id IS NOT NULL;
CREATE INDEX delivery_reference ON delivery (reference) WHERE reference IS NOT NULL;

CREATE TABLE attempt (
    delivery_id INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    provider_id INTEGER,
    started_at  INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    code        TEXT,
    detail      TEXT,
    repeated    INTEGER NOT NULL,                -- repeated_after_crash
    PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipt (
    id          INTEGER PRIMARY KEY,
    delivery_id INTEGER REFERENCES delivery (id) ON DELETE CASCADE,
    provider_id INTEGER,
    received_at INTEGER NOT NULL,
    reference   TEXT,
    state       INTEGER NOT NULL,
    code        TEXT,
    detail      TEXT
) STRICT;
CREATE INDEX receipt_delivery ON receipt (delivery_id);

-- Sent and failed per campus day, kept as deliveries change state, so that no page counts the deliveries table.
CREATE TABLE day_count (
    day     TEXT NOT NULL,
    channel INTEGER NOT NULL,
    state   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (day, channel, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE operator (
    id            INTEGER PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_hash TEXT,
    language      TEXT,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER,
    last_seen_at  INTEGER
) STRICT;

CREATE TABLE operator_link (
    hash        BLOB NOT NULL PRIMARY KEY,
    operator_id INTEGER REFERENCES operator (id) ON DELETE CASCADE,   -- NULL: the first set-up makes one
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    hash        BLOB NOT NULL PRIMARY KEY,
    operator_id INTEGER REFERENCES operator (id) ON DELETE CASCADE,
    state       TEXT NOT NULL,                   -- JSON object
    created_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE sign_in_failure (
    bucket   TEXT NOT NULL PRIMARY KEY,          -- an account or a remote address
    failures INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL                         -- JSON object
) STRICT;
