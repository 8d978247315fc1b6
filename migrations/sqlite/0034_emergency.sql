-- Emergencies: what was prepared, what was sent of it, and everything that was done about it.
-- The twin under migrations/postgres holds the same; change both together.

CREATE TABLE scenario (
    id         INTEGER PRIMARY KEY,
    slug       TEXT NOT NULL UNIQUE,
    code       TEXT NOT NULL UNIQUE,       -- two characters, typed instead of holding the button
    version    INTEGER NOT NULL,
    document   TEXT NOT NULL,              -- JSON: Scenario in src/domain/emergency
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    retired_at INTEGER                     -- fired no more; its slug and code stay taken
) STRICT;

-- A change of a scenario that waits for a second person; one at a time.
CREATE TABLE scenario_change (
    id          INTEGER PRIMARY KEY,
    slug        TEXT NOT NULL UNIQUE,
    based_on    INTEGER NOT NULL,          -- the version it changes; 0: there is none yet
    document    TEXT,                      -- JSON: Scenario; NULL: retire it
    version     INTEGER NOT NULL,          -- rises with each edit of the change itself
    editors     TEXT NOT NULL,             -- JSON array: the keys of the operators who had a hand in it
    proposed_by TEXT NOT NULL,
    reason      TEXT NOT NULL,             -- perhaps empty
    returned    TEXT,                      -- why a second person gave it back
    proposed_at INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE broadcast (
    id           INTEGER PRIMARY KEY,
    scenario     TEXT,                     -- its slug; NULL: words of its own
    follows      INTEGER REFERENCES broadcast (id), -- whose people it tells more
    run          INTEGER NOT NULL,         -- 1 live, 2 drill, 3 announced exercise
    level        INTEGER NOT NULL,         -- 1 red … 4 blue
    state        INTEGER NOT NULL,
    plan         TEXT NOT NULL,            -- JSON: Plan in src/domain/emergency
    open_key     TEXT,                     -- while it is open: what a second press of the same has, too
    hand         INTEGER NOT NULL,         -- what pressed: operator, key, button, command, alert
    operator_id  INTEGER,
    source_id    INTEGER,
    pressed_by   TEXT NOT NULL,
    note         TEXT NOT NULL,            -- perhaps empty
    reason       TEXT,                     -- why it was turned down or given back
    version      INTEGER NOT NULL,         -- rises with everything that is done to it
    may_override INTEGER NOT NULL,
    override_at  INTEGER,                  -- from when whoever began it may go on alone
    overridden   INTEGER NOT NULL DEFAULT 0, -- 1: to be looked at afterwards, 2: somebody has
    created_at   INTEGER NOT NULL,
    live_at      INTEGER,
    ended_at     INTEGER,
    expires_at   INTEGER NOT NULL,
    next_at      INTEGER                   -- when time does something to it
) STRICT;
CREATE UNIQUE INDEX broadcast_open ON broadcast (open_key) WHERE open_key IS NOT NULL;
CREATE INDEX broadcast_follows ON broadcast (follows) WHERE follows IS NOT NULL;
CREATE INDEX broadcast_next ON broadcast (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX broadcast_waits ON broadcast (id) WHERE state IN (1, 2, 3, 4) OR overridden = 1;

-- Everything that was done to a broadcast, with the text as it was. Never changed.
CREATE TABLE broadcast_act (
    id           INTEGER PRIMARY KEY,
    broadcast_id INTEGER NOT NULL REFERENCES broadcast (id) ON DELETE CASCADE,
    at           INTEGER NOT NULL,
    act          INTEGER NOT NULL,
    operator_id  INTEGER,
    done_by      TEXT NOT NULL,
    done_from    TEXT,                     -- the address of the network it came from
    detail       TEXT NOT NULL             -- JSON object
) STRICT;
CREATE INDEX broadcast_act_broadcast ON broadcast_act (broadcast_id, id);

-- What a broadcast sent: ordinary messages.
CREATE TABLE broadcast_message (
    message_id   INTEGER PRIMARY KEY,
    broadcast_id INTEGER NOT NULL REFERENCES broadcast (id) ON DELETE CASCADE,
    part         INTEGER NOT NULL
) STRICT;
CREATE INDEX broadcast_message_broadcast ON broadcast_message (broadcast_id, message_id);
