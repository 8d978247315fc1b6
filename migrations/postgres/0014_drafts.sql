-- Messages that operators are writing. The twin under migrations/sqlite holds the same; change both together.

CREATE TABLE draft (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id BIGINT NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    version     BIGINT NOT NULL,                 -- one more with each change, so that nobody writes over another window's
    content     TEXT NOT NULL,                   -- JSON: the form as it was filled in
    message_id  BIGINT,                          -- what it was sent as
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX draft_operator ON draft (operator_id, updated_at);
CREATE INDEX draft_updated_at ON draft (updated_at);
