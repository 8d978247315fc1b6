-- Messages that operators are writing. The twin under migrations/postgres holds the same; change both together.

CREATE TABLE draft (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    operator_id INTEGER NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,                -- one more with each change, so that nobody writes over another window's
    content     TEXT NOT NULL,                   -- JSON: the form as it was filled in
    message_id  INTEGER,                         -- what it was sent as
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX draft_operator ON draft (operator_id, updated_at);
CREATE INDEX draft_updated_at ON draft (updated_at);
