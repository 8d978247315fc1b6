-- What an operator should look at, who is told of it, and what it is known from. The twin under migrations/postgres holds the same; change both together.

CREATE TABLE alarm (
    id              INTEGER PRIMARY KEY,
    kind            INTEGER NOT NULL,            -- AlarmKind in src/domain/alarm
    object          TEXT NOT NULL,               -- which of that kind: a provider's id, a lane, a node
    severity        INTEGER NOT NULL,
    matter          TEXT NOT NULL,               -- JSON: Matter in src/domain/alarm, as it was last seen
    since           INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    ended_at        INTEGER,
    acknowledged_at INTEGER,
    acknowledged_by TEXT
) STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm (kind, object) WHERE ended_at IS NULL;
CREATE INDEX alarm_ended ON alarm (ended_at) WHERE ended_at IS NOT NULL;

-- What an operator asked to be told of. No row: nothing.
CREATE TABLE alarm_wish (
    operator_id INTEGER PRIMARY KEY REFERENCES operator (id) ON DELETE CASCADE,
    wish        TEXT NOT NULL,                   -- JSON: Wish in src/domain/alarm
    told_at     INTEGER                          -- when the last message went; whoever moves it sends the next
) STRICT;

-- Which alarm an operator was told of, and whether of its end too.
CREATE TABLE alarm_told (
    alarm_id    INTEGER NOT NULL REFERENCES alarm (id) ON DELETE CASCADE,
    operator_id INTEGER NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    end_told    INTEGER NOT NULL,
    PRIMARY KEY (alarm_id, operator_id)
) STRICT, WITHOUT ROWID;

-- What was counted of a campus day at the beginning of a minute, for two hours: rates are differences.
CREATE TABLE pulse (
    at      INTEGER NOT NULL,
    channel INTEGER NOT NULL,                    -- 0: messages accepted
    day     TEXT NOT NULL,
    done    INTEGER NOT NULL,                    -- deliveries that a provider took, or messages
    failed  INTEGER NOT NULL,
    PRIMARY KEY (at, channel)
) STRICT, WITHOUT ROWID;

-- The processes on this store, as each says of itself.
CREATE TABLE node (
    id      INTEGER PRIMARY KEY,                 -- drawn at its start
    facts   TEXT NOT NULL,                       -- JSON: NodeFacts in src/domain/node.rs
    seen_at INTEGER NOT NULL
) STRICT;
