-- A second proof at sign-in, and the campus account an operator may sign in with. The twin under migrations/postgres holds the same;
-- change both together.

CREATE TABLE second_factor (
    operator_id INTEGER NOT NULL PRIMARY KEY REFERENCES operator (id) ON DELETE CASCADE,
    secret      BLOB NOT NULL,   -- sealed
    since       INTEGER NOT NULL,
    last_step   INTEGER NOT NULL   -- time step of the latest code that was taken: none is taken twice
) STRICT;

-- Those that are left.
CREATE TABLE recovery_code (
    hash        BLOB NOT NULL PRIMARY KEY,   -- keyed
    operator_id INTEGER NOT NULL REFERENCES operator (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_code_operator ON recovery_code (operator_id);

ALTER TABLE operator ADD COLUMN campus_id TEXT;
CREATE UNIQUE INDEX operator_campus_id ON operator (campus_id);

CREATE INDEX session_operator ON session (operator_id);
