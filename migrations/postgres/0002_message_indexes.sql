-- Cancelled messages, the latest of which are looked at for deliveries that still wait.
CREATE INDEX message_cancelled ON message (updated_at) WHERE status = 7;
