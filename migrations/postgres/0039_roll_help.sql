-- Since when somebody needs help: whoever asks again has waited since they asked first. And broadcasts that ended lately.
-- The twin under migrations/sqlite holds the same; change both together.

ALTER TABLE roll_call ADD COLUMN help_since BIGINT; -- NULL: they need none
UPDATE roll_call SET help_since = answered_at WHERE condition = 2;

CREATE INDEX broadcast_ended ON broadcast (ended_at) WHERE ended_at IS NOT NULL;
