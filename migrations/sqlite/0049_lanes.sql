-- Events of single deliveries go to endpoints beside those of messages: they need no order among themselves. And subscriptions that
-- were removed, whose handings are still to go.
-- The twin under migrations/postgres holds the same; change both together.

ALTER TABLE subscription ADD COLUMN single_place INTEGER;  -- as place, of events of single deliveries; NULL: as place
ALTER TABLE subscription ADD COLUMN removed_at INTEGER;  -- hidden since; its handings go first

ALTER TABLE subscription_handing ADD COLUMN whole INTEGER NOT NULL DEFAULT 1;  -- 0: of a single delivery
DROP INDEX subscription_handing_order;
CREATE INDEX subscription_handing_order ON subscription_handing (subscription_id, message_id, whole, event_id) WHERE state <= 1;

CREATE INDEX subscription_event_single ON subscription_event (message_id, place) WHERE delivery_id IS NOT NULL;
