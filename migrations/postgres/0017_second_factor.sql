-- A second proof at sign-in, and the campus account an operator may sign in with. The twin under migrations/sqlite holds the same;
-- change both together.

CREATE TABLE second_factor (
    operator_id BIGINT NOT NULL PRIMARY KEY REFERENCES operator (id) ON DELETE CASCADE,
    secret      BYTEA NOT NULL,   -- sealed
    since       BIGINT NOT NULL,
    last_step   BIGINT NOT NULL   -- time step of the latest code that was taken: none is taken twice
);

-- Those that are left.
CREATE TABLE recovery_code (
    hash        BYTEA NOT NULL PRIMARY KEY,   -- keyed
    operator_id BIGINT NOT NULL REFERENCES operator (id) ON DELETE CASCADE
);
CREATE INDEX recovery_code_operator ON recovery_code (operator_id);

ALTER TABLE operator ADD COLUMN campus_id TEXT;
CREATE UNIQUE INDEX operator_campus_id ON operator (campus_id);

CREATE INDEX session_operator ON session (operator_id);
