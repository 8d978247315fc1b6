-- What was sent by SMS in a month of the campus's, as it is billed. The twin under migrations/postgres holds the same; change
-- both together.

-- Segments that a provider took, or may have, for the messages of a department; '': for those that no source sent.
CREATE TABLE sms_month (
    month       TEXT NOT NULL,
    department  TEXT NOT NULL,
    provider_id INTEGER NOT NULL,
    segments    INTEGER NOT NULL,
    PRIMARY KEY (month, department, provider_id)
) STRICT, WITHOUT ROWID;
