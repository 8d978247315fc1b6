-- Systems that publish at the message broker instead of calling (docs/AMQP.md).
-- The twin under migrations/sqlite holds the same; change both together.

-- As whom a source signs in at the broker, which vouches for it. NULL: it does not publish there.
ALTER TABLE source ADD COLUMN broker_user TEXT;
CREATE UNIQUE INDEX source_broker_user ON source (broker_user) WHERE broker_user IS NOT NULL;
