-- How long what was sent is kept, and what was removed. The twin under migrations/postgres holds the same; change both together.

-- When its texts, its audience and everybody's variables, addresses and answers were removed. NULL: it is whole.
ALTER TABLE message ADD COLUMN content_removed_at INTEGER;
-- When its deliveries were removed; what they came to stays counted.
ALTER TABLE message ADD COLUMN deliveries_removed_at INTEGER;

-- Those that have ended, by when: unrouted ones have no other moment than their last change.
CREATE INDEX message_kept ON message (category, COALESCE(completed_at, updated_at))
    WHERE content_removed_at IS NULL AND status IN (4, 6, 7, 8);
CREATE INDEX message_emptied ON message (category, COALESCE(completed_at, updated_at))
    WHERE content_removed_at IS NOT NULL AND deliveries_removed_at IS NULL;

-- Messages whose deliveries are being emptied or removed, and how far that has come.
CREATE TABLE removal (
    message_id INTEGER NOT NULL PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    stage      INTEGER NOT NULL,                 -- 0: they are emptied, 1: they are removed
    channel    INTEGER NOT NULL,                 -- the last that was emptied, in the order of delivery_once
    target     INTEGER NOT NULL
) STRICT;

-- What was removed on a campus day, by rule.
CREATE TABLE removed_day (
    day        TEXT NOT NULL,
    rule       TEXT NOT NULL,                    -- RULES in src/domain/retention.rs
    messages   INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    at         INTEGER NOT NULL,                 -- the last of it
    PRIMARY KEY (day, rule)
) STRICT, WITHOUT ROWID;

-- Deliveries that wait for the end of quiet hours, to be found when those become others.
CREATE INDEX delivery_quiet ON delivery (due_at) WHERE state = 0 AND reason = 'quiet_hours';

-- Messages of test keys, which figures leave out: all of them, and those under way. What is live is in neither.
CREATE INDEX message_test ON message (id) WHERE test;
CREATE INDEX message_test_open ON message (id) WHERE test AND status IN (2, 3);
