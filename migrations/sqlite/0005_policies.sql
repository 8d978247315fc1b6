-- What protects people from too many messages: the policy in versions, addresses left alone, how many a person got.

CREATE TABLE policy_version (
    number     INTEGER NOT NULL PRIMARY KEY,     -- from 1; the latest is in force
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    note       TEXT NOT NULL,
    policy     TEXT NOT NULL                     -- JSON: Policy in src/domain/policy
) STRICT;

CREATE TABLE suppression (
    id          INTEGER PRIMARY KEY,
    kind        INTEGER NOT NULL,                -- of the address: AddressKind in src/domain/channel.rs
    address     TEXT NOT NULL,                   -- in lower case
    cause       INTEGER NOT NULL,                -- Cause in src/domain/suppression.rs
    note        TEXT NOT NULL,                   -- a provider's words, or an operator's
    delivery_id INTEGER,                         -- the one that told
    created_at  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    until       INTEGER NOT NULL                 -- 9223372036854775807: for ever
) STRICT;
CREATE UNIQUE INDEX suppression_address ON suppression (kind, address);

-- How many messages a person was handed by a channel on the campus day named, while a cap is set.
CREATE TABLE person_day (
    recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    channel      INTEGER NOT NULL,
    day          TEXT NOT NULL,
    n            INTEGER NOT NULL,
    PRIMARY KEY (recipient_id, channel)
) STRICT, WITHOUT ROWID;

-- What texts looked like, while repeats are looked for: Print in src/domain/likeness.rs.
CREATE TABLE message_print (
    band       INTEGER NOT NULL,                 -- 0: all of it
    value      INTEGER NOT NULL,
    message_id INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (band, value, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_print_message ON message_print (message_id);
CREATE INDEX message_print_age ON message_print (created_at);
