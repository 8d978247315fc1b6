-- Cancelled messages, the latest of which are looked at for deliveries that still wait.
CREATE INDEX message_cancelled ON message (updated_at) WHERE status = 7;

-- Those that name people one by one, for whoever is to be forgotten: Dialect::names_people says the same.
CREATE INDEX message_naming ON message (id) WHERE personalise IS NOT NULL OR instr(audience, '"recipients":') > 0
    OR instr(audience, '"where":') > 0 OR instr(audience, '"to":') > 0;
