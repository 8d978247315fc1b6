-- What sources call, from where they may, and when their silence is told. The twin under migrations/postgres holds the same;
-- change both together.

-- JSON array of networks that its calls may come from; none: from anywhere.
ALTER TABLE source ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
-- JSON: Watch in src/domain/silence.rs.
ALTER TABLE source ADD COLUMN silence TEXT NOT NULL DEFAULT '"usual"';
-- From when on its silence counts.
ALTER TABLE source ADD COLUMN watched_from INTEGER;
-- When the latest of a day's messages came.
ALTER TABLE source_usage ADD COLUMN last_at INTEGER;
UPDATE source_usage SET last_at = (SELECT m.created_at FROM message m
    WHERE m.source_id = source_usage.source_id AND NOT m.test ORDER BY m.id DESC LIMIT 1)
WHERE day = (SELECT max(u.day) FROM source_usage u WHERE u.source_id = source_usage.source_id AND u.messages > 0);

-- The latest calls of each source, those that were refused apart from those that were taken. No bodies, nobody's ids.
CREATE TABLE source_call (
    id         INTEGER PRIMARY KEY,
    source_id  INTEGER NOT NULL REFERENCES source (id),
    at         INTEGER NOT NULL,
    key_hint   TEXT NOT NULL,
    address    TEXT NOT NULL,                    -- of the system that called
    method     TEXT NOT NULL,
    route      TEXT NOT NULL,                    -- the path's pattern
    status     INTEGER NOT NULL,
    refused    INTEGER NOT NULL,                 -- 1: with a problem
    code       TEXT,                             -- of the problem
    pointer    TEXT,                             -- of its first fault
    detail     TEXT,
    micros     INTEGER NOT NULL,                 -- that the answer took
    request_id TEXT NOT NULL
) STRICT;
CREATE INDEX source_call_latest ON source_call (source_id, refused, at);

-- How many calls a source made in each quarter of an hour.
CREATE TABLE source_quarter (
    source_id INTEGER NOT NULL REFERENCES source (id),
    quarter   INTEGER NOT NULL,                  -- when it began
    calls     INTEGER NOT NULL,
    refused   INTEGER NOT NULL,
    strangers INTEGER NOT NULL,                  -- of the refused: from an address that may not
    PRIMARY KEY (source_id, quarter)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_quarter_age ON source_quarter (quarter);
