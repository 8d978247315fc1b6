-- Messages of which providers are asked to call back what they took, until all have been asked.
-- The twin under migrations/sqlite holds the same; change both together.

CREATE TABLE recall (
    message_id  BIGINT PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    asked_by    TEXT NOT NULL,
    by_operator BOOLEAN NOT NULL,     -- whose acts are in the log
    due_at      BIGINT NOT NULL,     -- somebody who has it in hand puts this ahead of now
    tries       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX recall_due ON recall (due_at);
