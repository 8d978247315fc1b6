-- Which WeChat identities people settled themselves, so that no import undoes it. The twin under migrations/postgres holds the same; change both together.

CREATE TABLE bound_identity (
    recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    kind         INTEGER NOT NULL,               -- of the address: AddressKind in src/domain/channel.rs
    imported     TEXT,                           -- what imports say there, of which no account is taken; NULL: nothing yet
    PRIMARY KEY (recipient_id, kind)
) STRICT, WITHOUT ROWID;
