-- Daily quotas of providers, deliveries that no answer came to, codes that nobody knows, passing troubles of addresses,
-- and replies. The twin under migrations/postgres holds the same; change both together.

-- How many deliveries a provider with a quota took, or may have, on its vendor's day: src/domain/quota.rs.
CREATE TABLE provider_day (
    provider_id INTEGER NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    day         TEXT NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (provider_id, day)
) STRICT, WITHOUT ROWID;

-- When a delivery that no answer came to is handed over once more, and how often that was done.
ALTER TABLE delivery ADD COLUMN repeat_at INTEGER;
ALTER TABLE delivery ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
CREATE INDEX delivery_repeat ON delivery (repeat_at) WHERE repeat_at IS NOT NULL;
-- A receipt that still looks for its delivery spares that.
CREATE INDEX receipt_reference ON receipt (reference) WHERE look_at IS NOT NULL;
CREATE INDEX receipt_also ON receipt (also) WHERE look_at IS NOT NULL;

-- What is told of a provider once: the code that nobody knows.
ALTER TABLE provider_event ADD COLUMN code TEXT;
CREATE UNIQUE INDEX provider_event_code ON provider_event (provider_id, code) WHERE code IS NOT NULL;

-- Passing troubles of addresses, such as a full mailbox: so many within some time are a lasting one.
CREATE TABLE soft_bounce (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL,                    -- of the address: AddressKind in src/domain/channel.rs
    address TEXT NOT NULL,                       -- in lower case
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX soft_bounce_address ON soft_bounce (kind, address, at);
CREATE INDEX soft_bounce_age ON soft_bounce (at);

-- What people answered to texts.
CREATE TABLE reply (
    id          INTEGER PRIMARY KEY,
    provider_id INTEGER NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    received_at INTEGER NOT NULL,
    number      TEXT NOT NULL,
    text        TEXT NOT NULL
) STRICT;
CREATE INDEX reply_number ON reply (number);
CREATE INDEX reply_age ON reply (received_at);
