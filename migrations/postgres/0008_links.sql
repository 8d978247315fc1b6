-- Links to pages of a person's own, and the binding of WeChat identities. The twin under migrations/sqlite holds the same; change both together.

-- When whoever a delivery is for first opened its page behind the signed link. NULL: not that we know.
ALTER TABLE delivery ADD COLUMN read_at BIGINT;

-- Who has proved to hold a WeChat identity, and not yet whose it is. Gone within the hour.
CREATE TABLE pending_binding (
    hash         BYTEA NOT NULL PRIMARY KEY,     -- of the ticket in the browser's cookie
    provider_id  BIGINT NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    kind         BIGINT NOT NULL,                -- of the address: AddressKind in src/domain/channel.rs
    address      TEXT NOT NULL,
    recipient_id BIGINT,                         -- whom they say they are; NULL: nobody asked yet, or nobody there
    code         BYTEA,                          -- keyed hash of what was sent to prove it
    codes        BIGINT NOT NULL DEFAULT 0,      -- how many were
    tries        BIGINT NOT NULL DEFAULT 0,      -- of the latest
    expires_at   BIGINT NOT NULL
);
CREATE INDEX pending_binding_expires_at ON pending_binding (expires_at);

-- Codes that were made to prove to be somebody, and codes that were typed as theirs, on their latest campus day: whoever
-- asks from wherever, with whatever ticket, they are the same person's.
CREATE TABLE binding_day (
    recipient_id BIGINT NOT NULL PRIMARY KEY REFERENCES recipient (id) ON DELETE CASCADE,
    day          TEXT NOT NULL,
    codes        BIGINT NOT NULL DEFAULT 0,
    tries        BIGINT NOT NULL DEFAULT 0
);

-- Whose a WeChat identity is, when it is bound or left.
CREATE INDEX recipient_wecom_userid ON recipient (wecom_userid) WHERE wecom_userid IS NOT NULL;
CREATE INDEX recipient_wechat_openid ON recipient (wechat_openid) WHERE wechat_openid IS NOT NULL;
