-- Alarm buttons, their keys, and everything that came from them.
-- The twin under migrations/postgres holds the same; change both together.

CREATE TABLE button (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL,
    place          TEXT NOT NULL,          -- where it hangs
    power          INTEGER NOT NULL,       -- 1 mains, 2 battery
    state          INTEGER NOT NULL,       -- 1 disarmed, 2 test, 3 armed, 4 revoked
    gestures       TEXT NOT NULL,          -- JSON: Gestures in src/domain/button
    cancel_seconds INTEGER NOT NULL,       -- in which a press can be called off
    networks       TEXT NOT NULL,          -- JSON array; empty: from anywhere
    secret         BLOB,                   -- sealed; NULL: it signs nothing
    version        INTEGER NOT NULL,       -- rises with everything that is decided about it
    editors        TEXT NOT NULL,          -- JSON array: the operators who changed it since it was armed last
    asked          TEXT,                   -- JSON: Asked; somebody wants it armed
    armed          TEXT,                   -- JSON: Armed; what a press sends
    watched_from   INTEGER,                -- since when it is in use
    seen_at        INTEGER,                -- the latest sign of life of any kind
    beat_at        INTEGER,
    tested_at      INTEGER,
    battery        INTEGER,                -- percent
    firmware       TEXT,
    refused        TEXT,                   -- JSON: Refusal; the latest
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    updated_by     TEXT NOT NULL
) STRICT;

-- Each device's own. What it counts, it counts with its key: a new key begins anew.
CREATE TABLE button_key (
    id           INTEGER PRIMARY KEY,
    button_id    INTEGER NOT NULL REFERENCES button (id) ON DELETE CASCADE,
    hash         BLOB NOT NULL UNIQUE,
    hint         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    expires_at   INTEGER,
    last_seq     INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX button_key_button ON button_key (button_id, id);

CREATE TABLE button_press (
    id           INTEGER PRIMARY KEY,
    button_id    INTEGER NOT NULL REFERENCES button (id) ON DELETE CASCADE,
    key_id       INTEGER NOT NULL REFERENCES button_key (id) ON DELETE CASCADE,
    seq          INTEGER NOT NULL,
    signal       INTEGER NOT NULL,         -- press, double, hold, cancel, test, heartbeat
    at           INTEGER NOT NULL,         -- when it came
    said_at      INTEGER,                  -- when it was, says the device
    done_from    TEXT NOT NULL,
    led          INTEGER NOT NULL,         -- what was answered
    joins        INTEGER,                  -- the press a moment before that it belongs to
    prepared     TEXT,                     -- JSON: Prepared; what it sends
    due_at       INTEGER,                  -- when it goes out; NULL: it has, or never will
    broadcast_id INTEGER,
    cancelled_at INTEGER,
    UNIQUE (key_id, seq)
) STRICT;
CREATE INDEX button_press_button ON button_press (button_id, id);
CREATE INDEX button_press_due ON button_press (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX button_press_kept ON button_press (at) WHERE prepared IS NOT NULL AND broadcast_id IS NULL;
