-- The roll call of a broadcast: what people answered who were asked whether they are safe.
-- The twin under migrations/postgres holds the same; change both together.

-- What somebody answered last. Who is silent has no row.
CREATE TABLE roll_call (
    id           INTEGER PRIMARY KEY,
    broadcast_id INTEGER NOT NULL REFERENCES broadcast (id) ON DELETE CASCADE, -- never one that follows another
    recipient_id INTEGER,                  -- NULL: it is forgotten who
    condition    INTEGER NOT NULL,         -- 1 safe, 2 needs help
    place        TEXT NOT NULL,            -- perhaps empty, as are the words
    words        TEXT NOT NULL,
    via          INTEGER NOT NULL,
    answered_at  INTEGER NOT NULL,
    marked_by    TEXT                      -- the operator who put it down
) STRICT;
CREATE UNIQUE INDEX roll_call_person ON roll_call (broadcast_id, recipient_id);
CREATE INDEX roll_call_condition ON roll_call (broadcast_id, condition, answered_at);
CREATE INDEX roll_call_recipient ON roll_call (recipient_id) WHERE recipient_id IS NOT NULL;

-- Everything they answered. Never changed.
CREATE TABLE roll_answer (
    id           INTEGER PRIMARY KEY,
    broadcast_id INTEGER NOT NULL REFERENCES broadcast (id) ON DELETE CASCADE,
    recipient_id INTEGER NOT NULL,
    condition    INTEGER NOT NULL,
    place        TEXT NOT NULL,
    words        TEXT NOT NULL,
    via          INTEGER NOT NULL,
    answered_at  INTEGER NOT NULL,
    marked_by    TEXT
) STRICT;
CREATE INDEX roll_answer_person ON roll_answer (broadcast_id, recipient_id, answered_at);
CREATE INDEX roll_answer_recipient ON roll_answer (recipient_id);
