-- Routing rules as versions of one document, what they made of each message, and fallback between channels.

CREATE TABLE routing_version (
    number     BIGINT NOT NULL PRIMARY KEY,      -- from 1; the latest is in force
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    note       TEXT NOT NULL,
    rules      TEXT NOT NULL                     -- JSON array in order: Rule in src/domain/routing
);

ALTER TABLE message ADD COLUMN routing TEXT;     -- JSON: Routed in src/domain/routing; NULL: no rules looked at it
ALTER TABLE message ADD COLUMN own_channels BOOLEAN NOT NULL DEFAULT FALSE;  -- its sender chose the channels
ALTER TABLE message ADD COLUMN own_expiry BOOLEAN NOT NULL DEFAULT FALSE;    -- its sender chose when it expires

ALTER TABLE delivery ADD COLUMN step BIGINT NOT NULL DEFAULT 0;       -- its place in a fallback plan
ALTER TABLE delivery ADD COLUMN last_step BIGINT NOT NULL DEFAULT 0;  -- that of the plan's last; 0: no fallback
CREATE INDEX delivery_plan ON delivery (message_id, target) WHERE last_step > 0;
